//! Conditions asked of events: a line is a case.

mod events;

use detect::{Engine, RuleFile, Ruleset};

/// `event | condition => yes` or `no`.
const CASES: &str = include_str!("../testdata/verdicts.txt");

#[test]
fn conditions_hold_of_the_events_that_they_mean() {
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (asked, expected) = line.rsplit_once(" => ").expect("a verdict");
        let (event, condition) = asked.split_once(" | ").expect("an event");
        let verdict = if holds(event, condition) { "yes" } else { "no" };
        if verdict != expected {
            wrong.push(line);
        }
    }
    assert_eq!(wrong, Vec::<&str>::new());
}

fn holds(event: &str, condition: &str) -> bool {
    let file = format!(
        "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: |-\n    {condition}\n"
    );
    let (ruleset, diagnostics) =
        Ruleset::load(&[RuleFile { name: "case", bytes: file.as_bytes() }]);
    assert_eq!(ruleset.rules().len(), 1, "`{condition}`: {diagnostics:?}");
    !Engine::new(&ruleset).judge(&events::event(event)).is_empty()
}
