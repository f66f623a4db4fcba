//! The lists: which calls each need takes. Data alone.
//!
//! From one `strace -f` of the guard, and from its tests and those of its helpers, which run behind these
//! filters on x86-64: what they needed stands here, with what their libraries are known to do in the
//! cases that did not come up (a signal, an end by panic, a call that is resumed).
//! Other machines lack the older of two calls of one kind; those stand in groups that are theirs alone.

use super::{Group, Only, calls};

/// Commands of `ioctl`, by their numbers on both machines.
const TCGETS: u32 = 0x5401;
const FIONBIO: u32 = 0x5421;
const FIONREAD: u32 = 0x541b;

const F_DUPFD: u32 = 0;
const F_GETFD: u32 = 1;
const F_SETFD: u32 = 2;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const F_DUPFD_CLOEXEC: u32 = 1030;
/// And not whom a file's signals are for, which could be anybody.
const FLAGS_OR_COPY: Only =
    Only::OneOf(1, &[F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC]);

const PR_SET_NAME: u32 = 15;
const PR_SET_VMA: u32 = 0x5356_4d41;

const PR_GET_AUXV: u32 = 0x4155_5856;

const PERF_ENABLE: u32 = 0x2400;
const PERF_DISABLE: u32 = 0x2401;
const PERF_SET_BPF: u32 = 0x4004_2408;

const PROT_EXEC: u64 = 4;
/// Memory that is read and written, never executed.
const NO_CODE: Only = Only::Bits { argument: 2, of: PROT_EXEC, set: 0 };

/// Limits are read, and not set.
const NO_NEW_LIMIT: Only = Only::Bits { argument: 2, of: u64::MAX, set: 0 };

const CLONE_THREAD: u64 = 0x1_0000;
/// Of namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME.
const CLONE_NEW: u64 = 0x7e02_0080;
const A_THREAD: Only = Only::Bits { argument: 0, of: CLONE_THREAD | CLONE_NEW, set: CLONE_THREAD };

const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;

pub const RUN: Group = Group {
    name: "run",
    why: "memory, locks, time, random numbers and the end, which no program does without",
    calls: calls![
        SYS_brk,
        SYS_mmap => NO_CODE,
        SYS_mprotect => NO_CODE,
        SYS_mremap,
        SYS_munmap,
        SYS_madvise,
        SYS_futex,
        SYS_sched_yield,
        SYS_sched_getaffinity,
        SYS_getpid,
        SYS_gettid,
        SYS_getuid,
        SYS_geteuid,
        SYS_getgid,
        SYS_getegid,
        SYS_prlimit64 => NO_NEW_LIMIT,
        SYS_clock_gettime,
        SYS_clock_getres,
        SYS_clock_nanosleep,
        SYS_nanosleep,
        SYS_gettimeofday,
        SYS_getrandom,
        SYS_rt_sigaction,
        SYS_rt_sigprocmask,
        SYS_rt_sigreturn,
        SYS_sigaltstack,
        SYS_restart_syscall,
        SYS_tgkill => Only::OwnProcess(0),
        SYS_exit,
        SYS_exit_group,
        SYS_prctl => Only::OneOf(0, &[PR_SET_NAME, PR_SET_VMA]),
    ],
};

pub const THREADS: Group = Group {
    name: "threads",
    why: "threads of the process' own; no other process, and no namespace",
    calls: calls![SYS_clone => A_THREAD, SYS_set_robust_list, SYS_rseq],
};

pub const STREAMS: Group = Group {
    name: "streams",
    why: "what is open already: files, pipes and sockets that were handed over",
    calls: calls![
        SYS_read,
        SYS_readv,
        SYS_write,
        SYS_writev,
        SYS_close,
        SYS_lseek,
        SYS_fstat,
        SYS_fcntl => FLAGS_OR_COPY,
        SYS_ppoll,
        SYS_recvfrom,
        SYS_recvmsg,
        SYS_sendto,
        SYS_sendmsg,
        SYS_shutdown,
        SYS_ioctl => Only::OneOf(1, &[TCGETS, FIONBIO, FIONREAD]),
    ],
};

#[cfg(target_arch = "x86_64")]
pub const STREAMS_OLDER: Group = Group {
    name: "streams, older",
    why: "the same by calls that newer machines do not have",
    calls: calls![SYS_poll],
};
#[cfg(not(target_arch = "x86_64"))]
pub const STREAMS_OLDER: Group = Group { name: "streams, older", why: "", calls: &[] };

pub const READ: Group = Group {
    name: "read",
    why: "files are opened and looked at, as far as Landlock lets them",
    calls: calls![
        SYS_openat,
        SYS_newfstatat,
        SYS_statx,
        SYS_pread64,
        SYS_getdents64,
        SYS_readlinkat,
        SYS_getcwd,
    ],
};

pub const WRITE: Group = Group {
    name: "write",
    why: "files are made, cut, removed and told to the disk, as far as Landlock lets them",
    calls: calls![
        SYS_pwrite64,
        SYS_ftruncate,
        SYS_fsync,
        SYS_fdatasync,
        SYS_flock,
        SYS_mkdirat,
        SYS_unlinkat,
    ],
};

