//! Policies of the guard over recordings, and the ways to work with them; none of it needs privileges.
//!
//! A folder of `testdata/guard-policies` is a case: `policy.yaml`, whose first line names a recording
//! of `content/detections`, and `expected.txt`, what is said of it. BLESS=1 writes the latter anew.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::Sandbox;

const TODAY: &str = "2026-06-01";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn recording(name: &str) -> String {
    repository("content/detections").join(name).display().to_string()
}

#[test]
fn recordings_come_to_what_policies_say() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guard-policies");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(cases).unwrap().map(|it| it.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 4);
    let sandbox = Sandbox::new();
    for folder in folders {
        let policy = folder.join("policy.yaml");
        let text = std::fs::read_to_string(&policy).unwrap();
        let name = text.lines().next().and_then(|line| line.strip_prefix("# recording: ")).unwrap();
        let (policy, file) = (policy.display().to_string(), recording(name));
        let replay = ["--today", TODAY, "rules", "replay", "--policy", &policy, &file];
        let ended = sandbox.run(&replay);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let (came, golden) = (ended.stdout + &ended.stderr, folder.join("expected.txt"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(golden, came).unwrap();
        } else {
            assert_eq!(came, std::fs::read_to_string(golden).unwrap(), "{}", folder.display());
        }
    }
}

#[test]
fn an_alert_becomes_an_entry_that_allows_it() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file("guard.yaml", "version: 1\n");
    let file = recording("execution/drift.lzr");
    let replay = |format: &str| {
        let replay =
            ["--today", TODAY, "rules", "replay", "--policy", &policy, "-f", format, &file];
        sandbox.run(&replay)
    };
    let before = replay("json");
    assert!(!before.stdout.is_empty());
    sandbox.file("alerts.json", &before.stdout);
    let allow = ["guard", "policy", "allow", "alerts.json", "--owner", "team", "--reason", "ours"];
    let allowed = sandbox.run(&[&allow[..], &["--expires", "2026-06-01"]].concat());
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    sandbox.file("guard.yaml", format!("version: 1\n{}", allowed.stdout));
    let after = replay("falco-json");
    assert_eq!((after.code, after.stdout.as_str()), (Some(0), ""), "{allowed:?}");
    assert!(after.stderr.contains(", 0 alerts, "), "{after:?}");
    let judged = replay("json");
    let alert: Value = serde_json::from_str(judged.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(alert["verdict"]["told"], false);
    assert_eq!(alert["verdict"]["because"][0]["reason"], "ours (team)");

    let other = sandbox.run(&[&allow[..], &["--rule", "another"]].concat());
    assert_eq!(other.code, Some(10), "{other:?}");
    sandbox.file(
        "alerts.json",
        format!("no JSON\n{}", before.stdout.replace("\"allow\":{", "\"x\":{")),
    );
    let none = sandbox.run(&allow);
    assert!(none.stderr.contains("1 line of `alerts.json` cannot be read"), "{none:?}");
    assert!(none.stderr.contains("covered by no entry that is narrow enough"), "{none:?}");
}

#[test]
fn mistakes_stop_everything_with_their_place() {
    let sandbox = Sandbox::new();
    let policy = "version: 1\nlists: [{id: a, file: gone.txt}]\nrules:\n  - {select: {rules: \
                  [execution-drft]}, enabled: false}\n  - {severity: hihg}\n";
    sandbox.file("guard.yaml", policy);
    let check = || sandbox.run(&["guard", "policy", "check", "guard.yaml"]);
    let ended = check();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("line 2, column 23: cannot read `gone.txt`: "), "{ended:?}");
    assert!(ended.stderr.contains("line 5, column 16: `hihg` is no severity"), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `high`?"), "{ended:?}");

    sandbox.file("gone.txt", "10.0.0.0/8\n");
    sandbox.file("guard.yaml", policy.replace("hihg", "high"));
    let ended = check();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("there is no rule `execution-drft`"), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `execution-drift`?"), "{ended:?}");
    let ended = sandbox.run(&["guard", "--policy", "guard.yaml"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");

    sandbox.file("guard.yaml", policy.replace("hihg", "high").replace("drft", "drift"));
    let ended = check();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = "well-formed: 2 about rules, 0 that allow, 0 preventions; ";
    assert!(ended.stdout.starts_with(said), "{ended:?}");

    let ended = sandbox.run(&["guard", "--enforce"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--policy FILE"), "{ended:?}");
    let preset = repository("content/policies/guard.yaml").display().to_string();
    let ended = sandbox.run(&["guard", "policy", "check", &preset]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
