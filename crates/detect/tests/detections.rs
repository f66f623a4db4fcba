//! `docs/detections.md` is written from the rules in `content/detections`:
//! `UPDATE_DOCS=1 cargo test -p detect detections`.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detect::{Rule, RuleFile, Ruleset, Scope, Source};

const CONTENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/detections");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/detections.md");

/// Kinds of attacks that security of containers is asked for, the tag of rules that find them, and
/// what of it nothing finds yet.
const KINDS: &[(&str, &str, &str)] = &[
    ("Escape: sensitive mount of the host", "sensitive_mount", ""),
    (
        "Escape: privileged or over-capable container",
        "privileged_start",
        "profiles of seccomp and AppArmor that are switched off, single devices",
    ),
    (
        "Escape: privileges gained in a container",
        "privilege_gain",
        "credentials that the kernel was made to change; user namespaces by `clone`",
    ),
    (
        "Escape: a hole in runtime or kernel is used",
        "escape_exploit",
        "Dirty Pipe, Dirty COW and other holes of the kernel itself",
    ),
    (
        "Escape: container engine is asked from inside",
        "runtime_api",
        "a kubelet that a program asks which is no tool",
    ),
    ("Escape: files of the host are changed", "host_file_tampering", ""),
    ("Escape: control groups are abused", "cgroup_abuse", "files of devices and of memory"),
    (
        "Reverse shell",
        "reverse_shell",
        "shells behind two relays, or one that was connected when the guard began or relays a file; loops that \
         begin a shell with each command; what is no shell and begins with a connection that was passed to \
         it; `fcntl` as `dup`",
    ),
    (
        "Malware on disk and in memory",
        "malware",
        "what an interpreter reads, libraries, memory that no program was started from",
    ),
    (
        "Malicious outbound: domains and addresses",
        "malicious_outbound",
        "names asked for over TCP or TLS",
    ),
    ("Process: proxy tool", "proxy_tool", "tools under another name"),
    ("Process: lateral movement", "lateral_movement", "logins by libraries"),
    ("Process: attack command", "attack_command", "tools under another name"),
    ("Process: without a file", "fileless", "scripts that an interpreter reads from memory"),
    ("Process: risky command", "risky_command", ""),
    ("Process: abnormal child of a service", "abnormal_child", "Java, Node"),
    ("Process: web shell", "web_shell", "what runs within the interpreter of the service"),
    ("Process: miner", "miner", "miners without arguments, under another name"),
    (
        "Process: package manager",
        "package_manager",
        "what is unpacked without one; steps of Docker's builder are not told, on purpose",
    ),
    (
        "Process: reconnaissance",
        "reconnaissance",
        "questions that honest programs ask, too (`id`, `ps`, `env`); scanners under another name",
    ),
    ("Process: not in the image", "drift", "scripts, and libraries that are loaded"),
    ("Credentials are stolen", "credential_theft", "tools under another name"),
    ("Files: scheduled tasks", "scheduled_task_change", ""),
    (
        "Files: programs of the system",
        "system_program_change",
        "what a program was before it was changed",
    ),
    ("Files: accounts and logins", "user_config_change", ""),
    (
        "Logs are cleared",
        "log_clearing",
        "logs of services that are not known here, those that are removed in a container, and what is kept \
         elsewhere; a shell that is told to note nothing",
    ),
    ("Processes are hidden", "hidden_process", "by the kernel"),
    ("What is seen is flooded", "event_loss", "opened files of the host"),
    (
        "High-risk system calls",
        "high_risk_call",
        "keyrings, performance counters, `userfaultfd`, io_uring: too common to tell",
    ),
    ("Kubernetes: requests to the API", "kubernetes", "agents that are unusual, static pods"),
];

/// Measured by hand; what was done is said.
const NOISE: &str = "
## What benign work tells

Ten minutes on a host with two processors, ten rounds (of nginx and `pgbench`: one) of: packages
installed, removed and purged with their scripts; C compiled; nginx under 60 000 requests, reloaded;
Redis under its own benchmark, with a snapshot; PostgreSQL set up, filled and under `pgbench`; accounts
made, locked, changed and removed; `logrotate`; Java, Node, Ruby, Perl and Python started; keys made;
`git`; Docker: an image imported, built, saved, loaded and removed, a container with a health check,
commands and copies in and out of it.

| alert | what told it | deserved |
|---|---|---|
| `persistence-system-program` | a step of the build that writes `/usr/bin/tool` by hand | yes, once a build |
| `persistence-login-script` | the same step, which writes `/etc/profile` too | yes, once a build |

2.4 million events came in. Another 250 000, nearly all of them files that processes of the host opened,
where compilers were at work at the same time, were beyond the budget of its control group: lost, and
counted.

