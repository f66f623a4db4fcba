// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that refuse: at the hooks of security modules, and at control groups for kernels
 * that have no such hooks. `prevent/hooks.rs` names each with the act that it is for.
 *
 * The kernel asks no further program once one has refused. A program that has nothing to say
 * returns 0.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "prevent_kernel.h"
#include "prevent_wire.h"
#include "prevent_maps.h"
#include "hierarchy.h"
#include "layer.h"
#include "prevent_ask.h"
#include "prevent_tell.h"
#include "prevent_path.h"
#include "prevent_network.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A kernel pointer as a number. */
static __always_inline u64 number_of(u64 *slot)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), slot);
	return value;
}

/* To do `act` to the file at `path`. */
static __always_inline int refuse_path(u32 act, struct path path, u32 meets)
{
	struct question question = {};

	if (!may_be_refused_inside(&question, act))
		return 0;
	return answer(&question, met_by_path(&question, (u64)path.mnt, (u64)path.dentry, meets));
}

static __always_inline int refuse_path_at(u32 act, u64 path_at)
{
	struct path path = {};

	bpf_probe_read_kernel(&path, sizeof(path), (void *)path_at);
	return refuse_path(act, path, MEETS_HERE);
}

/* The name that a call makes or removes: an entry of a folder. */
static __always_inline struct path entry_of(u64 folder_at, u64 dentry)
{
	struct path *folder = (void *)folder_at;

	return (struct path){ .mnt = BPF_CORE_READ(folder, mnt), .dentry = (void *)dentry };
}

/* Whose name is taken away, or who gets another, is out of reach of every place: it may be neither
 * read nor executed elsewhere. */
static __always_inline int refuse_other_name(struct path path)
{
	int error = refuse_path(ACT_WRITE, path, MEETS_BELOW);

	if (!error)
		error = refuse_path(ACT_READ, path, MEETS_BELOW);
	return error ? error : refuse_path(ACT_EXECUTE, path, MEETS_BELOW);
}

/* Programs. */

static __always_inline int is_memory(struct dentry *dentry, u64 filesystem)
{
	return BPF_CORE_READ(dentry, d_parent) == dentry && filesystem == TMPFS_MAGIC;
}

/* The image brought the lower layers of an overlay. What a container writes goes into the upper one,
 * or into memory. */
static __always_inline int is_foreign(struct dentry *dentry, int maps)
{
	u64 filesystem = BPF_CORE_READ(dentry, d_sb, s_magic);
	u64 inode = (u64)BPF_CORE_READ(dentry, d_inode);

	switch (filesystem) {
	case OVERLAYFS_MAGIC:
		return !!upper_of(inode);
	/* Compilers in a running program map memory of a file of their own. */
	case TMPFS_MAGIC:
		return !maps || !is_memory(dentry, filesystem);
	case RAMFS_MAGIC:
	case HUGETLBFS_MAGIC:
		return 1;
	}
	return 0;
}

static __always_inline int refuse_program(struct file *file, int maps)
{
	struct question question = {}, foreign = {};
	struct path path = path_of(file);
	int error = 0;

	if (may_be_refused(&question, ACT_EXECUTE))
		error = answer(&question,
			       met_by_path(&question, (u64)path.mnt, (u64)path.dentry, MEETS_HERE));
	if (error || !may_be_refused(&foreign, ACT_EXECUTE_FOREIGN) ||
	    !is_foreign(path.dentry, maps))
		return error;
	/* For its text alone. */
	met_at((u64)path.mnt, (u64)path.dentry, 0, MEETS_HERE);
	foreign.object = OBJECT_PATH;
	return answer(&foreign, foreign.enforced | foreign.observed);
}

SEC("lsm/bprm_check_security")
int refuse_exec(u64 *context)
{
	struct linux_binprm___file *binary = (void *)number_of(&context[0]);

	return refuse_program(BPF_CORE_READ(binary, file), 0);
}

/* A runtime goes on, from memory or another file, before it enters the container's mounts. */
static __always_inline int is_runtime_itself(struct question *question, struct dentry *dentry)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (is_memory(dentry, BPF_CORE_READ(dentry, d_sb, s_magic)) ||
		BPF_CORE_READ(task, nsproxy, mnt_ns) ==
			BPF_CORE_READ(task, real_parent, nsproxy, mnt_ns)) &&
	       came_from_outside(question, task);
}

