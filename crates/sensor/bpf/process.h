/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who a process is: its numbers, credentials, control group. */
#pragma once

#include "hierarchy.h"

/* The number of `pid` in the namespace at `level`; 0 where it has none there. */
static __always_inline u32 number_at(struct pid *pid, u32 level)
{
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	u64 size = bpf_core_type_size(struct upid);
	u32 number = 0;

	if (!pid || level > BPF_CORE_READ(pid, level))
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number), (void *)numbers + level * size);
	return number;
}

static __always_inline u32 level_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_pid, level);
}

/* In the hierarchy that user space found containers to be told apart in. */
static __always_inline u64 control_group_of(struct task_struct *task)
{
	return BPF_CORE_READ((struct cgroup *)group_at(task), kn, id);
}

/* As `stat` writes it: the minor's upper bits above the major. */
static __always_inline u32 terminal_of(struct task_struct *task)
{
	struct tty_struct *terminal = BPF_CORE_READ(task, signal, tty);
	u32 major, minor;

	if (!terminal)
		return 0;
	major = BPF_CORE_READ(terminal, driver, major);
	minor = BPF_CORE_READ(terminal, driver, minor_start) + BPF_CORE_READ(terminal, index);
	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static __always_inline void fill_credentials(struct identity_part *part, const struct cred *cred)
{
	part->uid = BPF_CORE_READ(cred, uid.val);
	part->gid = BPF_CORE_READ(cred, gid.val);
	part->effective_uid = BPF_CORE_READ(cred, euid.val);
	part->effective_gid = BPF_CORE_READ(cred, egid.val);
	part->saved_uid = BPF_CORE_READ(cred, suid.val);
	part->saved_gid = BPF_CORE_READ(cred, sgid.val);
	BPF_CORE_READ_INTO(&part->effective, cred, cap_effective);
	BPF_CORE_READ_INTO(&part->permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&part->inheritable, cred, cap_inheritable);
	part->user_namespace = BPF_CORE_READ(cred, user_ns, ns.inum);
}

static __always_inline void fill_root(struct identity_part *part, struct task_struct *task)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(task, fs, root.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	struct dentry *dentry = BPF_CORE_READ(task, fs, root.dentry);

	if (!vfsmount)
		return;
	part->root_mount = BPF_CORE_READ(mount, mnt_id);
	if (dentry != BPF_CORE_READ(vfsmount, mnt_root))
		part->root_inode = BPF_CORE_READ(dentry, d_inode, i_ino);
}

__noinline int put_identity(u32 slot, u64 task_at)
{
	struct task_struct *task = (void *)task_at;
	struct draft *draft = the_draft(slot);
	struct pid *session, *group, *own;
	struct identity_part *part;
	struct part_head *head;
	u32 level;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	head = part_at(draft, start);
	if (!head)
		return 0;
	open_part(head, TAG(PART_IDENTITY, PLACE_PROCESS));
	part = (void *)(head + 1);
	__builtin_memset(part, 0, sizeof(*part));
	fill_credentials(part, BPF_CORE_READ(task, cred));
	part->login_uid = ~0U;
	if (bpf_core_field_exists(task->loginuid))
		part->login_uid = BPF_CORE_READ(task, loginuid.val);
	part->terminal = terminal_of(task);
	own = BPF_CORE_READ(task, thread_pid);
	session = BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]);
	group = BPF_CORE_READ(task, signal, pids[PIDTYPE_PGID]);
	level = BPF_CORE_READ(own, level);
	part->session = number_at(session, 0);
	part->virtual_session = number_at(session, level);
	part->group = number_at(group, 0);
	part->virtual_group = number_at(group, level);
	fill_root(part, task);
	part->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (own) {
		struct upid *numbers = (void *)own + bpf_core_field_offset(struct pid, numbers);
		struct pid_namespace *space = 0;

		numbers = (void *)numbers + level * bpf_core_type_size(struct upid);
		space = BPF_CORE_READ(numbers, ns);
		part->pid_namespace = BPF_CORE_READ(space, ns.inum);
	}
	close_part(draft, start, head, sizeof(*part));
	return 0;
}

/* Begins a record of the running thread, and leaves room for what its kind always has. */
static __always_inline struct draft *begin(u32 slot, u16 kind, u64 control_group, u64 body)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	u64 numbers = bpf_get_current_pid_tgid();
	struct draft *draft = the_draft(slot);
	struct record_head *head;
	u32 level;

	if (!draft)
		return 0;
	head = head_of(draft);
	head->kind = kind;
	head->marks = 0;
	head->time = bpf_ktime_get_boot_ns();
	head->started = BPF_CORE_READ(leader, start_boottime);
	head->control_group = control_group;
	head->processor = bpf_get_smp_processor_id();
	head->thread = (u32)numbers;
	head->process = numbers >> 32;
	head->parent = BPF_CORE_READ(parent, tgid);
	head->parent_started = BPF_CORE_READ(parent, group_leader, start_boottime);
	level = level_of(task);
	head->virtual_thread = number_at(BPF_CORE_READ(task, thread_pid), level);
	head->virtual_process = number_at(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]), level);
	bpf_get_current_comm(head->name, sizeof(head->name));
	draft->used = sizeof(*head) + body;
	return draft;
}
