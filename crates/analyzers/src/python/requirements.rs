//! Requirements files (pip.pypa.io, "Requirements File Format"): `requirements.txt` and its kin, and the lock
//! files that Rye writes in the same form.
//!
//! What is pinned to one version is a package, and so is what an address names: in the version that the name
//! of its wheel tells, or in none. Ranges name none, and other files are not read from here: both are told. Of
//! what is left of a line only the digests say something here.

use std::borrow::Cow;

use model::{PackageKind, ProblemKind};

use super::address;
use super::requirement::Requirement;
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// Files that are named in a notice.
const SHOWN: usize = 5;

/// The analyzer `python-requirements`.
pub(crate) struct Requirements;

impl Analyzer for Requirements {
    fn name(&self) -> &'static str {
        "python-requirements"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "requirements*" },
                Select::Anywhere { directory: "*", name: "*requirements.txt" },
                Select::Anywhere { directory: "requirements", name: "*.txt" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // One pattern cannot say both how a name begins and how it ends.
        if !is_read(file.name()) {
            return;
        }
        let text = text(file);
        let mut listing = Listing::new(facts);
        let mut open = 0_usize;
        let mut others: Vec<String> = Vec::new();
        for line in lines(&text) {
            match Line::of(&line) {
                Line::Requirement(line) => match package(line) {
                    Ok(installed) => listing.add(installed),
                    Err(is_open) => open = open.saturating_add(usize::from(is_open)),
                },
                Line::File(name) if !is_selected(file.path, name) => others.push(name.to_owned()),
                Line::File(_) | Line::Other => {}
            }
        }
        if open > 0 {
            let message =
                format!("requirements not looked at: {open}; they are not pinned to one version");
            facts.problem(ProblemKind::Notice, message);
        }
        if !others.is_empty() {
            let message =
                format!("files that it includes and that are not read: {}", named(others));
            facts.problem(ProblemKind::Notice, message);
        }
    }
}

/// What a line is.
enum Line<'a> {
    Requirement(&'a str),
    /// Another file that is to be read, for requirements or for what limits their versions.
    File(&'a str),
    Other,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        if !line.starts_with('-') {
            return Self::Requirement(line);
        }
        let files = [("-r", "--requirement"), ("-c", "--constraint")];
        if let Some(name) = files.iter().find_map(|(short, long)| value(line, short, long)) {
            return Self::File(name);
        }
        // One that is developed beside it is installed from an address or a folder.
        value(line, "-e", "--editable").map_or(Self::Other, Self::Requirement)
    }
}

/// What stands behind an option, in the ways that pip takes: `-rX`, `-r X`, `--requirement X`, with `=`.
fn value<'a>(line: &'a str, short: &str, long: &str) -> Option<&'a str> {
    let rest = match line.strip_prefix(long) {
        Some(rest) => rest.strip_prefix(['=', ' ', '\t'])?,
        None => line.strip_prefix(short)?,
    };
    let rest = rest.trim().trim_matches(['"', '\'']);
    (!rest.is_empty()).then_some(rest)
}

/// The package of a requirement; otherwise whether there is one whose version is left open.
fn package(line: &str) -> Result<Installed, bool> {
    let (line, options) = line.split_once(" --").unwrap_or((line, ""));
    let (name, version) = match address::package(line) {
        Some(found) => found,
        None => {
            // An address that tells no name, or a folder of the repository's own.
            if line.contains("://") || line.starts_with("file:") {
                return Err(!line.starts_with("file:"));
            }
            let requirement = Requirement::of(line).ok_or(false)?;
            let version = requirement.pin.ok_or(true)?.to_owned();
            (requirement.name, version)
        }
    };
    let mut installed = Installed::declared(PackageKind::Pypi, &name, &version);
    let hashes = options.split("hash=").skip(1);
    let hashes = hashes.filter_map(|rest| rest.split_ascii_whitespace().next());
    installed.package.hashes = hashes.filter_map(integrity::labelled).collect();
    Ok(installed)
}

/// Whether a file that was selected is in this form.
fn is_read(name: &str) -> bool {
    name.ends_with(".txt") || name.starts_with("requirements") && name.ends_with(".lock")
}

/// Whether a file that another one includes is selected itself; it is read wherever it stands.
fn is_selected(path: &str, included: &str) -> bool {
    let name = included.rsplit_once('/').map_or(included, |(_, name)| name);
    let folder = match included.rsplit_once('/') {
        Some((folder, _)) => folder.rsplit('/').next().unwrap_or_default(),
        None => path.rsplit('/').nth(1).unwrap_or_default(),
    };
    let is_named = name.starts_with("requirements") || name.ends_with("requirements.txt");
    let is_far = included.contains("://");
    !is_far && is_read(name) && (is_named || folder == "requirements")
}

/// `2 (a.in, b.txt)`, of many the first.
fn named(mut names: Vec<String>) -> String {
    names.sort_unstable();
    names.dedup();
    let count = names.len();
    if count > SHOWN {
        names.truncate(SHOWN);
        names.push("…".to_owned());
    }
    format!("{count} ({})", names.join(", "))
}

/// Windows' shells write UTF-16, and pip reads it, by the byte order mark.
fn text<'a>(file: &File<'a>) -> Cow<'a, str> {
    let units = |of: fn([u8; 2]) -> u16| -> String {
        let pairs = file.bytes.chunks_exact(2).skip(1);
        let units = pairs.filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(of);
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match file.bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes).into(),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes).into(),
        _ => file.text(),
    }
}

/// Lines, those that end in a backslash joined with the next, without comments.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut whole = String::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        // A comment begins the line or follows a blank; it ends what was continued.
        let comment = line.match_indices('#').map(|(at, _)| at).find(|&at| {
            at == 0 || line.get(..at).is_some_and(|before| before.ends_with([' ', '\t']))
        });
        let (code, is_over) = match comment {
            Some(at) => (line.get(..at).unwrap_or_default(), true),
            None => (line, false),
        };
        let continued = code.strip_suffix('\\').filter(|_| !is_over);
        whole.push_str(continued.unwrap_or(code));
        if continued.is_none() {
            lines.push(std::mem::take(&mut whole).trim().to_owned());
        }
    }
    lines.push(whole.trim().to_owned());
    lines.retain(|line| !line.is_empty());
    lines
}
