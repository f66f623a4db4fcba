//! `--block-list`, `--allow-list`: files read and made ready for rules to ask, and what is said of them.
//!
//! What can be used of a list is used, and what of it cannot is counted aloud. A list that gives nothing
//! because nothing in it is understood ends the run: whoever named it would believe to be warned.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicators::{FILE_BYTES_MAX, Indicators, Listed, Lists, Read, Why};
use jiff::Timestamp;

use super::load;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{output, quantity};

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ListArguments {
    /// Tell of names and addresses that this file lists: plain text, STIX or MISP, recognised by
    /// content (repeatable)
    #[arg(long, value_name = "FILE")]
    block_list: Vec<PathBuf>,
    /// Never tell of those that this file lists, whatever block lists say (repeatable)
    #[arg(long, value_name = "FILE")]
    allow_list: Vec<PathBuf>,
}

/// Lists, ready to be asked.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) lists: Arc<Lists>,
    /// What each of them holds.
    pub(crate) said: Vec<String>,
    /// What of them could not be understood.
    pub(crate) problems: Vec<String>,
    /// Whether a list ends before its end.
    pub(crate) is_damaged: bool,
}

impl Loaded {
    /// Says everything, or what nobody may miss.
    pub(crate) fn tell(&self, is_quiet: bool) {
        self.said.iter().filter(|_| !is_quiet).for_each(|said| output::note(said));
        self.problems.iter().for_each(|problem| output::note(problem));
    }

    /// How a run ends that all else would let end so.
    pub(super) fn code(&self, code: ExitCode) -> ExitCode {
        match code {
            ExitCode::Done if !self.problems.is_empty() => ExitCode::Incomplete,
            code => code,
        }
    }

    fn add(&mut self, name: &str, read: Read) -> Result<Indicators, UserError> {
        let Read { format, indicators, left_out, damage } = read;
        let Some(format) = format else {
            let message = match damage {
                Some(damage) => format!("`{name}` is damaged: {damage}"),
                None => format!("`{name}` is JSON, and neither a STIX bundle nor MISP events"),
            };
            return Err(UserError::new(ExitCode::Damaged, message));
        };
        let not_understood = left_out.count(Why::Malformed) + left_out.count(Why::Unsupported);
        let examples = match left_out.examples.as_slice() {
            [] => left_out.summary(),
            examples => examples.join("; "),
        };
        if indicators.is_empty() && (damage.is_some() || not_understood > 0) {
            let why = damage.unwrap_or_else(|| format!("{} ({examples})", left_out.summary()));
            let message = format!("`{name}` gives nothing to look for: {why}");
            let hint = "docs/indicators.md says what lists may hold";
            return Err(UserError::new(ExitCode::Damaged, message).hint(Some(hint)));
        }
        self.said.push(summary(name, format, &indicators));
        if !left_out.is_empty() {
            self.said.push(format!("`{name}`: left out: {}", left_out.summary()));
        }
        if left_out.count(Why::Malformed) + left_out.count(Why::Surplus) > 0 {
            let problem = format!("`{name}`: not all of it can be used ({examples})");
            self.problems.push(problem);
        }
        if let Some(damage) = damage {
            self.problems.push(format!("`{name}`: the rest is damaged: {damage}"));
            self.is_damaged = true;
        }
        Ok(indicators)
    }
}

impl ListArguments {
    /// As they count at a time.
    pub(crate) fn read(&self, now: Timestamp) -> Result<Loaded, UserError> {
        let block = self.block_list.iter().map(|path| (path, false));
        let allow = self.allow_list.iter().map(|path| (path, true));
        let files = block
            .chain(allow)
            .map(|(path, allows)| Ok((path.display().to_string(), whole(path)?, allows)));
        of(files, now)
    }
}

/// The same of what was read already: a name, the bytes, and whether they allow.
pub(super) fn of(
    files: impl Iterator<Item = Result<(String, Vec<u8>, bool), UserError>>,
    now: Timestamp,
) -> Result<Loaded, UserError> {
    let mut loaded = Loaded::default();
    let mut lists = Vec::new();
    for file in files {
        let (name, bytes, allows) = file?;
        let indicators = loaded.add(&name, indicators::read(&bytes, now))?;
        lists.push(Listed { name, indicators, allows });
    }
    let lists = Lists::new(lists);
    let lists = lists.map_err(|error| UserError::from_chain(ExitCode::Usage, &error))?;
    loaded.lists = Arc::new(lists);
    Ok(loaded)
}

fn whole(path: &Path) -> Result<Vec<u8>, UserError> {
    load::read(path, FILE_BYTES_MAX)
}

fn summary(name: &str, format: indicators::Format, indicators: &Indicators) -> String {
    let names = indicators.domains.len() + indicators.suffixes.len();
    let addresses = indicators.addresses.len() + indicators.networks.len();
    let mut summary = format!(
        "`{name}`: {}, {}, {addresses} addresses and networks",
        format.name(),
        quantity::count(names, "name")
    );
    if !indicators.hashes.is_empty() {
        let digests = quantity::count(indicators.hashes.len(), "digest");
        summary.extend(["; ", &digests, " of files, which are not looked for"]);
    }
    summary
}