/* Asked once, when the kernel has found what interprets a script, or a program of another machine. */
SEC("lsm/bprm_creds_from_file")
int refuse_unlisted(u64 *context)
{
	u64 binary = number_of(&context[0]);
	struct question question = {};
	struct path path;

	if (!may_be_refused(&question, ACT_EXECUTE_EXCEPT))
		return 0;
	path = path_of(BPF_CORE_READ((struct linux_binprm___file *)binary, file));
	if (is_runtime_itself(&question, path.dentry))
		return 0;
	return answer(&question, met_by_absence(&question, (u64)path.mnt, (u64)path.dentry));
}

/* What `ld.so` does with the program that it is given. */
SEC("lsm/mmap_file")
int refuse_map(u64 *context)
{
	u64 file = number_of(&context[0]);

	if (!file || !(context[2] & PROT_EXEC))
		return 0;
	return refuse_program((void *)file, 1);
}

SEC("lsm/file_mprotect")
int refuse_protect(u64 *context)
{
	struct vm_area_struct *area = (void *)number_of(&context[0]);
	struct file *file;

	if (!(context[2] & PROT_EXEC))
		return 0;
	file = BPF_CORE_READ(area, vm_file);
	return file ? refuse_program(file, 1) : 0;
}

SEC("lsm/bprm_committed_creds")
int note_exec(u64 *context)
{
	note_origin();
	return 0;
}

/* Files. */

SEC("lsm/file_open")
int refuse_open(u64 *context)
{
	struct file *file = (void *)number_of(&context[0]);
	u32 mode = BPF_CORE_READ((struct file___mode *)file, f_mode);
	int error = 0;

	if (mode & FMODE_NOACCOUNT)
		return 0;
	if (mode & FMODE_WRITE)
		error = refuse_path(ACT_WRITE, path_of(file), MEETS_HERE);
	if (!error && mode & FMODE_READ && !(BPF_CORE_READ(file, f_flags) & FMODE_EXEC))
		error = refuse_path(ACT_READ, path_of(file), MEETS_HERE);
	return error;
}

#define AT_ENTRY(name, hook)                                                                       \
	SEC("lsm/" hook)                                                                           \
	int name(u64 *context)                                                                     \
	{                                                                                          \
		return refuse_path(ACT_WRITE,                                                      \
				   entry_of(number_of(&context[0]), number_of(&context[1])),       \
				   MEETS_HERE);                                                    \
	}

AT_ENTRY(refuse_mknod, "path_mknod")
AT_ENTRY(refuse_mkdir, "path_mkdir")
AT_ENTRY(refuse_rmdir, "path_rmdir")
AT_ENTRY(refuse_unlink, "path_unlink")
AT_ENTRY(refuse_symlink, "path_symlink")

#define AT_PATH(name, hook)                                                                        \
	SEC("lsm/" hook)                                                                           \
	int name(u64 *context)                                                                     \
	{                                                                                          \
		return refuse_path_at(ACT_WRITE, number_of(&context[0]));                          \
	}

AT_PATH(refuse_chmod, "path_chmod")
AT_PATH(refuse_chown, "path_chown")
AT_PATH(refuse_truncate, "path_truncate")

/* Since 6.2 who opens a file to empty it, or has it open, is asked here and not by its path. */
SEC("lsm/file_truncate")
int refuse_truncate_open(u64 *context)
{
	return refuse_path(ACT_WRITE, path_of((void *)number_of(&context[0])), MEETS_HERE);
}

SEC("lsm/path_link")
int refuse_link(u64 *context)
{
	u64 folder = number_of(&context[1]);
	int error = refuse_other_name(entry_of(folder, number_of(&context[0])));

	return error ? error : refuse_path(ACT_WRITE, entry_of(folder, number_of(&context[2])), MEETS_HERE);
}

