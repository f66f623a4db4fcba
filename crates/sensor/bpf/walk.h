/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a file upwards through directories and mounts to the root of the process: the path that the
 * kernel has for it, whatever the process wrote.
 */
#pragma once

/* Directories and mounts on the way; paths of people stay below 30. */
#define WALK_STEPS 128
#define WALK_BYTES 4096
#define NAME_BYTES 256

/* Appends the names, the last one first, and returns how the way ended. */
__noinline int put_names(u32 slot, u64 mount_at, u64 dentry_at, u64 root_mount, u64 root_dentry)
{
	struct draft *draft = the_draft(slot);
	u64 begin, used;
	int step;

	if (!draft || !dentry_at)
		return 0;
	begin = used = draft->used;
	for (step = 0; step < WALK_STEPS; step++) {
		struct vfsmount *vfsmount = (void *)mount_at;
		struct dentry *dentry = (void *)dentry_at;
		u64 parent, name;
		long size;

		if (dentry_at == root_dentry && mount_at == root_mount)
			return WALK_ROOT;
		if (mount_at && dentry_at == (u64)BPF_CORE_READ(vfsmount, mnt_root)) {
			u64 offset = bpf_core_field_offset(struct mount, mnt);
			struct mount *mount = (void *)(mount_at - offset);

			parent = (u64)BPF_CORE_READ(mount, mnt_parent);
			if (!parent || parent == (u64)mount)
				return WALK_OUTSIDE;
			dentry_at = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
			mount_at = parent + offset;
			continue;
		}
		parent = (u64)BPF_CORE_READ(dentry, d_parent);
		name = (u64)BPF_CORE_READ(dentry, d_name.name);
		opaque(used);
		if (used > DRAFT_LAST_START + PART_LIMIT - NAME_BYTES || used - begin > WALK_BYTES)
			return WALK_LIMIT;
		size = bpf_probe_read_kernel_str(draft->bytes + used, NAME_BYTES, (void *)name);
		if (size > 0)
			used += size;
		draft->used = used;
		if (!parent || parent == dentry_at)
			return WALK_DETACHED;
		dentry_at = parent;
	}
	return WALK_LIMIT;
}

/* Names as the process sees them. */
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

static __always_inline int put_directory(u32 slot, u32 tag, u64 task_at)
{
	struct task_struct *task = (void *)task_at;

	return put_walk(slot, tag, task_at, (u64)BPF_CORE_READ(task, fs, pwd.mnt),
			(u64)BPF_CORE_READ(task, fs, pwd.dentry));
}
