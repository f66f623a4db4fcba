//! `cargo xtask noise`: what honest machines do all day, below a guard that records it.
//!
//! Every script of `crates/xtask/noise` is something that people and services do; they are done
//! again and again, two at a time, until the time is up. Each alert about them is one too many
//! unless it is deserved, so all are listed. Nothing here attacks anything.

mod alerts;
pub(crate) mod image;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::guard::Guard;

/// Scripts that run at a time: a machine is rarely busy with one thing.
const LANES: usize = 2;
/// Seconds; longer than any script takes on a machine with other work.
const SCRIPT_LIMIT: &str = "600";
/// Where scripts work on the host. In all that is recorded it is the same, and by it processes of
/// the host are known.
const PLACE: &str = "/srv/lazaret-noise";

/// Record what honest machines do, and list the guard's alerts about it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Minutes until no script is begun any more
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// The program whose guard watches [default: the release build, made first]
    #[arg(long, value_name = "PATH")]
    lazaret: Option<PathBuf>,
    /// Only the scripts with these names; all by default
    scripts: Vec<String>,
}

/// True if every script ran and the recording is whole.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    let folder = root.join("target/noise");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let lazaret = match &args.lazaret {
        Some(path) => path.clone(),
        None => crate::bench::release(root)?,
    };
    let scripts = scripts(&root.join("crates/xtask/noise"), &args.scripts)?;
    image::make(root)?;
    remove_containers()?;
    let (record, alerts) = (folder.join("noise.lzr"), folder.join("alerts.json"));
    for old in [&record, &alerts] {
        drop(fs::remove_file(old));
    }
    let to = format!("json@file:{}", alerts.display());
    let record = record.display().to_string();
    let watch = ["--merge-window", "0", "--to", &to, "--record", &record];
    let guard = Guard::start(&lazaret, &watch, &folder)?;
    let begin = Instant::now();
    let ran = make_noise(&scripts, &folder, begin + Duration::from_secs(args.minutes * 60));
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    let ended = guard.end();
    remove_containers()?;
    let summary = ended.as_ref().map_or("", String::as_str);
    println!("{minutes:.0} minutes, {} scripts: {summary}\n", ran.len());
    let broken: Vec<&Ran> = ran.iter().filter(|ran| !ran.well).collect();
    broken.iter().for_each(|ran| println!("did not end well: {}, see {}", ran.name, ran.log));
    alerts::list(&alerts)?;
    println!("\nThe recording is `{record}`.");
    // A machine that has much else to do may lose some of it.
    ended.map(|_| broken.is_empty())
}

struct Ran {
    name: String,
    log: String,
    well: bool,
}

/// By their names, in order; each begins with a line that says what it does.
fn scripts(folder: &Path, wanted: &[String]) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut scripts: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    scripts.retain(|path| path.extension().is_some_and(|it| it == "sh"));
    scripts.retain(|path| wanted.is_empty() || wanted.contains(&name(path)));
    scripts.sort();
    if scripts.is_empty() { Err(format!("no script of {wanted:?}")) } else { Ok(scripts) }
}

fn name(script: &Path) -> String {
    script.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// A lane has scripts of its own, so that none runs twice at a time. Each runs once at least.
fn make_noise(scripts: &[PathBuf], folder: &Path, until: Instant) -> Vec<Ran> {
    let lane = |number: usize| {
        let of_lane = || scripts.iter().skip(number).step_by(LANES).enumerate();
        let mut ran = Vec::new();
        for round in 0.. {
            for (at, script) in of_lane() {
                if round > 0 && Instant::now() > until {
                    return ran;
                }
                println!("round {round}, lane {number}, script {at}: {}", name(script));
                ran.push(perform(script, folder));
            }
        }
        ran
    };
    thread::scope(|scope| {
        let lane = &lane;
        let lanes: Vec<_> =
            (0..LANES.min(scripts.len())).map(|number| scope.spawn(move || lane(number))).collect();
        lanes.into_iter().filter_map(|lane| lane.join().ok()).flatten().collect()
    })
}

fn perform(script: &Path, folder: &Path) -> Ran {
    let name = name(script);
    let log = folder.join(&name).with_extension("log");
    let well = begin(script, &name, &log).is_ok_and(|well| well);
    Ran { name, log: log.display().to_string(), well }
}

/// A copy runs, in a folder of its own, with the environment of a login.
fn begin(script: &Path, name: &str, log: &Path) -> std::io::Result<bool> {
    let work = Path::new(PLACE).join(name);
    drop(fs::remove_dir_all(&work));
    fs::create_dir_all(&work)?;
    let copy = Path::new(PLACE).join(name).with_extension("sh");
    fs::copy(script, &copy)?;
    let log = File::create(log)?;
    let mut command = Command::new("timeout");
    command.args(["--kill-after", "5", SCRIPT_LIMIT, "bash", "-eux"]).arg(copy);
    command.env("IMAGE", image::NAME).env("WORK", &work).current_dir(&work);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let status = command.status()?;
    fs::remove_dir_all(&work)?;
    Ok(status.success())
}

/// Those that a script left when it was broken off.
fn remove_containers() -> Result<(), String> {
    let script = "docker ps --all --quiet --filter name='^/noise-' | xargs --no-run-if-empty docker rm --force >/dev/null";
    crate::bench::succeed(Command::new("sh").args(["-c", script]))
}
