//! Numbers of system calls → architecture and name, as libseccomp spells both.

/// Calls that x32 numbers otherwise, from 512 on in this order; the rest has the numbers of x86-64.
const X32: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// The interface is one of `enum call_abi`: the machine's own, the one of 32 bits, x32.
pub(super) fn of(abi: usize, number: usize) -> Option<(&'static str, &'static str)> {
    if cfg!(target_arch = "x86_64") { on_x86_64(abi, number) } else { on_aarch64(abi, number) }
}

fn on_x86_64(abi: usize, number: usize) -> Option<(&'static str, &'static str)> {
    use syscalls::{x86, x86_64};
    let own = |number| x86_64::Sysno::new(number).map(|call| call.name());
    match abi {
        0 => own(number).map(|name| ("x86_64", name)),
        1 => x86::Sysno::new(number).map(|call| ("x86", call.name())),
        2 => {
            let other = number.checked_sub(512).and_then(|at| X32.get(at).copied());
            other.or_else(|| own(number)).map(|name| ("x32", name))
        }
        _ => None,
    }
}

fn on_aarch64(abi: usize, number: usize) -> Option<(&'static str, &'static str)> {
    use syscalls::{aarch64, arm};
    match abi {
        0 => aarch64::Sysno::new(number).map(|call| match call.name() {
            // As the kernel's headers have it for both machines.
            "fstatat" => ("aarch64", "newfstatat"),
            name => ("aarch64", name),
        }),
        1 => arm::Sysno::new(number).map(|call| ("arm", call.name())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_the_kernels_headers() {
        let table = [
            (0, 0, Some(("x86_64", "read"))),
            (0, 59, Some(("x86_64", "execve"))),
            (0, 435, Some(("x86_64", "clone3"))),
            (0, 262, Some(("x86_64", "newfstatat"))),
            (0, 17, Some(("x86_64", "pread64"))),
            (1, 11, Some(("x86", "execve"))),
            (1, 102, Some(("x86", "socketcall"))),
            (2, 0, Some(("x32", "read"))),
            (2, 520, Some(("x32", "execve"))),
            (2, 547, Some(("x32", "pwritev2"))),
            (0, 570, None),
            (3, 0, None),
        ];
        for (abi, number, name) in table {
            assert_eq!(on_x86_64(abi, number), name, "{abi} {number}");
        }
        let table = [
            (0, 63, Some(("aarch64", "read"))),
            (0, 79, Some(("aarch64", "newfstatat"))),
            (0, 435, Some(("aarch64", "clone3"))),
            (1, 5, Some(("arm", "open"))),
            (1, 281, Some(("arm", "socket"))),
            (2, 0, None),
        ];
        for (abi, number, name) in table {
            assert_eq!(on_aarch64(abi, number), name, "{abi} {number}");
        }
    }
}
