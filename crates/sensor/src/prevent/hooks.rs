//! Which programs an act needs. A further one is a line here and a program in `prevent.bpf.c`.

use super::Act;

/// A program at a hook of security modules.
pub(super) struct Hook {
    pub(super) program: &'static str,
    pub(super) hook: &'static str,
    pub(super) acts: &'static [Act],
    /// Where the kernel has no such hook, another one is asked.
    pub(super) is_younger: bool,
}

const fn hook(program: &'static str, hook: &'static str, acts: &'static [Act]) -> Hook {
    Hook { program, hook, acts, is_younger: false }
}

const fn younger_hook(program: &'static str, hook: &'static str, acts: &'static [Act]) -> Hook {
    Hook { program, hook, acts, is_younger: true }
}

/// What is executed by a runtime is refused as what anybody else executes is.
const EXECUTED: &[Act] = &[Act::Execute, Act::ExecuteForeign];
/// A name is given to a file, or taken from it: then it could be read or executed elsewhere.
const NAMED: &[Act] = &[Act::Execute, Act::Read, Act::Write];

pub(super) const HOOKS: &[Hook] = &[
    hook("note_exec", "bprm_committed_creds", &Act::ALL),
    hook("refuse_exec", "bprm_check_security", EXECUTED),
    hook("refuse_unlisted", "bprm_creds_from_file", &[Act::ExecuteExcept]),
    hook("refuse_map", "mmap_file", EXECUTED),
    hook("refuse_protect", "file_mprotect", EXECUTED),
    hook("refuse_open", "file_open", &[Act::Read, Act::Write]),
    hook("refuse_mknod", "path_mknod", &[Act::Write]),
    hook("refuse_mkdir", "path_mkdir", &[Act::Write]),
    hook("refuse_rmdir", "path_rmdir", &[Act::Write]),
    hook("refuse_unlink", "path_unlink", &[Act::Write]),
    hook("refuse_symlink", "path_symlink", &[Act::Write]),
    hook("refuse_chmod", "path_chmod", &[Act::Write]),
    hook("refuse_chown", "path_chown", &[Act::Write]),
    hook("refuse_truncate", "path_truncate", &[Act::Write]),
    younger_hook("refuse_truncate_open", "file_truncate", &[Act::Write]),
    hook("refuse_link", "path_link", NAMED),
    hook("refuse_rename", "path_rename", NAMED),
    hook("refuse_connect", "socket_connect", &[Act::Connect]),
    hook("refuse_send", "socket_sendmsg", &[Act::Connect]),
    hook("refuse_mount", "sb_mount", &[Act::Mount]),
    hook("refuse_remount", "sb_remount", &[Act::Mount]),
    hook("refuse_unmount", "sb_umount", &[Act::Mount]),
    hook("refuse_pivot", "sb_pivotroot", &[Act::Mount]),
    hook("refuse_move", "move_mount", &[Act::Mount]),
    hook("refuse_make", "sb_set_mnt_opts", &[Act::Mount]),
    hook("refuse_trace", "ptrace_access_check", &[Act::Trace]),
    hook("refuse_traceme", "ptrace_traceme", &[Act::Trace]),
    hook("refuse_module_request", "kernel_module_request", &[Act::LoadModule]),
    hook("refuse_module_data", "kernel_load_data", &[Act::LoadModule]),
    hook("refuse_module_file", "kernel_read_file", &[Act::LoadModule]),
    hook("refuse_bpf", "bpf", &[Act::LoadBpf]),
];

/// The programs at control groups, all of them for [`Act::Connect`].
pub(super) const AT_GROUPS: &[&str] =
    &["pass_connect4", "pass_connect6", "pass_send4", "pass_send6"];
