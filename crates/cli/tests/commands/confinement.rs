//! What the guard's processes keep, on a real kernel; and that attempts on them are told.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Docker, Reply, Server, run};

use crate::guard::Guard;
use crate::run::Sandbox;

const RULES: &str = r#"
- rule: Marked
  desc: a program that this test starts
  condition: evt.type = execve and proc.args contains "confine-mark"
  output: marked (command=%proc.cmdline)
  priority: NOTICE
- rule: Written
  desc: a file is opened that this test opens
  condition: evt.type in (open, openat) and evt.is_open_write = true and fd.name endswith confine-file
  output: written
  priority: NOTICE
"#;
const PATIENCE: Duration = Duration::from_secs(60);

/// A line of a process' status.
fn status(process: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// Processes that the guard started.
fn helpers(guard: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|number| status(*number, "PPid") == guard.to_string()).collect()
}

fn until<T>(what: &str, guard: &Guard, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: {}", guard.said());
        thread::sleep(Duration::from_millis(50));
    }
}

/// A helper is without any right and behind a filter; the guard has some.
fn keeps_what_it_needs(own: u32, helper: u32) {
    for set in ["CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"] {
        assert_eq!(status(helper, set), "0000000000000000", "{set}");
    }
    for process in [helper, own] {
        assert_eq!(
            (status(process, "NoNewPrivs"), status(process, "Seccomp")),
            ("1".into(), "2".into())
        );
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().rev().nth(1), Some("0"), "{core}");
    }
    let kept = u64::from_str_radix(&status(own, "CapEff"), 16).unwrap();
    let (chown, kill, module, admin) = (1, 1 << 5, 1 << 16, 1 << 21);
    assert_eq!(kept & (chown | kill | module), 0, "{kept:x}");
    assert_eq!(kept & admin, admin, "{kept:x}");
}

#[test]
fn the_guard_keeps_what_it_needs_and_tells_attempts_on_it() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    let server = Server::new(|_| Reply::new(204, ""));
    let rules = sandbox.file("rules.yaml", RULES);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let there = format!("json@http://{}/", server.host());
    let spool = sandbox.path("spool").display().to_string();
    let mut arguments = vec!["guard", "--rules", &rules, "--to", &to, "--to", &there];
    arguments.extend(["--spool", &spool, "--merge-window", "0"]);
    let mut guard = Guard::start(sandbox, &docker, &arguments);
    let own = guard.process();
    let helper = helpers(own)[0];

    keeps_what_it_needs(own, helper);
    let mark = |name: &str| run("/bin/true", &[&format!("confine-mark-{name}")]);
    let has = |name: &str| {
        let wanted = format!("confine-mark-{name}");
        server.requests().iter().any(|request| request.body.contains(&wanted)).then_some(())
    };
    mark("one");
    until("the first alert", &guard, || has("one"));
    run("kill", &["-9", &helper.to_string()]);
    mark("two");
    until("the second alert", &guard, || has("two"));
    let shell = |script: &str| run("sh", &["-c", script]);
    shell(&format!("exec 3<>/proc/{own}/mem"));
    shell(&format!("echo '# confine' >> {rules}"));

    let tells = |rule: &str| {
        let text = fs::read_to_string(guard.sandbox.path("alerts.json")).unwrap();
        text.lines().any(|line| line.contains(rule)).then_some(())
    };
    for rule in ["guard-signalled", "guard-helper-ended", "guard-taken-over", "guard-files-changed"]
    {
        until(rule, &guard, || tells(rule));
    }
    assert!(guard.said().contains("what carries alerts to"), "{}", guard.said());
    assert_ne!(helpers(own), [helper], "another took its place");
    let alerts: Vec<Value> = guard.end();
    let of = |rule: &str| alerts.iter().filter(|alert| alert["rule"] == rule).count();
    assert_eq!(of("Marked"), 2);
    assert!(helpers(own).is_empty() && !Path::new(&format!("/proc/{helper}")).exists());
}

#[test]
fn a_sink_that_cannot_be_opened_is_said_by_its_helper() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.file("ca.pem", "nothing");
    let ended = sandbox.run(&["guard", "--to", "json@https://127.0.0.1:9/", "--to-ca", &nothing]);
    assert_eq!(ended.code, Some(30), "{ended:?}");
    assert!(ended.stderr.contains("it holds no certificate"), "{ended:?}");
}
