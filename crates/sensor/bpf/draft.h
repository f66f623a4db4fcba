/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes parts one behind the other into the draft in a slot. What does not fit marks the record. */
#pragma once

/* Hides from the compiler where a number comes from, so that it checks the very register that it
 * then uses: the verifier follows registers, not algebra. */
#define opaque(value) asm volatile("" : "+r"(value))

#define TAG(kind, place) ((u32)(kind) | (u32)(place) << 16)

/* A path is at most 4096 bytes with its end; what takes one more was cut. */
#define TEXT_LIMIT 4097

static __always_inline struct draft *the_draft(u32 slot)
{
	return bpf_map_lookup_elem(&drafts, &slot);
}

static __always_inline struct record_head *head_of(struct draft *draft)
{
	return (struct record_head *)draft->bytes;
}

/* The part that begins at `start`, or nothing when the draft is full. */
static __always_inline struct part_head *part_at(struct draft *draft, u64 start)
{
	opaque(start);
	if (start > DRAFT_LAST_START) {
		head_of(draft)->marks |= RECORD_CUT;
		return 0;
	}
	return (struct part_head *)(draft->bytes + start);
}

static __always_inline void open_part(struct part_head *part, u32 tag)
{
	part->kind = (u16)tag;
	part->place = (u8)(tag >> 16);
	part->marks = 0;
}

static __always_inline void close_part(struct draft *draft, u64 start, struct part_head *part, u64 size)
{
	part->size = (u32)size;
	draft->used = start + sizeof(*part) + ((size + 7) & ~7ULL);
	if (part->marks & PART_CUT)
		head_of(draft)->marks |= RECORD_CUT;
}

/* `size` is what a helper that copies text returned: with the end, or an error. */
static __always_inline void close_text(struct draft *draft, u64 start, struct part_head *part, long size)
{
	if (size < 0)
		part->marks |= PART_UNREADABLE;
	if (size == TEXT_LIMIT)
		part->marks |= PART_CUT;
	close_part(draft, start, part, size > 0 ? size - 1 : 0);
}

__noinline int put_user_text(u32 slot, u32 tag, u64 address)
{
	struct draft *draft = the_draft(slot);
	struct part_head *part;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	part = part_at(draft, start);
	if (!part)
		return 0;
	open_part(part, tag);
	close_text(draft, start, part, bpf_probe_read_user_str(part + 1, TEXT_LIMIT, (void *)address));
	return 0;
}

__noinline int put_kernel_text(u32 slot, u32 tag, u64 address)
{
	struct draft *draft = the_draft(slot);
	struct part_head *part;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	part = part_at(draft, start);
	if (!part)
		return 0;
	open_part(part, tag);
	close_text(draft, start, part, bpf_probe_read_kernel_str(part + 1, TEXT_LIMIT, (void *)address));
	return 0;
}

/* The first `limit` of `size` bytes. */
__noinline int put_user_bytes(u32 slot, u32 tag, u64 address, u64 size, u64 limit)
{
	struct draft *draft = the_draft(slot);
	struct part_head *part;
	u64 start;

	if (!draft)
		return 0;
	start = draft->used;
	part = part_at(draft, start);
	if (!part)
		return 0;
	open_part(part, tag);
	if (size > limit) {
		size = limit;
		part->marks |= PART_CUT;
	}
	opaque(size);
	if (size > PART_LIMIT)
		size = PART_LIMIT;
	if (bpf_probe_read_user(part + 1, size, (void *)address)) {
		part->marks |= PART_UNREADABLE;
		size = 0;
	}
	close_part(draft, start, part, size);
	return 0;
}
