//! The policies of `docs/policy.md` and the presets: they are well-formed, and their cases pass.

use policy::Policy;

const PAGE: &str = include_str!("../../../docs/policy.md");

fn passes(text: &str, name: &str) -> usize {
    let parsed = Policy::parse(text, name).map_err(|errors| format!("{name}: {errors:#?}"));
    let policy = parsed.expect("a policy");
    let results = policy.test();
    for result in &results {
        assert!(result.wrong.is_empty(), "{name}: {}: {:#?}", result.name, result.wrong);
    }
    results.len()
}

#[test]
fn the_policies_of_the_page_do_what_it_says() {
    let blocks: Vec<&str> =
        PAGE.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(blocks.len() >= 3);
    let cases: usize = blocks.iter().map(|block| passes(block, "docs/policy.md")).sum();
    assert!(cases >= 10, "{cases}");
}

#[test]
fn presets_are_policies_with_cases() {
    for name in ["baseline", "strict", "upkeep"] {
        let path = format!("{}/../../content/policies/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the preset");
        assert!(passes(&text, name) >= 4, "{name}");
        passes(&format!("version: 1\npresets: [{name}]\n"), name);
    }
}

/// Each file of `testdata/policies` is a policy with cases: a folder of what was decided.
#[test]
fn the_policies_of_the_fixtures_do_what_they_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/policies");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a policy");
        assert!(passes(&text, &path.display().to_string()) > 3);
    }
}

/// Every rule of a preset can be given another form, or switched off.
#[test]
fn a_rule_replaces_the_one_of_its_name() {
    let text = "version: 1
presets: [baseline]
rules:
  - {id: root, enabled: false}
  - {id: malware, on: malware, when: malware.severity >= high, action: warn}
tests:
  - name: root passes
    today: 2026-01-01
    given: {image: {user: root}}
    expect: allow
  - name: malware is said
    today: 2026-01-01
    given: {malware: [{rule: x, severity: high}]}
    expect: warn
    rules: [malware]
";
    assert_eq!(passes(text, "replaced"), 2);
}

/// Of two presets with a rule of one name there is one, which one line can switch off.
#[test]
fn presets_share_their_rules() {
    let text = "version: 1
presets: [baseline, strict]
rules:
  - {id: malware, enabled: false}
tests:
  - name: malware passes
    today: 2026-01-01
    given: {image: {os: debian 12, support_ends: 2028-06-30}, malware: [{rule: x, severity: high}]}
    expect: allow
";
    assert_eq!(passes(text, "two presets"), 1);
}

/// The page of facts is written from the tables themselves:
/// `UPDATE_DOCS=1 cargo test -p policy documented`.
#[test]
fn the_documented_facts_are_those_there_are() {
    const FACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-facts.md");
    let mut page = String::from(
        "# Facts\n\nWhat the conditions of a [policy](policy.md) can ask; `lazaret policy facts` \
         says the same. Every\nfact may be `null`: then it is not known. A rule on packages calls its \
         package `pkg`.\nGenerated from `crates/policy/src/schema/`.\n",
    );
    let mut last = "";
    for fact in policy::facts() {
        if fact.of != last {
            page.extend(["\n## `", fact.of, "`\n\n| fact | is | meaning |\n|---|---|---|\n"]);
            last = fact.of;
        }
        page.extend(["| `", fact.name, "` | ", &fact.kind, " | ", fact.about, " |\n"]);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FACTS, &page).unwrap();
    }
    let documented = std::fs::read_to_string(FACTS).unwrap_or_default();
    assert!(documented == page, "UPDATE_DOCS=1 cargo test -p policy documented");
}
