//! What a start asks for beyond what every container has, and patterns of that.
//!
//! One list for all entrances: `privileged`, `capability:SYS_ADMIN`, `mount:/etc`. A new kind is a
//! line in [`KINDS`].

use std::fmt;

use serde_saphyr::Spanned;

use crate::glob::Glob;
use crate::guard::check::{Check, Word};
use crate::suggest;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AskKind {
    /// Everything at once.
    Privileged,
    /// Its first program runs as root, and no namespace of users makes that somebody else.
    Root,
    /// Beyond those that runtimes give to everybody; `ALL` is every one.
    Capability,
    /// One of the host's.
    Namespace,
    /// A file or folder of the host.
    Mount,
    Device,
    /// A profile or a mask that is switched off.
    Unconfined,
    /// Something that starts programs by itself, so that they are not seen here.
    Around,
}

/// One thing that a start asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    pub kind: AskKind,
    /// Empty where the kind says everything.
    pub object: String,
}

/// What stands behind the colon.
enum Objects {
    None,
    /// One of these.
    Of(&'static [&'static str]),
    Names,
    Paths,
}

/// Ways around the gate.
pub(super) const AROUND: [&str; 3] = ["plugins", "services", "builds"];

const KINDS: [(AskKind, &str, Objects); 8] = [
    (AskKind::Privileged, "privileged", Objects::None),
    (AskKind::Root, "root", Objects::None),
    (AskKind::Capability, "capability", Objects::Names),
    (
        AskKind::Namespace,
        "namespace",
        Objects::Of(&["cgroup", "ipc", "network", "pid", "users", "uts"]),
    ),
    (AskKind::Mount, "mount", Objects::Paths),
    (AskKind::Device, "device", Objects::Names),
    (AskKind::Unconfined, "unconfined", Objects::Of(&["apparmor", "masks", "seccomp", "selinux"])),
    (AskKind::Around, "around", Objects::Of(&AROUND)),
];

impl Ask {
    pub fn new(kind: AskKind, object: impl Into<String>) -> Self {
        Self { kind, object: object.into() }
    }

    /// Every capability at once.
    fn is_all(&self) -> bool {
        self.kind == AskKind::Capability && self.object == "ALL"
    }
}

/// As a policy spells it.
impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, ..)| *kind == self.kind).map(|(_, name, _)| *name);
        f.write_str(name.unwrap_or_default())?;
        if self.object.is_empty() { Ok(()) } else { write!(f, ":{}", self.object) }
    }
}

/// What an entry speaks of.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    word: Word,
    kind: AskKind,
    object: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Any,
    Name(Glob),
    /// The path itself, what is below it, and every folder that it is below.
    Path(String),
}

pub(super) fn check(texts: &[Spanned<String>], check: &mut Check) -> Vec<Pattern> {
    let words = check.words(texts);
    words.into_iter().filter_map(|word| pattern(word, check)).collect()
}

fn pattern(word: Word, check: &mut Check) -> Option<Pattern> {
    let (name, object) = match word.text.split_once(':') {
        Some((name, object)) => (name, Some(object)),
        None => (word.text.as_str(), None),
    };
    let Some((kind, _, objects)) = KINDS.iter().find(|(_, known, _)| *known == name) else {
        let message = format!("`{name}` is nothing that a start asks for");
        let hint = suggest::hint(name, KINDS.iter().map(|(_, known, _)| *known));
        check.errors.push(word.mistake(message).hint(Some(hint)));
        return None;
    };
    let matcher = match (objects, object) {
        (Objects::None, None) => Some(Matcher::Any),
        (Objects::None, Some(_)) => wrong(&word, check, format!("`{name}` has nothing behind it")),
        (_, None | Some("")) => {
            let message = format!("`{name}` of what? `{name}:*` is of anything");
            wrong(&word, check, message)
        }
        (_, Some("*")) => Some(Matcher::Any),
        (Objects::Of(known), Some(object)) if !known.contains(&object) => {
            let message = format!("`{object}` is no {name}");
            let hint = suggest::hint(object, known.iter().copied());
            check.errors.push(word.mistake(message).hint(Some(hint)));
            None
        }
        (Objects::Paths, Some(object)) => path(object, &word, check),
        (_, Some(object)) => {
            let text = match kind {
                AskKind::Capability => capability(object),
                _ => object.to_owned(),
            };
            glob(&text, &word, check).map(Matcher::Name)
        }
    };
    Some(Pattern { kind: *kind, object: matcher?, word })
}

