//! What each process of the guard keeps, as data for `confine`: one function a process.
//!
//! It must never say that something is held which this kernel does not hold.

use std::path::{Path, PathBuf};

use confine::{
    Cage, CapabilitySet, Files, Grant, Group, Network, Nursery, Otherwise, Resource, list,
};
use courier::Place;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{environment, output};

/// A capability that the guard keeps, and what for.
pub(super) struct Need {
    capability: CapabilitySet,
    /// Whether it is for `--enforce` alone.
    enforces: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "a page of the documentation is made of it"))]
    why: &'static str,
}

const fn need(capability: CapabilitySet, enforces: bool, why: &'static str) -> Need {
    Need { capability, enforces, why }
}

/// What the guard and its responses were seen to use, and what kernels of other versions ask for the same.
pub(super) const NEEDS: [Need; 9] = [
    need(
        CapabilitySet::SYS_ADMIN,
        false,
        "BPF programs at control groups, fanotify, mounts of other processes",
    ),
    need(CapabilitySet::BPF, false, "BPF programs and their tables"),
    need(CapabilitySet::PERFMON, false, "BPF programs that read the kernel's memory"),
    need(CapabilitySet::SYS_PTRACE, false, "`/proc` of other processes: roots, environments, maps"),
    need(CapabilitySet::DAC_READ_SEARCH, false, "files of containers and of other users"),
    need(
        CapabilitySet::DAC_OVERRIDE,
        false,
        "recordings and alerts in folders of other users; files that are put into quarantine",
    ),
    need(CapabilitySet::KILL, true, "processes that a response ends"),
    need(
        CapabilitySet::CHOWN
            .union(CapabilitySet::FOWNER)
            .union(CapabilitySet::FSETID)
            .union(CapabilitySet::SETFCAP),
        true,
        "files that are put back as they were",
    ),
    need(CapabilitySet::NET_ADMIN, true, "programs that cut a container from networks"),
];

/// Others are ended first when memory is short: what watches takes a bounded amount, and whoever wants
/// not to be seen could fill the memory. Not −1000, since nothing is worth the machine.
const OOM_SCORE: &str = "-900";

/// Where the resolver of names, and what it loads, look.
const RESOLVER: [&str; 14] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ld.so.cache",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
];

/// The port of names, asked by TCP where an answer is long.
const DNS: u16 = 53;

/// What every process here needs.
const BASIS: [&Group; 7] = [
    &list::RUN,
    &list::THREADS,
    &list::STREAMS,
    &list::STREAMS_OLDER,
    &list::READ,
    &list::WRITE,
    &list::FILES_OLDER,
];

/// The first process: the sensor and who responds. It sees all files, because it has to; what it may
/// do with them is a matter of capabilities and calls.
pub(super) fn of_guard(enforces: bool) -> Cage {
    let needs = NEEDS.iter().filter(|need| enforces || !need.enforces);
    let capabilities = needs.fold(CapabilitySet::empty(), |all, need| all | need.capability);
    let mut calls = BASIS.to_vec();
    calls.extend([
        &list::SIGNALS,
        &list::HELPERS,
        &list::SENSE,
        &list::ASK_RUNTIMES,
        &list::REFUSE,
    ]);
    // The journal is read, and what it holds completed, without `--enforce` too.
    calls.extend([&list::RESPOND, &list::RESPOND_OLDER]);
    Cage {
        capabilities,
        files: Files::All,
        network: Network::Any,
        calls,
        declined: Vec::new(),
        otherwise: Otherwise::Refuse,
        limits: Vec::new(),
    }
}

