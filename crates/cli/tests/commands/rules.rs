//! `lazaret rules`: what users write, what they are told, and how it ends.

use std::path::Path;

use serde_json::Value;

use crate::run::{Ended, Sandbox};

const RECORD: &str = r#"{"auditID":"1","stage":"ResponseComplete","stageTimestamp":"2026-01-02T03:04:05.5Z","verb":"delete","user":{"username":"ana"},"objectRef":{"resource":"secrets","name":"key"}}"#;

const RULES: &str = r#"
- list: kept
  items: [secrets, configmaps]
- macro: removal
  condition: ka.verb in (delete, deletecollection)
- rule: Something kept is removed
  desc: What is kept should stay.
  source: k8s_audit
  condition: removal and ka.target.resource in (kept) and not ka.user.name startswith "system:"
  output: >
    %ka.user.name removes %ka.target.name (%ka.target.namespace)
  priority: WARNING
  tags: [shop, mitre_impact, T1485]
- rule: Everything
  desc: Any record.
  source: k8s_audit
  condition: jevt.rawtime exists
  output: a record (%ka.auditid)
  priority: DEBUG
  enabled: false
"#;

const TESTS: &str = r#"
[[case]]
name = "a secret goes"
recording = "records.json"
fires = ["Something kept is removed", "Everything"]

[[case]]
name = "nothing goes"
records = '{"auditID":"2","stageTimestamp":"2026-01-02T03:04:05Z","verb":"get"}'
silent = ["Something kept is removed"]
"#;

/// Rules, their tests, and records.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("rules/shop.yaml", RULES);
    sandbox.file("rules/shop.toml", TESTS);
    sandbox.file("rules/records.json", RECORD);
    sandbox.file("broken.yaml", "- rule: x\n  desc: x\n  source: k8s_audit\n  condition: ka.verbs = get\n  output: x\n  priority: DEBUG\n");
    sandbox
}

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    &ended.stdout
}

#[test]
fn rules_are_listed() {
    let sandbox = sandbox();
    let ended = sandbox.run(&["rules", "list", "rules"]);
    let all = "Warning  k8s_audit  Something kept is removed  [T1485, mitre_impact, shop]\n\
               Debug    k8s_audit  Everything (disabled)\n";
    assert_eq!(ok(&ended), all);
    for (filter, count) in [
        (["--priority", "warning"], 1),
        (["--priority", "debug"], 2),
        (["--tag", "shop"], 1),
        (["--source", "syscall"], 0),
    ] {
        let ended = sandbox.run(&["rules", "list", "rules", filter[0], filter[1]]);
        assert_eq!(ok(&ended).lines().count(), count, "{filter:?}");
    }
    let ended = sandbox.run(&["rules", "list", "rules", "--format", "json"]);
    let listed: Value = serde_json::from_str(ok(&ended)).unwrap();
    assert_eq!(listed[0]["line"], 6);
    assert_eq!(listed[1]["enabled"], false);
}

#[test]
fn a_rule_is_shown_with_what_its_names_stand_for() {
    let sandbox = sandbox();
    let ended = sandbox.run(&["rules", "show", "KEPT", "rules"]);
    let expected = "\
rule:        Something kept is removed
priority:    Warning
source:      k8s_audit
enabled:     yes
defined:     rules/shop.yaml:6:3
finds:       What is kept should stay.
ATT&CK:      T1485, impact
tags:        shop
fields:      ka.target.resource, ka.user.name, ka.verb
written:     removal and ka.target.resource in (kept) and not ka.user.name startswith \"system:\"
means:       ka.verb in (delete, deletecollection)
             and ka.target.resource in (secrets, configmaps)
             and not ka.user.name startswith system:
tells:       %ka.user.name removes %ka.target.name (%ka.target.namespace)
";
    assert_eq!(ok(&ended), expected);
    let ended = sandbox.run(&["rules", "show", "nothing", "rules"]);
    assert_eq!(ended.code, Some(10));
    assert!(ended.stderr.contains("there is no rule `nothing`"), "{ended:?}");
    let ended = sandbox.run(&["rules", "show", "e", "rules"]);
    assert!(ended.stderr.contains("`Something kept is removed`, `Everything`"), "{ended:?}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let sandbox = sandbox();
    let ended = sandbox.run(&["rules", "check", "rules"]);
    assert_eq!(ok(&ended), "2 rules, 0 errors, 0 warnings\n");
    let ended = sandbox.run(&["rules", "check", "broken.yaml"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("broken.yaml:4:14: error: `x`: "), "{first}");
    assert!(first.contains("`ka.verbs`") && first.contains("`ka.verb`"), "{first}");
    assert!(ended.stdout.ends_with("0 rules, 1 error, 0 warnings\n"), "{ended:?}");
    let ended = sandbox.run(&["rules", "check", "broken.yaml", "-f", "json"]);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&told[0]["line"], &told[0]["column"]), (&4.into(), &14.into()));
    // The rest is of use all the same.
    let ended = sandbox.run(&["rules", "list", "rules", "broken.yaml"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(2), 2));
    for (paths, code) in [("nowhere", 10), ("empty", 10)] {
        std::fs::create_dir_all(sandbox.path("empty")).unwrap();
        assert_eq!(sandbox.run(&["rules", "check", paths]).code, Some(code), "{paths}");
    }
}

