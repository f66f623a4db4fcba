//! Profiles on real containers: what is learnt survives a guard that is killed, what deviates is told,
//! and refused once the profile protects; the seccomp profile lets through what was learnt and nothing
//! else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Docker, TarBuilder};

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
    loop {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths = paths.filter(|path| path.extension().is_some());
        let found = paths.find(|path| path.to_string_lossy().contains("guarded-profiles"));
        let text = found.as_ref().map(|path| std::fs::read_to_string(path).unwrap());
        match (found, text) {
            (Some(path), Some(text)) if is_ready(&text) => return (path, text),
            (_, text) => assert!(begun.elapsed() < PATIENCE, "no profile comes: {text:?}"),
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn start(docker: &Docker, folder: &Path, more: &[&str]) -> Guard {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let folder = folder.display().to_string();
    let arguments = ["guard", "--rules", &rules, "--to", &to, "--profiles", &folder];
    Guard::start(sandbox, docker, &[&arguments[..], more].concat())
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
    let file = learn(&docker, &folder);
    let (alerts, said) = monitor(&docker, &folder, &file);
    let json = sandbox.path("seccomp.json").display().to_string();
    let exported = sandbox.run(&["guard", "profile", "export", "--seccomp", &file, "-o", &json]);
    let option = format!("seccomp={json}");
    let held = ["run", "--rm", "--network", "none", "--security-opt", &option];
    let held = |script: &str| {
        run(&docker, &[&held[..], &["guarded-profiles:1", "sh", "-c", script]].concat())
    };
    let (learnt, refused) = (held(WORK), held("/bin/busybox mkdir /other"));
    let later = std::fs::read_to_string(&file).unwrap();
    protect(&docker, &folder, &file);
    docker.docker(&["image", "rm", "guarded-profiles:1"]);

    let told: Vec<String> = alerts.iter().map(|it| it["message"].to_string()).collect();
    let told = told.join("\n");
    for deviation in [
        "writes /other",
        "writes /evil",
        "runs /x (written), started by /bin/busybox",
        &format!("mkdir ({})", std::env::consts::ARCH),
    ] {
        assert!(told.contains(deviation), "{deviation}: {told}\n{said}");
    }
    assert!(!told.contains("writes /written"), "{told}");
    // But for our own attempt on the guard.
    for alert in alerts.iter().filter(|alert| alert["rule"] != "guard-signalled") {
        let is_of_profile = alert["rule"] == "profile deviation" && alert["blocked"] == false;
        assert!(is_of_profile && alert["container"]["name"] == "prof-one", "{alert:#}");
    }
    assert!(later.contains("mode: monitor") && !later.contains("/evil"), "{later}");
    assert_eq!((exported.code, exported.stderr.as_str()), (Some(0), ""), "{exported:?}");
    assert_eq!(learnt, (Some(0), String::new()));
    assert!(refused.0 == Some(1) && refused.1.contains("not permitted"), "{refused:?}");
}

const BEGIN: [&str; 5] = ["run", "--network", "none", "--name", "prof-one"];

/// The file of what a guard learns that is killed then.
fn learn(docker: &Docker, folder: &Path) -> String {
    {
        // Of a run that was broken off.
        docker.output(&["rm", "-f", "prof-one"]);
        let _killed = start(docker, folder, &[]);
        docker.docker(&[&BEGIN[..], &["guarded-profiles:1", "sh", "-c", WORK]].concat());
        profile(folder, |text| text.contains("/written") && text.contains("calls:"));
        docker.docker(&["rm", "-f", "prof-one"]);
    }
    let (path, text) = profile(folder, |text| text.contains("/written"));
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
    path.display().to_string()
}

/// What another guard tells once the profile is promoted, while that guard runs.
fn monitor(docker: &Docker, folder: &Path, file: &str) -> (Vec<Value>, String) {
    let mut guard = start(docker, folder, &[]);
    promote(&guard, file, "monitor");
    let waits = ["-d", "guarded-profiles:1", "sh", "-c", "sleep 300"];
    docker.docker(&[&BEGIN[..], &waits].concat());
    docker.docker(&["exec", "prof-one", "sh", "-c", "echo a > /written"]);
    let other =
        "/bin/busybox mkdir /other; echo b > /evil; /bin/busybox cp /bin/busybox /x; /x true || :";
    docker.docker(&["exec", "prof-one", "sh", "-c", other]);
    thread::sleep(Duration::from_secs(3));
    docker.docker(&["rm", "-f", "prof-one"]);
    let alerts = guard.end();
    (alerts, guard.said())
}

/// By hand, while the guard runs, which takes it in.
fn promote(guard: &Guard, file: &str, to: &str) {
    let promoted = guard.sandbox.run(&["guard", "profile", "promote", file, "--to", to]);
    assert_eq!(promoted.code, Some(0), "{promoted:?}");
    let begun = Instant::now();
    while !guard.said().contains("was changed: read anew") && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
    }
}

/// The next version of the image brings another program, which the workload never ran.
fn protect(docker: &Docker, folder: &Path, file: &str) {
    const IMAGE: &str = "guarded-profiles:2";
    let mut guard = start(docker, folder, &["--enforce"]);
    assert!(!guard.said().contains("prevention `profile"), "{}", guard.said());
    promote(&guard, file, "protect");
    let busybox = std::fs::read("/bin/busybox").unwrap();
    let tar = TarBuilder::new().executable("bin/busybox", &busybox);
    let tar = tar.executable("bin/other", &busybox).symlink("bin/sh", "busybox");
    let archive = guard.sandbox.file("second.tar", tar.finish());
    docker.docker(&["import", &archive, IMAGE]);
    docker.docker(&[&BEGIN[..], &["-d", IMAGE, "sh", "-c", "/bin/busybox sleep 300"]].concat());
    let shell = |script: &str| docker.output(&["exec", "prof-one", "sh", "-c", script]);
    // From when its runtime has described it.
    let begun = Instant::now();
    while shell("/bin/other true").status.success() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
    }
    let other = shell("/bin/other true");
    let copy = shell("/bin/busybox cp /bin/busybox /x && /x true");
    let learnt = shell("/bin/busybox true");
    docker.docker(&["rm", "-f", "prof-one"]);
    docker.docker(&["image", "rm", IMAGE]);
    let alerts = guard.end();
    let said = guard.said();
    for refused in [other, copy] {
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && text.contains("not permitted"), "{text}\n{said}");
    }
    assert!(learnt.status.success(), "{learnt:?}\n{said}");
    let refused = |prevention: &str, object: &str| {
        alerts.iter().any(|alert| {
            alert["fields"]["prevention"] == prevention
                && alert["fields"]["prevention.object"] == object
                && alert["blocked"] == true
                && alert["container"]["name"] == "prof-one"
        })
    };
    let others = "profile image:docker.io/library/guarded-profiles: execute-except";
    assert!(refused(others, "/bin/other"), "{alerts:#?}\n{said}");
    assert!(refused("profiles: execute-foreign", "/x"), "{alerts:#?}\n{said}");
}
