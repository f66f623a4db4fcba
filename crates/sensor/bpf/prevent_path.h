/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file as its mount namespace shows it, and the places that it is at.
 *
 * From the file upwards through folders and mounts to the top of the tree, not to the root of the
 * process: `chroot` changes nothing. Then the names downwards, and one look into the table of paths.
 */
#pragma once

/* Names, and the mounts between them. */
#define CLIMB_STEPS 160

/* How the way up ended. Inside: in a mount that the kernel keeps to itself; memory, a pipe. */
enum climb { CLIMB_TOP = 1, CLIMB_INSIDE, CLIMB_UNKNOWN };

/* Whether `mount` is of the kernel's own use, where no path leads. */
static __always_inline int is_internal(struct mount *mount)
{
	struct mount___namespace *of = (void *)mount;
	u64 namespace = (u64)BPF_CORE_READ(of, mnt_ns);

	/* An error in the place of a namespace. */
	return namespace > (u64)-4096;
}

/* Notes the names upwards from `dentry`; without a mount, to the root of the file system. */
__noinline int climb(u64 mount_at, u64 dentry_at)
{
	struct scratch *scratch = the_scratch();
	u64 is_mounted = mount_at;
	int step;

	if (!scratch || !dentry_at)
		return CLIMB_UNKNOWN;
	scratch->count = 0;
	for (step = 0; step < CLIMB_STEPS; step++) {
		struct vfsmount *vfsmount = (void *)mount_at;
		struct dentry *dentry = (void *)dentry_at;
		u64 parent = (u64)BPF_CORE_READ(dentry, d_parent);
		/* In memory: the verifier would follow every number that it could have. */
		u64 count = *(volatile u64 *)&scratch->count;

		if (is_mounted && dentry_at == (u64)BPF_CORE_READ(vfsmount, mnt_root)) {
			u64 offset = bpf_core_field_offset(struct mount, mnt);
			struct mount *mount = (void *)(mount_at - offset);

			if (is_internal(mount))
				return CLIMB_INSIDE;
			parent = (u64)BPF_CORE_READ(mount, mnt_parent);
			if (!parent || parent == (u64)mount)
				return CLIMB_TOP;
			dentry_at = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
			mount_at = parent + offset;
			continue;
		}
		if (!parent || parent == dentry_at) {
			struct super_block___flags *block = (void *)BPF_CORE_READ(dentry, d_sb);

			if (!is_mounted)
				return CLIMB_TOP;
			return BPF_CORE_READ(block, s_flags) & (SB_NOUSER | SB_KERNMOUNT) ?
				       CLIMB_INSIDE :
				       CLIMB_UNKNOWN;
		}
		opaque(count);
		if (count >= CHAIN_NAMES)
			return CLIMB_UNKNOWN;
		scratch->chain[count] = (u64)BPF_CORE_READ(dentry, d_name.name);
		scratch->count = count + 1;
		dentry_at = parent;
	}
	return CLIMB_UNKNOWN;
}

/* Puts the names together, from the top downwards: as many as are told or looked at. */
__noinline int spell(u64 names)
{
	struct scratch *scratch = the_scratch();
	u64 used = 0, step;

	if (!scratch)
		return 0;
	scratch->marks = 0;
	for (step = 0; step < CHAIN_NAMES; step++) {
		u64 index = names - 1 - step, name;
		long size;

		if (step >= names)
			break;
		opaque(index);
		if (index >= CHAIN_NAMES)
			break;
		name = scratch->chain[index];
		opaque(used);
		if (used > OBJECT_BYTES) {
			scratch->marks |= DENIAL_CUT;
			break;
		}
		scratch->text[used] = '/';
		size = bpf_probe_read_kernel_str(scratch->text + used + 1, NAME_BYTES, (void *)name);
		if (size > 0)
			used += size;
	}
	opaque(used);
	if (!used) {
		scratch->text[0] = '/';
		scratch->text[1] = 0;
		used = 1;
	}
	scratch->length = used;
	used++;
	scratch->bits = (used > PATH_KEY_BYTES ? PATH_KEY_BYTES : used) * 8;
	return 0;
}

/* Which preventions are met: those that have a place here; those that have one here or below; those
 * that have none here. */
enum meets { MEETS_HERE, MEETS_BELOW, MEETS_ELSEWHERE };

