//! The file system of an image: which entries are worth a check by what their headers say, and the
//! lines of the few files that decide who may become whom.
//!
//! An image has some 60 000 entries; those that no check asks for are left out here, by their mode
//! or name alone. Contents are those of the analyzer `system-settings`.

use std::collections::HashSet;

use model::{Entry, EntryKind, ProblemKind};
use serde::{Deserialize, Serialize};

use super::mask;
use super::thing::{On, Thing};
use crate::file::Check;
use crate::select::split;
use crate::{Analyzer, File, FileFacts, Select};

/// What a header says (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mode {
    kind: Kind,
    mode: u32,
    uid: u32,
    gid: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    File,
    Directory,
    Special,
}

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const STICKY: u32 = 0o1000;
const OTHERS_READ: u32 = 0o4;
const OTHERS_WRITE: u32 = 0o2;

/// What conditions see as `file`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FileView {
    pub(crate) path: String,
    pub(crate) name: String,
    /// `file`, `directory` or `special`.
    pub(crate) kind: &'static str,
    /// As `chmod` takes it: `4755`.
    pub(crate) mode: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) setuid: bool,
    pub(crate) setgid: bool,
    pub(crate) sticky: bool,
    /// By everybody.
    pub(crate) writable: bool,
    /// By everybody.
    pub(crate) readable: bool,
}

/// What conditions see as `line`. Masked throughout: of passwords no more than whether there is one.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Apart at colons in `passwd` and `shadow`, else at blanks.
    pub(crate) fields: Vec<String>,
}

/// Names that checks ask for whatever their mode.
const TELLING: [&str; 20] = [
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "ssh_host_rsa_key",
    "ssh_host_dsa_key",
    "ssh_host_ecdsa_key",
    "ssh_host_ed25519_key",
    "authorized_keys",
    "docker",
    "dockerd",
    "docker.sock",
    "containerd.sock",
    "podman.sock",
    "crio.sock",
    "authorized_keys2",
];

impl Mode {
    /// Of an entry that a check may ask for.
    pub(crate) fn of_notable(entry: &Entry<'_>) -> Option<Self> {
        let kind = match entry.kind {
            EntryKind::File | EntryKind::HardLink(_) => Kind::File,
            EntryKind::Directory => Kind::Directory,
            EntryKind::Special => Kind::Special,
            EntryKind::Symlink(_) | EntryKind::Whiteout | EntryKind::Opaque => return None,
        };
        let mode = entry.mode;
        let by_mode = match kind {
            Kind::File => mode & (SETUID | SETGID | OTHERS_WRITE) != 0,
            Kind::Directory => mode & OTHERS_WRITE != 0 && mode & STICKY == 0,
            Kind::Special => false,
        };
        let by_name = kind != Kind::Directory && TELLING.contains(&split(entry.path).1);
        (by_mode || by_name).then_some(Self { kind, mode, uid: entry.uid, gid: entry.gid })
    }

    /// The entry as a thing.
    pub(crate) fn thing(self, path: &str) -> Thing {
        let view = self.view(path);
        let shown = format!("{} {}, {}:{}", view.kind, view.mode, self.uid, self.gid);
        Thing::new(On::File, 0, &shown, &view)
    }

    fn view(self, path: &str) -> FileView {
        FileView {
            path: path.to_owned(),
            name: split(path).1.to_owned(),
            kind: match self.kind {
                Kind::File => "file",
                Kind::Directory => "directory",
                Kind::Special => "special",
            },
            mode: format!("{:03o}", self.mode & 0o7777),
            uid: self.uid,
            gid: self.gid,
            setuid: self.mode & SETUID != 0,
            setgid: self.mode & SETGID != 0,
            sticky: self.mode & STICKY != 0,
            writable: self.mode & OTHERS_WRITE != 0,
            readable: self.mode & OTHERS_READ != 0,
        }
    }
}

impl FileView {
    pub(crate) fn example() -> Self {
        let (mode, uid, gid) = (0o4755, 0, 0);
        Mode { kind: Kind::File, mode, uid, gid }.view("usr/bin/su")
    }
}

