//! The guard on a real kernel and real containers.

use std::fs::File;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Docker, TarBuilder, run, skip};

use crate::run::Sandbox;

/// In Falco's language, which is ours too. Other tests start containers at the same time.
const RULES: &str = r#"
- rule: Shell on a terminal
  desc: a shell in a container has a terminal
  condition: evt.type = execve and proc.name = sh and proc.tty != 0 and container.id != host
  output: a shell (user=%user.name container=%container.name)
  priority: NOTICE
- rule: Shadow read
  desc: passwords of a container are read
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.name = /etc/shadow and container.image = "guarded:1"
  output: shadow was read (command=%proc.cmdline container=%container.name image=%container.image.repository)
  priority: WARNING
- rule: Short life
  desc: a program that is there for a moment
  condition: evt.type = execve and proc.args contains "a-moment"
  output: it was there (parent=%proc.pname)
  priority: NOTICE
- rule: New container
  desc: a container was not there before
  condition: evt.type = container and container.privileged = false and container.image = "guarded:1"
  output: new (container=%container.name)
  priority: INFO
- rule: Late
  desc: an event does not know how long its call took
  condition: evt.type = openat and evt.latency > 1000
  output: late
  priority: INFO
"#;

const READY: Duration = Duration::from_secs(60);

/// The guard, told to end when dropped.
pub(crate) struct Guard {
    child: Child,
    pub(crate) sandbox: Sandbox,
}

impl Guard {
    pub(crate) fn start(sandbox: Sandbox, docker: &Docker, arguments: &[&str]) -> Self {
        let socket = format!("unix://{}", docker.socket().display());
        Self::start_with(sandbox, ("DOCKER_HOST", &socket), arguments)
    }

    /// With a variable that says where a runtime is.
    pub(crate) fn start_with(
        sandbox: Sandbox,
        (variable, value): (&str, &str),
        arguments: &[&str],
    ) -> Self {
        let errors = File::create(sandbox.path("stderr")).unwrap();
        let mut command = sandbox.command(arguments);
        command.env(variable, value);
        let child = command.stdout(Stdio::null()).stderr(errors).spawn().unwrap();
        let mut guard = Self { child, sandbox };
        let begun = Instant::now();
        while !guard.said().contains("Ctrl-C ends") {
            let ended = guard.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", guard.said());
            assert!(begun.elapsed() < READY, "{}", guard.said());
            thread::sleep(Duration::from_millis(20));
        }
        guard
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("stderr")).unwrap()
    }

    /// Has it read rules, policy and lists anew, until it says so.
    pub(crate) fn read_anew(&self, said: &str) {
        self.read_anew_again(said, 1);
    }

    /// The same until it has said so as often.
    pub(crate) fn read_anew_again(&self, said: &str, times: usize) {
        run("kill", &["-HUP", &self.child.id().to_string()]);
        let begun = Instant::now();
        while self.said().matches(said).count() < times {
            assert!(begun.elapsed() < READY, "{}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as Ctrl-C does, and gives its alerts.
    pub(crate) fn end(&mut self) -> Vec<Value> {
        // What happened last is on its way.
        thread::sleep(Duration::from_secs(1));
        self.end_at_once()
    }

    /// The same, whatever is on its way.
    pub(crate) fn end_at_once(&mut self) -> Vec<Value> {
        run("kill", &["-INT", &self.child.id().to_string()]);
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.said());
        self.alerts()
    }

    /// What it told until now.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.sandbox.path("alerts.json")).unwrap_or_default();
        // The last line may be in the making.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An image of nothing but busybox and two files.
pub(crate) fn make_image(sandbox: &Sandbox, docker: &Docker, name: &str) -> Option<()> {
    let Ok(busybox) = std::fs::read("/bin/busybox") else {
        skip("busybox-static is not installed");
        return None;
    };
    let mut tar = TarBuilder::new()
        .executable("bin/busybox", &busybox)
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .file("etc/shadow", "root:*:1:0:99999:7:::\n");
    for name in ["sh", "cat", "nc", "sleep", "true"] {
        tar = tar.symlink(&format!("bin/{name}"), "busybox");
    }
    let archive = sandbox.file("image.tar", tar.finish());
    docker.docker(&["import", &archive, name]);
    Some(())
}

fn of_rule<'a>(alerts: &'a [Value], rule: &str) -> Vec<&'a Value> {
    alerts.iter().filter(|alert| alert["rule"] == rule).collect()
}