Rules were changed since. Twelve minutes of the same kind on the same machine, with fewer rounds: packages
installed, removed and upgraded; an image built with packages, a compiler and accounts; an image saved,
loaded and removed, containers started, entered and copied into; nginx, Redis and PostgreSQL started, worked
and stopped; `logrotate`; and `dnf` 4 in a container, with a package whose script writes programs and login
scripts. Told were two things that are meant to be: the passwords that `tar` packed with all of `/etc`, and
`rpmbuild`, which had been installed in the running container. Lost were files that processes of the host
opened (20 000 among a million events) and 29 changes of files by them, nothing else. `dnf` 5, `packagekitd`, `snapd` and `rpm-ostree` are
known by their paths and were not tried.
";

#[test]
fn the_documented_detections_are_those_there_are() {
    let page = page(&content());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let documented = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(documented == page, "UPDATE_DOCS=1 cargo test -p detect detections");
}

#[test]
fn every_rule_says_what_it_is_for() {
    let kinds: BTreeSet<&str> = KINDS.iter().map(|(_, tag, _)| *tag).collect();
    for rule in content().rules() {
        assert!(!rule.attack.is_empty(), "{} has no technique of ATT&CK", rule.name);
        let of_kind = |tag: &String| tag.starts_with('T') || kinds.contains(tag.as_str());
        let strange: Vec<&String> = rule.tags.iter().filter(|tag| !of_kind(tag)).collect();
        assert!(
            strange.is_empty() || rule.source == Source::K8sAudit,
            "{}: {strange:?}",
            rule.name
        );
        let folder = rule.place.file.split('/').next().unwrap();
        assert!(rule.name.starts_with(&format!("{folder}-")), "{} in {folder}", rule.name);
    }
}

fn page(ruleset: &Ruleset) -> String {
    let mut page = String::from(
        "# Detections\n\nWhat `lazaret guard` looks for unless it is given other rules, and what \
         `lazaret rules replay` finds in audit records. Generated from `content/detections`; \
         `lazaret rules show RULE` gives the whole condition.\n",
    );
    let mut folders: BTreeMap<&str, Vec<&Arc<Rule>>> = BTreeMap::new();
    for rule in ruleset.rules() {
        let folder = rule.place.file.split('/').next().unwrap();
        folders.entry(folder).or_default().push(rule);
    }
    for (folder, mut rules) in folders {
        rules.sort_by_key(|rule| (rule.priority, &rule.name));
        write!(page, "\n## {folder}\n\n| rule | severity | where | finds | why | ATT&CK |\n|---|---|---|---|---|---|\n")
            .unwrap();
        for rule in rules {
            writeln!(
                page,
                "| `{}` | {}{} | {} | {} | {} | {} |",
                rule.name,
                severity(rule),
                if rule.enabled { "" } else { ", off" },
                place(rule),
                cell(&rule.title),
                cell(&rule.description),
                rule.attack.join(" ")
            )
            .unwrap();
        }
    }
    page.push_str(
        "\n## What is covered\n\nKinds of attacks, the rules that find them, and what nothing \
         finds yet.\n\n| kind | rules | not yet |\n|---|---|---|\n",
    );
    for (kind, tag, missing) in KINDS {
        let rules = ruleset.rules().iter().filter(|rule| rule.tags.iter().any(|it| it == tag));
        let names: Vec<String> = rules.map(|rule| format!("`{}`", rule.name)).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        writeln!(page, "| {kind} | {names} | {missing} |").unwrap();
    }
    page + NOISE
}

/// The severity that an author writes.
fn severity(rule: &Rule) -> &'static str {
    match rule.priority.name() {
        "Critical" => "critical",
        "Error" => "high",
        "Warning" => "medium",
        "Notice" => "low",
        _ => "info",
    }
}

fn place(rule: &Rule) -> &'static str {
    match (rule.source, rule.scope) {
        (Source::K8sAudit, _) => "cluster",
        (_, Scope::Container) => "container",
        (_, Scope::Host) => "host",
        (_, Scope::Anywhere) => "anywhere",
    }
}

fn content() -> Ruleset {
    let mut files = Vec::new();
    find(Path::new(CONTENT), &mut files);
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(CONTENT).unwrap().display().to_string();
        (name, std::fs::read(path).unwrap())
    };
    let files: Vec<(String, Vec<u8>)> = files.iter().map(read).collect();
    let files: Vec<RuleFile<'_>> =
        files.iter().map(|(name, bytes)| RuleFile { name, bytes }).collect();
    let (ruleset, diagnostics) = Ruleset::load(&files);
    assert_eq!(diagnostics, []);
    ruleset
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
