/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of a record: a head, what its kind always has, then parts. `record/wire.rs` is the
 * same in Rust, and a test holds the two against each other by this object's BTF.
 *
 * Everything begins at a multiple of eight bytes.
 */
#pragma once

enum record_kind { RECORD_EXEC = 1, RECORD_FORK, RECORD_EXIT, RECORD_CALL, RECORD_GROUP };

enum record_mark { RECORD_CUT = 1 };

struct record_head {
	u32 size;
	u16 kind;
	u16 marks;
	u64 time;
	u64 started;
	u64 parent_started;
	u64 control_group;
	u32 processor;
	u32 thread;
	u32 process;
	u32 parent;
	u32 virtual_thread;
	u32 virtual_process;
	u8 name[16];
};

struct fork_body {
	u32 child;
	u32 virtual_child;
	u64 started;
	u64 control_group;
	u32 parent;
	u32 unused;
	u64 parent_started;
};

struct exit_body {
	s32 status;
	u32 unused;
};

/* Its path follows as PART_NAMED. */
struct group_body {
	u64 number;
};

enum call_abi { ABI_NATIVE, ABI_COMPAT, ABI_X32 };

struct call_body {
	u64 arguments[6];
	s64 result;
	u32 number;
	u32 abi;
};

enum part_kind {
	PART_NAMED = 1,
	PART_INTERPRETER,
	PART_ARGUMENTS,
	PART_ENVIRONMENT,
	PART_EXECUTABLE,
	PART_DIRECTORY,
	PART_IDENTITY,
	PART_FILE,
	PART_SOCKET,
	PART_PEER,
	PART_TEXT,
	PART_BASE,
	PART_ADDRESS,
	PART_DATA,
	PART_WORDS,
	PART_CLOSED,
};

enum part_place { PLACE_RESULT = 6, PLACE_PROCESS };

enum part_mark { PART_CUT = 1, PART_UNREADABLE = 2 };

struct part_head {
	u16 kind;
	u8 place;
	u8 marks;
	/* Without this head and without what fills up to eight. */
	u32 size;
};

struct identity_part {
	u32 uid, gid;
	u32 effective_uid, effective_gid;
	u32 saved_uid, saved_gid;
	u32 login_uid;
	u32 terminal;
	u32 session, virtual_session;
	u32 group, virtual_group;
	u32 mount_namespace, pid_namespace, user_namespace;
	/* Where the root is: a mount, and the folder in it; 0 for the mount's own. */
	u32 root_mount;
	u64 root_inode;
	u64 effective, permitted, inheritable;
};

enum walk_end { WALK_ROOT = 1, WALK_OUTSIDE, WALK_DETACHED, WALK_LIMIT };

/* Then the names, the last one of the path first, each with a zero byte. */
struct walk_part {
	u32 end;
	u32 unused;
};

enum file_mark { FILE_UNLINKED = 1, FILE_MEMORY = 2, FILE_UPPER = 4, FILE_LOWER = 8 };

struct file_part {
	s32 number;
	u32 flags;
	u64 inode;
	s64 changed_seconds, modified_seconds;
	u32 changed_nanoseconds, modified_nanoseconds;
	u64 filesystem;
	u32 device;
	u32 special_device;
	u32 mode;
	u32 links;
	u32 uid, gid;
	u32 marks;
	u32 unused;
	struct walk_part walk;
};

/* Then the path or name that a Unix socket is bound to; the peer's is a part of its own. */
struct socket_part {
	s32 number;
	u32 flags;
	u64 inode;
	u16 family, kind, protocol;
	u16 state;
	u16 local_port, remote_port;
	u32 unused;
	u8 local[16], remote[16];
	struct walk_part walk;
};

/* A descriptor with nothing behind it. */
struct closed_part {
	s32 number;
	u32 unused;
};

/* Nothing reads this: it brings the layouts above into the object's type information. */
struct record_layouts {
	struct record_head record_head;
	struct fork_body fork_body;
	struct exit_body exit_body;
	struct group_body group_body;
	struct call_body call_body;
	struct part_head part_head;
	struct identity_part identity_part;
	struct walk_part walk_part;
	struct file_part file_part;
	struct socket_part socket_part;
	struct closed_part closed_part;
};
const volatile struct record_layouts *const volatile record_layouts = 0;
