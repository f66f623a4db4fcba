//! What files held before and after somebody changed them, on real containers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::Docker;

use crate::guard::{Guard, make_image};
use crate::run::Sandbox;

const IMAGE: &str = "lazaret-changes:1";
const IMAGE_BEFORE: &str = "lazaret-changes:2";
const PATIENCE: Duration = Duration::from_secs(20);

/// Gone with this, and if it is there from a run that was broken off.
struct Running<'d>(&'d Docker, &'static str);

impl<'d> Running<'d> {
    fn start(docker: &'d Docker, name: &'static str, image: &str) -> Self {
        let running = Self(docker, name);
        running.remove();
        let run = ["run", "--detach", "--name", name, "--network", "none", image, "sleep", "60"];
        docker.docker(&run);
        running
    }

    fn execute(&self, script: &str) {
        self.0.docker(&["exec", self.1, "sh", "-c", script]);
    }

    fn remove(&self) {
        let host = format!("unix://{}", self.0.socket().display());
        let mut command = std::process::Command::new("docker");
        let _removed = command.args(["--host", &host, "rm", "--force", self.1]).output();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The last of what is told of a file of the container: other tests have theirs on the same host.
fn change(guard: &Guard, running: &Running<'_>, rule: &str, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let alerts = guard.alerts();
        let is_it = |alert: &&Value| {
            let is_own = alert["container"]["name"] == running.1;
            is_own && alert["rule"] == rule && alert["change"]["path"] == path
        };
        if let Some(alert) = alerts.iter().rev().find(is_it) {
            return alert.clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{rule} {path}: {alerts:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn assert_valid(alerts: &[Value]) {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alert.schema.json");
    let schema = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for alert in alerts {
        let wrong: Vec<String> = schema.iter_errors(alert).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}: {alert:#}");
    }
}

#[test]
fn what_became_of_a_file_follows_its_alert() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, IMAGE).is_none() {
        return;
    }
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let human = format!("human@file:{}", sandbox.path("human.txt").display());
    let cef = format!("cef@file:{}", sandbox.path("cef.txt").display());
    let arguments = ["guard", "--to", &to, "--to", &human, "--to", &cef];
    let mut guard = Guard::start(sandbox, &docker, &arguments);
    let running = Running::start(&docker, "lazaret-changes", IMAGE);
    // Read before anything is changed: a container has a moment for it.
    std::thread::sleep(Duration::from_secs(1));
    let execute = |script: &str| running.execute(script);

    execute("echo eve:x:0:0::/:/bin/sh >> /etc/passwd");
    let alert = change(&guard, &running, "persistence-accounts", "/etc/passwd");
    assert_eq!(alert["change"]["lines"], json!(["+eve:x:0:0::/:/bin/sh"]));
    assert_eq!((&alert["change"]["added"], &alert["change"]["removed"]), (&json!(1), &json!(0)));
    assert_eq!(alert["change"]["before"]["size"], 30);
    assert_eq!(alert["update"], true);
    let told = guard.alerts();
    let first = told.iter().find(|it| it["id"] == alert["id"] && it["update"] == false);
    assert_eq!(first.map(|it| &it["change"]), Some(&Value::Null), "told at once, and again");

    // What was told becomes what was before; and an alert that is counted with another has its change too.
    execute("echo mal:x:0:0::/:/bin/sh >> /etc/passwd");
    let begun = Instant::now();
    let second = json!(["+mal:x:0:0::/:/bin/sh"]);
    while change(&guard, &running, "persistence-accounts", "/etc/passwd")["change"]["lines"]
        != second
    {
        assert!(begun.elapsed() < PATIENCE, "{:#?}", guard.alerts());
    }

    // As no command line has it.
    execute("echo 'eve:$6$sa''lt$sec''ret12:1::' > /tmp-shadow; mv /tmp-shadow /etc/shadow");
    let shadow = change(&guard, &running, "persistence-accounts", "/etc/shadow");
    let lines = json!(["-root:*:1:0:99999:7:::", "+eve:[redacted]:1::"]);
    assert_eq!(shadow["change"]["lines"], lines);

    execute("mkdir /etc/cron.d; echo '* * * * * root id' > /etc/cron.d/job");
    let job = change(&guard, &running, "persistence-scheduled-task", "/etc/cron.d/job");
    assert_eq!(job["change"]["before"], json!({"state": "absent"}));
    assert_eq!(job["change"]["lines"], json!(["+* * * * * root id"]));

    execute("mkdir -p /usr/bin; echo another > /usr/bin/tool");
    let tool = change(&guard, &running, "persistence-system-program", "/usr/bin/tool");
    assert_eq!(tool["change"]["before"]["state"], "unknown", "programs are not kept");
    assert_eq!(tool["change"]["after"]["size"], 8);
    assert_eq!(tool["change"]["lines"], Value::Null);

    assert_valid(&guard.alerts());
    drop(running);
    guard.end();
    let human = std::fs::read_to_string(guard.sandbox.path("human.txt")).unwrap();
    assert!(human.contains("  changed   /etc/cron.d/job: new, 18 bytes\n"), "{human}");
    assert!(human.contains("            +* * * * * root id\n"), "{human}");
    for file in ["human.txt", "cef.txt", "alerts.json"] {
        let text = std::fs::read_to_string(guard.sandbox.path(file)).unwrap();
        assert!(!text.contains("salt$secret"), "{file}: {text}");
    }
    docker.docker(&["image", "rm", "--force", IMAGE]);
}

/// What ran before the guard is read when something begins in it.
#[test]
fn a_container_that_ran_before_the_guard_is_read_too() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, IMAGE_BEFORE).is_none() {
        return;
    }
    let running = Running::start(&docker, "lazaret-changes-before", IMAGE_BEFORE);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let mut guard = Guard::start(sandbox, &docker, &["guard", "--to", &to]);
    std::thread::sleep(Duration::from_secs(1));
    running.execute("sleep 0.5; echo eve:x:0:0::/:/bin/sh >> /etc/passwd");
    let alert = change(&guard, &running, "persistence-accounts", "/etc/passwd");
    assert_eq!(alert["change"]["lines"], json!(["+eve:x:0:0::/:/bin/sh"]), "{alert:#}");
    drop(running);
    guard.end();
    docker.docker(&["image", "rm", "--force", IMAGE_BEFORE]);
}

/// What was written last is told although the guard ends.
#[test]
fn what_is_being_written_at_the_end_is_told() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    let rules = "
- rule: host-task
  desc: d
  condition: evt.type in (openat, open) and evt.is_open_write = true and fd.name endswith .lazaret-task
  output: o
  priority: WARNING
  tags: [scheduled_task_change]
";
    let rules = sandbox.file("rules.yaml", rules);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let written = sandbox.path("one.lazaret-task");
    let mut guard = Guard::start(sandbox, &docker, &["guard", "--rules", &rules, "--to", &to]);
    let script = format!("exec 3> {}; echo '* * * * * id' >&3; exec sleep 60", written.display());
    let mut child = std::process::Command::new("sh").arg("-c").arg(script).spawn().unwrap();
    let begun = Instant::now();
    while guard.alerts().is_empty() && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let alerts = guard.end_at_once();
    child.kill().unwrap();
    child.wait().unwrap();
    let change = alerts.iter().find(|it| !it["change"].is_null()).map(|it| &it["change"]);
    let change = change.unwrap_or_else(|| panic!("{alerts:#?}"));
    assert_eq!(change["path"], written.display().to_string());
    assert_eq!(
        (&change["before"]["state"], &change["after"]["size"]),
        (&json!("unknown"), &json!(13))
    );
}
