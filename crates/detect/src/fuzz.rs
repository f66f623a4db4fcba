//! Readers of outside bytes, for fuzzing alone.

use crate::field::{Argument, Extract};
use crate::rules::{RuleFile, Ruleset};
use crate::source::Source;
use crate::{audit, compile, filter, recording};

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

/// Audit records, and every field of each.
pub fn audit(bytes: &[u8]) {
    audit::read(bytes, &mut |record| {
        let Ok(record) = record else { return };
        for field in crate::fields(Source::K8sAudit) {
            for argument in [Argument::None, Argument::Index(1), Argument::Key("/*".to_owned())] {
                if let Extract::Record(extract) = field.extract {
                    drop(extract(&record, &argument).shown());
                }
            }
        }
    });
}

/// What an API server posts.
pub fn audit_list(bytes: &[u8]) {
    drop(audit::read_list(bytes, &mut |record| drop(record)));
}

/// A recording, and what is behind its header.
pub fn recording(bytes: &[u8]) {
    let headed = [&recording::HEADER, bytes].concat();
    for bytes in [bytes, &headed] {
        for event in recording::Reader::new(bytes).into_iter().flatten() {
            drop(event);
        }
    }
}
