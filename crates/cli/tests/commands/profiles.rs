//! Profiles on real containers: what is learnt survives a guard that is killed, what deviates is told,
//! and the seccomp profile lets through what was learnt and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Docker;

use crate::guard::{Guard, make_image};
use crate::run::Sandbox;

/// Of no interest here: what profiles ask for does not depend on rules.
const RULES: &str = "
- rule: Nothing
  desc: never
  condition: evt.type = execve and proc.name = there-is-no-such-program
  output: never
  priority: INFO
";

/// What the workload does: writes a file, waits.
const WORK: &str = "echo a > /written; sleep 1";
const PATIENCE: Duration = Duration::from_secs(60);

/// The only profile of the folder, once `is_ready` of its text.
fn profile(folder: &Path, is_ready: impl Fn(&str) -> bool) -> (PathBuf, String) {
    let begun = Instant::now();
    let mut text = String::new();
    while begun.elapsed() < PATIENCE {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let name = |path: &PathBuf| path.to_string_lossy().contains("guarded-profiles");
        if let Some(path) = paths.filter(|path| path.extension().is_some()).find(name) {
            text = std::fs::read_to_string(&path).unwrap();
            if is_ready(&text) {
                return (path, text);
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
    panic!("no profile comes: {text}")
}

fn start(docker: &Docker, folder: &Path) -> Guard {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let folder = folder.display().to_string();
    let arguments = ["guard", "--rules", &rules, "--to", &to, "--profiles", &folder];
    Guard::start(sandbox, docker, &arguments)
}

/// Exit code and what it said.
fn run(docker: &Docker, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", format!("unix://{}", docker.socket().display()));
    let output = command.args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_a_workload_does_is_learnt_and_what_deviates_is_told() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    if make_image(&sandbox, &docker, "guarded-profiles:1").is_none() {
        return;
    }
    let folder = sandbox.path("profiles");
    let with = ["run", "--network", "none", "--name", "prof-one"];
    {
        let _killed = start(&docker, &folder);
        docker.docker(&[&with[..], &["guarded-profiles:1", "sh", "-c", WORK]].concat());
        profile(&folder, |text| text.contains("/written") && text.contains("calls:"));
        docker.docker(&["rm", "-f", "prof-one"]);
    }
    let (path, text) = profile(&folder, |text| text.contains("/written"));
    let file = path.display().to_string();
    for line in [
        "workload: \"image:docker.io/library/guarded-profiles\"",
        "mode: learn",
        "  starts: 1",
        "  - path: /bin/busybox\n    origins: [image]",
        "written:\n  - /written\n",
        "    - openat",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for not in ["runc", "pivot_root", "mount", "setns", "/proc/"] {
        assert!(!text.contains(not), "{not} is the runtime's: {text}");
    }

    let mut guard = start(&docker, &folder);
    let promoted = guard.sandbox.run(&["guard", "profile", "promote", &file]);
    assert_eq!(promoted.code, Some(0), "{promoted:?}");
    let begun = Instant::now();
    while !guard.said().contains("was changed: read anew") && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
    docker.docker(&[&with[..], &["-d", "guarded-profiles:1", "sh", "-c", "sleep 300"]].concat());
    docker.docker(&["exec", "prof-one", "sh", "-c", "echo a > /written"]);
    let other =
        "/bin/busybox mkdir /other; echo b > /evil; /bin/busybox cp /bin/busybox /x; /x true";
    docker.docker(&["exec", "prof-one", "sh", "-c", other]);
    thread::sleep(Duration::from_secs(3));
    docker.docker(&["rm", "-f", "prof-one"]);
    let alerts = guard.end();
    let said = guard.said();
    let told: Vec<String> = alerts.iter().map(|it| it["message"].to_string()).collect();
    let told = told.join("\n");
    for deviation in [
        "writes /other",
        "writes /evil",
        "runs /x (written), started by /bin/busybox",
        "mkdir (x86_64)",
    ] {
        let of_this = deviation.replace("x86_64", std::env::consts::ARCH);
        assert!(told.contains(&of_this), "{deviation}: {told}\n{said}");
    }
    assert!(!told.contains("writes /written"), "{told}");
    for alert in &alerts {
        assert_eq!(
            (&alert["rule"], &alert["blocked"]),
            (&"profile deviation".into(), &false.into())
        );
        assert_eq!(alert["container"]["name"], "prof-one", "{alert:#}");
    }
    let later = std::fs::read_to_string(&file).unwrap();
    assert!(later.contains("mode: monitor") && !later.contains("/evil"), "{later}");

    let json = sandbox.path("seccomp.json").display().to_string();
    let exported = sandbox.run(&["guard", "profile", "export", "--seccomp", &file, "-o", &json]);
    assert_eq!((exported.code, exported.stderr.as_str()), (Some(0), ""), "{exported:?}");
    let option = format!("seccomp={json}");
    let held = ["run", "--rm", "--network", "none", "--security-opt", &option];
    let runs = |script: &str| {
        run(&docker, &[&held[..], &["guarded-profiles:1", "sh", "-c", script]].concat())
    };
    let (learnt, refused) = (runs(WORK), runs("/bin/busybox mkdir /other"));
    docker.docker(&["image", "rm", "guarded-profiles:1"]);
    assert_eq!(learnt, (Some(0), String::new()));
    assert!(refused.0 == Some(1) && refused.1.contains("not permitted"), "{refused:?}");
    let seccomp: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(seccomp["defaultAction"], "SCMP_ACT_ERRNO");
}