impl Line {
    pub(crate) fn example() -> Self {
        let fields = "app:x:1000:1000::/home/app:/bin/sh".split(':').map(str::to_owned).collect();
        Self { path: "etc/passwd".to_owned(), text: String::new(), fields }
    }

    fn new(path: &str, text: &str) -> Self {
        let is_shadow = path.ends_with("shadow");
        let mut fields: Vec<String> = if is_shadow || path.ends_with("passwd") {
            let mut fields: Vec<String> = text.split(':').map(str::to_owned).collect();
            if let Some(password) = fields.get_mut(1) {
                *password = password_state(password).to_owned();
            }
            fields
        } else {
            mask::text(text).split_whitespace().map(str::to_owned).collect()
        };
        let separator = if is_shadow || path.ends_with("passwd") { ":" } else { " " };
        let text = fields.join(separator);
        if is_of_sshd(path) {
            fields = settings_of_sshd(&fields);
        }
        Self { path: path.to_owned(), text, fields }
    }
}

/// A setting as the server takes it: `Key=value` is one, too, quotes go, and key words and what is
/// said of yes and no are the same in any case (sshd_config(5)).
fn settings_of_sshd(fields: &[String]) -> Vec<String> {
    let line = fields.join(" ");
    let key = line.find([' ', '=']).unwrap_or(line.len());
    let (key, rest) = line.split_at_checked(key).unwrap_or((&line, ""));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let value = |word: &str| {
        let word = word.trim_matches('"');
        let is_truth = ["yes", "no"].iter().any(|it| word.eq_ignore_ascii_case(it));
        if is_truth { word.to_ascii_lowercase() } else { word.to_owned() }
    };
    let values = rest.split_whitespace().map(value);
    std::iter::once(key.to_ascii_lowercase()).chain(values).collect()
}

/// The server's settings, and those that it includes (sshd_config(5)).
fn is_of_sshd(path: &str) -> bool {
    let included = path.strip_prefix("etc/ssh/sshd_config.d/");
    path == "etc/ssh/sshd_config"
        || included.is_some_and(|name| name.ends_with(".conf") && !name.contains('/'))
}

/// Of a password what may be shown (passwd(5), shadow(5)).
fn password_state(password: &str) -> &'static str {
    match password {
        "" => "",
        "x" => "x",
        locked if locked.starts_with(['!', '*']) => "locked",
        _ => "set",
    }
}

/// The analyzer `system-settings`.
pub(crate) struct SystemSettings;

/// Lines of one file that are looked at.
const LINES_MAX: usize = 4000;

/// Where the files are; a name alone may be anybody's.
const FILES: [&str; 3] = ["etc/passwd", "etc/shadow", "etc/sudoers"];

impl Analyzer for SystemSettings {
    fn name(&self) -> &'static str {
        "system-settings"
    }

    fn version(&self) -> u32 {
        3
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Misconfigurations)
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "etc", name: "passwd" },
                Select::Anywhere { directory: "etc", name: "shadow" },
                Select::Anywhere { directory: "etc", name: "sudoers" },
                Select::Anywhere { directory: "ssh", name: "sshd_config" },
                Select::Anywhere { directory: "sshd_config.d", name: "*.conf" },
                Select::Anywhere { directory: "sudoers.d", name: "*" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        1 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let is_of_sshd = is_of_sshd(file.path);
        if !FILES.contains(&file.path) && split(file.path).0 != "etc/sudoers.d" && !is_of_sshd {
            return;
        }
        let mut settled = HashSet::new();
        let text = file.text();
        let lines = (1_u32..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        for (count, (number, line)) in lines.enumerate() {
            if count >= LINES_MAX {
                let message = format!("more than {LINES_MAX} lines; the rest is not checked");
                return facts.problem(ProblemKind::LimitReached, message);
            }
            let line = Line::new(file.path, line);
            // The server takes the first value of a key word; those of a block begin anew with it.
            let key = line.fields.first().cloned().unwrap_or_default();
            if is_of_sshd && key == "match" {
                settled.clear();
            } else if is_of_sshd && !settled.insert(key) {
                continue;
            }
            facts.thing(Thing::new(On::Line, number, &line.text, &line));
        }
    }
}
