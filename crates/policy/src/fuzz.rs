//! Readers of outside bytes, for fuzzing alone.

use std::hint::black_box;

use crate::guard::start::{Ask, AskKind, Start, StartPolicy};
use crate::guard::{AskedRule, GuardPolicy, Moment, Request, Subject};
use crate::profile::Profile;

/// A policy of the guard, whose lists are itself: checked, and asked of a rule and of a container.
pub fn guard_policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut list = |_: &str| Ok(text.clone().into_owned());
    let Ok(policy) = GuardPolicy::parse(&text, "fuzz", &mut list) else { return };
    let priority = model::Priority::Warning;
    let rule = AskedRule { name: "execution-drift", tags: &[], priority, enabled: true };
    let moment = Moment { today: jiff::civil::Date::MAX, enforce: true };
    black_box(policy.judge(&policy.choose(&rule), Subject::Request(&Request::default()), moment));
    black_box((policy.held_unknown(moment), policy.preventions(), policy.misspelt(&[rule.name])));
}

/// A profile: read, written and read again as the same, held against itself, exported.
pub fn profile(bytes: &[u8]) {
    let Ok(profile) = Profile::parse(&String::from_utf8_lossy(bytes)) else { return };
    let text = profile.to_yaml();
    let again = Profile::parse(&text);
    assert!(again.is_ok_and(|again| again.to_yaml() == text), "{text}");
    let mut merged = profile.clone();
    black_box((merged.merge(&profile), merged.diff(&profile), profile.seccomp().is_ok()));
}

/// A policy of the start gate, whose lists are itself: checked, and asked of a start.
pub fn start_policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut list = |_: &str| Ok(text.clone().into_owned());
    let Ok(policy) = StartPolicy::parse(&text, "fuzz", &mut list) else { return };
    let container = model::event::Container::default();
    let asks = [Ask::new(AskKind::Mount, text.clone()), Ask::new(AskKind::Capability, "ALL")];
    let start = Start { container: &container, has_image: true, judged: None, asks: &asks };
    let moment = Moment { today: jiff::civil::Date::MAX, enforce: true };
    black_box((policy.judge(&start, moment), policy.notes(moment.today), policy.misspelt(&["X"])));
}