/// A process that carries alerts to one sink.
pub(super) fn of_carrier(place: &Place, spool: Option<&Path>) -> Cage {
    let spool = spool.map(|folder| Grant::Write(folder.to_owned()));
    let files = spool.into_iter().chain(reading(&RESOLVER));
    let files = files.chain(place.local_socket().map(|path| Grant::Connect(path.to_owned())));
    let network = match place.port() {
        // Which of its ports, the environment says.
        Some(_) if place.may_go_by_proxy() && environment::has_proxy() => Network::Outward,
        port => Network::Ports(port.into_iter().chain([DNS]).collect()),
    };
    let mut calls = BASIS.to_vec();
    calls.extend([&list::CONNECT, &list::LIBRARIES]);
    let mut declined = vec![&list::NO_LOCAL_SOCKETS];
    if place.local_socket().is_some() {
        calls.push(&list::CONNECT_LOCALLY);
        declined = vec![&list::NO_NETLINK];
    }
    Cage {
        capabilities: CapabilitySet::empty(),
        files: Files::Only(files.collect()),
        network,
        calls,
        declined,
        otherwise: Otherwise::Kill,
        limits: Vec::new(),
    }
}

/// What looks at files: they are handed over open, and it has nothing else.
pub(super) fn of_examiner(limits: Vec<(Resource, u64)>) -> Cage {
    Cage {
        capabilities: CapabilitySet::empty(),
        files: Files::Only(Vec::new()),
        network: Network::Ports(Vec::new()),
        calls: vec![&list::RUN, &list::STREAMS, &list::STREAMS_OLDER, &list::READ],
        declined: Vec::new(),
        otherwise: Otherwise::Kill,
        limits,
    }
}

/// Where the resolver looks, told apart from what takes its place later: only what was there can be read.
pub(super) fn resolver() -> Vec<Option<(u64, u64)>> {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &&str| std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    RESOLVER.iter().map(of).collect()
}

/// `lazaret guard audit`, but for its helpers: it takes what others post, follows logs, and adds to files.
pub(super) fn of_audit(reads: &[PathBuf], writes: &[PathBuf]) -> Cage {
    let mut files: Vec<Grant> = reads.iter().cloned().map(Grant::Read).collect();
    files.extend(writes.iter().cloned().map(Grant::Write));
    files.extend(reading(&["/proc/sys/kernel/hostname"]).chain(reading(&RESOLVER)));
    let mut calls = BASIS.to_vec();
    calls.extend([&list::SIGNALS, &list::HELPERS, &list::CONNECT]);
    calls.extend([&list::LISTEN, &list::LIBRARIES]);
    Cage {
        capabilities: CapabilitySet::empty(),
        files: Files::Only(files),
        network: Network::Inward,
        calls,
        declined: vec![&list::NO_LOCAL_SOCKETS],
        otherwise: Otherwise::Kill,
        limits: Vec::new(),
    }
}

