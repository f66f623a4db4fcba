//! What a crate must not touch: the invariants of ARCHITECTURE.md that concern the outside world.
//!
//! Clippy cannot tell crates apart, so this reads paths. It sees what is written, not what is
//! meant: it catches the slip, and whoever wants to deceive it can.

use Scope::{Except, In};

use super::Complaint;
use super::tree::Tree;

const BANS: &[Ban] = &[
    Ban {
        what: &["std::fs", "std::process", "std::io::stdin", "std::io::stdout", "std::io::stderr"],
        scope: In(PURE),
        why: "this crate is pure: no files, no processes",
    },
    Ban {
        what: &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "thread::sleep"],
        scope: In(PURE),
        why: "this crate is pure: the time arrives as an argument",
    },
    Ban {
        what: &["std::env"],
        scope: Except(&["artifact/src/environment.rs", "cli/", "testkit/", "xtask/"]),
        why: "only `cli`, and `artifact` in one file, read the environment",
    },
    Ban {
        what: &["std::net", "std::os::unix::net", "ureq", "reqwest", "hyper", "socket2"],
        scope: Except(&[
            "artifact/",
            // A pair between the guard and its helper.
            "cli/src/cmd/guard/carry.rs",
            "courier/",
            "feeds/",
            "gate/src/docker/",
            "respond/src/stop.rs",
            "scan/src/clamd/",
            "sensor/",
            "suite/",
            "testkit/",
            "xtask/",
        ]),
        why: "only `artifact`, `courier`, `feeds`, `gate`, `sensor`, the clamd engine in `scan`, `stop` in `respond` and `suite` open sockets",
    },
    Ban {
        what: &["tokio", "async_std", "smol", "async"],
        scope: Except(&[]),
        why: "blocking reads and threads, no async runtime",
    },
    Ban {
        what: &["println!", "print!", "eprintln!", "eprint!", "dbg!", "process::exit"],
        scope: Except(&["cli/", "testkit/", "xtask/"]),
        why: "only `cli` prints and exits",
    },
];

/// Constants of the compiler, though they stand in a banned module.
const HARMLESS: &str = "std::env::consts";

/// Crates whose result is a function of their arguments.
const PURE: &[&str] =
    &["analyzers/", "detect/", "document/", "matcher/", "model/", "policy/", "version/"];

struct Ban {
    /// Paths: as they stand, what is inside of them, and their ends (`time::Instant::now`).
    what: &'static [&'static str],
    scope: Scope,
    why: &'static str,
}

/// Where a ban holds: beginnings of paths below `crates/`.
enum Scope {
    In(&'static [&'static str]),
    Except(&'static [&'static str]),
}

impl Scope {
    fn holds(&self, path: &str) -> bool {
        let is_below = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
        match self {
            In(prefixes) => is_below(prefixes),
            Except(prefixes) => !is_below(prefixes),
        }
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (file, code) in tree.sources() {
        let Some(path) = tree.production_path(file) else { continue };
        let bans: Vec<&Ban> = BANS.iter().filter(|ban| ban.scope.holds(path)).collect();
        for named in code.paths.iter().filter(|named| !is(&named.path, HARMLESS)) {
            for ban in bans.iter().filter(|ban| ban.what.iter().any(|what| is(&named.path, what))) {
                let message = format!("`{}`: {}", named.path, ban.why);
                complaints.push(Complaint::new(&file.path, named.line, message));
            }
        }
    }
    complaints
}

/// Is `path` the banned one, something inside of it, or it by a longer name?
fn is(path: &str, banned: &str) -> bool {
    path.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        || path.strip_suffix(banned).is_some_and(|rest| rest.ends_with("::"))
}
