// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which system calls and capabilities the programs of a container use: a byte each, set at the
 * beginning of every call, for control groups that somebody learns about alone. Nothing is told one
 * by one, and nothing is ever lost but by the table's end, which is counted.
 *
 * A group is learnt about from when it is made, before anybody knows whose it is: user space takes
 * those away that are of no interest. So no container begins unseen.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "wire.h"
#include "hierarchy.h"
#include "abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before loading. The kernel's own number of the hierarchy: groups of other ones are not learnt
 * about. */
const volatile u32 hierarchy_number = 0;

#define ABIS 3
/* Linux has fewer than 480, x32 numbers its own from 512 to 547. */
#define NUMBERS 576
#define CAPABILITIES 64
#define BPF_F_NO_PREALLOC 1
enum { BPF_ANY = 0 };

/* Bytes, not bits: two processors that set two of one word at once would lose one. */
struct learnt {
	u8 calls[ABIS][NUMBERS];
	u8 capabilities[CAPABILITIES];
	/* The group was removed: nothing more will come. */
	u8 gone[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct learnt);
} groups SEC(".maps");

/* What a group begins with: too large for a program's stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct learnt);
} nothing SEC(".maps");

/* Groups that found no room. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} unlearnt SEC(".maps");

/* The group in which a program was executed, by its open file: a fork shares that, and an exec has
 * another one. A file that is gone leaves an entry that the next exec of its address overwrites. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u64);
} origins SEC(".maps");

/* The same by process: what it executed before. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u64);
} executed_in SEC(".maps");

static __always_inline u64 group_of(struct task_struct *task)
{
	return BPF_CORE_READ((struct cgroup *)group_at(task), kn, id);
}

static __always_inline u64 program_of(struct task_struct *task)
{
	return (u64)BPF_CORE_READ(task, mm, exe_file);
}

static __always_inline u64 number_of(u64 *slot)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), slot);
	return value;
}

/* runc executes a copy of itself in memory, by then perhaps within the group. */
static __always_inline int is_copy_of_runc(u64 program)
{
	static const char copy[] = "memfd:runc_cloned";
	char name[sizeof(copy)] = {};
	u32 at;

	if (bpf_probe_read_kernel_str(name, sizeof(name),
				      BPF_CORE_READ((struct file *)program, f_path.dentry, d_name.name)) < 0)
		return 0;
	for (at = 0; at < sizeof(copy) - 1; at++)
		if (name[at] != copy[at])
			return 0;
	return 1;
}

SEC("tp_btf/sched_process_exec")
int learn_exec(u64 *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u32 process = bpf_get_current_pid_tgid() >> 32;
	u64 group = group_of(task), program = program_of(task);
	u64 *former = bpf_map_lookup_elem(&executed_in, &process);

	/* Only a runtime's copy: a program of the container that calls itself so came from within. */
	if (former && *former != group && is_copy_of_runc(program))
		group = *former;
	bpf_map_update_elem(&executed_in, &process, &group, BPF_ANY);
	bpf_map_update_elem(&origins, &program, &group, BPF_ANY);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int learn_group(u64 *context)
{
	struct cgroup *made = (void *)number_of(&context[0]);
	u32 zero = 0;
	struct learnt *fresh = bpf_map_lookup_elem(&nothing, &zero);
	u64 group, *count;

	if (!fresh || (u32)BPF_CORE_READ(made, root, hierarchy_id) != hierarchy_number)
		return 0;
	group = BPF_CORE_READ(made, kn, id);
	if (bpf_map_update_elem(&groups, &group, fresh, BPF_NOEXIST)) {
		count = bpf_map_lookup_elem(&unlearnt, &zero);
		if (count)
			__sync_fetch_and_add(count, 1);
	}
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int learn_gone(u64 *context)
{
	struct cgroup *removed = (void *)number_of(&context[0]);
	u64 group = BPF_CORE_READ(removed, kn, id);
	struct learnt *learnt;

	if ((u32)BPF_CORE_READ(removed, root, hierarchy_id) != hierarchy_number)
		return 0;
	learnt = bpf_map_lookup_elem(&groups, &group);
	if (learnt)
		learnt->gone[0] = 1;
	return 0;
}

/* What is learnt about whoever runs now; nothing for a runtime at work in the container, whose program
 * was executed where nothing is learnt. One that nobody saw being executed was there before. */
static __always_inline struct learnt *learnt_of(struct task_struct *task)
{
	u64 group = group_of(task), program;
	struct learnt *learnt = bpf_map_lookup_elem(&groups, &group);
	u64 *origin;

	if (!learnt)
		return 0;
	program = program_of(task);
	origin = bpf_map_lookup_elem(&origins, &program);
	if (origin && *origin != group && !bpf_map_lookup_elem(&groups, origin))
		return 0;
	return learnt;
}

SEC("tp_btf/sys_enter")
int learn_call(u64 *context)
{
	struct learnt *learnt = learnt_of((void *)bpf_get_current_task());
	s64 number;
	u32 abi;

	if (!learnt)
		return 0;
	abi = abi_of((struct pt_regs *)context[0], bpf_get_current_task_btf(), &number);
	/* The kernel has no calls beyond. */
	if (abi >= ABIS || number < 0 || number >= NUMBERS)
		return 0;
	learnt->calls[abi][number] = 1;
	return 0;
}

/* Somebody asked whether who runs now has a capability, and it has. Not every kernel tells. */
SEC("tp_btf/cap_capable")
int learn_capability(u64 *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 capability = context[3];
	struct learnt *learnt;

	/* An overlay looks at its files as whoever mounted it: that is not what the process may do. */
	if ((s32)context[4] || capability >= CAPABILITIES ||
	    number_of(&context[0]) != (u64)BPF_CORE_READ(task, real_cred))
		return 0;
	learnt = learnt_of(task);
	if (learnt)
		learnt->capabilities[capability] = 1;
	return 0;
}
