//! Attacks and their benign twins below one guard with the rules that come with lazaret.
//!
//! A case is a script, `tests/scenarios/FOLDER/NAME.sh`, whose first lines say where it runs and which
//! rules have to tell it; no others may. With `BLESS=1`, what the guard saw of it becomes
//! `content/detections/FOLDER/NAME.lzr`, which rules name under `fixtures`.

mod cut;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Docker, TarBuilder, skip};

use self::script::{Place, Script};
use crate::guard::Guard;
use crate::run::Sandbox;

const IMAGE: &str = "lazaret-scenarios:1";
/// Where the image has the scripts, so that no command line holds what they do.
const SCRIPTS: &str = "scenarios";
/// Scenarios that run at a time: they wait for Docker more than for a processor.
const AT_A_TIME: usize = 3;
/// Longer than a guard is behind that shares its machine with other tests.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any takes.
const HOST_SECONDS_MAX: &str = "20";
/// What scenarios are written in, beside busybox.
const PROGRAMS: [&str; 2] = ["/usr/bin/perl", "/usr/bin/bash"];
/// Of busybox, by these names.
const APPLETS: &[&str] = &[
    "awk", "base64", "cat", "chmod", "cp", "crontab", "dd", "dpkg", "env", "find", "grep", "head",
    "id", "ln", "ls", "mkdir", "mkfifo", "mknod", "mount", "mv", "nc", "nsenter", "ps", "rm",
    "rmdir", "sed", "sh", "sleep", "touch", "true", "truncate", "umount", "unshare", "wget",
    "whoami",
];

#[test]
fn attacks_are_told_and_their_benign_twins_are_not() {
    let Some(docker) = Docker::ready() else { return };
    let sandbox = Sandbox::new();
    let scripts = script::all(&folder());
    if make_image(&sandbox, &docker, &scripts).is_none() {
        return;
    }
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let record = sandbox.path("events.lzr");
    let arguments =
        ["guard", "--merge-window", "0", "--to", &to, "--record", record.to_str().unwrap()];
    // Of a run that was broken off.
    remove(&docker, &scripts);
    let mut guard = Guard::start(sandbox, &docker, &arguments);
    let ran = run_all(&scripts, &docker, &guard.sandbox);
    wait_for_alerts(&scripts, &ran, &guard);
    let alerts = guard.end();
    // Until now they are kept: one that is gone nobody describes any more.
    remove(&docker, &scripts);
    docker.docker(&["image", "rm", IMAGE]);
    let wrong = wrong(&scripts, &ran, &alerts, &guard.sandbox);
    if std::env::var_os("BLESS").is_some() {
        cut::bless(&record, &ran, &content());
    }
    assert!(wrong.is_empty(), "{wrong}{}", guard.said());
    assert!(
        guard.said().contains(" rules that come with lazaret; Ctrl-C ends"),
        "{}",
        guard.said()
    );
    for name in ran.keys() {
        let fixture = content().join(name).with_extension("lzr");
        assert!(fixture.is_file(), "{name} has no recording: BLESS=1 makes it");
    }
}

/// On a machine that does much else, the guard is behind as the last scenario ends.
fn wait_for_alerts(scripts: &[Script], ran: &BTreeMap<String, Mark>, guard: &Guard) {
    let begun = Instant::now();
    let is_told = |told: &BTreeMap<&str, BTreeMap<String, String>>, script: &Script| {
        let told = told.get(script.name.as_str());
        script.fires.iter().all(|rule| told.is_some_and(|told| told.contains_key(rule)))
    };
    while begun.elapsed() < PATIENCE {
        let (alerts, mut scripts) = (guard.alerts(), scripts.iter());
        let told = told(&alerts, ran);
        if scripts.all(|script| !ran.contains_key(&script.name) || is_told(&told, script)) {
            return;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// What was told of scenarios and should not be, and what was not and should.
fn wrong(
    scripts: &[Script],
    ran: &BTreeMap<String, Mark>,
    alerts: &[Value],
    sandbox: &Sandbox,
) -> String {
    let told = told(alerts, ran);
    let nothing = BTreeMap::new();
    let mut wrong = String::new();
    for script in scripts.iter().filter(|script| ran.contains_key(&script.name)) {
        let told = told.get(script.name.as_str()).unwrap_or(&nothing);
        let is_no_maybe = |rule: &&str| !script.may_fire.iter().any(|may| may == rule);
        let rules: BTreeSet<&str> = told.keys().map(String::as_str).filter(is_no_maybe).collect();
        let fires: BTreeSet<&str> = script.fires.iter().map(String::as_str).collect();
        if rules != fires {
            let said = std::fs::read_to_string(said(sandbox, script)).unwrap();
            let line = format!("{}: {told:#?}, not {fires:?}\n{said}", script.name);
            wrong.push_str(&line);
        }
    }
    wrong
}

/// By what the events of a scenario are known.
pub(crate) enum Mark {
    Container {
        id: String,
    },
    /// The process that everything else of it descends from.
    Process(u32),
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/detections")
}

/// Busybox, perl and bash with the libraries that this machine has for them, and the scripts.
fn make_image(sandbox: &Sandbox, docker: &Docker, scripts: &[Script]) -> Option<()> {
    let Ok(busybox) = std::fs::read("/bin/busybox") else {
        skip("busybox-static is not installed");
        return None;
    };
    let mut tar = TarBuilder::new()
        .executable("bin/busybox", &busybox)
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n")
        .file("etc/group", "root:x:0:\nweb:x:1000:\n")
        .file("etc/shadow", "root:*:1:0:99999:7:::\n")
        .file("root/.profile", "")
        .file("home/web/.ssh/id_ed25519", "not a key\n")
        .file("var/log/auth.log", "somebody came\n")
        .file("var/spool/cron/crontabs/.keep", "")
        .file("etc/cron.d/.keep", "")
        .file("tmp/.keep", "");
    for name in APPLETS {
        tar = tar.symlink(&format!("bin/{name}"), "busybox");
    }
    let mut files: BTreeSet<PathBuf> = PROGRAMS.iter().map(PathBuf::from).collect();
    for program in PROGRAMS {
        files.extend(libraries(program));
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        tar = tar.executable(file.to_str().unwrap().trim_start_matches('/'), bytes);
    }
    for script in scripts {
        tar = tar.executable(&format!("{SCRIPTS}/{}.sh", script.name), &script.text);
    }
    let archive = sandbox.file("image.tar", tar.finish());
    docker.docker(&["import", "--change", "ENV PATH=/usr/bin:/bin", &archive, IMAGE]);
    Some(())
}

/// As the loader finds them.
fn libraries(program: &str) -> Vec<PathBuf> {
    let listed = testkit::run("ldd", &[program]);
    let words = listed.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}

/// All that can run here, and by what each is known.
fn run_all(scripts: &[Script], docker: &Docker, sandbox: &Sandbox) -> BTreeMap<String, Mark> {
    let waiting = Mutex::new(scripts.iter());
    let ran = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(script) = waiting.lock().unwrap().next() else { return };
                    if let Some(mark) = run(script, docker, sandbox) {
                        ran.lock().unwrap().insert(script.name.clone(), mark);
                    }
                }
            });
        }
    });
    ran.into_inner().unwrap()
}

