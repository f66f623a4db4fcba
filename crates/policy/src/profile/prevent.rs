//! What can be refused for a workload before it is done, as entries of a guard's policy.
//!
//! A kernel that holds a call refuses kinds of acts and named things; "all but these" it cannot. So
//! the entries are about what a workload never does at all: programs that its image did not bring,
//! mounts, tracing, modules, `bpf`. They enforce where the profile protects, else they observe.

use core::fmt::Write as _;

use super::workload::{CONTAINER, PROJECT, SERVICE};
use super::write::quoted;
use super::{Mode, Origin, Profile, Workload};

/// What is refused, and the calls of which none may have been learnt.
const BY_CALLS: [(&str, &[&str]); 4] = [
    (
        "mount",
        &[
            "fsmount",
            "fsopen",
            "fspick",
            "mount",
            "mount_setattr",
            "move_mount",
            "open_tree",
            "pivot_root",
            "umount",
            "umount2",
        ],
    ),
    ("trace", &["process_vm_writev", "ptrace"]),
    ("load-module", &["finit_module", "init_module"]),
    ("load-bpf", &["bpf"]),
];

impl Profile {
    /// A policy of these entries; what cannot be refused, and why, stands in it as a comment.
    pub fn to_policy(&self) -> String {
        let scope = scope(&self.workload);
        let mode = if self.mode == Mode::Protect { "enforce" } else { "observe" };
        let (mut entries, mut not) = (String::new(), Vec::new());
        let mut entry = |refuse: &str| {
            let id = quoted(&format!("{} {refuse}", self.workload));
            write!(
                entries,
                "  - id: {id}\n    refuse: {refuse}\n    scope: {scope}\n    mode: {mode}\n    \
                 reason: the workload's profile holds nothing of the kind\n"
            )
            .expect("a String takes anything");
        };
        match self.foreign() {
            None => entry("execute-foreign"),
            Some(why) => not.push(format!("execute-foreign: {why}")),
        }
        for (refuse, calls) in BY_CALLS {
            match self.call_of(calls) {
                Ok(None) => entry(refuse),
                Ok(Some(call)) => not.push(format!("{refuse}: it calls {call}")),
                Err(why) => not.push(format!("{refuse}: {why}")),
            }
        }
        let mut text = String::from("version: 1\n");
        for why in not {
            // A program's path may be in it.
            writeln!(text, "# not refused: {}", why.escape_debug())
                .expect("a String takes anything");
        }
        if !entries.is_empty() {
            text.extend(["prevent:\n", &entries]);
        }
        text
    }

    /// Why programs that the image did not bring cannot be refused.
    fn foreign(&self) -> Option<String> {
        if self.programs.0.is_empty() {
            return Some("no program was learnt".to_owned());
        }
        let of_image = |origin: &Origin| *origin == Origin::Image;
        let foreign = self.programs.iter().find(|(_, it)| !it.origins.iter().all(of_image));
        foreign.map(|(path, _)| format!("it runs {path}"))
    }

    /// One of the calls that was learnt.
    fn call_of<'a>(&self, calls: &[&'a str]) -> Result<Option<&'a str>, &'static str> {
        let learnt = self.calls.as_ref().ok_or("system calls were not looked at")?;
        if self.learning.starts == 0 {
            return Err("no container was seen beginning");
        }
        let is_learnt = |call: &&&str| learnt.values().any(|names| names.contains(**call));
        Ok(calls.iter().find(is_learnt).copied())
    }
}

/// Who has the profile, in the words of a policy.
fn scope(workload: &Workload) -> String {
    let (kind, name) = workload.as_str().split_once(':').unwrap_or_default();
    // Of what has a meaning in patterns any one letter: next to nothing more than the name.
    let quoted = |text: &str| quoted(&text.replace(['*', '?'], "?"));
    match kind {
        "kubernetes" => {
            let mut parts = name.splitn(3, '/');
            let namespace = quoted(parts.next().unwrap_or_default());
            let workload = quoted(parts.next().unwrap_or_default());
            // Its neighbours in the pod have profiles of their own.
            let container = quoted(parts.next().unwrap_or_default());
            let labels = format!("{{{CONTAINER}: {container}}}");
            format!("{{namespaces: [{namespace}], workloads: [{workload}], labels: {labels}}}")
        }
        "compose" => {
            let (project, service) = name.split_once('/').unwrap_or((name, ""));
            format!(
                "{{labels: {{{PROJECT}: {}, {SERVICE}: {}}}}}",
                quoted(project),
                quoted(service)
            )
        }
        _ if name.starts_with("sha256:") => format!("{{digests: [{}]}}", quoted(name)),
        _ => {
            let name = name.replace(['*', '?'], "?");
            let patterns = [":*", "@*"].map(|end| super::write::quoted(&format!("{name}{end}")));
            format!("{{images: [{}]}}", patterns.join(", "))
        }
    }
}
