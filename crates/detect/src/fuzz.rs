//! Readers of outside bytes, for fuzzing alone.

use crate::rules::{RuleFile, Ruleset};
use crate::source::Source;
use crate::{compile, filter};

/// A condition, compiled if it can be.
pub fn condition(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(tree) = filter::parse(&text) else { return };
    let names = compile::Names::default();
    for source in Source::ALL {
        drop(compile::Compiler::new(*source, &names).condition(&tree));
    }
}

/// A rule file, and the engine of what it holds.
pub fn rules(bytes: &[u8]) {
    let (ruleset, diagnostics) = Ruleset::load(&[RuleFile { name: "fuzz", bytes }]);
    for diagnostic in diagnostics {
        drop(diagnostic.to_string());
    }
    drop(crate::Engine::new(&ruleset));
}
