/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What preventions share with user space: `prevent/wire.rs` is the same in Rust, and a test holds
 * the two against each other by this object's BTF.
 */
#pragma once

/* In the order of `prevent/act.rs`. */
enum act {
	ACT_EXECUTE,
	ACT_EXECUTE_FOREIGN,
	ACT_EXECUTE_EXCEPT,
	ACT_READ,
	ACT_WRITE,
	ACT_CONNECT,
	ACT_MOUNT,
	ACT_TRACE,
	ACT_LOAD_MODULE,
	ACT_LOAD_BPF,
	ACTS,
};

/* Bits of preventions, one set for each way to hold them. */
struct holding {
	u64 enforced;
	u64 observed;
};

/* What a path is met by. */
struct path_rule {
	u64 bits;
	/* Those with a place below this very folder: to move it is to move that. */
	u64 above;
};

struct port_range {
	u16 first, last;
	u32 unused;
	u64 bits;
};

#define PORT_RANGES 16

struct network_rule {
	/* Whatever the port. */
	u64 bits;
	struct port_range ports[PORT_RANGES];
};

enum denial_object { OBJECT_NONE, OBJECT_PATH, OBJECT_ADDRESS4, OBJECT_ADDRESS6 };
/* Unknown: a path that could not be found out, or not be told. */
enum denial_mark { DENIAL_CUT = 2, DENIAL_UNKNOWN = 4 };

/* What is told of a path. */
#define OBJECT_BYTES 1024

struct denial {
	u64 time;
	u64 started;
	u64 control_group;
	/* The preventions that were met, and those of them that refuse. */
	u64 met;
	u64 refused;
	u32 process;
	u16 act;
	u8 object;
	u8 marks;
	u16 port;
	u16 length;
	u32 unused;
	u8 name[16];
	/* A path of `length` bytes, or an address. */
	u8 bytes[OBJECT_BYTES];
};

/* Nothing reads this: it brings the layouts above into the object's type information. */
struct prevent_layouts {
	struct holding holding;
	struct path_rule path_rule;
	struct network_rule network_rule;
	struct denial denial;
};
const volatile struct prevent_layouts *const volatile prevent_layouts = 0;