#[cfg(target_arch = "x86_64")]
pub const FILES_OLDER: Group = Group {
    name: "files, older",
    why: "the same by calls that newer machines do not have",
    calls: calls![SYS_readlink, SYS_mkdir, SYS_unlink, SYS_access, SYS_stat, SYS_lstat, SYS_open],
};
#[cfg(not(target_arch = "x86_64"))]
pub const FILES_OLDER: Group = Group { name: "files, older", why: "", calls: &[] };

pub const CONNECT: Group = Group {
    name: "connect",
    why: "connections of TCP and datagrams of UDP to elsewhere",
    calls: calls![
        SYS_socket => Only::OneOf(0, &[AF_INET, AF_INET6]),
        SYS_connect,
        SYS_bind,
        SYS_getsockname,
        SYS_getpeername,
        SYS_getsockopt,
        SYS_setsockopt,
        SYS_sendmmsg,
        SYS_uname,
    ],
};

pub const CONNECT_LOCALLY: Group = Group {
    name: "connect locally",
    why: "sockets that are files, of the local log: those of runtimes are, too, so only who needs one may",
    calls: calls![SYS_socket => Only::OneOf(0, &[AF_UNIX])],
};

pub const LISTEN: Group = Group {
    name: "listen",
    why: "connections that others make",
    calls: calls![SYS_listen, SYS_accept4],
};

pub const LIBRARIES: Group = Group {
    name: "libraries",
    why: "code of libraries that the resolver of names loads",
    calls: calls![SYS_mmap, SYS_mprotect],
};

/// For who does not resolve to do it: the C library asks, and goes on without.
pub const NO_LOCAL_SOCKETS: Group = Group {
    name: "no local sockets",
    why: "the resolver of names asks local services and the kernel first, and does without",
    calls: calls![SYS_socket => Only::OneOf(0, &[AF_UNIX, AF_NETLINK])],
};

pub const NO_NETLINK: Group = Group {
    name: "no netlink",
    why: "the resolver of names asks the kernel for its addresses first, and does without",
    calls: calls![SYS_socket => Only::OneOf(0, &[AF_NETLINK])],
};

pub const SIGNALS: Group = Group {
    name: "signals",
    why: "a pair of sockets within the process, by which its signals are told",
    calls: calls![SYS_socketpair => Only::OneOf(0, &[AF_UNIX])],
};

pub const HELPERS: Group = Group {
    name: "helpers",
    why: "helpers are ended and waited for; those that are not in its cage Landlock keeps from its signals",
    calls: calls![SYS_wait4, SYS_waitid, SYS_kill],
};

pub const SENSE: Group = Group {
    name: "sense",
    why: "programs in the kernel, loaded and attached (also later, for rules that are read anew), and what \
          they say; control groups, mounts and runtimes of the host",
    calls: calls![
        SYS_bpf,
        SYS_perf_event_open,
        SYS_ioctl => Only::OneOf(1, &[PERF_ENABLE, PERF_DISABLE, PERF_SET_BPF]),
        SYS_epoll_create1,
        SYS_epoll_ctl,
        SYS_epoll_pwait,
        SYS_eventfd2,
        SYS_openat2,
        SYS_statfs,
        SYS_fstatfs,
        SYS_getxattr,
        SYS_uname,
        SYS_prctl => Only::OneOf(0, &[PR_GET_AUXV]),
    ],
};

pub const ASK_RUNTIMES: Group = Group {
    name: "ask runtimes",
    why: "sockets of container engines and of the local log",
    calls: calls![
        SYS_socket => Only::OneOf(0, &[AF_UNIX]),
        SYS_connect,
        SYS_getsockopt,
        SYS_setsockopt,
        SYS_getsockname,
        SYS_getpeername,
    ],
};

pub const REFUSE: Group = Group {
    name: "refuse",
    why: "the kernel asks before programs and files are opened, and is answered; pins are kept",
    calls: calls![SYS_fanotify_init, SYS_fanotify_mark, SYS_mount, SYS_umount2],
};

pub const RESPOND: Group = Group {
    name: "respond",
    why: "processes are signalled by descriptors, files are sealed, removed and put back as they were",
    calls: calls![
        SYS_pidfd_open,
        SYS_pidfd_send_signal,
        SYS_kill,
        SYS_fallocate,
        SYS_linkat,
        SYS_renameat,
        SYS_renameat2,
        SYS_flistxattr,
        SYS_fgetxattr,
        SYS_fsetxattr,
        SYS_setxattr,
        SYS_fchmod,
        SYS_fchown,
        SYS_utimensat,
    ],
};

#[cfg(target_arch = "x86_64")]
pub const RESPOND_OLDER: Group = Group {
    name: "respond, older",
    why: "the same by calls that newer machines do not have",
    calls: calls![SYS_rename, SYS_rmdir, SYS_link],
};
#[cfg(not(target_arch = "x86_64"))]
pub const RESPOND_OLDER: Group = Group { name: "respond, older", why: "", calls: &[] };
