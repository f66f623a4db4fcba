//! What has to come of a case, held against what came.

use detect::{Detection, Priority};
use serde_json::Value;

/// What an alert has to say. What is not said here may be anything.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub(crate) source: Option<String>,
    pub(crate) priority: Option<Priority>,
    pub(crate) hostname: Option<String>,
    /// Fields of the event, and what they have to be.
    pub fields: Vec<(String, String)>,
}

impl Outcome {
    /// In what an alert differs from it; in nothing if it is what was expected.
    pub fn differences(&self, detection: &Detection, hostname: &str) -> Vec<String> {
        let (mut differences, mut untold) = (Vec::new(), Vec::new());
        let mut compare = |name: &str, expected: &str, is: &str| {
            if expected != is {
                differences.push(format!("{name} is `{is}` and not `{expected}`"));
            }
        };
        let rule = &detection.rule;
        if let Some(source) = &self.source {
            compare("source", source, rule.source.name());
        }
        if let Some(priority) = self.priority {
            compare("priority", priority.name(), rule.priority.name());
        }
        if let Some(expected) = &self.hostname {
            compare("hostname", expected, hostname);
        }
        for (name, expected) in &self.fields {
            match detection.fields.iter().find(|(field, _)| field == name) {
                Some((_, value)) => compare(name, expected, &shown(value)),
                None => untold.push(format!("{name} is not told")),
            }
        }
        differences.extend(untold);
        differences
    }
}

/// A value as a suite writes it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<NA>".to_owned(),
        value => value.to_string(),
    }
}
