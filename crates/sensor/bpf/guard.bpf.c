// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs. Each fills a draft by the functions of the headers and sends it; a further tier is
 * a further program here over the same functions. A draft is handed on as the number of its slot:
 * pointers to one are not what functions that are verified on their own may take.
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
#include "abi.h"
#include "call.h"
#include "names.h"

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

static __always_inline void put_program(u32 slot, u64 task_at)
{
	struct task_struct *task = (void *)task_at;
	u64 file = (u64)BPF_CORE_READ(task, mm, exe_file);

	if (file)
		put_file(slot, TAG(PART_EXECUTABLE, PLACE_PROCESS), -1, file, task_at);
}

SEC("tp_btf/sched_process_exec")
int guard_exec(u64 *context)
{
	u32 slot = bpf_get_smp_processor_id();
	u64 task_at = bpf_get_current_task();
	struct task_struct *task = (void *)task_at;
	struct linux_binprm *binary = (void *)number_of(&context[2]);
	struct mm_struct *memory = BPF_CORE_READ(task, mm);
	u64 control_group = control_group_of(task);
	u64 named, interpreter, begins, ends;
	s32 number;

	if (!admit(control_group, CLASS_EXEC, 1) || !begin(slot, RECORD_EXEC, control_group, 0))
		return 0;
	put_program(slot, task_at);
	put_identity(slot, task_at);
	named = (u64)BPF_CORE_READ(binary, filename);
	interpreter = (u64)BPF_CORE_READ(binary, interp);
	put_kernel_text(slot, TAG(PART_NAMED, PLACE_PROCESS), named);
	if (interpreter != named)
		put_kernel_text(slot, TAG(PART_INTERPRETER, PLACE_PROCESS), interpreter);
	begins = BPF_CORE_READ(memory, arg_start);
	ends = BPF_CORE_READ(memory, arg_end);
	put_user_bytes(slot, TAG(PART_ARGUMENTS, PLACE_PROCESS), begins, ends - begins, ARGUMENTS_BYTES);
	put_directory(slot, TAG(PART_DIRECTORY, PLACE_PROCESS), task_at);
	for (number = 0; number < 3; number++)
		put_descriptor(slot, PLACE_PROCESS, number, task_at);
	begins = BPF_CORE_READ(memory, env_start);
	ends = BPF_CORE_READ(memory, env_end);
	put_user_bytes(slot, TAG(PART_ENVIRONMENT, PLACE_PROCESS), begins, ends - begins, ENVIRONMENT_BYTES);
	return send(slot, control_group, CLASS_EXEC, 1);
}

SEC("tp_btf/sched_process_fork")
int guard_fork(u64 *context)
{
	u32 slot = bpf_get_smp_processor_id();
	u64 child_at = number_of(&context[1]);
	struct task_struct *child = (void *)child_at, *parent;
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 control_group = control_group_of(task);
	struct fork_body *body;
	struct draft *draft;
	s32 number = BPF_CORE_READ(child, pid);

	if (number != BPF_CORE_READ(child, tgid) || !admit(control_group, CLASS_FORK, 1))
		return 0;
	draft = begin(slot, RECORD_FORK, control_group, sizeof(*body));
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
	put_identity(slot, child_at);
	put_program(slot, child_at);
	put_directory(slot, TAG(PART_DIRECTORY, PLACE_PROCESS), child_at);
	return send(slot, control_group, CLASS_FORK, 1);
}

/* Two last threads that leave at once both find nobody left: a process may be told gone twice. */
SEC("tp_btf/sched_process_exit")
int guard_exit(u64 *context)
{
	u32 slot = bpf_get_smp_processor_id();
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 control_group;
	struct exit_body *body;
	struct draft *draft;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	control_group = control_group_of(task);
	if (!admit(control_group, CLASS_EXIT, 1))
		return 0;
	draft = begin(slot, RECORD_EXIT, control_group, sizeof(*body));
	if (!draft)
		return 0;
	body = (void *)(head_of(draft) + 1);
	body->status = BPF_CORE_READ(task, signal, flags) & GROUP_EXITS ?
			       BPF_CORE_READ(task, signal, group_exit_code) :
			       BPF_CORE_READ(task, group_leader, exit_code);
	body->unused = 0;
	return send(slot, control_group, CLASS_EXIT, 1);
}

/* A group is told with its path when it is made: it may be gone, and all that was in it, before
 * anybody reads what was done there. */
SEC("tp_btf/cgroup_mkdir")
int guard_group(u64 *context)
{
	u32 slot = bpf_get_smp_processor_id();
	struct cgroup *made = (void *)number_of(&context[0]);
	u64 path = number_of(&context[1]), control_group;
	struct group_body *body;
	struct draft *draft;

	if ((u32)BPF_CORE_READ(made, root, hierarchy_id) != hierarchy_number)
		return 0;
	control_group = control_group_of((void *)bpf_get_current_task());
	if (!admit(control_group, CLASS_GROUP, 1))
		return 0;
	draft = begin(slot, RECORD_GROUP, control_group, sizeof(*body));
	if (!draft)
		return 0;
	body = (void *)(head_of(draft) + 1);
	body->number = BPF_CORE_READ(made, kn, id);
	put_kernel_text(slot, TAG(PART_NAMED, PLACE_PROCESS), path);
	return send(slot, control_group, CLASS_GROUP, 1);
}

