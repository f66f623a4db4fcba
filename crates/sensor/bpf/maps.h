/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs and user space share. */
#pragma once

/* Set before loading. The kernel's own number of the hierarchy: groups of other ones are not told. */
const volatile u32 hierarchy_number = 0;
/* Records of one class that a control group may fill the bulk buffer with in one window. */
const volatile u64 bulk_budget = 2000;
const volatile u64 bulk_bytes = 1 << 24;
/* The same for the critical buffer, counted only while it is more than half full. */
const volatile u64 critical_budget = 200;
const volatile u64 critical_bytes = 1 << 24;
/* The share of a budget that is left while more than half of the bulk buffer is full, and more than three
 * quarters of either: where user space falls behind, whoever floods makes room for those that do little. */
#define HALF_FULL_SHARE 16
#define ALMOST_FULL_SHARE 64
#define CRITICAL_ALMOST_FULL_SHARE 16

/* Two windows a second would let a burst through twice; ten make the budget even. */
#define WINDOW_NANOSECONDS 100000000ULL

enum class {
	CLASS_EXEC,
	CLASS_FORK,
	CLASS_EXIT,
	CLASS_GROUP,
	/* The rest is named by user space. */
	CLASS_OPEN,
	CLASS_CHANGE,
};
enum cause { CAUSE_FULL, CAUSE_BUDGET, CAUSE_PREEMPTED, CAUSES };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} critical SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} bulk SEC(".maps");

/* What a call's arguments are, so that one program reads all calls. */
enum argument {
	ARGUMENT_PLAIN,
	/* Path from the current directory. */
	ARGUMENT_PATH,
	/* Path from the directory that the argument before it is a descriptor of. */
	ARGUMENT_PATH_AT,
	ARGUMENT_TEXT,
	ARGUMENT_DESCRIPTOR,
	/* `sockaddr`; its length is the next argument. */
	ARGUMENT_ADDRESS,
	/* Bytes; their number is the next argument, or the result if that is less. */
	ARGUMENT_DATA,
	/* The same with room for a question of DNS. */
	ARGUMENT_DATAGRAM,
	/* `msghdr`: an address and bytes. */
	ARGUMENT_MESSAGE,
	/* Three 64-bit numbers: `open_how`, the beginning of `clone_args`. */
	ARGUMENT_WORDS,
	/* `mmsghdr`s; the first one is read. */
	ARGUMENT_MESSAGES,
};

enum plan_mark {
	PLAN_CRITICAL = 1,
	/* Only if it failed: what succeeds is told otherwise. */
	PLAN_FAILURES = 2,
	/* The result is a descriptor. */
	PLAN_DESCRIPTOR = 4,
	/* The call changes who the process is. */
	PLAN_IDENTITY = 8,
	/* The call changes where the process is. */
	PLAN_DIRECTORY = 16,
	/* Only what is sent to servers of names. */
	PLAN_NAMES = 32,
	/* Where the flags of an open are; both: in the words that the third argument leads to. A file that is
	 * opened to be written is a change: whoever reads without end hides no write. */
	PLAN_FLAGS_SECOND = 64,
	PLAN_FLAGS_THIRD = 128,
};

enum plan_more {
	/* Of calls that send, what connects at once: TCP Fast Open. With PLAN_NAMES, both. */
	PLAN_OPENINGS = 1,
};

struct plan {
	u8 wanted;
	u8 class;
	u8 marks;
	u8 arguments[6];
	u8 more;
	u8 unused[6];
};

#define CALLS_PER_ABI 1024

/* Native calls by their number, x32 ones without their bit, then compat ones. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * CALLS_PER_ABI);
	__type(key, u32);
	__type(value, struct plan);
} plans SEC(".maps");

/* Processes whose calls are not told: our own. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u8);
} excluded SEC(".maps");

/* Each class has a budget of its own: a flood of opened files hides files, and no connection. */
struct budget_key {
	u64 control_group;
	u32 class;
	u32 critical;
};

struct budget {
	u64 window;
	u64 used;
};

/* The oldest are forgotten, and get a new budget: that errs on the side of telling. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct budget_key);
	__type(value, struct budget);
} budgets SEC(".maps");

struct loss_key {
	u64 control_group;
	u32 class;
	u32 cause;
};

/* Never forgotten: what does not fit is counted for nobody, in `losses_of_anyone`. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct loss_key);
	__type(value, u64);
} losses SEC(".maps");

#define CLASSES 16
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CAUSES * CLASSES);
	__type(key, u32);
	__type(value, u64);
} losses_of_anyone SEC(".maps");

/* The most that a part begins at, and the most that one part adds: room for a program with arguments
 * and environment as long as they are told. */
#define DRAFT_LAST_START 0x5e00
#define PART_LIMIT 0x2000

/* A record in the making. */
struct draft {
	u64 used;
	/* Where a walk is, and whether it came by the root of the process. */
	u64 mount, dentry;
	u64 below_root;
	u8 bytes[DRAFT_LAST_START + PART_LIMIT + 0x100];
};

/* First one a processor, for programs at tracepoints: these run with preemption off and none of them
 * fires inside another. Then those of `free_drafts`. User space says how many. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct draft);
} drafts SEC(".maps");

/* Slots for programs at functions, which the kernel may preempt: then another thread makes a record on
 * the same processor, and ends it before or after the first one. So each takes one and gives it back. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__type(value, u32);
} free_drafts SEC(".maps");
