//! A profile for people who look through it: what it holds, and what to mistrust.

use std::fmt::Write as _;

use detect::printable;
use policy::profile::{Fact, Mode, Profile};

use crate::quantity::count;

/// Of system calls so many are told in one line.
const CALLS_A_LINE: usize = 8;

/// One line: how far it has come.
pub(super) fn line(profile: &Profile) -> String {
    let learning = &profile.learning;
    let mut text = format!("{:<8} {}", profile.mode.name(), profile.workload);
    if profile.mode == Mode::Learn {
        write!(text, "  since {}, {} without news", learning.from, count(learning.quiet, "day"))
            .expect("a String takes anything");
        if let Some(days) = learning.quiet_days {
            write!(text, " of {days}").expect("a String takes anything");
        }
        if let Some(until) = learning.until {
            write!(text, ", until {until}").expect("a String takes anything");
        }
    }
    text
}

/// All of it.
pub(super) fn text(profile: &Profile) -> String {
    let mut lines = vec![line(profile)];
    lines.extend(profile.images.iter().map(|digest| format!("  image {digest}")));
    lines.extend(doubts(profile).into_iter().map(|doubt| format!("  ! {doubt}")));
    let mut section = "";
    let facts = profile.facts();
    let (calls, others): (Vec<&Fact>, Vec<&Fact>) =
        facts.iter().partition(|fact| matches!(fact, Fact::Call { .. }));
    for fact in others {
        if fact.section() != section {
            section = fact.section();
            lines.push(section.to_owned());
        }
        lines.push(format!("  {fact}"));
    }
    if !calls.is_empty() {
        lines.push(format!("calls ({})", calls.len()));
    }
    for row in calls.chunks(CALLS_A_LINE) {
        let row: Vec<String> = row.iter().map(ToString::to_string).collect();
        lines.push(format!("  {}", row.join(" ")));
    }
    lines.iter().map(|line| printable(line).into_owned() + "\n").collect()
}

/// What its reader should know.
pub(super) fn doubts(profile: &Profile) -> Vec<String> {
    let mut doubts = Vec::new();
    if profile.learning.starts == 0 {
        doubts.push("no container was seen beginning: what is done then is not in it".to_owned());
    }
    if profile.calls.is_none() {
        doubts.push("system calls were not looked at".to_owned());
    }
    if profile.capabilities.is_none() {
        doubts.push("capabilities were not looked at".to_owned());
    }
    doubts.extend(profile.incomplete.iter().map(|what| format!("not seen: {what}")));
    doubts.extend(profile.widened.iter().map(|what| format!("wider than what was seen: {what}")));
    doubts
}