fn reading<'a>(paths: &'a [&'a str]) -> impl Iterator<Item = Grant> + 'a {
    paths.iter().map(|path| Grant::Read(PathBuf::from(path)))
}

/// What starts helpers. Before anything has a thread.
pub(super) fn nursery() -> Result<Nursery, UserError> {
    Nursery::start().map_err(|error| failed(&format!("cannot start what starts helpers: {error}")))
}

/// Closes the guard's own, and says what is kept. Before anything has a thread; what starts helpers
/// stays outside.
pub(super) fn close_guard(enforces: bool) -> Result<Nursery, UserError> {
    let nursery = nursery()?;
    // Without the right to, it is as any other process.
    let _usual = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let closed = of_guard(enforces).close_thread();
    say(closed.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?, "the guard");
    Ok(nursery)
}

/// The same of `lazaret guard audit`.
pub(super) fn close_audit(cage: &Cage) -> Result<Nursery, UserError> {
    let nursery = nursery()?;
    let closed = cage.close_thread();
    say(closed.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?, "audit");
    Ok(nursery)
}

/// Closes that of a helper.
pub(super) fn close(cage: &Cage, who: &str) -> Result<(), UserError> {
    let closed = cage.close();
    say(closed.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?, who);
    Ok(())
}

fn say(gaps: Vec<confine::Gap>, who: &str) {
    for confine::Gap(gap) in gaps {
        output::note(&format!("{who}: {gap}"));
    }
}

fn failed(message: &str) -> UserError {
    UserError::new(ExitCode::Failed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guard-confinement-lists.md");

    fn capabilities() -> String {
        let row = |need: &Need| {
            let names: Vec<&str> = need.capability.iter_names().map(|(name, _)| name).collect();
            let when = if need.enforces { "`--enforce`" } else { "always" };
            format!("| `CAP_{}` | {when} | {} |\n", names.join("`, `CAP_"), need.why)
        };
        NEEDS.iter().map(row).collect()
    }

    fn calls(cage: &Cage) -> String {
        let mut rows = String::new();
        for group in cage.calls.iter().filter(|group| !group.calls.is_empty()) {
            let names: Vec<String> = group
                .calls
                .iter()
                .map(|call| format!("`{}`{}", call.name(), only(call.only)))
                .collect();
            rows.extend(["| ", group.name, " | ", group.why, " | ", &names.join(" "), " |\n"]);
        }
        rows
    }

    /// A mark for what is allowed with some arguments alone.
    fn only(only: confine::Only) -> &'static str {
        match only {
            confine::Only::Always => "",
            confine::Only::OneOf(..)
            | confine::Only::OwnProcess(_)
            | confine::Only::Bits { .. } => "*",
        }
    }

    /// `UPDATE_DOCS=1 cargo test -p cli confinement` writes it anew.
    #[test]
    fn the_confinement_lists_are_what_is_kept() {
        let place: Place = "https://siem.example/".parse().unwrap();
        let mut page = "# What the guard's processes keep\n\nGenerated from what is applied; see \
                        `crates/cli/src/cmd/guard/cage.rs` and `crates/confine/src/calls/list.rs`. \
                        [What it is for](guard-confinement.md). A call with a star is allowed with some \
                        arguments alone. Lists are those of x86-64.\n"
            .to_owned();
        let capabilities = capabilities();
        page.extend([
            "\n## Capabilities of the guard\n\n| | when | for |\n|---|---|---|\n",
            &capabilities,
        ]);
        let audit = of_audit(&[], &[]);
        for (who, cage) in [
            ("the guard; others are answered with `EPERM`", of_guard(true)),
            ("what carries alerts to a server; others end it", of_carrier(&place, None)),
            ("what looks for malware; others end it", of_examiner(Vec::new())),
            ("`lazaret guard audit`; others end it", audit),
        ] {
            let calls = calls(&cage);
            page.extend(["\n## Calls of ", who, "\n\n| | for | calls |\n|---|---|---|\n", &calls]);
        }
        if cfg!(not(target_arch = "x86_64")) {
            return;
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, &page).unwrap();
        }
        let documented = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(
            documented == page,
            "{PAGE} is out of date: UPDATE_DOCS=1 cargo test -p cli confinement"
        );
    }

    #[test]
    fn what_reads_strangers_bytes_has_nothing_of_the_host() {
        for text in ["https://siem.example/", "syslog:tls://siem.example:6514", "syslog:"] {
            let place: Place = text.parse().unwrap();
            let cage = of_carrier(&place, Some(Path::new("/spool/one")));
            assert!(cage.capabilities.is_empty());
            assert_eq!(cage.otherwise, Otherwise::Kill);
            let Files::Only(grants) = &cage.files else { panic!("{text}: all files") };
            let written: Vec<&Grant> =
                grants.iter().filter(|it| matches!(it, Grant::Write(_))).collect();
            assert_eq!(written, [&Grant::Write("/spool/one".into())], "{text}");
            let sockets = grants.iter().filter(|it| matches!(it, Grant::Connect(_))).count();
            assert_eq!(sockets == 1, text == "syslog:", "{text}");
            let names: Vec<&str> =
                cage.calls.iter().flat_map(|it| it.calls).map(confine::Call::name).collect();
            for forbidden in ["execve", "ptrace", "mount", "bpf", "kill", "listen", "setns"] {
                assert!(!names.contains(&forbidden), "{text}: {forbidden}");
            }
        }
    }

    #[test]
    fn the_guard_without_enforcement_has_less() {
        let (less, more) = (of_guard(false).capabilities, of_guard(true).capabilities);
        assert!(more.contains(less) && more != less);
        assert!(
            !more.contains(CapabilitySet::SYS_MODULE) && !more.contains(CapabilitySet::NET_RAW)
        );
    }
}
