//! What the guard makes of what rules find: the guard's policy, and its verdicts.
//!
//! ```text
//! guard.yaml → GuardPolicy::parse → choose(rule) → judge(subject) → Verdict(told?, responses, by whom)
//!                                 → preventions, held(container) → what a kernel refuses before
//! ```
//!
//! A file is checked as a whole before anything runs. Whatever would make the guard say less or do
//! more counts only where it is certain that it is meant: what is not known of a container or a
//! process holds of no entry. This module never acts, and it never says of an act that happened that
//! it was blocked.

mod allow;
mod check;
mod excuse;
mod list;
mod network;
mod object;
mod prevent;
mod request;
mod rule;
mod scope;
pub mod start;
mod verdict;

use jiff::civil::Date;
use model::Priority;
use serde::Deserialize;
use serde_saphyr::Spanned;

pub use self::excuse::Excuse;
pub use self::object::{file, file_identity, object};
pub use self::prevent::Held;
pub use self::request::{Request, Subject};
pub(crate) use self::scope::workload;
pub use self::verdict::{Because, Chosen, HeldBack, Moment, Verdict, Wanted, name};

use self::allow::{Allow, AllowFile};
use self::check::Check;
use self::list::ListFile;
use self::prevent::{Prevent, PreventFile};
use self::rule::{Entry, EntryFile};
use crate::error::PolicyError;
use crate::policy::read;
use crate::rule::date;
use crate::suggest;

/// The form of the file that is read here.
const VERSION: u32 = 1;
/// More entries about rules would make the time of a verdict anybody's guess; a detection is held
/// against all of them that speak of its rule.
const ENTRIES_MAX: usize = 1_000;
/// More entries that allow: one a workload of a large host, for several rules.
const ALLOWED_MAX: usize = 5_000;

/// The file as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardFile {
    version: Spanned<u32>,
    name: Option<String>,
    /// Before this day nothing is done and nothing refused, whatever is said below.
    observe_until: Option<Spanned<String>>,
    #[serde(default)]
    lists: Vec<ListFile>,
    #[serde(default)]
    rules: Vec<Spanned<EntryFile>>,
    #[serde(default)]
    allow: Vec<Spanned<AllowFile>>,
    #[serde(default)]
    prevent: Vec<PreventFile>,
}

/// A checked policy of the guard.
#[derive(Clone, Debug)]
pub struct GuardPolicy {
    name: String,
    observe_until: Option<Date>,
    entries: Vec<Entry>,
    allowed: Vec<Allow>,
    prevented: Vec<Prevent>,
}

/// What a policy asks of a detection rule, whoever wrote it and in which language.
#[derive(Clone, Copy, Debug)]
pub struct AskedRule<'a> {
    pub name: &'a str,
    pub tags: &'a [String],
    pub priority: Priority,
    /// As its file says.
    pub enabled: bool,
}

/// Gives the text of a list's file, or says why not.
pub type ReadList<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

impl GuardPolicy {
    /// Reads and checks a policy; `source` is what it is called where it has no name, and `list`
    /// gives the files that it names. Every mistake that can be told without the others' being mended
    /// is returned.
    ///
    /// # Errors
    /// The mistakes, in the order of their places.
    pub fn parse(text: &str, source: &str, list: ReadList<'_>) -> Result<Self, Vec<PolicyError>> {
        let file: GuardFile = read(text).map_err(|error| vec![error])?;
        let mut check = Check::new();
        if file.version.value != VERSION {
            let message = format!("version {} of guard policies is not known", file.version.value);
            let hint = format!("this program reads version {VERSION}");
            check.errors.push(PolicyError::at(&file.version, message).hint(Some(hint)));
        }
        check.lists(&file.lists, list);
        check.count(&file.rules, ENTRIES_MAX, "entries about rules");
        check.count(&file.allow, ALLOWED_MAX, "entries that allow");
        let policy = Self {
            name: file.name.unwrap_or_else(|| source.to_owned()),
            observe_until: date(file.observe_until.as_ref(), &mut check.errors),
            entries: file.rules.iter().filter_map(|it| rule::check(it, &mut check)).collect(),
            allowed: file.allow.iter().filter_map(|it| allow::check(it, &mut check)).collect(),
            prevented: prevent::check(&file.prevent, &mut check),
        };
        match check.mistakes() {
            mistakes if mistakes.is_empty() => Ok(policy),
            mistakes => Err(mistakes),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Entries about rules, entries that allow, preventions.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.entries.len(), self.allowed.len(), self.prevented.len())
    }

    /// Names of rules that there are not, with what was probably meant: an entry with such a name
    /// would never count.
    pub fn misspelt(&self, rules: &[&str]) -> Vec<PolicyError> {
        let of_entries = self.entries.iter().flat_map(|entry| entry.select.literal_names());
        let of_allowed = self.allowed.iter().flat_map(|entry| entry.select.literal_names());
        let mut mistakes: Vec<PolicyError> = of_entries
            .chain(of_allowed)
            .filter(|word| !rules.contains(&word.text.as_str()))
            .map(|word| {
                let near = suggest::nearest(&word.text, rules.iter().copied());
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                word.mistake(format!("there is no rule `{}`", word.text)).hint(hint)
            })
            .collect();
        mistakes.sort_by_key(|error| (error.line, error.column));
        mistakes
    }

    /// What its reader should know today: entries whose time is over.
    pub fn notes(&self, today: Date) -> Vec<String> {
        self.allowed.iter().filter_map(|entry| entry.over(today)).collect()
    }
}