#[test]
fn a_rule_that_never_fires_is_a_warning() {
    let sandbox = sandbox();
    let rule =
        "- rule: x\n  desc: x\n  condition: evt.latency > 5\n  output: x\n  priority: DEBUG\n";
    sandbox.file("never.yaml", rule);
    let ended = sandbox.run(&["rules", "check", "never.yaml"]);
    assert!(ok(&ended).contains("it can never fire, for want of `evt.latency`"), "{ended:?}");
    let ended = sandbox.run(&["rules", "show", "x", "never.yaml"]);
    assert!(
        ok(&ended).contains("asked of:    no event\ndoubts:      it can never fire"),
        "{ended:?}"
    );
}

#[test]
fn tests_pass_fail_and_are_missed() {
    let sandbox = sandbox();
    let ended = sandbox.run(&["rules", "test", "rules"]);
    assert_eq!(ok(&ended), "ok  a secret goes\nok  nothing goes\n2 passed, 0 failed\n");
    let ended = sandbox.run(&["rules", "test", "rules", "--all"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("untested  `Everything`: nothing is said not to fire it\n"));
    // A file by itself has its tests beside it too.
    assert_eq!(sandbox.run(&["rules", "test", "rules/shop.yaml"]).code, Some(0));

    sandbox
        .file("rules/shop.toml", TESTS.replace("\"get\"", "\"delete\"").replace("fires", "silent"));
    let ended = sandbox.run(&["rules", "test", "rules"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let failed = "failed  a secret goes\n  `Everything` fires once\n  `Something kept is removed` fires once\n";
    assert!(ended.stdout.starts_with(failed), "{ended:?}");
    for (tests, reason) in [
        (TESTS.replace("Everything", "Nothing"), "speaks of `Nothing`, and no rule is called so"),
        (TESTS.replace("\"records.json", "\"../rules/records.json"), "leaves its folder"),
        (TESTS.replace("records =", "record ="), "unknown field `record`"),
        (TESTS.replace("silent = [\"Something kept is removed\"]", ""), "expects nothing"),
        (
            TESTS.replace("recording = \"records.json\"", ""),
            "needs either `recording` or `records`",
        ),
    ] {
        sandbox.file("rules/shop.toml", tests);
        let ended = sandbox.run(&["rules", "test", "rules"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    assert_eq!(sandbox.run(&["rules", "test", "broken.yaml"]).code, Some(2));
}

#[test]
fn rules_of_our_own_form_name_their_recordings() {
    let sandbox = sandbox();
    let rule = "- id: removal\n  title: Removal\n  why: x\n  source: k8s_audit\n  \
                condition: ka.verb = delete\n  severity: low\n  \
                fixtures: { fires: [records.json], silent: [other.json] }\n";
    sandbox.file("own/removal.yaml", rule);
    sandbox.file("own/records.json", RECORD);
    sandbox.file("own/other.json", RECORD.replace("delete", "get"));
    let ended = sandbox.run(&["rules", "test", "own", "--all"]);
    let passed = "ok  removal: records.json\nok  removal: other.json\n2 passed, 0 failed\n";
    assert_eq!(ok(&ended), passed);
    sandbox.file("own/other.json", RECORD);
    let ended = sandbox.run(&["rules", "test", "own"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("removal: other.json\n  `removal` fires once\n"), "{ended:?}");
    std::fs::remove_file(sandbox.path("own/other.json")).unwrap();
    assert_eq!(sandbox.run(&["rules", "test", "own"]).code, Some(10));
}

#[test]
fn our_own_rules_have_no_mistake_and_pass_their_tests() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(&["rules", "check"]);
    assert!(ok(&ended).ends_with("rules, 0 errors, 0 warnings\n"), "{ended:?}");
    let ended = sandbox.run(&["rules", "test", "--all"]);
    assert!(ok(&ended).ends_with(" passed, 0 failed\n"), "{ended:?}");
}

#[test]
fn audit_records_are_replayed() {
    let sandbox = sandbox();
    let replay = |more: &[&str]| {
        let mut arguments = vec!["rules", "replay", "--rules", "rules", "rules/records.json"];
        arguments.extend(more);
        sandbox.run(&arguments)
    };
    let ended = replay(&[]);
    assert_eq!(ok(&ended), "03:04:05.500000000: Warning ana removes key (<NA>)\n");
    assert_eq!(ended.stderr, "1 event, 1 alert\n");
    assert_eq!(replay(&["--quiet"]).stderr, "");
    assert_eq!(replay(&[]).stdout, ended.stdout);
    assert_eq!(replay(&["--priority", "error"]).stdout, "");

    let told: Value = serde_json::from_str(&replay(&["-f", "json"]).stdout).unwrap();
    assert_eq!(told["event"], 1);
    assert_eq!(told["fields"]["ka.user.name"], "ana");
    assert_eq!(told["fields"]["ka.target.namespace"], Value::Null);
    let told: Value = serde_json::from_str(&replay(&["-f", "falco-json"]).stdout).unwrap();
    assert_eq!(told["rule"], "Something kept is removed");
    assert_eq!(told["output_fields"]["ka.target.name"], "key");

    sandbox.file("cut.json", format!("{RECORD}\n{}", RECORD.split_at(60).0));
    let ended = sandbox.run(&["rules", "replay", "--rules", "rules", "cut.json"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(21), 1), "{ended:?}");
    assert!(ended.stderr.contains("`cut.json`: line 2: it is not JSON: EOF"), "{ended:?}");
    for (bytes, code) in [("{}", 14), ("", 0), ("no JSON", 14)] {
        let file = sandbox.file("odd.json", bytes);
        assert_eq!(sandbox.run(&["rules", "replay", &file]).code, Some(code), "{bytes}");
    }
    assert_eq!(sandbox.run(&["rules", "replay", "nowhere.json"]).code, Some(10));
}

/// Whatever a record holds, what is written to a terminal cannot steer it.
#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let sandbox = sandbox();
    sandbox.file("records.json", RECORD.replace("\"key\"", r#""\u001b[2Jkey\nforged: Warning""#));
    let ended = sandbox.run(&["rules", "replay", "--rules", "rules", "records.json"]);
    let line =
        "03:04:05.500000000: Warning ana removes \u{fffd}[2Jkey\u{fffd}forged: Warning (<NA>)\n";
    assert_eq!(ok(&ended), line);
}

#[test]
fn recordings_are_replayed_up_to_their_damage() {
    let sandbox = sandbox();
    let kept =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../detect/testdata/recording/every-act.lzr");
    let bytes = std::fs::read(kept).unwrap();
    let rule = "- rule: any act\n  desc: x\n  condition: evt.num >= 1\n  output: act %evt.num by %proc.name\n  priority: DEBUG\n  warn_evttypes: false\n";
    sandbox.file("any.yaml", rule);
    let replay = |name: &str| sandbox.run(&["rules", "replay", "--rules", "any.yaml", name]);
    sandbox.file("whole.lzr", &bytes);
    let whole = replay("whole.lzr");
    let alerts = ok(&whole).lines().count();
    assert_eq!(whole.stderr, format!("{alerts} events, {alerts} alerts\n"));
    assert!(alerts > 40, "{alerts}");

    sandbox.file("cut.lzr", &bytes[..bytes.len() - 5]);
    let ended = replay("cut.lzr");
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(21), alerts - 1), "{ended:?}");
    assert!(ended.stderr.contains("`cut.lzr`: it is cut off at byte "), "{ended:?}");
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    sandbox.file("damaged.lzr", &damaged);
    let ended = replay("damaged.lzr");
    assert_eq!(ended.code, Some(21), "{ended:?}");
    assert!(whole.stdout.starts_with(&ended.stdout) && !ended.stdout.is_empty());
    sandbox.file("begun.lzr", &bytes[..9]);
    let ended = replay("begun.lzr");
    assert_eq!(ended.code, Some(14), "{ended:?}");
    assert!(ended.stderr.contains("it is not a recording of events"), "{ended:?}");
}
