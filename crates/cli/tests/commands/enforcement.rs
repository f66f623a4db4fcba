//! What a policy of the guard refuses and does, on real containers.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Docker;

use crate::guard::{Guard, make_image};
use crate::run::Sandbox;

const RULES: &str = r#"
- rule: Shadow read
  desc: passwords of a container are read
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.name = /etc/shadow and container.name startswith "enf-"
  output: shadow was read (container=%container.name)
  priority: WARNING
"#;

const POLICY: &str = "
version: 1
rules:
  - {id: away, select: {rules: [Shadow read]}, scope: {containers: [enf-reader]}, respond: [kill]}
prevent:
  - {id: foreign, refuse: execute-foreign, scope: {containers: [enf-held]}, mode: enforce}
  - {id: inwards, refuse: connect, networks: [127.0.0.0/8], scope: {containers: [enf-held]}, mode: enforce}
  - {id: looked at, refuse: connect, networks: [127.0.0.0/8], scope: {containers: [enf-free]}}
";

/// A copy of busybox is no file of the image, and is what it is called; port 9 has nobody.
const DEEDS: &str = "/bin/busybox cp /bin/busybox /true; /true && echo ran; \
                     /bin/busybox nc -w 1 127.0.0.1 9 < /dev/null 2>&1; true";
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn what_a_policy_refuses_is_not_done_and_what_it_wants_is() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded:enf").is_none() {
        return;
    }
    let rules = sandbox.file("rules.yaml", RULES);
    let policy = sandbox.file("guard.yaml", POLICY);
    let state = sandbox.path("state").display().to_string();
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let arguments = ["guard", "--rules", &rules, "--policy", &policy, "--enforce"];
    let places = ["--state", &state, "--to", &to];
    let mut guard = Guard::start(sandbox, &docker, &[&arguments[..], &places].concat());
    let begin = |name: &str, script: &str| {
        let with = ["run", "-d", "--network", "none", "--name", name, "guarded:enf", "sh", "-c"];
        docker.docker(&[&with[..], &[script]].concat());
    };
    begin("enf-held", "sleep 300");
    begin("enf-free", "sleep 300");
    begin("enf-reader", "sleep 2; while read line; do :; done < /etc/shadow; sleep 300");
    let exec = |name: &str| docker.docker(&["exec", name, "sh", "-c", DEEDS]);
    // From when its runtime has described it.
    let begun = Instant::now();
    let mut held = exec("enf-held");
    while held.contains("ran") && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
        held = exec("enf-held");
    }
    let free = exec("enf-free");
    let code = docker.docker(&["wait", "enf-reader"]);
    let said = guard.said();
    let alerts = guard.end();
    let list = ["respond", "--state", &state, "list", "--format", "json"];
    let listed = guard.sandbox.run(&list);
    for name in ["enf-held", "enf-free", "enf-reader"] {
        docker.docker(&["rm", "-f", name]);
    }
    docker.docker(&["image", "rm", "guarded:enf"]);

    assert!(!held.contains("ran") && held.contains("not permitted"), "{held}\n{said}");
    assert!(free.contains("ran") && free.contains("refused"), "{free}\n{said}");
    assert_eq!(code.trim(), "137", "{said}");
    let of = |prevention: &str| -> Vec<&Value> {
        let of_it = |alert: &&Value| alert["fields"]["prevention"] == prevention;
        alerts.iter().filter(of_it).collect()
    };
    let cases = [
        ("foreign", "enf-held", "/true", true),
        ("inwards", "enf-held", "127.0.0.1:9", true),
        ("looked at", "enf-free", "127.0.0.1:9", false),
    ];
    for (prevention, container, object, blocked) in cases {
        let told = of(prevention);
        assert!(!told.is_empty(), "{prevention}: {alerts:#?}\n{said}");
        for alert in told {
            assert_eq!(alert["container"]["name"], container, "{alert:#}");
            assert_eq!(alert["fields"]["prevention.object"], object, "{alert:#}");
            assert_eq!((&alert["blocked"], &alert["allow"]), (&blocked.into(), &Value::Null));
        }
    }
    let responses: Value = serde_json::from_str(&listed.stdout).unwrap();
    let killed = responses.to_string();
    assert!(killed.contains("\"kill\"") && killed.contains("guard"), "{listed:?}\n{said}");
    let reader = alerts.iter().find(|alert| alert["rule"] == "Shadow read").unwrap();
    let response = &reader["verdict"]["responses"][0];
    assert_eq!((&response["response"], &response["wanted"]), (&"kill".into(), &true.into()));
    assert_eq!(reader["blocked"], false, "what was done was not blocked");
}

