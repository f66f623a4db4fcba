/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a file came with an image: file systems, and the layers of an overlay. */
#pragma once

#define OVERLAYFS_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define HUGETLBFS_MAGIC 0x958458f6

/* An overlay's inode is embedded in one that knows the upper file, if there is one. Where the
 * overlay is a module, its type is unknown here: the pointer follows the inode in all versions. */
static __always_inline u64 upper_of(u64 inode)
{
	u64 upper = 0;

	if (bpf_core_type_exists(struct ovl_inode)) {
		struct ovl_inode___embedding {
			struct inode vfs_inode;
			struct dentry *__upperdentry;
		} __attribute__((preserve_access_index)) *overlay;

		overlay = (void *)(inode - bpf_core_field_offset(struct ovl_inode___embedding, vfs_inode));
		upper = (u64)BPF_CORE_READ(overlay, __upperdentry);
	} else {
		bpf_probe_read_kernel(&upper, sizeof(upper),
				      (void *)(inode + bpf_core_type_size(struct inode)));
	}
	return upper;
}
