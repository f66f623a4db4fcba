// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs. Each fills a draft by the functions of the headers and sends it; a further tier is
 * a further program here over the same functions.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "wire.h"
#include "maps.h"
#include "draft.h"
#include "walk.h"
#include "descriptor.h"
#include "process.h"
#include "send.h"
#include "call.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ARGUMENTS_BYTES 8000
#define ENVIRONMENT_BYTES 4000
#define GROUP_EXITS 4

/* A kernel pointer as a number, which is what functions that are verified on their own may take. */
static __always_inline u64 number_of(u64 *slot)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), slot);
	return value;
}

static __always_inline void put_program(u64 task_at)
{
	struct task_struct *task = (void *)task_at;
	u64 file = (u64)BPF_CORE_READ(task, mm, exe_file);

	if (file)
		put_file(TAG(PART_EXECUTABLE, PLACE_PROCESS), -1, file, task_at);
}

SEC("tp_btf/sched_process_exec")
int guard_exec(u64 *context)
{
	u64 task_at = bpf_get_current_task();
	struct task_struct *task = (void *)task_at;
	struct linux_binprm *binary = (void *)number_of(&context[2]);
	struct mm_struct *memory = BPF_CORE_READ(task, mm);
	u64 control_group = control_group_of(task);
	u64 named, interpreter, begins, ends;
	s32 number;

	if (!admit(control_group, CLASS_EXEC, 1) || !begin(RECORD_EXEC, control_group, 0))
		return 0;
	put_program(task_at);
	put_identity(task_at);
	named = (u64)BPF_CORE_READ(binary, filename);
	interpreter = (u64)BPF_CORE_READ(binary, interp);
	put_kernel_text(TAG(PART_NAMED, PLACE_PROCESS), named);
	if (interpreter != named)
		put_kernel_text(TAG(PART_INTERPRETER, PLACE_PROCESS), interpreter);
	begins = BPF_CORE_READ(memory, arg_start);
	ends = BPF_CORE_READ(memory, arg_end);
	put_user_bytes(TAG(PART_ARGUMENTS, PLACE_PROCESS), begins, ends - begins, ARGUMENTS_BYTES);
	put_directory(TAG(PART_DIRECTORY, PLACE_PROCESS), task_at);
	for (number = 0; number < 3; number++)
		put_descriptor(PLACE_PROCESS, number, task_at);
	begins = BPF_CORE_READ(memory, env_start);
	ends = BPF_CORE_READ(memory, env_end);
	put_user_bytes(TAG(PART_ENVIRONMENT, PLACE_PROCESS), begins, ends - begins, ENVIRONMENT_BYTES);
	return send(control_group, CLASS_EXEC, 1);
}

SEC("tp_btf/sched_process_fork")
int guard_fork(u64 *context)
{
	u64 child_at = number_of(&context[1]);
	struct task_struct *child = (void *)child_at, *parent;
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 control_group = control_group_of(task);
	struct fork_body *body;
	struct draft *draft;
	s32 number = BPF_CORE_READ(child, pid);

	if (number != BPF_CORE_READ(child, tgid) || !admit(control_group, CLASS_FORK, 1))
		return 0;
	draft = begin(RECORD_FORK, control_group, sizeof(*body));
	if (!draft)
		return 0;
	parent = BPF_CORE_READ(child, real_parent);
	body = (void *)(head_of(draft) + 1);
	body->child = number;
	body->virtual_child = number_at(BPF_CORE_READ(child, thread_pid), level_of(child));
	body->started = BPF_CORE_READ(child, start_boottime);
	body->control_group = control_group_of(child);
	body->parent = BPF_CORE_READ(parent, tgid);
	body->unused = 0;
	body->parent_started = BPF_CORE_READ(parent, group_leader, start_boottime);
	put_identity(child_at);
	put_program(child_at);
	put_directory(TAG(PART_DIRECTORY, PLACE_PROCESS), child_at);
	return send(control_group, CLASS_FORK, 1);
}

/* Two last threads that leave at once both find nobody left: a process may be told gone twice. */
SEC("tp_btf/sched_process_exit")
int guard_exit(u64 *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 control_group;
	struct exit_body *body;
	struct draft *draft;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	control_group = control_group_of(task);
	if (!admit(control_group, CLASS_EXIT, 1))
		return 0;
	draft = begin(RECORD_EXIT, control_group, sizeof(*body));
	if (!draft)
		return 0;
	body = (void *)(head_of(draft) + 1);
	body->status = BPF_CORE_READ(task, signal, flags) & GROUP_EXITS ?
			       BPF_CORE_READ(task, signal, group_exit_code) :
			       BPF_CORE_READ(task, group_leader, exit_code);
	body->unused = 0;
	return send(control_group, CLASS_EXIT, 1);
}

/* A group is told with its path when it is made: it may be gone, and all that was in it, before
 * anybody reads what was done there. */
SEC("tp_btf/cgroup_mkdir")
int guard_group(u64 *context)
{
	struct cgroup *made = (void *)number_of(&context[0]);
	u64 path = number_of(&context[1]), control_group;
	struct group_body *body;
	struct draft *draft;

	if ((u32)BPF_CORE_READ(made, root, hierarchy_id) != hierarchy_number)
		return 0;
	control_group = control_group_of((void *)bpf_get_current_task());
	if (!admit(control_group, CLASS_GROUP, 1))
		return 0;
	draft = begin(RECORD_GROUP, control_group, sizeof(*body));
	if (!draft)
		return 0;
	body = (void *)(head_of(draft) + 1);
	body->number = BPF_CORE_READ(made, kn, id);
	put_kernel_text(TAG(PART_NAMED, PLACE_PROCESS), path);
	return send(control_group, CLASS_GROUP, 1);
}

/* Every system call of the machine passes here: what nobody asked for leaves at the first lines. */
SEC("tp_btf/sys_exit")
int guard_call(u64 *context)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)context[0];
	s64 result = context[1], number;
	u32 abi = abi_of(regs, current, &number), process;
	struct plan *plan = plan_of(abi, number);
	struct call_body *body;
	struct draft *draft;
	u64 task_at, control_group;

	if (!plan || !plan->wanted || (plan->marks & PLAN_FAILURES && result >= 0))
		return 0;
	process = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_lookup_elem(&excluded, &process))
		return 0;
	task_at = bpf_get_current_task();
	control_group = control_group_of((void *)task_at);
	if (!admit(control_group, plan->class, plan->marks & PLAN_CRITICAL))
		return 0;
	draft = begin(RECORD_CALL, control_group, sizeof(*body));
	if (!draft)
		return 0;
	body = body_of(draft);
	fill_arguments(body->arguments, regs, abi);
	body->result = result;
	body->number = number;
	body->abi = abi;
	if (is_folded(abi, number)) {
		body->number = unfold(body);
		plan = plan_of(abi, body->number);
		if (!plan || !plan->wanted)
			return 0;
	}
	put_planned(plan, result, task_at);
	return send(control_group, plan->class, plan->marks & PLAN_CRITICAL);
}