/* A call that returned. */
struct call {
	struct pt_regs *regs;
	s64 result, number;
	u32 abi, class;
	struct plan *plan;
};

#define WRITE_ONLY 01
#define READ_AND_WRITE 02
#define CREATE 0100
#define TRUNCATE 01000

/* Whose budget it spends. */
static __always_inline u32 class_of(struct call *call)
{
	u32 where = call->plan->marks & (PLAN_FLAGS_SECOND | PLAN_FLAGS_THIRD);
	u64 arguments[6], flags = 0;

	if (!where || call->result < 0)
		return call->plan->class;
	fill_arguments(arguments, call->regs, call->abi);
	if (where == (PLAN_FLAGS_SECOND | PLAN_FLAGS_THIRD))
		bpf_probe_read_user(&flags, sizeof(flags), (void *)arguments[2]);
	else
		flags = where == PLAN_FLAGS_THIRD ? arguments[2] : arguments[1];
	return flags & (WRITE_ONLY | READ_AND_WRITE | CREATE | TRUNCATE) ? CLASS_CHANGE : call->plan->class;
}

/* What nobody asked for leaves at the first lines. The tiers have the same context: the registers that
 * the call was made with, and its result. */
static __always_inline int is_wanted(u64 *context, struct call *call)
{
	struct task_struct *current = bpf_get_current_task_btf();
	u32 process;

	call->regs = (struct pt_regs *)context[0];
	call->result = context[1];
	call->abi = abi_of(call->regs, current, &call->number);
	call->plan = plan_of(call->abi, call->number);
	if (!call->plan || !call->plan->wanted ||
	    (call->plan->marks & PLAN_FAILURES && call->result >= 0))
		return 0;
	if ((call->plan->marks & PLAN_NAMES || call->plan->more & PLAN_OPENINGS) &&
	    !is_folded(call->abi, call->number)) {
		u64 arguments[6];

		fill_arguments(arguments, call->regs, call->abi);
		if (is_left_out(call->plan, arguments, call->abi))
			return 0;
	}
	process = bpf_get_current_pid_tgid() >> 32;
	if (bpf_map_lookup_elem(&excluded, &process))
		return 0;
	call->class = class_of(call);
	return 1;
}

static __always_inline void tell_call(u32 slot, struct call *call, u64 control_group)
{
	struct draft *draft = begin(slot, RECORD_CALL, control_group, sizeof(struct call_body));
	struct plan *plan = call->plan;
	u64 task_at = bpf_get_current_task();
	struct call_body *body;

	if (!draft)
		return;
	body = body_of(draft);
	fill_arguments(body->arguments, call->regs, call->abi);
	body->result = call->result;
	body->number = call->number;
	body->abi = call->abi;
	if (is_folded(call->abi, call->number)) {
		body->number = unfold(body);
		plan = plan_of(call->abi, body->number);
		if (!plan || !plan->wanted || is_left_out(plan, body->arguments, call->abi))
			return;
		call->class = plan->class;
	}
	put_planned(slot, plan, call->result, task_at);
	send(slot, control_group, call->class, plan->marks & PLAN_CRITICAL);
}

static __always_inline int admit_call(struct call *call, u64 control_group)
{
	return admit(control_group, call->class, call->plan->marks & PLAN_CRITICAL);
}

/* The tracepoint tier: every system call of the machine passes here. */
SEC("tp_btf/sys_exit")
int guard_call(u64 *context)
{
	struct call call = {};
	u64 control_group;

	if (!is_wanted(context, &call))
		return 0;
	control_group = control_group_of((void *)bpf_get_current_task());
	if (admit_call(&call, control_group))
		tell_call(bpf_get_smp_processor_id(), &call, control_group);
	return 0;
}

/* The fentry tier: at the end of the function of each call that is wanted, loaded once for each. The
 * kernel leaves out, and counts, a program that it preempted in the middle on the same processor. */
SEC("fexit")
int guard_function(u64 *context)
{
	struct call call = {};
	u64 control_group;
	u32 slot = 0;

	if (!is_wanted(context, &call))
		return 0;
	control_group = control_group_of((void *)bpf_get_current_task());
	if (!admit_call(&call, control_group))
		return 0;
	if (bpf_map_pop_elem(&free_drafts, &slot))
		return lose(control_group, call.class, CAUSE_PREEMPTED);
	tell_call(slot, &call, control_group);
	bpf_map_push_elem(&free_drafts, &slot, 0);
	return 0;
}