fn wrong(word: &Word, check: &mut Check, message: String) -> Option<Matcher> {
    check.errors.push(word.mistake(message));
    None
}

fn glob(text: &str, word: &Word, check: &mut Check) -> Option<Glob> {
    let mut word = word.clone();
    text.clone_into(&mut word.text);
    check.glob(&word, Glob::name)
}

fn path(object: &str, word: &Word, check: &mut Check) -> Option<Matcher> {
    if !object.starts_with('/') || object.contains(['*', '?']) {
        let message = format!("`{object}` is no path from the root on");
        let hint = "a path means all that is below it, and every folder above: no wildcards";
        check.errors.push(word.mistake(message).hint(Some(hint.to_owned())));
        return None;
    }
    Some(Matcher::Path(normal(object)))
}

/// As runtimes and kernels spell it: in capitals, without `CAP_`.
fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
}

/// A path without `//`, `.` and `..`. `/var/run` is `/run` on every host that has containers, and
/// whoever writes a policy may mean either.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let parts = match parts.as_slice() {
        ["var", "run", ..] => parts.get(1..).unwrap_or_default(),
        parts => parts,
    };
    format!("/{}", parts.join("/"))
}

/// How far a pattern goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It speaks of all that is asked for.
    Whole,
    /// It speaks of a part: of `/etc`, where `/` is asked for.
    Part,
}

impl Pattern {
    /// Whether it speaks of this.
    pub(super) fn reach(&self, ask: &Ask) -> Option<Reach> {
        if self.kind != ask.kind {
            return None;
        }
        let whole = |is: bool| is.then_some(Reach::Whole);
        match &self.object {
            Matcher::Any => Some(Reach::Whole),
            // Who has all of them has each.
            Matcher::Name(_) if ask.is_all() => Some(Reach::Part),
            Matcher::Name(glob) if ask.kind == AskKind::Capability => {
                whole(glob.matches(&capability(&ask.object)))
            }
            Matcher::Name(glob) => whole(glob.matches(&ask.object)),
            Matcher::Path(path) => {
                let source = normal(&ask.object);
                let above = || is_below(path, &source).then_some(Reach::Part);
                whole(source == *path || is_below(&source, path)).or_else(above)
            }
        }
    }

    pub(super) fn word(&self) -> &Word {
        &self.word
    }

    /// The name of a capability, if the text is of one.
    pub(super) fn capability(text: &str) -> Option<String> {
        text.strip_prefix("capability:").map(capability)
    }
}

fn is_below(inner: &str, outer: &str) -> bool {
    outer == "/" || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_shows_what_is_below_it_and_part_of_what_is_above() {
        let (whole, part) = (Some(Reach::Whole), Some(Reach::Part));
        let table = [
            ("/etc", "/etc", whole),
            ("/etc/cron.d", "/etc", whole),
            ("/", "/etc", part),
            ("", "/etc", part),
            ("/etcetera", "/etc", None),
            ("/srv", "/etc", None),
            ("/srv/../etc", "/etc", whole),
            ("//etc/./x", "/etc", whole),
            ("/var/run/docker.sock", "/run/docker.sock", whole),
            ("/run/docker.sock", "/var/run/docker.sock", whole),
            ("/var", "/var/lib/docker", part),
            ("/run", "/run/docker.sock", part),
            ("/anything", "/", whole),
        ];
        for (source, path, expected) in table {
            let text = serde_saphyr::from_str(path).unwrap();
            let word = Word::new(&text);
            let object = Matcher::Path(normal(path));
            let pattern = Pattern { word, kind: AskKind::Mount, object };
            let ask = Ask::new(AskKind::Mount, source);
            assert_eq!(pattern.reach(&ask), expected, "{source} {path}");
        }
    }
}
