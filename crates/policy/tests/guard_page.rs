//! `docs/guard-policy.md`: its example is a policy, and its table names exactly the settings there are.

use std::collections::BTreeSet;

use policy::guard::GuardPolicy;

const PAGE: &str = include_str!("../../../docs/guard-policy.md");

/// A mistake in each section, after which the reader of policies lists what there is.
const SECTIONS: &[(&str, &str)] = &[
    ("file", "qqqqqqqqqqqq: 1"),
    ("lists", "lists: [{qqqqqqqqqqqq: 1}]"),
    ("rules", "rules: [{qqqqqqqqqqqq: 1}]"),
    ("select", "rules: [{select: {qqqqqqqqqqqq: 1}}]"),
    ("allow", "allow: [{qqqqqqqqqqqq: 1}]"),
    ("prevent", "prevent: [{qqqqqqqqqqqq: 1}]"),
    ("scope", "rules: [{scope: {qqqqqqqqqqqq: 1}}]"),
];

fn parse(text: &str) -> Result<GuardPolicy, String> {
    let parsed = GuardPolicy::parse(text, "page", &mut |_| Err("no files here".to_owned()));
    parsed.map_err(|errors| format!("{errors:#?}"))
}

#[test]
fn the_page_s_example_is_a_policy() {
    let blocks = PAGE.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    let policies: Vec<GuardPolicy> = blocks.map(|block| parse(block).unwrap()).collect();
    assert_eq!(policies.iter().map(GuardPolicy::counts).collect::<Vec<_>>(), [(4, 2, 3)]);
}

#[test]
fn the_preset_is_a_policy_that_only_observes() {
    let text = include_str!("../../../content/policies/guard.yaml");
    let policy = parse(text).unwrap();
    assert!(policy.counts().2 > 5);
    let moment = policy::guard::Moment { today: "9999-12-31".parse().unwrap(), enforce: true };
    let held = policy.held_unknown(moment);
    assert!(held.bits > 0);
    assert_eq!(held.refused, 0);
    assert_eq!(policy.held(None, moment).bits, 0, "the host is left alone");
}

#[test]
fn the_page_names_every_setting() {
    let rows = PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (section, setting) = (cells.next()?, cells.next()?);
        let setting = setting.strip_prefix('`')?.strip_suffix('`')?;
        Some((section.to_owned(), setting.to_owned()))
    });
    let documented: BTreeSet<(String, String)> =
        rows.filter(|(section, _)| SECTIONS.iter().any(|(name, _)| name == section)).collect();
    let mut there_are = BTreeSet::new();
    for (section, mistake) in SECTIONS {
        let text = if *section == "file" {
            (*mistake).to_owned()
        } else {
            format!("version: 1\n{mistake}")
        };
        let said = parse(&text).unwrap_err();
        let (_, settings) = said.split_once("there are ").expect("a list of settings");
        let settings = settings.split('"').next().unwrap_or_default();
        there_are.extend(settings.split(", ").map(|it| ((*section).to_owned(), it.to_owned())));
    }
    assert_eq!(documented, there_are);
}
