//! The image that cases run in: this program, a shell with the usual tools, the libraries that they
//! need, and accounts. All of it is what this machine has; nothing is fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the actor is in it.
pub(super) const ACTOR: &str = "/lazaret-suite";

/// What scripts of cases use; those that the machine has.
const TOOLS: [&str; 14] = [
    "/bin/bash",
    "/bin/cat",
    "/bin/chmod",
    "/bin/chown",
    "/bin/cp",
    "/bin/ln",
    "/bin/ls",
    "/bin/mkdir",
    "/bin/mv",
    "/bin/rm",
    "/bin/rmdir",
    "/bin/sh",
    "/bin/sleep",
    "/usr/bin/touch",
];
const FOLDERS: [(&str, u32); 9] = [
    ("bin", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("tmp", 0o1777),
    ("usr/bin", 0o755),
    ("var/log", 0o755),
];
/// Accounts that every image has, with Debian's numbers.
const ACCOUNTS: [(&str, u32, &str); 3] =
    [("root", 0, "/root"), ("daemon", 1, "/usr/sbin"), ("nobody", 65_534, "/nonexistent")];
/// Beginning with that, others are made.
const FIRST_USER: u32 = 1_000;

/// The archive of an image that begins with `actor` and whose accounts include `users`.
pub(super) fn archive(actor: &Path, users: &BTreeSet<String>) -> std::io::Result<File> {
    let mut tar = tar::Builder::new(tempfile::tempfile()?);
    tar.follow_symlinks(true);
    for (folder, mode) in FOLDERS {
        let mut header = header(mode, tar::EntryType::Directory, 0);
        tar.append_data(&mut header, folder, std::io::empty())?;
    }
    let (passwd, group) = accounts(users);
    for (path, text, mode) in [
        ("etc/passwd", passwd.as_str(), 0o644),
        ("etc/group", &group, 0o644),
        ("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o640),
    ] {
        let mut header = header(mode, tar::EntryType::Regular, text.len() as u64);
        tar.append_data(&mut header, path, text.as_bytes())?;
    }
    let mut files = BTreeMap::from([(PathBuf::from(ACTOR), actor.to_owned())]);
    let tools = TOOLS.iter().map(PathBuf::from).filter(|tool| tool.exists());
    files.extend(tools.map(|tool| (tool.clone(), tool)));
    let programs: Vec<PathBuf> = files.values().cloned().collect();
    for program in programs {
        for library in libraries(&program) {
            files.insert(library.clone(), library);
        }
    }
    for (place, file) in files {
        let file = &mut File::open(file)?;
        let mut header = header(0o755, tar::EntryType::Regular, file.metadata()?.len());
        tar.append_data(&mut header, place.strip_prefix("/").unwrap_or(&place), file)?;
    }
    let mut file = tar.into_inner()?;
    file.flush()?;
    Ok(file)
}

fn header(mode: u32, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_entry_type(kind);
    header.set_size(size);
    header
}

fn accounts(users: &BTreeSet<String>) -> (String, String) {
    let known = ACCOUNTS.map(|(name, number, home)| (name.to_owned(), number, home.to_owned()));
    let is_known = |user: &String| ACCOUNTS.iter().any(|(name, ..)| name == user);
    let others = users.iter().filter(|user| !is_known(user)).zip(FIRST_USER..);
    let others = others.map(|(user, number)| (user.clone(), number, format!("/home/{user}")));
    let (mut passwd, mut group) = (String::new(), String::new());
    for (name, number, home) in known.into_iter().chain(others) {
        let number = number.to_string();
        passwd.extend([&name, ":x:", &number, ":", &number, ":", &name, ":", &home, ":/bin/sh\n"]);
        group.extend([&name, ":x:", &number, ":\n"]);
    }
    (passwd, group)
}

/// What the machine's linker would load with a program: none for one that is static.
fn libraries(program: &Path) -> BTreeSet<PathBuf> {
    let mut libraries = BTreeSet::new();
    let Some(linker) = linker() else { return libraries };
    let program = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let Ok(output) = Command::new(&linker).arg("--list").arg(&program).output() else {
        return libraries;
    };
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let words = text.split_whitespace().filter(|word| word.starts_with('/'));
        libraries.extend(words.map(PathBuf::from).filter(|path| path.is_file()));
        libraries.insert(linker);
    }
    libraries
}

/// The dynamic linker that this program was started by.
fn linker() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let mut files = maps.lines().filter_map(|line| line.find('/').and_then(|at| line.get(at..)));
    let is_linker = |path: &&str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.starts_with("ld-") || name == "ld.so"
    };
    files.find(is_linker).map(PathBuf::from)
}
