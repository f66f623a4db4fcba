//! Lists of indicators: what alerts they make, what of them is refused, and how a run ends.

use serde_json::Value;
use testkit::Docker;

use crate::guard::{Guard, make_image};
use crate::run::{Ended, Sandbox};

/// Something asks for `pool.supportxmr.com` in one, and for names that nobody minds in the other.
const ASKS: &str = "network/mining-name.lzr";
const ASKS_OTHERS: &str = "network/names.lzr";
/// Something connects to 169.254.169.254.
const CONNECTS: &str = "network/metadata.lzr";

const PLAIN: &str = "# pools\nsupportxmr.com\n169.254.0.0/16\n";
const STIX: &str = r#"{"type": "bundle", "objects": [
  {"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "valid_until": "2100-01-01T00:00:00Z",
   "pattern": "[domain-name:value = 'supportxmr.com'] OR [ipv4-addr:value ISSUBSET '169.254.0.0/16']"},
  {"type": "indicator", "id": "indicator--2", "pattern_type": "stix", "valid_until": "2026-01-01T00:00:00Z",
   "pattern": "[domain-name:value = 'registry-1.docker.io']"},
  {"type": "indicator", "id": "indicator--3", "pattern_type": "stix", "pattern": "[email-addr:value = 'a@b.example']"}
]}"#;
const MISP: &str = r#"{"Event": {"Attribute": [
  {"type": "domain|ip", "to_ids": true, "value": "supportxmr.com|169.254.169.254"},
  {"type": "md5", "to_ids": true, "value": "d41d8cd98f00b204e9800998ecf8427e"}]}}"#;

