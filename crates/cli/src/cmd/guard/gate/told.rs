//! What the gate decided, as an alert of the guard: the same forms, the same sinks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::gate::Decided;
use detect::{Detection, Priority, Rule, RuleFile, Ruleset};
use jiff::Timestamp;
use model::event::{Act, Call, Event, Process};
use policy::guard::start::{Action, Ground, StartVerdict};
use policy::guard::{Because, Verdict};
use serde_json::{Value, json};

use crate::cmd::guard::alert::{Alert, Subject};
use crate::cmd::guard::merge::Tally;
use crate::cmd::guard::prevent::TAG as PREVENTION;
use crate::cmd::guard::sink::Sinks;

/// On all alerts of the gate.
const TAG: &str = "start_gate";
/// As rules are called.
const NAME: &str = "Start of a container";
const BROKEN: &str = "Start that could not be judged";

/// Counts the alerts of this process.
static NUMBER: AtomicU64 = AtomicU64::new(1);

pub(super) fn tell(sinks: &Sinks, decided: &Decided, request: &str, user: &str) {
    let now = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default();
    let name = if decided.verdict.is_ok() { NAME } else { BROKEN };
    let Some(rule) = rule(name, priority(decided)) else { return };
    let message = decided.lines.join("; ");
    let detection = Detection { rule, time: now, message, fields: fields(decided, request, user) };
    let event = Event {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        time: now,
        call: Call::Container,
        thread: 0,
        processor: 0,
        process: Arc::new(Process::default()),
        ancestors: Arc::new([]),
        container: Some(Arc::new(decided.container.clone())),
        act: Act::Container,
        result: None,
        denied: decided.refused,
    };
    let verdict = decided.verdict.as_ref().ok().map(|it| verdict(it, detection.rule.priority));
    sinks.tell(&Alert {
        subject: Subject::Event(&event),
        detection: &detection,
        verdict: verdict.as_ref(),
        tally: Tally::once(now),
        change: None,
    });
}

/// What was refused is more urgent than what was not.
fn priority(decided: &Decided) -> Priority {
    let denies = |verdict: &StartVerdict| verdict.action == Action::Deny;
    match &decided.verdict {
        _ if decided.refused => Priority::Error,
        Ok(verdict) if !denies(verdict) => Priority::Notice,
        Ok(_) | Err(_) => Priority::Warning,
    }
}

/// Alerts have a rule; this one no rule file has.
fn rule(name: &str, priority: Priority) -> Option<Arc<Rule>> {
    let text = json!([{
        "rule": name,
        "desc": "what the policy of the start gate denies, or wants to be told",
        "condition": "evt.type = container",
        "output": "start",
        "priority": priority.name(),
        "tags": [PREVENTION, TAG],
    }]);
    let bytes = text.to_string().into_bytes();
    let (ruleset, _) = Ruleset::load(&[RuleFile { name: "gate", bytes: &bytes }]);
    ruleset.rules().first().cloned()
}

fn fields(decided: &Decided, request: &str, user: &str) -> Vec<(String, Value)> {
    let grounds = decided.verdict.iter().flat_map(|verdict| &verdict.grounds);
    let grounds: Vec<Value> = grounds.map(ground).collect();
    let image = decided.container.image.as_ref();
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let fields = [
        ("gate.refused", decided.refused.into()),
        ("gate.grounds", grounds.into()),
        ("gate.image", json!(image.map(|image| &image.reference))),
        ("gate.image_id", json!(image.and_then(|image| image.id.as_ref()))),
        ("gate.request", text(request)),
        ("gate.user", text(user)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn ground(ground: &Ground) -> Value {
    json!({
        "about": ground.about.to_string(),
        "action": ground.action.name(),
        "refuses": ground.refuses(),
        "held_back": ground.held_back.map(policy::guard::HeldBack::why),
        "entry": ground.entry,
        "reason": ground.reason,
    })
}

/// In the words of the guard's alerts.
fn verdict(verdict: &StartVerdict, priority: Priority) -> Verdict {
    let because = verdict.grounds.iter().map(|ground| Because {
        setting: ground.action.name(),
        entry: ground.entry.clone(),
        reason: ground.reason.clone(),
    });
    let mut because: Vec<Because> = because.collect();
    because.dedup();
    Verdict {
        told: true,
        priority,
        blocked: verdict.refused,
        responses: Vec::new(),
        because,
        notes: verdict.notes.clone(),
    }
}
