//! What the start gate makes of a container before its first program runs: its policy and verdicts.
//!
//! ```text
//! gate.yaml → StartPolicy::parse → judge(Start: image's verdict, what is asked for) → StartVerdict
//! ```
//!
//! A file of its own: it is read by each hook of a runtime, and a mistake in what rules find is none
//! in what may start. Scopes and lists are those of the guard. Here too an entry counts only where it
//! is certain that it is meant. This module never acts.

mod ask;
mod entry;
mod verdict;

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

pub use self::ask::{Ask, AskKind};
pub use self::entry::{Action, Standing};
pub use self::verdict::{About, Ground, Start, StartVerdict};

use self::ask::Pattern;
use self::entry::{ExceptFile, Exception, ImageEntry, ImageFile, StartEntry, StartFile};
use super::ReadList;
use super::check::{Check, Word};
use super::list::ListFile;
use crate::error::PolicyError;
use crate::policy::read;
use crate::rule::date;
use crate::suggest;

/// The form of the file that is read here.
const VERSION: u32 = 1;
/// More entries would make the time of a verdict anybody's guess: each start is held against all.
const ENTRIES_MAX: usize = 1_000;

/// The file as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GateFile {
    version: Spanned<u32>,
    name: Option<String>,
    /// Before this day nothing is denied, whatever is said below.
    observe_until: Option<Spanned<String>>,
    #[serde(default)]
    lists: Vec<ListFile>,
    #[serde(default)]
    images: Vec<Spanned<ImageFile>>,
    #[serde(default)]
    starts: Vec<Spanned<StartFile>>,
    #[serde(default)]
    allow: Vec<Spanned<ExceptFile>>,
}

/// A checked policy of the start gate.
#[derive(Clone, Debug)]
pub struct StartPolicy {
    name: String,
    observe_until: Option<Date>,
    images: Vec<ImageEntry>,
    starts: Vec<StartEntry>,
    exceptions: Vec<Exception>,
}

impl StartPolicy {
    /// Reads and checks a policy; `source` is what it is called where it has no name, and `list`
    /// gives the files that it names. Every mistake that can be told without the others' being mended
    /// is returned.
    ///
    /// # Errors
    /// The mistakes, in the order of their places.
    pub fn parse(text: &str, source: &str, list: ReadList<'_>) -> Result<Self, Vec<PolicyError>> {
        let file: GateFile = read(text).map_err(|error| vec![error])?;
        let mut check = Check::new();
        if file.version.value != VERSION {
            let message = format!("version {} of gate policies is not known", file.version.value);
            let hint = format!("this program reads version {VERSION}");
            check.errors.push(PolicyError::at(&file.version, message).hint(Some(hint)));
        }
        check.lists(&file.lists, list);
        check.count(&file.images, ENTRIES_MAX, "entries about images");
        check.count(&file.starts, ENTRIES_MAX, "entries about starts");
        check.count(&file.allow, ENTRIES_MAX, "entries that allow");
        let policy = Self {
            name: file.name.unwrap_or_else(|| source.to_owned()),
            observe_until: date(file.observe_until.as_ref(), &mut check.errors),
            images: file.images.iter().filter_map(|it| entry::image(it, &mut check)).collect(),
            starts: file.starts.iter().filter_map(|it| entry::start(it, &mut check)).collect(),
            exceptions: file.allow.iter().filter_map(|it| entry::except(it, &mut check)).collect(),
        };
        match check.mistakes() {
            mistakes if mistakes.is_empty() => Ok(policy),
            mistakes => Err(mistakes),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Entries about images, entries about starts, entries that allow.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.images.len(), self.starts.len(), self.exceptions.len())
    }

    /// Whether an entry has images scanned before they start.
    pub fn scans(&self) -> bool {
        self.images.iter().any(entry::ImageEntry::scans)
    }

    /// Names of capabilities that there are not, with what was probably meant: an entry with such a
    /// name would never count.
    pub fn misspelt(&self, capabilities: &[&str]) -> Vec<PolicyError> {
        let is_strange = |word: &&Word| {
            let name = Pattern::capability(&word.text).unwrap_or_default();
            !name.contains(['*', '?']) && !capabilities.contains(&name.as_str())
        };
        let words = self.patterns().map(Pattern::word);
        let named = words.filter(|word| Pattern::capability(&word.text).is_some());
        named
            .filter(is_strange)
            .map(|word| {
                let name = Pattern::capability(&word.text).unwrap_or_default();
                let near = suggest::nearest(&name, capabilities.iter().copied());
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                word.mistake(format!("there is no capability `{name}`")).hint(hint)
            })
            .collect()
    }

    /// What its reader should know today: entries whose time is over, and ways around the gate of
    /// which no entry speaks.
    pub fn notes(&self, today: Date) -> Vec<String> {
        let mut notes: Vec<String> =
            self.exceptions.iter().filter_map(|entry| entry.over(today)).collect();
        let silent = ask::AROUND.iter().filter(|way| {
            let ask = Ask::new(AskKind::Around, **way);
            !self.starts.iter().flat_map(|entry| &entry.asks).any(|it| it.reach(&ask).is_some())
        });
        let silent: Vec<&str> = silent.copied().collect();
        if !silent.is_empty() {
            notes.push(format!(
                "what {} start is not judged, and no entry speaks of it (`around:{}`)",
                silent.join(", "),
                silent.join("`, `around:")
            ));
        }
        notes
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let of_starts = self.starts.iter().flat_map(|entry| &entry.asks);
        of_starts.chain(self.exceptions.iter().flat_map(|entry| &entry.asks))
    }
}
