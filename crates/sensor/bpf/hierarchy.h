/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The control group of a task, in the hierarchy that containers are told apart in. */
#pragma once

/* Set before loading. */
enum hierarchy { HIERARCHY_UNIFIED, HIERARCHY_MEMORY, HIERARCHY_PIDS, HIERARCHY_CPU,
		 HIERARCHY_DEVICES, HIERARCHY_FREEZER };
const volatile u32 hierarchy = HIERARCHY_UNIFIED;

static __always_inline u64 subsystem_group(struct task_struct *task, u64 index)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = 0;

	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof(void *));
	return (u64)BPF_CORE_READ(state, cgroup);
}

#define GROUP_IN(name)                                                                             \
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, name))                               \
		return subsystem_group(task, bpf_core_enum_value(enum cgroup_subsys_id, name));    \
	break

/* Where its `struct cgroup` is. */
static __always_inline u64 group_at(struct task_struct *task)
{
	switch (hierarchy) {
	case HIERARCHY_MEMORY:
		GROUP_IN(memory_cgrp_id);
	case HIERARCHY_PIDS:
		GROUP_IN(pids_cgrp_id);
	case HIERARCHY_CPU:
		GROUP_IN(cpu_cgrp_id);
	case HIERARCHY_DEVICES:
		GROUP_IN(devices_cgrp_id);
	case HIERARCHY_FREEZER:
		GROUP_IN(freezer_cgrp_id);
	}
	return (u64)BPF_CORE_READ(task, cgroups, dfl_cgrp);
}
