/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Into which buffer a record goes, whether it may, and the count of what could not. */
#pragma once

__noinline int lose(u64 control_group, u32 class, u32 cause)
{
	struct loss_key key = { .control_group = control_group, .class = class, .cause = cause };
	u64 *count = bpf_map_lookup_elem(&losses, &key);
	u64 zero = 0;
	u32 slot;

	if (!count) {
		bpf_map_update_elem(&losses, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&losses, &key);
	}
	if (!count) {
		slot = (class % CLASSES) * CAUSES + cause % CAUSES;
		count = bpf_map_lookup_elem(&losses_of_anyone, &slot);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

/* Takes one from the group's budget of the class in this window. Two processors may begin a window
 * at once: then a few more pass, and none is lost for it. */
static __always_inline int spend(u64 control_group, u32 class, u32 critical, u64 limit)
{
	struct budget_key key = { .control_group = control_group, .class = class, .critical = critical };
	u64 window = bpf_ktime_get_boot_ns() / WINDOW_NANOSECONDS;
	struct budget fresh = { .window = window, .used = 1 };
	struct budget *budget = bpf_map_lookup_elem(&budgets, &key);

	if (!budget) {
		bpf_map_update_elem(&budgets, &key, &fresh, BPF_NOEXIST);
		return 1;
	}
	if (budget->window != window) {
		budget->window = window;
		budget->used = 0;
	}
	if (budget->used >= limit)
		return 0;
	__sync_fetch_and_add(&budget->used, 1);
	return 1;
}

/* What a group may put into the bulk buffer in this window. */
static __always_inline u64 bulk_allowance(void)
{
	u64 waiting = bpf_ringbuf_query(&bulk, BPF_RB_AVAIL_DATA);

	if (waiting < bulk_bytes / 2)
		return bulk_budget;
	if (waiting < bulk_bytes / 4 * 3)
		return bulk_budget / HALF_FULL_SHARE;
	return bulk_budget / ALMOST_FULL_SHARE;
}

/* Asked before a record is made: what is not told should cost little. */
__noinline int admit(u64 control_group, u32 class, u32 is_critical)
{
	u64 limit, waiting;

	if (is_critical) {
		waiting = bpf_ringbuf_query(&critical, BPF_RB_AVAIL_DATA);
		if (waiting < critical_bytes / 2)
			return 1;
		limit = critical_budget;
		if (waiting >= critical_bytes / 4 * 3)
			limit /= CRITICAL_ALMOST_FULL_SHARE;
	} else {
		limit = bulk_allowance();
	}
	if (spend(control_group, class, is_critical != 0, limit))
		return 1;
	lose(control_group, class, CAUSE_BUDGET);
	return 0;
}

/* Nobody is woken: an interrupt a record costs more than making it, so user space looks by itself. */
__noinline int send(u32 slot, u64 control_group, u32 class, u32 is_critical)
{
	struct draft *draft = the_draft(slot);
	long error;
	u64 size;

	if (!draft)
		return 0;
	size = draft->used;
	opaque(size);
	if (size > sizeof(draft->bytes))
		return 0;
	head_of(draft)->size = size;
	if (is_critical)
		error = bpf_ringbuf_output(&critical, draft->bytes, size, BPF_RB_NO_WAKEUP);
	else
		error = bpf_ringbuf_output(&bulk, draft->bytes, size, BPF_RB_NO_WAKEUP);
	if (error)
		lose(control_group, class, CAUSE_FULL);
	return 0;
}
