/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who asks a server of names, and who connects by sending. Servers send and write all day long, so that
 * nothing is begun for what goes elsewhere: what is no socket, then what is a stream, leaves at the first
 * looks.
 */
#pragma once

#define PORT_OF_NAMES 53
#define KIND_DATAGRAM 2

/* The socket for datagrams behind a descriptor, 0 if it is none of an internet. */
static __always_inline u64 datagrams_of(s32 number)
{
	struct file *file = (void *)file_of((void *)bpf_get_current_task(), number);
	struct socket *socket;
	struct sock *sock;
	u16 family;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & TYPE_MASK) != TYPE_SOCKET)
		return 0;
	/* The kernel opens a socket's name in a folder for nothing that could be sent to. */
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, type) != KIND_DATAGRAM ||
	    BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	sock = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sock, __sk_common.skc_family);
	return family == FAMILY_INET || family == FAMILY_INET6 ? (u64)sock : 0;
}

/* The address that a call was given in the process' memory, 0 if none. */
static __always_inline u64 address_given(struct plan *plan, u64 *arguments, u32 abi)
{
	u64 address = 0;

	if (plan->arguments[4] == ARGUMENT_ADDRESS)
		return arguments[4];
	if (plan->arguments[1] == ARGUMENT_MESSAGE || plan->arguments[1] == ARGUMENT_MESSAGES)
		bpf_probe_read_user(&address, abi == ABI_NATIVE ? sizeof(u64) : sizeof(u32),
				    (void *)arguments[1]);
	return address;
}

/* The address that a message is given counts for it, even if the socket is connected elsewhere. */
static __always_inline int is_for_names(struct plan *plan, u64 *arguments, u32 abi)
{
	u64 sock = datagrams_of((s32)arguments[0]), address;
	u16 head[2] = {};

	if (!sock)
		return 0;
	address = address_given(plan, arguments, abi);
	if (address && !bpf_probe_read_user(head, sizeof(head), (void *)address))
		return head[1] == __builtin_bswap16(PORT_OF_NAMES);
	return BPF_CORE_READ((struct sock *)sock, __sk_common.skc_dport) == __builtin_bswap16(PORT_OF_NAMES);
}

#define FAST_OPEN 0x20000000

/* A call that sends and connects by it says so in its flags. */
static __always_inline int is_opening(struct plan *plan, u64 *arguments)
{
	u64 flags = 0;

	if (plan->arguments[4] == ARGUMENT_ADDRESS || plan->arguments[1] == ARGUMENT_MESSAGES)
		flags = arguments[3];
	else if (plan->arguments[1] == ARGUMENT_MESSAGE)
		flags = arguments[2];
	return !!(flags & FAST_OPEN);
}

/* Where not all that a call does is wanted: whether this is not. */
static __always_inline int is_left_out(struct plan *plan, u64 *arguments, u32 abi)
{
	if (!(plan->marks & PLAN_NAMES || plan->more & PLAN_OPENINGS))
		return 0;
	if (plan->more & PLAN_OPENINGS && is_opening(plan, arguments))
		return 0;
	return !(plan->marks & PLAN_NAMES && is_for_names(plan, arguments, abi));
}
