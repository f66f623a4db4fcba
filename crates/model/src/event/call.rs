//! The calls and occurrences that a sensor tells apart, under their kernel names.

use serde::{Deserialize, Serialize};

macro_rules! calls {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A system call, or something else that happens to a process.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Call { $($variant),* }

        impl Call {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As the kernel names it: `openat`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub fn of_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

calls! {
    Accept = "accept", Accept4 = "accept4", Bind = "bind", Bpf = "bpf", Capset = "capset",
    Chdir = "chdir", Chmod = "chmod", Chown = "chown", Chroot = "chroot", Clone = "clone",
    Clone3 = "clone3", Close = "close", Connect = "connect", Container = "container",
    Creat = "creat", Dup = "dup", Dup2 = "dup2", Dup3 = "dup3", Execve = "execve",
    Execveat = "execveat", Fchdir = "fchdir", Fchmod = "fchmod", Fchmodat = "fchmodat",
    Fchmodat2 = "fchmodat2", Fchown = "fchown", Fchownat = "fchownat", Fcntl = "fcntl",
    FinitModule = "finit_module", Fork = "fork", Fsetxattr = "fsetxattr",
    InitModule = "init_module", IoUringSetup = "io_uring_setup",
    KexecFileLoad = "kexec_file_load", KexecLoad = "kexec_load", Keyctl = "keyctl",
    Kill = "kill", Lchown = "lchown", Link = "link", Linkat = "linkat", Listen = "listen",
    Lost = "lost", Lsetxattr = "lsetxattr", MemfdCreate = "memfd_create", Mkdir = "mkdir",
    Mkdirat = "mkdirat", Mknod = "mknod", Mknodat = "mknodat", Mount = "mount",
    MoveMount = "move_mount", Mprotect = "mprotect", Open = "open",
    OpenByHandleAt = "open_by_handle_at", Openat = "openat", Openat2 = "openat2",
    PerfEventOpen = "perf_event_open", PivotRoot = "pivot_root",
    ProcessVmReadv = "process_vm_readv", ProcessVmWritev = "process_vm_writev",
    Procexit = "procexit", Ptrace = "ptrace", Read = "read", Reboot = "reboot",
    Recvfrom = "recvfrom", Recvmsg = "recvmsg", Rename = "rename", Renameat = "renameat",
    Renameat2 = "renameat2", Rmdir = "rmdir", Sendmsg = "sendmsg", Sendto = "sendto",
    Setgid = "setgid", Setns = "setns", Setregid = "setregid", Setresgid = "setresgid",
    Setresuid = "setresuid", Setreuid = "setreuid", Setuid = "setuid", Setxattr = "setxattr",
    Socket = "socket", Symlink = "symlink", Symlinkat = "symlinkat", Tgkill = "tgkill",
    Tkill = "tkill", Umount2 = "umount2", Unlink = "unlink", Unlinkat = "unlinkat",
    Unshare = "unshare", Userfaultfd = "userfaultfd", Vfork = "vfork", Write = "write",
    Other = "other",
    // Recordings know calls by their place here: new ones stand at the end.
    Fsconfig = "fsconfig", Fsmount = "fsmount", Fsopen = "fsopen", Ftruncate = "ftruncate",
    OpenTree = "open_tree", Sendmmsg = "sendmmsg", Truncate = "truncate", Malware = "malware",
    Relay = "relay",
}
