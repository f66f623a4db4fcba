//! Requirements files (pip.pypa.io, "Requirements File Format"): `requirements.txt` and its kin.
//!
//! Only what is pinned to one version is a package; ranges, addresses and included files name
//! none. What is left of a line after that is options, which say nothing here but the digests.

use std::borrow::Cow;

use model::{PackageKind, ProblemKind};

use super::requirement::Requirement;
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `python-requirements`.
pub(crate) struct Requirements;

impl Analyzer for Requirements {
    fn name(&self) -> &'static str {
        "python-requirements"
    }

    fn version(&self) -> u32 {
        2
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
        if !file.name().ends_with(".txt") {
            return;
        }
        let text = text(file);
        let mut listing = Listing::new(facts);
        let mut open = 0_usize;
        for line in lines(&text) {
            let (requirement, options) = line.split_once(" --").unwrap_or((&line, ""));
            let Some(requirement) = Requirement::of(requirement) else { continue };
            let Some(version) = requirement.pin else {
                open = open.saturating_add(1);
                continue;
            };
            let mut installed = Installed::declared(PackageKind::Pypi, &requirement.name, version);
            let hashes = options.split("hash=").skip(1);
            let hashes = hashes.filter_map(|rest| rest.split_ascii_whitespace().next());
            installed.package.hashes = hashes.filter_map(integrity::labelled).collect();
            listing.add(installed);
        }
        if open > 0 {
            let message =
                format!("requirements not looked at: {open}; they are not pinned to one version");
            facts.problem(ProblemKind::Notice, message);
        }
    }
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
    lines.retain(|line| !line.is_empty() && !line.starts_with('-'));
    lines
}
