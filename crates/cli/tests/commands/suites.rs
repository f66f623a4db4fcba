//! `lazaret rules suite` on a real kernel and in real containers.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Docker, skip};

use crate::run::{Ended, Sandbox};

/// Falco's suites take seconds, minutes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// In Falco's language, which is ours too.
const RULES: &str = r#"
- rule: Marker opened
  desc: a file is opened for writing
  condition: evt.type in (open, openat, openat2) and fd.name endswith suite-marker and evt.is_open_write = true
  output: opened (user=%user.name)
  priority: WARNING
- rule: Strange shell
  desc: a shell of a strange parent
  condition: evt.type = execve and proc.name = sh and proc.pname = strange and proc.args = "-c a b"
  output: a shell (exe=%proc.exe)
  priority: NOTICE
  enabled: false
- rule: From memory
  desc: a program without a file
  condition: evt.type = execve and proc.is_exe_from_memfd = true
  output: from memory
  priority: CRITICAL
"#;

const SUITE: &str = r#"
tests:
  - name: opens
    rule: Marker opened
    runner: HostRunner
    context:
      container: %{ item.container }
      processes:
        - name: opener
          user: daemon
    before: test -d /tmp
    after: rm -f /tmp/lazaret-suite-marker
    steps:
      - type: syscall
        name: o
        syscall: openat
        args: { pathname: /tmp/lazaret-suite-marker, flags: O_WRONLY|O_CREAT, mode: 0600 }
      - type: syscall
        name: w
        syscall: write
        args: { fd: "${ o.ret }", buffer: text }
    expectedOutcome:
      source: syscall
      priority: warning
      outputFields: { user.name: %{ item.user }, proc.name: opener, evt.type: openat }
    cases: CASES
  - name: shells
    rule: Strange shell
    runner: HostRunner
    context:
      processes:
        - name: strange
        - { name: sh, exe: /dev/it, args: -c 'a b' }
    expectedOutcome:
      outputFields: { proc.exe: /dev/it }
  - name: memory
    rule: From memory
    runner: HostRunner
    resources:
      - { type: process, name: p, fileLess: true }
    expectedOutcome: {}
  - name: silent
    rule: Marker opened
    runner: HostRunner
    steps:
      - { type: syscall, name: d, syscall: dup, args: { oldFd: 0 } }
  - name: broken
    rule: Marker opened
    runner: HostRunner
    steps:
      - { type: syscall, name: d, syscall: dup, args: { oldFd: 77 } }
  - name: never
    rule: Marker opened
    runner: HostRunner
    runIf: { arch: { op: eq, val: mips } }
"#;

const HOST: &str = "[{ strategy: matrix, values: { container: [null], user: [daemon, root] } }]";
const BOTH: &str = "[{ strategy: matrix, values: { container: [null, {}, { env: { A: b } }], user: [daemon, root] } }]";

fn suite(sandbox: &Sandbox, cases: &str, docker: Option<&Docker>) -> Ended {
    let rules = sandbox.file("rules.yaml", RULES);
    let suite = sandbox.file("suites/it.yaml", SUITE.replace("CASES", cases));
    let mut command = sandbox.command(&["rules", "suite", "--rules", &rules, &suite]);
    if let Some(docker) = docker {
        command.env("DOCKER_HOST", format!("unix://{}", docker.socket().display()));
    }
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn has(ended: &Ended, lines: &[&str]) {
    for line in lines {
        assert!(ended.stdout.lines().any(|it| it == *line), "{line}: {ended:#?}");
    }
}

#[test]
fn what_a_suite_says_is_done_and_told() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    let ended = suite(&sandbox, BOTH, Some(&docker));
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    has(
        &ended,
        &[
            "ok  opens#0 (container=none, user=daemon)",
            "failed  opens#1 (container=none, user=root)",
            "  user.name is `daemon` and not `root`",
            "ok  opens#2 (container={…}, user=daemon)",
            "failed  opens#3 (container={…}, user=root)",
            "ok  opens#4 (container={…}, user=daemon)",
            "ok  shells",
            "ok  memory",
            "failed  silent",
            "  its rule does not fire",
            "failed  broken",
            "  the step `d`: `dup`: Bad file descriptor (os error 9)",
            "elsewhere  never",
        ],
    );
    assert_eq!(ended.stdout.lines().last(), Some("5 passed, 5 failed"), "{ended:#?}");
    // Another test may be at its suite; what is left behind stays for ever.
    let begun = Instant::now();
    let left = || {
        let names = docker.docker(&["ps", "--all", "--format", "{{.Names}}"]);
        names + &docker.docker(&["images", "--format", "{{.Repository}}"])
    };
    while left().contains("lazaret-suite-") {
        assert!(begun.elapsed() < PATIENCE, "{}", left());
        thread::sleep(Duration::from_millis(200));
    }
    assert!(!Path::new("/tmp/lazaret-suite-marker").exists());
}

#[test]
fn without_an_engine_a_container_could_not_run() {
    if !rustix::process::geteuid().is_root() {
        skip("only root may look into the kernel");
        return;
    }
    let sandbox = Sandbox::new();
    let cases = HOST.replace("[null]", "[{}]");
    let ended = suite(&sandbox, &cases, None);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    // An engine of the machine may be there all the same.
    if !Path::new("/run/docker.sock").exists() && !Path::new("/run/podman/podman.sock").exists() {
        has(&ended, &["  could not run: no engine with Docker's API listens"]);
    }
}

#[test]
fn with_a_mistake_nothing_is_done() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let run = |text: &str| {
        let suite = sandbox.file("suites/it.yaml", text);
        sandbox.run(&["rules", "suite", "--rules", &rules, &suite])
    };
    let ended = run("tests:\n  - name: a\n    runner: HostRunner\n    rules: b\n");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let said = "[SANDBOX]/suites/it.yaml:4:5: error: `a`: there is no key `rules` here (hint: did \
                you mean `rule`?)";
    assert!(ended.stderr.contains(said), "{ended:?}");
    let ended = run("tests:\n  - { name: a, rule: Nothing, runner: HostRunner }\n");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no rule is called `Nothing`"), "{ended:?}");
    let field = "expectedOutcome: { outputFields: { proc.nothing: x } }";
    let test = format!("{{ name: a, rule: From memory, runner: HostRunner, {field} }}");
    let ended = run(&format!("tests:\n  - {test}\n"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("proc.nothing"), "{ended:?}");
    sandbox.file("empty/readme.txt", "");
    let ended = sandbox.run(&["rules", "suite", "--rules", &rules, "empty"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
}

/// Falco's own suites, where they are beside the repository.
#[test]
fn falcos_suites_pass() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/falco");
    if !data.join("e2e").is_dir() {
        skip("Falco's suites are not beside the repository");
        return;
    }
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    let (rules, suites) = (data.join("rules/falco_rules.yaml"), data.join("e2e"));
    let mut command = sandbox.command(&["rules", "suite", "--rules"]);
    command.arg(rules).arg(suites);
    command.env("DOCKER_HOST", format!("unix://{}", docker.socket().display()));
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("ok")).collect();
    assert_eq!(output.status.code(), Some(0), "{failed:#?} {output:?}");
    assert_eq!(stdout.lines().last(), Some("530 passed, 0 failed"));
}
