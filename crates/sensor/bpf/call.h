/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One reader for all system calls: a `plan` says of what kind each argument is. What a call did is
 * read when it returned, from the kernel's tables where they have it.
 */
#pragma once

#define DATA_BYTES 80
/* What a question of DNS over UDP takes, without extensions. */
#define DATAGRAM_BYTES 512
#define ADDRESS_BYTES 128
#define WORDS_BYTES 24
#define CURRENT_DIRECTORY -100

static __always_inline struct call_body *body_of(struct draft *draft)
{
	return (struct call_body *)(draft->bytes + sizeof(struct record_head));
}

/* Argument `index`, 0 where there is none. */
static __always_inline u64 argument_of(struct draft *draft, u32 index)
{
	u64 at = index;

	opaque(at);
	return at < 6 ? body_of(draft)->arguments[at] : 0;
}

/* The directory that a relative path begins at. An absolute one begins at the process' root. */
__noinline int put_base(u32 slot, u32 place, s32 directory, u64 task_at)
{
	struct file *file;

	if (directory == CURRENT_DIRECTORY)
		return put_directory(slot, TAG(PART_BASE, place), task_at);
	file = (void *)file_of((void *)task_at, directory);
	if (file)
		put_walk(slot, TAG(PART_BASE, place), task_at, (u64)BPF_CORE_READ(file, f_path.mnt),
			 (u64)BPF_CORE_READ(file, f_path.dentry));
	return 0;
}

static __always_inline void put_path(u32 slot, struct draft *draft, u32 index, s32 directory, u64 task_at)
{
	u64 start = draft->used;
	struct part_head *part;

	put_user_text(slot, TAG(PART_TEXT, index), argument_of(draft, index));
	part = part_at(draft, start);
	if (!part)
		return;
	if (!part->size || *(u8 *)(part + 1) != '/')
		put_base(slot, index, directory, task_at);
	else if (has_own_root((void *)task_at))
		put_root(slot, TAG(PART_BASE, index), task_at);
}

/* The address and the first bytes of a `msghdr`. */
__noinline int put_message(u32 slot, u32 index, u64 address, u32 abi, s64 result)
{
	u64 name = 0, name_size = 0, vector = 0, vectors = 0, data = 0, size = 0;

	if (abi == ABI_NATIVE) {
		u64 message[4] = {}, first[2] = {};

		bpf_probe_read_user(message, sizeof(message), (void *)address);
		name = message[0], name_size = (u32)message[1], vector = message[2], vectors = message[3];
		if (vectors)
			bpf_probe_read_user(first, sizeof(first), (void *)vector);
		data = first[0], size = first[1];
	} else {
		u32 message[4] = {}, first[2] = {};

		bpf_probe_read_user(message, sizeof(message), (void *)address);
		name = message[0], name_size = message[1], vector = message[2], vectors = message[3];
		if (vectors)
			bpf_probe_read_user(first, sizeof(first), (void *)vector);
		data = first[0], size = first[1];
	}
	if (result >= 0 && size > (u64)result)
		size = result;
	if (name)
		put_user_bytes(slot, TAG(PART_ADDRESS, index), name, name_size, ADDRESS_BYTES);
	return put_user_bytes(slot, TAG(PART_DATA, index), data, size, DATAGRAM_BYTES);
}

static __always_inline void put_data(u32 slot, struct draft *draft, u32 index, u64 limit)
{
	u64 size = argument_of(draft, index + 1);
	s64 result = body_of(draft)->result;

	if (result >= 0 && size > (u64)result)
		size = result;
	put_user_bytes(slot, TAG(PART_DATA, index), argument_of(draft, index), size, limit);
}