/// Names of its preventions are others each time, so that nothing of the former ones is kept.
fn anew(turn: usize) -> String {
    format!(
        "
version: 1
prevent:
  - {{id: foreign {turn}, refuse: execute-foreign, scope: {{containers: [enf-long]}}, mode: enforce}}
  - {{id: inwards {turn}, refuse: connect, networks: [127.0.0.0/8], scope: {{containers: [enf-long]}}, mode: enforce}}
"
    )
}

/// No mistake of a policy; the kernel's table has no room for so many ranges of one address.
fn too_much() -> String {
    let ports = |first: u16| {
        let ranges: Vec<String> = (0..9).map(|it| (first + 2 * it).to_string()).collect();
        ranges.join(", ")
    };
    format!(
        "
version: 1
prevent:
  - {{id: around, refuse: connect, networks: [127.0.0.0/8], ports: [{}], mode: enforce}}
  - {{id: within, refuse: connect, networks: [127.0.0.1/32], ports: [{}], mode: enforce}}
",
        ports(1000),
        ports(2000)
    )
}

/// Says at each turn what it could do.
const AGAIN: &str = "/bin/busybox cp /bin/busybox /true; while :; do /true 2>/dev/null && echo ran; \
                     /bin/busybox nc -w 1 127.0.0.1 9 < /dev/null 2>&1; \
                     /bin/busybox usleep 2000; done";

#[test]
fn what_is_refused_stays_refused_while_the_policy_is_read_anew() {
    const TURNS: usize = 6;
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded:anew").is_none() {
        return;
    }
    let rules = sandbox.file("rules.yaml", RULES);
    let policy = sandbox.file("guard.yaml", anew(0));
    let state = sandbox.path("state").display().to_string();
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let arguments = ["guard", "--rules", &rules, "--policy", &policy, "--enforce"];
    let places = ["--state", &state, "--to", &to];
    let mut guard = Guard::start(sandbox, &docker, &[&arguments[..], &places].concat());
    let with = ["run", "-d", "--network", "none", "--name", "enf-long", "guarded:anew", "sh", "-c"];
    docker.docker(&[&with[..], &[AGAIN]].concat());
    let lines = || docker.docker(&["logs", "enf-long"]).lines().map(str::to_owned).collect();
    let is_refused = |line: &String| line.contains("not permitted");
    let begun = Instant::now();
    let mut before: Vec<String> = lines();
    while before.len() < 20 || !before[before.len() - 20..].iter().all(is_refused) {
        assert!(begun.elapsed() < PATIENCE, "{before:?}\n{}", guard.said());
        thread::sleep(Duration::from_millis(100));
        before = lines();
    }
    for turn in 1..=TURNS {
        std::fs::write(&policy, anew(turn)).unwrap();
        guard.read_anew_again("rules, read anew", turn);
    }
    std::fs::write(&policy, too_much()).unwrap();
    guard.read_anew("stay as they were");
    let all: Vec<String> = lines();
    let said = guard.said();
    let alerts = guard.end();
    docker.docker(&["rm", "-f", "enf-long"]);
    docker.docker(&["image", "rm", "guarded:anew"]);

    let after = &all[before.len()..];
    let done = after.iter().filter(|line| !is_refused(line)).count();
    assert!(after.len() > 100, "it went on: {after:?}");
    assert_eq!(done, 0, "of {} turns\n{said}", after.len());
    assert!(said.contains("more than 16 ranges of ports"), "{said}");
    for turn in 0..=TURNS {
        for prevention in [format!("foreign {turn}"), format!("inwards {turn}")] {
            let is_told = |it: &Value| it["fields"]["prevention"] == prevention.as_str();
            assert!(alerts.iter().any(is_told), "{prevention}\n{said}");
        }
    }
}
