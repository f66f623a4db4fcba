/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What only preventions read of the kernel's structs, beside `kernel.h`. */
#pragma once

#define BPF_MAP_TYPE_LPM_TRIE 11
enum { BPF_ANY = 0 };
enum { BPF_F_NO_PREALLOC = 1 };

#define EPERM 1

/* `f_mode`. */
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
/* An overlay's file beneath: another has been asked about in its place. */
#define FMODE_NOACCOUNT 0x20000000
/* `f_flags`: opened to be executed. */
#define FMODE_EXEC 0x20

#define PROT_EXEC 0x4

/* `s_flags`. */
#define SB_KERNMOUNT (1UL << 22)
#define SB_SUBMOUNT (1UL << 26)
#define SB_NOUSER (1UL << 31)

#define PTRACE_MODE_ATTACH 0x2

#define FAMILY_UNSPECIFIED 0
#define FAMILY_INET 2
#define FAMILY_INET6 10

/* As every program at an address of a socket has it; no struct of the kernel's own. */
struct bpf_sock_addr {
	u32 user_family;
	u32 user_ip4;
	u32 user_ip6[4];
	u32 user_port;
	u32 family;
	u32 type;
	u32 protocol;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cgroup_subsys_state___parent {
	struct cgroup *cgroup;
	struct cgroup_subsys_state___parent *parent;
};

struct cgroup___parent {
	struct cgroup_subsys_state___parent self;
	int level;
};

struct super_block___flags {
	unsigned long s_flags;
};

struct vfsmount___block {
	struct super_block *mnt_sb;
};

struct super_block___root {
	struct dentry *s_root;
};

struct nsproxy___processes {
	struct pid_namespace *pid_ns_for_children;
};

struct pid_namespace___first {
	struct task_struct *child_reaper;
};

struct mount___namespace {
	struct mnt_namespace *mnt_ns;
};

struct mnt_namespace___root {
	struct mount *root;
};

struct file___mode {
	unsigned int f_mode;
};

/* Since 6.5. */
struct backing_file {
	struct path user_path;
};

struct linux_binprm___file {
	struct file *file;
};

struct vm_area_struct {
	struct file *vm_file;
};

struct inode___generation {
	u32 i_generation;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

#pragma clang attribute pop

enum kernel_read_file_id { READING_MODULE = 2 };
enum kernel_load_data_id { LOADING_MODULE = 2 };
