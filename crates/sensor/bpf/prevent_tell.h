/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells that a prevention was met. Whether it was told changes nothing about what is refused. */
#pragma once

#define WINDOW_NANOSECONDS 100000000ULL
/* Denials of one group that are told in a window: whoever tries without end hides nobody else. */
#define TOLD_A_WINDOW 64

enum untold_cause { UNTOLD_FULL, UNTOLD_BUDGET };

static __always_inline void count_untold(u32 cause)
{
	u64 *count = bpf_map_lookup_elem(&untold, &cause);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline int may_tell(u64 group)
{
	u64 window = bpf_ktime_get_boot_ns() / WINDOW_NANOSECONDS;
	struct spending fresh = { .window = window, .used = 1 };
	struct spending *spending = bpf_map_lookup_elem(&spendings, &group);

	if (!spending) {
		bpf_map_update_elem(&spendings, &group, &fresh, BPF_ANY);
		return 1;
	}
	if (spending->window != window) {
		spending->window = window;
		spending->used = 0;
	}
	if (spending->used >= TOLD_A_WINDOW)
		return 0;
	__sync_fetch_and_add(&spending->used, 1);
	return 1;
}

static __always_inline struct scratch *the_scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* Another task may run in between on this processor, and put its own path together: then it owns
 * the scratch, and what is in it is not ours. */
static __always_inline void own(struct scratch *scratch)
{
	*(volatile u64 *)&scratch->owner = bpf_get_current_task();
	barrier();
}

static __always_inline int is_own(struct scratch *scratch)
{
	barrier();
	return *(volatile u64 *)&scratch->owner == bpf_get_current_task();
}

static __always_inline void tell_path(struct denial *denial)
{
	struct scratch *scratch = the_scratch();
	u64 length;

	denial->object = OBJECT_PATH;
	if (!scratch)
		return;
	length = scratch->length;
	denial->marks |= scratch->marks;
	if (length > OBJECT_BYTES) {
		length = OBJECT_BYTES;
		denial->marks |= DENIAL_CUT;
	}
	bpf_probe_read_kernel(denial->bytes, sizeof(denial->bytes), scratch->text);
	denial->length = length;
	if (!is_own(scratch)) {
		denial->length = 0;
		denial->marks |= DENIAL_UNKNOWN;
	}
}

static __noinline void tell(struct question *question, u64 met)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct denial *denial;

	if (!may_tell(question->control_group)) {
		count_untold(UNTOLD_BUDGET);
		return;
	}
	denial = bpf_ringbuf_reserve(&denials, sizeof(*denial), 0);
	if (!denial) {
		count_untold(UNTOLD_FULL);
		return;
	}
	__builtin_memset(denial, 0, sizeof(*denial) - sizeof(denial->bytes));
	denial->time = bpf_ktime_get_boot_ns();
	denial->started = BPF_CORE_READ(task, group_leader, start_boottime);
	denial->control_group = question->control_group;
	denial->met = met;
	denial->refused = met & question->enforced;
	denial->process = bpf_get_current_pid_tgid() >> 32;
	denial->act = question->act;
	denial->object = question->object;
	denial->port = question->port;
	BPF_CORE_READ_INTO(&denial->name, task, comm);
	if (question->object == OBJECT_PATH)
		tell_path(denial);
	else
		__builtin_memcpy(denial->bytes, question->address, sizeof(question->address));
	bpf_ringbuf_submit(denial, BPF_RB_NO_WAKEUP);
}

/* What a program at a hook returns. */
static __always_inline int answer(struct question *question, u64 met)
{
	if (!met)
		return 0;
	tell(question, met);
	return met & question->enforced ? -EPERM : 0;
}

/* For an act that is refused whatever it is done to. */
static __always_inline int refuse(u32 act)
{
	struct question question = {};

	if (!may_be_refused_inside(&question, act))
		return 0;
	return answer(&question, question.enforced | question.observed);
}
