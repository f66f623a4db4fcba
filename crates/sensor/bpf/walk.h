/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a file upwards through directories and mounts to the top of the mounts: the path that the kernel
 * has for it, whatever the process wrote, and whatever folder it took for its root (chroot).
 */
#pragma once

/* Directories and mounts on the way; paths of people stay below 30. */
#define WALK_STEPS 128
#define STEPS_AT_ONCE 4
#define WALK_BYTES 4096
#define NAME_BYTES 256

/* Appends the names on some steps, the last one first, and returns how the way ended, or 0 if it goes
 * on where the draft says. What goes beyond `limit` is cut. */
__noinline int take_steps(u32 slot, u64 root_mount, u64 root_dentry, u64 limit)
{
	struct draft *draft = the_draft(slot);
	u64 mount_at, dentry_at, used;
	int step;

	if (!draft)
		return WALK_LIMIT;
	mount_at = draft->mount;
	dentry_at = draft->dentry;
	used = draft->used;
	for (step = 0; step < STEPS_AT_ONCE; step++) {
		struct vfsmount *vfsmount = (void *)mount_at;
		struct dentry *dentry = (void *)dentry_at;
		u64 parent, name;
		long size;

		if (dentry_at == root_dentry && mount_at == root_mount)
			draft->below_root = 1;
		if (mount_at && dentry_at == (u64)BPF_CORE_READ(vfsmount, mnt_root)) {
			u64 offset = bpf_core_field_offset(struct mount, mnt);
			struct mount *mount = (void *)(mount_at - offset);

			parent = (u64)BPF_CORE_READ(mount, mnt_parent);
			if (!parent || parent == (u64)mount)
				return draft->below_root ? WALK_ROOT : WALK_OUTSIDE;
			dentry_at = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
			mount_at = parent + offset;
			continue;
		}
		parent = (u64)BPF_CORE_READ(dentry, d_parent);
		name = (u64)BPF_CORE_READ(dentry, d_name.name);
		opaque(used);
		if (used > DRAFT_LAST_START + PART_LIMIT - NAME_BYTES || used > limit)
			return WALK_LIMIT;
		size = bpf_probe_read_kernel_str(draft->bytes + used, NAME_BYTES, (void *)name);
		if (size > 0)
			used += size;
		draft->used = used;
		if (!parent || parent == dentry_at)
			return WALK_DETACHED;
		dentry_at = parent;
	}
	draft->mount = mount_at;
	draft->dentry = dentry_at;
	return 0;
}

/* All steps. The verifier follows each of a loop: of few steps it takes a twentieth of the time, and
 * the program is loaded once for each function. */
static __always_inline int put_names(u32 slot, u64 mount_at, u64 dentry_at, u64 root_mount, u64 root_dentry)
{
	struct draft *draft = the_draft(slot);
	int turn, end;
	u64 limit;

	if (!draft || !dentry_at)
		return 0;
	limit = draft->used + WALK_BYTES;
	draft->mount = mount_at;
	draft->dentry = dentry_at;
	draft->below_root = 0;
	for (turn = 0; turn < WALK_STEPS / STEPS_AT_ONCE; turn++) {
		end = take_steps(slot, root_mount, root_dentry, limit);
		if (end)
			return end;
	}
	return WALK_LIMIT;
}

/* Names as they are in the process' mounts. */
static __always_inline int put_path_names(u32 slot, struct task_struct *task, u64 mount, u64 dentry)
{
	return put_names(slot, mount, dentry, (u64)BPF_CORE_READ(task, fs, root.mnt),
			 (u64)BPF_CORE_READ(task, fs, root.dentry));
}

/* Ends a part whose last member is a `walk_part`, with `fixed` bytes before the names. */
static __always_inline void close_walk(struct draft *draft, u64 start, u64 fixed, int end)
{
	struct part_head *part = part_at(draft, start);
	u64 size = draft->used - start - sizeof(*part);
	struct walk_part *walk;

	if (!part)
		return;
	walk = (void *)(part + 1) + fixed - sizeof(*walk);
	walk->end = end;
	if (end == WALK_LIMIT)
		part->marks |= PART_CUT;
	close_part(draft, start, part, size);
}

__noinline int put_walk(u32 slot, u32 tag, u64 task_at, u64 mount, u64 dentry)
{
	struct draft *draft = the_draft(slot);
	struct part_head *part;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	part = part_at(draft, start);
	if (!part)
		return 0;
	open_part(part, tag);
	*(struct walk_part *)(part + 1) = (struct walk_part){};
	draft->used = start + sizeof(*part) + sizeof(struct walk_part);
	close_walk(draft, start, sizeof(struct walk_part),
		   put_path_names(slot, (void *)task_at, mount, dentry));
	return 0;
}

/* Whether a process took another root than the one that its mounts have. */
static __always_inline int has_own_root(struct task_struct *task)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(task, fs, root.mnt);
	struct mount *mount, *parent;

	if (!vfsmount)
		return 0;
	if (BPF_CORE_READ(task, fs, root.dentry) != BPF_CORE_READ(vfsmount, mnt_root))
		return 1;
	/* A runtime's root is mounted over the one that the mounts began with. */
	mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	parent = BPF_CORE_READ(mount, mnt_parent);
	return parent != BPF_CORE_READ(parent, mnt_parent);
}

static __always_inline int put_root(u32 slot, u32 tag, u64 task_at)
{
	struct task_struct *task = (void *)task_at;

	return put_walk(slot, tag, task_at, (u64)BPF_CORE_READ(task, fs, root.mnt),
			(u64)BPF_CORE_READ(task, fs, root.dentry));
}

static __always_inline int put_directory(u32 slot, u32 tag, u64 task_at)
{
	struct task_struct *task = (void *)task_at;

	return put_walk(slot, tag, task_at, (u64)BPF_CORE_READ(task, fs, pwd.mnt),
			(u64)BPF_CORE_READ(task, fs, pwd.dentry));
}