/* Either may go where the other was. */
SEC("lsm/path_rename")
int refuse_rename(u64 *context)
{
	struct path from = entry_of(number_of(&context[0]), number_of(&context[1]));
	struct path to = entry_of(number_of(&context[2]), number_of(&context[3]));
	int error = refuse_other_name(from);

	return error ? error : refuse_other_name(to);
}

/* Connections. */

SEC("lsm/socket_connect")
int refuse_connect(u64 *context)
{
	return connect_to((void *)number_of(&context[0]), number_of(&context[1]), 0);
}

SEC("lsm/socket_sendmsg")
int refuse_send(u64 *context)
{
	struct msghdr *message = (void *)number_of(&context[1]);

	return connect_to((void *)number_of(&context[0]), (u64)BPF_CORE_READ(message, msg_name), 1);
}

/* At a control group 1 lets through. */
static __always_inline int pass4(struct bpf_sock_addr *context)
{
	struct question question = {};
	u16 port = __builtin_bswap16((u16)context->user_port);

	if (!may_be_refused(&question, ACT_CONNECT))
		return 1;
	return !answer(&question, met_by_address4(&question, context->user_ip4, port));
}

static __always_inline int pass6(struct bpf_sock_addr *context)
{
	struct question question = {};
	u32 words[4] = { context->user_ip6[0], context->user_ip6[1], context->user_ip6[2],
			 context->user_ip6[3] };
	u16 port = __builtin_bswap16((u16)context->user_port);

	if (!may_be_refused(&question, ACT_CONNECT))
		return 1;
	return !answer(&question, met_by_address6(&question, words, port));
}

SEC("cgroup/connect4")
int pass_connect4(struct bpf_sock_addr *context)
{
	return pass4(context);
}

SEC("cgroup/connect6")
int pass_connect6(struct bpf_sock_addr *context)
{
	return pass6(context);
}

SEC("cgroup/sendmsg4")
int pass_send4(struct bpf_sock_addr *context)
{
	return pass4(context);
}

SEC("cgroup/sendmsg6")
int pass_send6(struct bpf_sock_addr *context)
{
	return pass6(context);
}

/* Mounts. */

#define ALWAYS(name, hook, act)                                                                    \
	SEC("lsm/" hook)                                                                           \
	int name(u64 *context)                                                                     \
	{                                                                                          \
		return refuse(act);                                                                \
	}

ALWAYS(refuse_mount, "sb_mount", ACT_MOUNT)
ALWAYS(refuse_remount, "sb_remount", ACT_MOUNT)
ALWAYS(refuse_unmount, "sb_umount", ACT_MOUNT)
ALWAYS(refuse_pivot, "sb_pivotroot", ACT_MOUNT)
ALWAYS(refuse_move, "move_mount", ACT_MOUNT)

/* `fsconfig` makes what `fsmount` shows without a mount. The kernel makes some for itself, and where
 * a path leads into one. */
SEC("lsm/sb_set_mnt_opts")
int refuse_make(u64 *context)
{
	struct super_block___flags *block = (void *)number_of(&context[0]);

	return BPF_CORE_READ(block, s_flags) & (SB_KERNMOUNT | SB_SUBMOUNT) ? 0 : refuse(ACT_MOUNT);
}

/* Other processes, modules, programs in the kernel. */

SEC("lsm/ptrace_access_check")
int refuse_trace(u64 *context)
{
	return context[1] & PTRACE_MODE_ATTACH ? refuse(ACT_TRACE) : 0;
}

ALWAYS(refuse_traceme, "ptrace_traceme", ACT_TRACE)
ALWAYS(refuse_module_request, "kernel_module_request", ACT_LOAD_MODULE)

SEC("lsm/kernel_load_data")
int refuse_module_data(u64 *context)
{
	u32 loads = bpf_core_enum_value(enum kernel_load_data_id, LOADING_MODULE);

	return (u32)context[0] == loads ? refuse(ACT_LOAD_MODULE) : 0;
}

SEC("lsm/kernel_read_file")
int refuse_module_file(u64 *context)
{
	u32 reads = bpf_core_enum_value(enum kernel_read_file_id, READING_MODULE);

	return (u32)context[1] == reads ? refuse(ACT_LOAD_MODULE) : 0;
}

ALWAYS(refuse_bpf, "bpf", ACT_LOAD_BPF)
