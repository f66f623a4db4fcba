/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which call it is, and of which of the interfaces that a kernel has for them. */
#pragma once

#if defined(__TARGET_ARCH_x86)
#define THREAD_COMPAT 2
#define X32_BIT 0x40000000

static __always_inline u32 abi_of(struct pt_regs *regs, struct task_struct *task, s64 *number)
{
	/* The kernel goes by the low half and leaves the other as it came. */
	*number = (s32)regs->orig_ax;
	if (task->thread_info.status & THREAD_COMPAT) {
		*number = (u32)*number;
		return ABI_COMPAT;
	}
	if (*number < X32_BIT)
		return ABI_NATIVE;
	*number &= ~(s64)X32_BIT;
	return ABI_X32;
}

#elif defined(__TARGET_ARCH_arm64)
#define THREAD_COMPAT (1UL << 22)

static __always_inline u32 abi_of(struct pt_regs *regs, struct task_struct *task, s64 *number)
{
	*number = regs->syscallno;
	return task->thread_info.flags & THREAD_COMPAT ? ABI_COMPAT : ABI_NATIVE;
}
#endif
