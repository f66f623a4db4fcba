//! Rule files: text in, rules out, and everything that is to be said of them.
//!
//! ```text
//! file → yaml::documents → read (lists, macros, rules; later files change earlier ones)
//!                        → finish (lists in lists, macros in macros, exceptions) → Ruleset
//! ```
//!
//! Falco's files load unmodified. A mistake costs the item that it is in, never the rest: a guard
//! with one rule less still guards.

mod exception;
mod finish;
mod item;
mod overriding;
mod own;
mod read;
mod rule;
#[cfg(test)]
mod tests;
mod written;

use std::sync::Arc;

pub use model::Priority;
pub use rule::{Action, Fixtures, Rule, Scope};

use crate::diagnostic::{Diagnostic, Level, Place};
use crate::source::Source;

/// The largest rule file that is read; all of Falco's together have 250 KiB.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// A rule file as it was found.
#[derive(Clone, Copy, Debug)]
pub struct RuleFile<'a> {
    /// As messages call it.
    pub name: &'a str,
    pub bytes: &'a [u8],
}

/// Rules that can be asked.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    rules: Vec<Arc<Rule>>,
}

impl Ruleset {
    /// Reads files in their order: later ones may append to what earlier ones define, or replace
    /// it. Rules with mistakes are not in the set; each mistake is in the list.
    pub fn load(files: &[RuleFile<'_>]) -> (Self, Vec<Diagnostic>) {
        let mut read = read::Read::default();
        for file in files {
            read.file(file);
        }
        finish::finish(read)
    }

    /// In the order in which they were defined first.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Only the rules that are wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&Arc<Rule>) -> bool) {
        self.rules.retain(wanted);
    }

    /// Switches rules on and off, whatever their files say.
    pub fn enable(&mut self, mut decide: impl FnMut(&Rule) -> bool) {
        for rule in &mut self.rules {
            let enabled = decide(rule);
            if enabled != rule.enabled {
                Arc::make_mut(rule).enabled = enabled;
            }
        }
    }

    /// Adds a text to the output of every rule about a source, as `append_output` of Falco does:
    /// `%proc.env`.
    ///
    /// # Errors
    /// The text names a field that there is not.
    pub fn append_output(&mut self, source: Source, text: &str) -> Result<(), Diagnostic> {
        let output = crate::output::Output::alone(source, text).map_err(|error| {
            let (place, message) = (Place::default(), error.message);
            Diagnostic::new(Level::Error, place, "output", message).hint(error.hint)
        })?;
        for rule in self.rules.iter_mut().filter(|rule| rule.source == source) {
            *rule = Arc::new(rule.with_output(output.clone()));
        }
        Ok(())
    }
}