__noinline int put_argument(u32 slot, u32 index, u32 kind, u64 task_at)
{
	struct draft *draft = the_draft(slot);
	u64 value;

	if (!draft)
		return 0;
	value = argument_of(draft, index);
	switch (kind) {
	case ARGUMENT_PATH:
		put_path(slot, draft, index, CURRENT_DIRECTORY, task_at);
		break;
	case ARGUMENT_PATH_AT:
		put_path(slot, draft, index, (s32)argument_of(draft, index - 1), task_at);
		break;
	case ARGUMENT_TEXT:
		if (value)
			put_user_text(slot, TAG(PART_TEXT, index), value);
		break;
	case ARGUMENT_DESCRIPTOR:
		put_descriptor(slot, index, (s32)value, task_at);
		break;
	case ARGUMENT_ADDRESS:
		if (value)
			put_user_bytes(slot, TAG(PART_ADDRESS, index), value, (u32)argument_of(draft, index + 1),
				       ADDRESS_BYTES);
		break;
	case ARGUMENT_DATA:
		put_data(slot, draft, index, DATA_BYTES);
		break;
	case ARGUMENT_DATAGRAM:
		put_data(slot, draft, index, DATAGRAM_BYTES);
		break;
	case ARGUMENT_MESSAGE:
		put_message(slot, index, value, body_of(draft)->abi, body_of(draft)->result);
		break;
	case ARGUMENT_MESSAGES:
		/* The result counts messages, not bytes. */
		put_message(slot, index, value, body_of(draft)->abi, -1);
		break;
	case ARGUMENT_WORDS:
		put_user_bytes(slot, TAG(PART_WORDS, index), value, WORDS_BYTES, WORDS_BYTES);
		break;
	}
	return 0;
}

/* Everything that the plan asks for, into a draft that has its head and body. */
static __always_inline void put_planned(u32 slot, struct plan *plan, s64 result, u64 task_at)
{
	u32 index;

#pragma unroll
	for (index = 0; index < 6; index++)
		if (plan->arguments[index])
			put_argument(slot, index, plan->arguments[index], task_at);
	if (plan->marks & PLAN_DESCRIPTOR && result >= 0)
		put_descriptor(slot, PLACE_RESULT, result, task_at);
	if (plan->marks & PLAN_IDENTITY)
		put_identity(slot, task_at);
	if (plan->marks & PLAN_DIRECTORY)
		put_directory(slot, TAG(PART_DIRECTORY, PLACE_PROCESS), task_at);
}

#if defined(__TARGET_ARCH_x86)
#define SOCKETCALL 102
/* `socketcall` 1 … 20 are planned as calls of their own. */
#define SOCKETCALL_FIRST 1000

static __always_inline void fill_arguments(u64 *arguments, struct pt_regs *regs, u32 abi)
{
	if (abi == ABI_COMPAT) {
		arguments[0] = (u32)regs->bx;
		arguments[1] = (u32)regs->cx;
		arguments[2] = (u32)regs->dx;
		arguments[3] = (u32)regs->si;
		arguments[4] = (u32)regs->di;
		arguments[5] = (u32)regs->bp;
	} else {
		arguments[0] = regs->di;
		arguments[1] = regs->si;
		arguments[2] = regs->dx;
		arguments[3] = regs->r10;
		arguments[4] = regs->r8;
		arguments[5] = regs->r9;
	}
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline void fill_arguments(u64 *arguments, struct pt_regs *regs, u32 abi)
{
	u64 mask = abi == ABI_COMPAT ? 0xffffffff : ~0ULL;

	arguments[0] = regs->orig_x0 & mask;
	arguments[1] = regs->regs[1] & mask;
	arguments[2] = regs->regs[2] & mask;
	arguments[3] = regs->regs[3] & mask;
	arguments[4] = regs->regs[4] & mask;
	arguments[5] = regs->regs[5] & mask;
}
#endif

static __always_inline struct plan *plan_of(u32 abi, s64 number)
{
	u32 slot = (u32)number;

	if (number < 0 || number >= CALLS_PER_ABI)
		return 0;
	if (abi == ABI_COMPAT)
		slot += CALLS_PER_ABI;
	return bpf_map_lookup_elem(&plans, &slot);
}

/* `socketcall` has its arguments in memory; returns the number that its call is planned under. */
static __always_inline s64 unfold(struct call_body *body)
{
#if defined(__TARGET_ARCH_x86)
	u64 words = body->arguments[1];
	u32 call = (u32)body->arguments[0];

	/* One by one: a call of two may have them at the end of its memory. */
#pragma unroll
	for (u32 index = 0; index < 6; index++) {
		u32 word = 0;

		bpf_probe_read_user(&word, sizeof(word), (void *)(words + index * sizeof(word)));
		body->arguments[index] = word;
	}
	return SOCKETCALL_FIRST + (call & 31);
#else
	return body->number;
#endif
}

static __always_inline int is_folded(u32 abi, s64 number)
{
#if defined(__TARGET_ARCH_x86)
	return abi == ABI_COMPAT && number == SOCKETCALL;
#else
	return 0;
#endif
}