#[test]
fn what_containers_do_is_told_with_who_they_are() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded:1").is_none() {
        return;
    }
    let rules = sandbox.file("rules.yaml", RULES);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let record = sandbox.path("events.lzr").display().to_string();
    let arguments =
        ["guard", "--merge-window", "0", "--rules", &rules, "--to", &to, "--record", &record];
    let mut guard = Guard::start(sandbox, &docker, &arguments);

    // The first thing that a container does, and one that does nothing else.
    let with = ["run", "--rm", "--network", "none"];
    docker.docker(&[&with[..], &["--name", "reader", "guarded:1", "cat", "/etc/shadow"]].concat());
    docker.docker(&[&with[..], &["-d", "--name", "open", "guarded:1", "sleep", "60"]].concat());
    docker.docker(&["exec", "-t", "open", "sh", "-c", "/bin/true a-moment; true"]);
    let id = docker.docker(&["inspect", "--format", "{{.Id}}", "open"]);
    docker.docker(&["rm", "--force", "open"]);
    let alerts = guard.end();
    docker.docker(&["image", "rm", "guarded:1"]);

    let schema = include_str!("../../../../docs/alert.schema.json").parse::<Value>().unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let wrong = alerts.iter().flat_map(|alert| schema.iter_errors(alert)).next();
    assert!(wrong.is_none(), "{wrong:?}");

    let read = of_rule(&alerts, "Shadow read");
    assert_eq!(read.len(), 1, "{alerts:#?}");
    assert_eq!(read[0]["container"]["name"], "reader");
    assert_eq!(read[0]["container"]["image"], "guarded:1");
    assert_eq!(read[0]["fields"]["container.image.repository"], "guarded");
    assert_eq!(read[0]["process"]["arguments"], serde_json::json!(["cat", "/etc/shadow"]));

    let shell = of_rule(&alerts, "Shell on a terminal");
    assert_eq!(shell.len(), 1, "{alerts:#?}");
    assert_eq!(shell[0]["container"]["id"], id.as_str());
    assert_eq!(shell[0]["container"]["name"], "open");
    assert_eq!(shell[0]["process"]["user"], "root");
    let ancestors = shell[0]["ancestors"].as_array().unwrap();
    assert!(
        ancestors.iter().any(|it| it["name"].as_str().unwrap().contains("containerd-shim")),
        "{ancestors:#?}"
    );

    let short = of_rule(&alerts, "Short life");
    let of_true = short.iter().find(|alert| alert["process"]["name"] == "true");
    let of_true = of_true.unwrap_or_else(|| panic!("{alerts:#?}"));
    assert_eq!(of_true["process"]["arguments"], serde_json::json!(["/bin/true", "a-moment"]));
    assert_eq!(of_true["fields"]["proc.pname"], "sh");
    assert_eq!(of_true["container"]["name"], "open");

    let new = of_rule(&alerts, "New container");
    let mut names: Vec<&str> =
        new.iter().filter_map(|alert| alert["container"]["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["open", "reader"]);

    let said = guard.said();
    assert!(said.contains(" events, "), "{said}");
    assert!(said.contains("`Late`: it can never fire, for want of `evt.latency`"), "{said}");
    assert!(said.contains("\n4 rules; Ctrl-C ends"), "{said}");
    // The same rules find the same in what was recorded, but for our own attempt on the guard.
    let own = alerts.iter().filter(|alert| alert["rule"] == "guard-signalled").count();
    assert_eq!(replayed(&guard.sandbox, &rules, &record) + own, alerts.len());
}

/// How many alerts rules give of a recording.
fn replayed(sandbox: &Sandbox, rules: &str, record: &str) -> usize {
    let replayed = sandbox.run(&["rules", "replay", "--rules", rules, "--format", "json", record]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    replayed.stdout.lines().count()
}

/// Its executable is the same file for each of them, and so is what it reads.
const OPENED: &str = r#"
- rule: Shadow read
  desc: passwords of a container are read
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.name = /etc/shadow and container.name startswith "pol-"
  output: shadow was read (container=%container.name)
  priority: WARNING
"#;

const POLICY: &str = "
version: 1
rules:
  - {id: graver, severity: critical, respond: [kill], scope: {containers: [pol-reader]}}
allow:
  - {id: known, rules: [Shadow read], scope: {containers: [pol-known]}, owner: team, reason: known}
";

#[test]
fn a_policy_is_obeyed_and_read_anew() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded:pol").is_none() {
        return;
    }
    let rules = sandbox.file("rules.yaml", OPENED);
    let policy = sandbox.file("guard.yaml", POLICY);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let mut guard = Guard::start(
        sandbox,
        &docker,
        &["guard", "--rules", &rules, "--policy", &policy, "--to", &to],
    );
    let read = |name: &str, times: &str| {
        // So long that whoever is asked what container it is has an answer.
        let script = format!("for it in {times}; do cat /etc/shadow; done; sleep 1");
        let with = ["run", "--rm", "--network", "none", "--name", name, "guarded:pol"];
        docker.docker(&[&with[..], &["sh", "-c", &script]].concat());
    };
    read("pol-reader", "1 2 3 4 5");
    read("pol-known", "1");

    // A mistake changes nothing; then nobody is known any more.
    let renew = |guard: &Guard, policy: &str, said: &str| {
        guard.sandbox.file("guard.yaml", policy);
        guard.read_anew(said);
    };
    renew(&guard, "version: 1\nrulez: []\n", "rules and policy stay as they were");
    read("pol-known", "1");
    renew(&guard, "version: 1\n", "1 rules, read anew");
    read("pol-known", "1");
    let alerts = guard.end();
    docker.docker(&["image", "rm", "guarded:pol"]);

    let of = |name: &str| alerts.iter().filter(|it| it["container"]["name"] == name).collect();
    let reader: Vec<&Value> = of("pol-reader");
    assert_eq!(reader.len(), 2, "told at once, and once more with the count: {alerts:#?}");
    assert_eq!((&reader[0]["count"], &reader[0]["update"]), (&1.into(), &false.into()));
    assert_eq!((&reader[1]["count"], &reader[1]["update"]), (&5.into(), &true.into()));
    assert_eq!(reader[0]["first"], reader[1]["first"]);
    assert!(reader[1]["last"].as_u64() > reader[1]["first"].as_u64());
    for alert in &reader {
        assert_eq!(alert["priority"], "Critical");
        assert_eq!(alert["blocked"], false);
        let response = &alert["verdict"]["responses"][0];
        assert_eq!((&response["response"], &response["wanted"]), (&"kill".into(), &false.into()));
    }
    assert_eq!(reader[0]["allow"]["files"], serde_json::json!(["/etc/shadow"]));
    let known: Vec<&Value> = of("pol-known");
    assert_eq!(known.len(), 1, "only after the policy was read anew: {alerts:#?}");
    assert!(guard.said().contains("; 2 not told, as the policy says"), "{}", guard.said());
}

#[test]
fn a_guard_without_rules_about_hosts_says_what_it_wants() {
    let sandbox = Sandbox::new();
    let rule = "- rule: Audit\n  desc: d\n  condition: ka.verb = get\n  output: o\n  \
                priority: INFO\n  source: k8s_audit\n";
    let rules = sandbox.file("audit.yaml", rule);
    let ended = sandbox.run(&["guard", "--rules", &rules]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--rules PATH"), "{ended:?}");
    let ended = sandbox.run(&["guard", "--to", "xml@stdout"]);
    assert!(ended.stderr.contains("no format `xml`"), "{ended:?}");
}
