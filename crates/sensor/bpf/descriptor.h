/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a descriptor stands for, by the kernel's table of open files. */
#pragma once

#include "layer.h"

#define SOCKFS_MAGIC 0x534f434b

#define TYPE_MASK 0170000
#define TYPE_REGULAR 0100000
#define TYPE_SOCKET 0140000

#define FAMILY_UNIX 1
#define FAMILY_INET 2
#define FAMILY_INET6 10

static __always_inline u64 file_of(struct task_struct *task, s32 number)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	u64 file = 0;

	if (number < 0 || (u32)number >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + number);
	return file;
}

/* The kernel notes here that somebody looked. */
#define TIME_ASKED (1U << 31)

static __always_inline void fill_times(struct file_part *part, u64 inode_at)
{
	struct inode___seconds *seconds = (void *)inode_at;
	struct inode___hidden *hidden = (void *)inode_at;
	struct inode___plain *plain = (void *)inode_at;

	if (bpf_core_field_exists(seconds->i_ctime_sec)) {
		part->changed_seconds = BPF_CORE_READ(seconds, i_ctime_sec);
		part->changed_nanoseconds = BPF_CORE_READ(seconds, i_ctime_nsec) & ~TIME_ASKED;
		part->modified_seconds = BPF_CORE_READ(seconds, i_mtime_sec);
		part->modified_nanoseconds = BPF_CORE_READ(seconds, i_mtime_nsec);
		return;
	}
	if (bpf_core_field_exists(hidden->__i_ctime)) {
		part->changed_seconds = BPF_CORE_READ(hidden, __i_ctime.tv_sec);
		part->changed_nanoseconds = BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	} else {
		part->changed_seconds = BPF_CORE_READ(plain, i_ctime.tv_sec);
		part->changed_nanoseconds = BPF_CORE_READ(plain, i_ctime.tv_nsec);
	}
	if (bpf_core_field_exists(hidden->__i_mtime)) {
		part->modified_seconds = BPF_CORE_READ(hidden, __i_mtime.tv_sec);
		part->modified_nanoseconds = BPF_CORE_READ(hidden, __i_mtime.tv_nsec);
	} else {
		part->modified_seconds = BPF_CORE_READ(plain, i_mtime.tv_sec);
		part->modified_nanoseconds = BPF_CORE_READ(plain, i_mtime.tv_nsec);
	}
}

static __always_inline u32 file_marks(struct dentry *dentry, u64 inode, u64 filesystem, u32 mode,
				      u32 links)
{
	u64 parent = (u64)BPF_CORE_READ(dentry, d_parent);
	u32 marks = 0;

	if (filesystem == OVERLAYFS_MAGIC)
		marks |= upper_of(inode) ? FILE_UPPER : FILE_LOWER;
	/* A name that hangs nowhere: `memfd_create`, and what the kernel makes for shared memory. */
	if (parent == (u64)dentry && (mode & TYPE_MASK) == TYPE_REGULAR &&
	    (filesystem == TMPFS_MAGIC || filesystem == HUGETLBFS_MAGIC))
		marks |= FILE_MEMORY;
	if (!links || (parent != (u64)dentry && !BPF_CORE_READ(dentry, d_hash.pprev)))
		marks |= FILE_UNLINKED;
	return marks;
}

__noinline int put_file(u32 slot, u32 tag, s32 number, u64 file_at, u64 task_at)
{
	struct file *file = (void *)file_at;
	struct draft *draft = the_draft(slot);
	struct part_head *head;
	struct file_part *part;
	struct dentry *dentry;
	struct inode *inode;
	u64 start, filesystem;
	u32 mode, links;

	if (!draft)
		return 0;
	start = draft->used;
	head = part_at(draft, start);
	if (!head)
		return 0;
	open_part(head, tag);
	inode = BPF_CORE_READ(file, f_inode);
	dentry = BPF_CORE_READ(file, f_path.dentry);
	mode = BPF_CORE_READ(inode, i_mode);
	links = BPF_CORE_READ(inode, i_nlink);
	filesystem = BPF_CORE_READ(inode, i_sb, s_magic);
	part = (void *)(head + 1);
	part->number = number;
	part->flags = BPF_CORE_READ(file, f_flags);
	part->inode = BPF_CORE_READ(inode, i_ino);
	fill_times(part, (u64)inode);
	part->filesystem = filesystem;
	part->device = BPF_CORE_READ(inode, i_sb, s_dev);
	part->special_device = BPF_CORE_READ(inode, i_rdev);
	part->mode = mode;
	part->links = links;
	part->uid = BPF_CORE_READ(inode, i_uid.val);
	part->gid = BPF_CORE_READ(inode, i_gid.val);
	part->marks = file_marks(dentry, (u64)inode, filesystem, mode, links);
	part->unused = 0;
	part->walk = (struct walk_part){};
	draft->used = start + sizeof(*head) + sizeof(*part);
	close_walk(draft, start, sizeof(*part),
		   put_path_names(slot, (void *)task_at, (u64)BPF_CORE_READ(file, f_path.mnt), (u64)dentry));
	return 0;
}