fn recording(name: &str) -> String {
    format!("{}/../../content/detections/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The alerts of a recording held against our own rules with these options.
fn replay(sandbox: &Sandbox, name: &str, options: &[&str]) -> (Vec<Value>, Ended) {
    let recording = recording(name);
    let arguments = ["rules", "replay", "--format", "json", "--today", "2026-11-01", &recording];
    let ended = sandbox.run(&[&arguments[..], options].concat());
    let alerts = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (alerts, ended)
}

fn rules(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["rule"].as_str().unwrap()).collect()
}

#[test]
fn every_form_of_a_list_tells_the_same() {
    let sandbox = Sandbox::new();
    for (name, text, network) in [
        ("list.txt", PLAIN, "169.254.0.0/16"),
        ("list.json", STIX, "169.254.0.0/16"),
        ("event.json", MISP, "169.254.169.254"),
    ] {
        sandbox.file(name, text);
        let list = ["--block-list", name];
        let (alerts, ended) = replay(&sandbox, ASKS, &list);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(rules(&alerts), ["network-listed-name", "network-mining-name"]);
        assert_eq!(alerts[0]["fields"]["listed.name"], "supportxmr.com");
        assert_eq!(alerts[0]["fields"]["listed.name.by"], name);
        let (alerts, _) = replay(&sandbox, CONNECTS, &list);
        assert_eq!(rules(&alerts), ["network-listed-address", "network-metadata"]);
        assert_eq!(alerts[0]["fields"]["listed.address"], network);
        let (alerts, _) = replay(&sandbox, ASKS_OTHERS, &list);
        assert_eq!(rules(&alerts), [""; 0]);
    }
}

#[test]
fn what_is_allowed_is_told_by_other_rules_alone() {
    let sandbox = Sandbox::new();
    let block = sandbox.file("block.txt", PLAIN);
    let allow = sandbox.file("allow.txt", "pool.supportxmr.com\n169.254.169.254\n");
    let lists = ["--block-list", &*block, "--allow-list", &*allow];
    assert_eq!(rules(&replay(&sandbox, ASKS, &lists).0), ["network-mining-name"]);
    assert_eq!(rules(&replay(&sandbox, CONNECTS, &lists).0), ["network-metadata"]);
    assert_eq!(rules(&replay(&sandbox, ASKS, &[]).0), ["network-mining-name"]);
}

#[test]
fn entries_count_until_their_end() {
    let sandbox = Sandbox::new();
    let list = sandbox.file("list.json", STIX);
    let (alerts, ended) = replay(&sandbox, ASKS_OTHERS, &["--block-list", &list]);
    assert_eq!(rules(&alerts), [""; 0]);
    assert!(ended.stderr.contains("left out: 1 unsupported, 1 past their time"), "{ended:?}");
    let recording = recording(ASKS_OTHERS);
    let ended = sandbox.run(&["rules", "check", "--today", "2025-12-31", "--block-list", &list]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("STIX, 2 names, 1 addresses and networks"), "{ended:?}");
    // The recording is of later than that.
    let arguments = ["rules", "replay", "--today", "2025-12-31", "--block-list", &list, &recording];
    assert_eq!(sandbox.run(&arguments).stdout, "");
}

/// What of a list is wrong, how the run ends, and what is said.
#[test]
fn what_cannot_be_used_is_said() {
    let sandbox = Sandbox::new();
    let cut = STIX.split_at(330).0;
    for (text, code, said) in [
        (&*format!("{PLAIN}two words\n"), 21, "not all of it can be used (line 4: two words)"),
        (cut, 21, "the rest is damaged: EOF while parsing"),
        ("{\"a\": 1}", 14, "is JSON, and neither a STIX bundle nor MISP events"),
        ("{\"objects\": [", 14, "is damaged: EOF while parsing"),
        ("two words\n", 14, "gives nothing to look for: 1 malformed (line 1: two words)"),
        (
            r#"{"objects": [{"type": "indicator", "pattern_type": "yara", "pattern": "x"}]}"#,
            14,
            "1 unsupported",
        ),
        ("# nothing\n", 0, "plain text, 0 names, 0 addresses and networks"),
        (MISP, 0, "; 1 digest of files, which are not looked for"),
    ] {
        let list = sandbox.file("list", text);
        let (alerts, ended) = replay(&sandbox, ASKS, &["--block-list", &list]);
        assert_eq!(ended.code, Some(code), "{text}: {ended:?}");
        assert!(ended.stderr.contains(said), "{text}: {ended:?}");
        if code == 21 {
            assert_eq!(rules(&alerts), ["network-listed-name", "network-mining-name"], "{text}");
        }
        let ended = sandbox.run(&["rules", "check", "--block-list", &list]);
        assert_eq!(ended.code, Some(code), "{text}: {ended:?}");
    }
    let (_, ended) = replay(&sandbox, ASKS, &["--block-list", "/nowhere"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
}

/// A rule's own test brings the lists that it needs; others have those of the command line.
#[test]
fn tests_of_rules_bring_their_lists() {
    let sandbox = Sandbox::new();
    let rule = "- rule: Listed\n  desc: d\n  condition: evt.type = sendmmsg and listed.name exists\n  output: o\n  priority: INFO\n";
    let path = sandbox.file("rules/listed.yaml", rule);
    std::fs::copy(recording(ASKS), sandbox.path("rules/asks.lzr")).unwrap();
    sandbox.file("rules/block.txt", "supportxmr.com\n");
    let case = "[[case]]\nname = \"listed\"\nrecording = \"asks.lzr\"\n";
    sandbox.file(
        "rules/listed.toml",
        format!(
            "{case}block_list = \"block.txt\"\nfires = [\"Listed\"]\n{case}silent = [\"Listed\"]\n"
        ),
    );
    let ended = sandbox.run(&["rules", "test", &path]);
    assert_eq!(
        (ended.code, ended.stdout.ends_with("2 passed, 0 failed\n")),
        (Some(0), true),
        "{ended:?}"
    );
    let list = sandbox.file("list.txt", PLAIN);
    let ended = sandbox.run(&["rules", "test", "--block-list", &list, &path]);
    assert!(ended.stdout.contains("`Listed` fires once"), "{ended:?}");
    sandbox.file(
        "rules/listed.toml",
        format!("{case}block_list = \"../list.txt\"\nfires = [\"Listed\"]\n"),
    );
    let ended = sandbox.run(&["rules", "test", &path]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn a_guard_reads_its_lists_anew() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded:lists").is_none() {
        return;
    }
    let list = sandbox.file("list.txt", "192.0.2.0/24\n");
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let mut guard = Guard::start(
        sandbox,
        &docker,
        &["guard", "--merge-window", "0", "--block-list", &list, "--to", &to],
    );
    let connect = |name: &str, address: &str| {
        let script = format!("nc -w 1 {address} 80; sleep 1");
        let with = ["run", "--rm", "--network", "none", "--name", name, "guarded:lists"];
        docker.docker(&[&with[..], &["sh", "-c", &script]].concat());
    };
    connect("lists-first", "192.0.2.7");
    connect("lists-other", "198.51.100.7");
    guard.sandbox.file("list.txt", "{\"objects\": [");
    guard.read_anew("rules and policy stay as they were");
    connect("lists-kept", "192.0.2.8");
    guard.sandbox.file("list.txt", "198.51.100.7\n");
    guard.read_anew(" rules, read anew");
    connect("lists-later", "198.51.100.7");
    connect("lists-gone", "192.0.2.7");
    let alerts = guard.end();
    docker.docker(&["image", "rm", "guarded:lists"]);
    let listed = alerts.iter().filter(|it| it["rule"] == "network-listed-address");
    let told: Vec<(&Value, &Value)> =
        listed.map(|it| (&it["container"]["name"], &it["fields"]["listed.address"])).collect();
    let wanted = [
        ("lists-first", "192.0.2.0/24"),
        ("lists-kept", "192.0.2.0/24"),
        ("lists-later", "198.51.100.7"),
    ];
    let wanted = wanted.map(|(name, entry)| (Value::from(name), Value::from(entry)));
    let wanted: Vec<(&Value, &Value)> = wanted.iter().map(|(name, entry)| (name, entry)).collect();
    assert_eq!(told, wanted, "{alerts:#?}\n{}", guard.said());
}
