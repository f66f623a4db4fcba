/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is refused to whom, and where denials go. */
#pragma once

/* The preventions of each act; set before loading. */
const volatile u64 act_bits[ACTS] = {};

/* By control group. One that is not here counts as the nearest above it that is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct holding);
} groups SEC(".maps");

/* For whoever has no group that is known. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct holding);
} unknown_group SEC(".maps");

/* Processes that are never refused anything, with when they were born: a number is used again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} exempt SEC(".maps");

#define PATH_KEY_BYTES 256

struct path_key {
	u32 bits;
	u8 path[PATH_KEY_BYTES];
};

/* An exact path ends with its zero byte, one of a folder with its slash. A longer key has the bits
 * of the shorter ones that begin it. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct path_key);
	__type(value, struct path_rule);
} paths SEC(".maps");

struct network4_key {
	u32 bits;
	u32 address;
};

struct network6_key {
	u32 bits;
	u64 address[2];
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct network4_key);
	__type(value, struct network_rule);
} networks4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct network6_key);
	__type(value, struct network_rule);
} networks6 SEC(".maps");

/* Groups from the hierarchy's root down. A program of a deeper one counts as executed where it is. */
#define LEVELS 16

/* Which file, however it is called. */
struct program {
	u64 inode;
	u32 device, generation;
};

struct lineage {
	u64 groups[LEVELS];
	struct program program;
};

/* Where a program was executed, by its open file: a fork shares that, and an exec has another one.
 * A file that is gone leaves an entry that the next exec of its address overwrites; until then
 * another program at that address (one can be given to a process without an exec) is not its. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct lineage);
} origins SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} denials SEC(".maps");

/* Denials that were not told: 0 where the buffer was full, 1 where a group had spent its budget. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} untold SEC(".maps");

struct spending {
	u64 window;
	u64 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct spending);
} spendings SEC(".maps");

/* Ids of the preventions by their bit, for whoever takes the groups over; read by user space alone. */
#define ID_BYTES 128

struct prevention_id {
	u8 text[ID_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct prevention_id);
} ids SEC(".maps");

/* Names on the way from a file to the top of its tree; paths of people stay below 30. */
#define CHAIN_NAMES 128
#define NAME_BYTES 256

/* Where a path is put together. */
struct scratch {
	/* The task that began last. */
	u64 owner;
	u64 count;
	u64 length;
	u64 marks;
	u64 chain[CHAIN_NAMES];
	u32 bits;
	u8 text[OBJECT_BYTES + 2 * NAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");