/* Appends where a Unix socket is bound: the file's path, or the name as the kernel keeps it, with 0
 * for its end. */
__noinline int put_unix_name(u32 slot, u64 socket_at, u64 task_at)
{
	struct unix_sock *socket = (void *)socket_at;
	struct draft *draft = the_draft(slot);
	struct unix_address *address;
	u64 used, size, dentry;

	if (!draft || !socket_at || !bpf_core_type_exists(struct unix_sock))
		return 0;
	dentry = (u64)BPF_CORE_READ(socket, path.dentry);
	if (dentry)
		return put_path_names(slot, (void *)task_at, (u64)BPF_CORE_READ(socket, path.mnt), dentry);
	address = BPF_CORE_READ(socket, addr);
	if (!address)
		return 0;
	size = BPF_CORE_READ(address, len) - sizeof(u16);
	used = draft->used;
	opaque(used);
	if (used > DRAFT_LAST_START + PART_LIMIT - NAME_BYTES)
		return 0;
	opaque(size);
	if (size > sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	bpf_probe_read_kernel(draft->bytes + used, size,
			      (void *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(u16));
	draft->used = used + size;
	return 0;
}

static __always_inline void fill_addresses(struct socket_part *part, struct sock *sock)
{
	part->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	part->remote_port = __builtin_bswap16(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (part->family == FAMILY_INET) {
		*(u32 *)part->local = BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
		*(u32 *)part->remote = BPF_CORE_READ(sock, __sk_common.skc_daddr);
	} else if (bpf_core_field_exists(struct sock_common, skc_v6_daddr)) {
		BPF_CORE_READ_INTO(&part->local, sock, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&part->remote, sock, __sk_common.skc_v6_daddr);
	}
}

__noinline int put_peer(u32 slot, u32 tag, u64 peer, u64 task_at)
{
	struct draft *draft = the_draft(slot);
	struct part_head *head;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	head = part_at(draft, start);
	if (!head)
		return 0;
	open_part(head, tag);
	*(struct walk_part *)(head + 1) = (struct walk_part){};
	draft->used = start + sizeof(*head) + sizeof(struct walk_part);
	close_walk(draft, start, sizeof(struct walk_part), put_unix_name(slot, peer, task_at));
	return 0;
}

__noinline int put_socket(u32 slot, u32 place, s32 number, u64 file_at, u64 task_at)
{
	struct file *file = (void *)file_at;
	struct draft *draft = the_draft(slot);
	struct socket *socket;
	struct socket_part *part;
	struct part_head *head;
	struct sock *sock;
	u64 start, peer = 0;
	u16 family;

	if (!draft)
		return 0;
	start = draft->used;
	head = part_at(draft, start);
	if (!head)
		return 0;
	open_part(head, TAG(PART_SOCKET, place));
	socket = BPF_CORE_READ(file, private_data);
	sock = BPF_CORE_READ(socket, sk);
	part = (void *)(head + 1);
	__builtin_memset(part, 0, sizeof(*part));
	family = BPF_CORE_READ(sock, __sk_common.skc_family);
	part->number = number;
	part->flags = BPF_CORE_READ(file, f_flags);
	part->inode = BPF_CORE_READ(file, f_inode, i_ino);
	part->family = family;
	part->kind = BPF_CORE_READ(sock, sk_type);
	part->protocol = BPF_CORE_READ(sock, sk_protocol);
	part->state = BPF_CORE_READ(sock, __sk_common.skc_state);
	draft->used = start + sizeof(*head) + sizeof(*part);
	if (family == FAMILY_INET || family == FAMILY_INET6)
		fill_addresses(part, sock);
	if (family == FAMILY_UNIX && bpf_core_type_exists(struct unix_sock))
		peer = (u64)BPF_CORE_READ((struct unix_sock *)sock, peer);
	close_walk(draft, start, sizeof(*part), family == FAMILY_UNIX ? put_unix_name(slot, (u64)sock, task_at) : 0);
	if (peer)
		put_peer(slot, TAG(PART_PEER, place), peer, task_at);
	return 0;
}

static __always_inline void put_closed(u32 slot, u32 place, s32 number)
{
	struct draft *draft = the_draft(slot);
	struct part_head *head;
	u64 start;

	if (!draft)
		return;
	start = draft->used;
	head = part_at(draft, start);
	if (!head)
		return;
	open_part(head, TAG(PART_CLOSED, place));
	*(struct closed_part *)(head + 1) = (struct closed_part){ .number = number };
	close_part(draft, start, head, sizeof(struct closed_part));
}

__noinline int put_descriptor(u32 slot, u32 place, s32 number, u64 task_at)
{
	struct file *file = (void *)file_of((void *)task_at, number);
	struct inode *inode;

	if (!file) {
		put_closed(slot, place, number);
		return 0;
	}
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & TYPE_MASK) == TYPE_SOCKET &&
	    BPF_CORE_READ(inode, i_sb, s_magic) == SOCKFS_MAGIC)
		put_socket(slot, place, number, (u64)file, task_at);
	else
		put_file(slot, TAG(PART_FILE, place), number, (u64)file, task_at);
	return 0;
}