/* Of `wanted`, the preventions that are met where this is; all of them if that cannot be found out. */
__noinline u64 met_at(u64 mount, u64 dentry, u64 wanted, u32 meets)
{
	struct scratch *scratch = the_scratch();
	struct path_rule *rule;
	int attempt, end;
	u64 met, here;

	if (!scratch)
		return wanted;
	for (attempt = 0; attempt < 4; attempt++) {
		own(scratch);
		scratch->length = 0;
		scratch->marks = DENIAL_UNKNOWN;
		end = climb(mount, dentry);
		met = end == CLIMB_INSIDE && meets != MEETS_ELSEWHERE ? 0 : wanted;
		if (end == CLIMB_TOP) {
			spell(scratch->count);
			rule = bpf_map_lookup_elem(&paths, &scratch->bits);
			here = rule ? rule->bits : 0;
			if (rule && meets == MEETS_BELOW)
				here |= rule->above;
			met = meets == MEETS_ELSEWHERE ? ~here : here;
		}
		if (is_own(scratch))
			return met & wanted;
	}
	return wanted;
}

/* Whether paths of the file system itself are those of the image that it stands for: an overlay, or
 * what the mount namespace has as its root. */
static __always_inline int is_root_of_image(struct dentry *dentry)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mnt_namespace___root *namespace = (void *)BPF_CORE_READ(task, nsproxy, mnt_ns);
	u64 offset = bpf_core_field_offset(struct mount, mnt);
	struct vfsmount___block *root = (void *)((u64)BPF_CORE_READ(namespace, root) + offset);
	struct super_block *block = BPF_CORE_READ(dentry, d_sb);

	return BPF_CORE_READ(block, s_magic) == OVERLAYFS_MAGIC ||
	       BPF_CORE_READ(root, mnt_sb) == block;
}

/* A file of the image is where the image has it, too, whatever it is mounted at. */
static __noinline u64 met_by_path(struct question *question, u64 mount, u64 dentry, u32 meets)
{
	u64 wanted = question->enforced | question->observed;
	u64 met = met_at(mount, dentry, wanted, meets);

	question->object = OBJECT_PATH;
	if (!met && is_root_of_image((void *)dentry))
		met = met_at(0, dentry, wanted, meets);
	return met;
}

/* The file system that a process has as its root. */
static __always_inline struct super_block *root_block(struct task_struct *task)
{
	struct vfsmount___block *root = (void *)BPF_CORE_READ(task, fs, root.mnt);

	return BPF_CORE_READ(root, mnt_sb);
}

/* Whether it is of the overlay that is the container's root, and mounted once more by a part of it: what
 * the image, or a write, put elsewhere. The first process of a container keeps its root. */
static __always_inline int is_bound_from_own_overlay(struct vfsmount *mount, struct dentry *dentry)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *first;
	struct super_block *block = BPF_CORE_READ(dentry, d_sb);
	struct nsproxy___processes *spaces = (void *)BPF_CORE_READ(task, nsproxy);
	struct pid_namespace___first *processes = (void *)BPF_CORE_READ(spaces, pid_ns_for_children);

	if (BPF_CORE_READ(block, s_magic) != OVERLAYFS_MAGIC ||
	    BPF_CORE_READ(mount, mnt_root) == BPF_CORE_READ((struct super_block___root *)block, s_root))
		return 0;
	first = BPF_CORE_READ(processes, child_reaper);
	return root_block(task) == block || root_block(first) == block;
}

/* The preventions that leave out a file which is none of theirs. */
static __noinline u64 met_by_absence(struct question *question, u64 mount, u64 dentry)
{
	u64 wanted = question->enforced | question->observed;
	u64 met = met_at(mount, dentry, wanted, MEETS_ELSEWHERE);

	question->object = OBJECT_PATH;
	if (!met && is_bound_from_own_overlay((void *)mount, (void *)dentry))
		met = met_at(0, dentry, wanted, MEETS_ELSEWHERE);
	return met;
}

/* Where a file was opened, not where an overlay has it. */
static __always_inline struct path path_of(struct file *file)
{
	struct path path = {};

	if (bpf_core_field_exists(((struct backing_file *)0)->user_path) &&
	    BPF_CORE_READ((struct file___mode *)file, f_mode) & FMODE_NOACCOUNT)
		BPF_CORE_READ_INTO(&path, (struct backing_file *)file, user_path);
	else
		BPF_CORE_READ_INTO(&path, file, f_path);
	return path;
}
