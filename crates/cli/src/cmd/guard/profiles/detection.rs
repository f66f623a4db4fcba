//! A deviation as an alert: a rule of its own, whose condition is never asked.

use std::sync::Arc;

use detect::{Detection, Rule, RuleFile, Ruleset};
use model::event::Event;
use policy::profile::{Deviation, Workload};
use serde_json::{Value, json};

use super::used;

/// What alerts of deviations are called.
const NAME: &str = "profile deviation";

pub(super) fn rule() -> Arc<Rule> {
    let text = json!([{
        "rule": NAME,
        "desc": "a workload does what its profile does not hold",
        "condition": "evt.type = execve",
        "output": "profile",
        "priority": "WARNING",
        "tags": ["profile"],
    }]);
    let bytes = text.to_string().into_bytes();
    let (ruleset, _) = Ruleset::load(&[RuleFile { name: "profile", bytes: &bytes }]);
    Arc::clone(ruleset.rules().first().expect("the rule above is one"))
}

pub(super) fn of(
    rule: &Arc<Rule>,
    event: &Event,
    workload: &Workload,
    deviation: &Deviation,
) -> Detection {
    let who = &event.process.name;
    let message = format!("{workload} ({who}) {}", deviation.text);
    let what = deviation.fact.to_string().into();
    detection(rule, event, workload, message, deviation.fact.section(), what)
}

/// Of several that the kernel noted.
pub(super) fn of_many(
    rule: &Arc<Rule>,
    event: &Event,
    workload: &Workload,
    deviations: &[Deviation],
) -> Detection {
    let message = format!("{workload} {}", used::in_words(deviations));
    let what: Vec<String> = deviations.iter().map(|it| it.fact.to_string()).collect();
    let section = deviations.first().map_or("calls", |it| it.fact.section());
    detection(rule, event, workload, message, section, what.into())
}

fn detection(
    rule: &Arc<Rule>,
    event: &Event,
    workload: &Workload,
    message: String,
    section: &str,
    what: Value,
) -> Detection {
    let container = event.container.as_ref().map(|container| container.id.as_str());
    Detection {
        time: event.time,
        message,
        fields: vec![
            ("container.id".to_owned(), container.into()),
            ("profile.workload".to_owned(), workload.as_str().into()),
            ("profile.section".to_owned(), section.into()),
            ("profile.deviation".to_owned(), what),
        ],
        rule: Arc::clone(rule),
    }
}