/// How it ends does not matter: many of them are refused what they try.
fn run(script: &Script, docker: &Docker, sandbox: &Sandbox) -> Option<Mark> {
    match &script.place {
        Place::Host(programs) => {
            let can_run = programs.iter().all(|program| testkit::installed(program));
            can_run.then(|| on_host(script, sandbox))
        }
        Place::Container(options) => {
            is_there(script, options).then(|| in_container(script, options, docker, sandbox))
        }
    }
}

/// Whether the host has what is mounted: Docker would make a folder of what it has not, and hosts with
/// control groups of version 2 have no release agent.
fn is_there(script: &Script, options: &[String]) -> bool {
    let sources = options.iter().filter_map(|it| it.split_once(':')).map(|(source, _)| source);
    let mut missing = sources.filter(|it| it.starts_with('/') && !Path::new(it).exists());
    let first = missing.next();
    first.iter().for_each(|it| testkit::lack(&format!("{}: there is no `{it}`", script.name)));
    first.is_none()
}

fn on_host(script: &Script, sandbox: &Sandbox) -> Mark {
    // A shell that waits for somebody to type would be waited for.
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "1", HOST_SECONDS_MAX, "bash"]);
    // A copy: what is recorded says where it ran.
    let copy = sandbox.file(&format!("{}.sh", container(script)), &script.text);
    command.arg(copy).current_dir("/tmp");
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let mut child = start(&mut command, script, sandbox);
    let mark = Mark::Process(child.id());
    child.wait().unwrap();
    mark
}

fn in_container(script: &Script, options: &[String], docker: &Docker, sandbox: &Sandbox) -> Mark {
    let (name, socket) = (container(script), docker.socket().display().to_string());
    let id = sandbox.path(&format!("{name}.id"));
    let mut command = Command::new("docker");
    command.args(["--host", &format!("unix://{socket}"), "run", "--name", &name]);
    command.args(["--network", "none", "--cidfile"]).arg(&id);
    command.args(options.iter().map(|it| it.replace("$DOCKER_SOCKET", &socket)));
    command.args([IMAGE, "sh", &format!("/{SCRIPTS}/{}.sh", script.name)]);
    start(&mut command, script, sandbox).wait().unwrap();
    let id = std::fs::read_to_string(id).unwrap_or_default();
    let said = std::fs::read_to_string(said(sandbox, script)).unwrap();
    assert!(!id.is_empty(), "{} has no container: {said}", script.name);
    Mark::Container { id }
}

fn start(command: &mut Command, script: &Script, sandbox: &Sandbox) -> Child {
    let said = File::create(said(sandbox, script)).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

fn container(script: &Script) -> String {
    format!("lazaret-{}", script.name.replace('/', "-"))
}

/// Those that are there: Docker says of others that they are not, which does not matter.
fn remove(docker: &Docker, scripts: &[Script]) {
    let mut command = Command::new("docker");
    command.args(["--host", &format!("unix://{}", docker.socket().display()), "rm", "--force"]);
    command.args(scripts.iter().map(container));
    let _removed = command.output();
}

/// What a scenario said of its troubles.
fn said(sandbox: &Sandbox, script: &Script) -> PathBuf {
    sandbox.path(&format!("{}.stderr", container(script)))
}

/// The rules that told a scenario, with one line of what they told.
fn told<'s>(
    alerts: &[Value],
    ran: &'s BTreeMap<String, Mark>,
) -> BTreeMap<&'s str, BTreeMap<String, String>> {
    let mut told: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for alert in alerts {
        let is_of = |mark: &Mark| match mark {
            Mark::Container { id } => alert["container"]["id"] == id.as_str(),
            Mark::Process(pid) => {
                let ancestors = alert["ancestors"].as_array().into_iter().flatten();
                ancestors.chain([&alert["process"]]).any(|it| it["pid"] == *pid)
            }
        };
        if let Some((name, _)) = ran.iter().find(|(_, mark)| is_of(mark)) {
            let rule = alert["rule"].as_str().unwrap().to_owned();
            told.entry(name).or_default().insert(rule, alert["message"].to_string());
        }
    }
    told
}
