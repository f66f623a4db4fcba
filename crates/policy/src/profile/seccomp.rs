//! A seccomp profile, as Docker, Podman and Kubernetes read it, of the system calls that were learnt.
//!
//! It refuses everything else. Runtimes put it in force before they execute the container's program,
//! so what they do in between is allowed too, to everybody. What Docker's own profile restricts by arguments stays
//! restricted, whatever was learnt: learning sees that a call was made, and not with what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Profile;

/// What runc calls once the filter is in force, up to executing the container's program: with and
/// without `no_new_privs`, as root and as somebody else (runc 1.1 was traced), what later versions call
/// in the place of some of these, and what the runtime of its language may call at any moment.
const OF_RUNTIME: &[&str] = &[
    "capget",
    "capset",
    "chdir",
    "close",
    "close_range",
    "epoll_ctl",
    "epoll_pwait",
    "execve",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fchown",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getpid",
    "getppid",
    "gettid",
    "madvise",
    "mmap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "openat2",
    "prctl",
    "prlimit64",
    "read",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "setgid",
    "setgroups",
    "setuid",
    "sigaltstack",
    "tgkill",
    "write",
];
/// Calls with numbers of arm's own, beyond those that learning sees: programs of 32 bits begin with one.
const OF_ARM: &[&str] = &["breakpoint", "cacheflush", "set_tls"];
/// Of an architecture, the one that the runtime itself has.
const RUNTIMES: [(&str, &str); 3] = [("x86", "x86_64"), ("x32", "x86_64"), ("arm", "aarch64")];
/// `CLONE_NEW…` without that of time: who may clone may not make namespaces by it.
const NAMESPACES: u64 = 0x7e02_0000;
/// Sockets of virtual machines, which lead out of a container.
const VSOCK: u64 = 40;
/// What `personality(2)` may be asked for: ordinary ones, and to be told.
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seccomp {
    default_action: &'static str,
    default_errno_ret: u32,
    architectures: Vec<&'static str>,
    syscalls: Vec<Rule>,
    /// What its reader should know.
    #[serde(skip)]
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    names: Vec<String>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno_ret: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u32,
    value: u64,
    value_two: u64,
    op: &'static str,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeccompError {
    #[error("no system calls were learnt for `{0}`")]
    NoCalls(String),
    #[error("`{0}` is no architecture that a seccomp profile can name")]
    Architecture(String),
}

impl Profile {
    /// The seccomp profile of what was learnt.
    ///
    /// # Errors
    /// If no calls were learnt: what is not known is not refused.
    pub fn seccomp(&self) -> Result<Seccomp, SeccompError> {
        let none = || SeccompError::NoCalls(self.workload.to_string());
        let calls = self.calls.as_ref().filter(|all| all.values().any(|it| !it.is_empty()));
        let calls = calls.ok_or_else(none)?;
        let names: BTreeSet<&str> = calls.keys().map(String::as_str).collect();
        let of_runtimes = RUNTIMES.iter().filter(|(of, _)| names.contains(of)).map(|(_, own)| *own);
        let architectures = (names.iter().copied().chain(of_runtimes).collect::<BTreeSet<&str>>())
            .into_iter()
            .map(|name| {
                architecture(name).ok_or_else(|| SeccompError::Architecture(name.to_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Seccomp {
            default_action: "SCMP_ACT_ERRNO",
            default_errno_ret: EPERM,
            architectures,
            syscalls: rules(calls),
            notes: self.doubts(calls),
        })
    }

    fn doubts(&self, calls: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.learning.starts == 0 {
            notes.push(
                "no container was seen beginning: what it calls then is not in it".to_owned(),
            );
        }
        notes.extend(self.incomplete.iter().map(|what| format!("incomplete: {what}")));
        if calls.values().any(|names| names.contains("clone3")) {
            let note = "`clone3` was learnt: a filter cannot see whether it makes namespaces";
            notes.push(note.to_owned());
        }
        notes
    }
}

fn rules(calls: &BTreeMap<String, BTreeSet<String>>) -> Vec<Rule> {
    let mut names: BTreeSet<&str> = calls.values().flatten().map(String::as_str).collect();
    let learnt_clone3 = names.contains("clone3");
    let restricted = ["clone", "personality", "socket"].map(|name| (name, names.remove(name)));
    let [_, (_, personality), (_, socket)] = restricted;
    names.extend(OF_RUNTIME);
    if calls.contains_key("arm") {
        names.extend(OF_ARM);
    }
    let mut rules = vec![allow(names.iter().copied(), Vec::new())];
    let compare = |index, value, value_two, op| Argument { index, value, value_two, op };
    rules.push(allow(["clone"], vec![compare(0, NAMESPACES, 0, "SCMP_CMP_MASKED_EQ")]));
    if socket {
        rules.push(allow(["socket"], vec![compare(0, VSOCK, 0, "SCMP_CMP_NE")]));
    }
    if personality {
        let of = |value| allow(["personality"], vec![compare(0, value, 0, "SCMP_CMP_EQ")]);
        rules.extend(PERSONALITIES.map(of));
    }
    if !learnt_clone3 {
        // Libraries fall back to `clone` if there is no such call, and fail if it is refused.
        let action = "SCMP_ACT_ERRNO";
        let names = vec!["clone3".to_owned()];
        rules.push(Rule { names, action, errno_ret: Some(ENOSYS), args: Vec::new() });
    }
    rules
}

fn allow<'a>(names: impl IntoIterator<Item = &'a str>, args: Vec<Argument>) -> Rule {
    let names = names.into_iter().map(str::to_owned).collect();
    Rule { names, action: "SCMP_ACT_ALLOW", errno_ret: None, args }
}

/// As libseccomp calls it.
fn architecture(name: &str) -> Option<&'static str> {
    Some(match name {
        "x86_64" => "SCMP_ARCH_X86_64",
        "x86" => "SCMP_ARCH_X86",
        "x32" => "SCMP_ARCH_X32",
        "aarch64" => "SCMP_ARCH_AARCH64",
        "arm" => "SCMP_ARCH_ARM",
        _ => return None,
    })
}
