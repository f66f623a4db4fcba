/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether anything is refused to whoever asks. Almost nobody is: what has no bits leaves here.
 */
#pragma once

/* Hides from the compiler where a number comes from, so that it checks the very register that it
 * then uses: the verifier follows registers, not algebra. */
#define opaque(value) asm volatile("" : "+r"(value))

/* A container's group is five levels down, in a container of containers ten. Who makes deeper ones
 * than this is in none that is known. */
#define GROUPS_UP 256

/* `/proc` tells when a process was born in these nanoseconds. */
#define TICK 10000000ULL

struct question {
	u64 enforced, observed;
	/* The process' own group. */
	u64 control_group;
	/* That which its bits are of, or its own. */
	u64 held_by;
	u32 act;
	/* What the act is done to, for who reads of it. */
	u32 object;
	u32 port;
	u32 unused;
	u64 address[2];
};

/* The nearest group that is known, 0 for none. The root is above all groups, and counts only for the
 * processes that are in it itself. */
__noinline u64 known_group(u64 group)
{
	u64 at = group, id;
	u32 step;

	for (step = 0; step < GROUPS_UP; step++) {
		struct cgroup___parent *child = (void *)at;
		struct cgroup_subsys_state___parent *parent = BPF_CORE_READ(child, self.parent);

		if (!parent && step)
			return 0;
		id = BPF_CORE_READ((struct cgroup *)child, kn, id);
		if (bpf_map_lookup_elem(&groups, &id))
			return id;
		if (!parent)
			return 0;
		at = (u64)BPF_CORE_READ(parent, cgroup);
	}
	return 0;
}

static __always_inline struct holding *holding_of(struct question *question, u64 group)
{
	u64 known = known_group(group);
	u32 zero = 0;

	question->control_group = BPF_CORE_READ((struct cgroup *)group, kn, id);
	question->held_by = known ? known : question->control_group;
	return known ? bpf_map_lookup_elem(&groups, &known) :
		       bpf_map_lookup_elem(&unknown_group, &zero);
}

/* Threads of the kernel, the first process, ourselves. */
static __always_inline int is_exempt(struct task_struct *task)
{
	u32 process = bpf_get_current_pid_tgid() >> 32;
	u64 *born;

	if (process == 1 || !BPF_CORE_READ(task, mm))
		return 1;
	born = bpf_map_lookup_elem(&exempt, &process);
	return born && *born == BPF_CORE_READ(task, group_leader, start_boottime) / TICK * TICK;
}

static __always_inline struct program program_of(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	return (struct program){
		.inode = BPF_CORE_READ(inode, i_ino),
		.device = BPF_CORE_READ(inode, i_sb, s_dev),
		.generation = BPF_CORE_READ((struct inode___generation *)inode, i_generation),
	};
}

/* A runtime makes a container from inside of its group, by a program that it executed outside. */
static __always_inline int came_from_outside(struct question *question, struct task_struct *task)
{
	u64 file = (u64)BPF_CORE_READ(task, mm, exe_file);
	struct lineage *origin = bpf_map_lookup_elem(&origins, &file);
	struct program program;
	u32 level;

	/* As many as are noted: there may be more. */
	if (!origin || origin->groups[LEVELS - 1])
		return 0;
	program = program_of((void *)file);
	if (origin->program.inode != program.inode || origin->program.device != program.device ||
	    origin->program.generation != program.generation)
		return 0;
	/* A group that something holds for is a container's, or one within it. */
	for (level = 0; level < LEVELS; level++) {
		u64 group = origin->groups[level];
		struct holding *held = bpf_map_lookup_elem(&groups, &group);

		if (group == question->held_by || (held && (held->enforced | held->observed)))
			return 0;
	}
	return 1;
}

/* True if something is refused that has to do with the act. */
static __always_inline int may_be_refused(struct question *question, u32 act)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 bits = act_bits[act];
	struct holding *holding;

	if (!bits)
		return 0;
	holding = holding_of(question, group_at(task));
	if (!holding)
		return 0;
	question->act = act;
	question->enforced = holding->enforced & bits;
	question->observed = holding->observed & bits;
	return question->enforced | question->observed && !is_exempt(task);
}

/* The same of whoever runs a program of the group: what a runtime does in it is left to it. */
static __always_inline int may_be_refused_inside(struct question *question, u32 act)
{
	return may_be_refused(question, act) &&
	       !came_from_outside(question, (void *)bpf_get_current_task());
}

/* Notes where the program that is executed now was executed. */
static __always_inline void note_origin(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct cgroup___parent *at = (void *)group_at(task);
	u64 file = (u64)BPF_CORE_READ(task, mm, exe_file);
	struct lineage origin = {};
	u32 step;

	origin.program = program_of((void *)file);
	for (step = 0; step < GROUPS_UP; step++) {
		struct cgroup_subsys_state___parent *parent = BPF_CORE_READ(at, self.parent);
		u32 level = BPF_CORE_READ(at, level);

		opaque(level);
		if (level < LEVELS)
			origin.groups[level] = BPF_CORE_READ((struct cgroup *)at, kn, id);
		if (!parent)
			break;
		at = (void *)BPF_CORE_READ(parent, cgroup);
	}
	bpf_map_update_elem(&origins, &file, &origin, BPF_ANY);
}
