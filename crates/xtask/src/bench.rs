//! `cargo xtask bench`: whole commands, timed in turn with their peers, on the machine at hand.
//!
//! One explicit list of benches, one file each. What they print are rows for
//! `docs/benchmarks.md`; no bench judges. Inputs that cannot be committed come from `../shared`
//! or from the Docker Engine, and a bench that lacks its input says so.

mod engine;
mod feeds;
mod fixed;
mod floor;
mod guard;
mod matching;
mod measure;
mod packed;
mod peers;
mod reference;
mod sweep;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use self::measure::succeed;

/// In the order in which they run.
const BENCHES: &[Bench] = &[
    Bench {
        name: "reference",
        why: "the reference image, beside Syft and Trivy",
        run: reference::run,
    },
    Bench {
        name: "engine",
        why: "the same from the Docker Engine, beside `docker save`; as root",
        run: engine::run,
    },
    Bench { name: "fixed", why: "what the smallest scans cost", run: fixed::run },
    Bench { name: "feeds", why: "segments from all feeds: time, memory, bytes", run: feeds::run },
    Bench { name: "matching", why: "3,000 packages against every segment", run: matching::run },
    Bench { name: "guard", why: "what the guard costs, as root with Docker", run: guard::run },
    Bench { name: "sweep", why: "how time and memory grow with what there is", run: sweep::run },
];

struct Bench {
    name: &'static str,
    why: &'static str,
    run: fn(&Session) -> Result<(), String>,
}

const EVERY_CHECK: &str = "vuln,secret,malware,config";

/// Where things are.
struct Session {
    root: PathBuf,
    /// The release build.
    lazaret: PathBuf,
    /// Inputs and results, kept between runs.
    work: PathBuf,
    runs: usize,
}

/// Build a release and time it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these benches; all by default
    benches: Vec<String>,
    /// Counted runs of each command
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The program to time, instead of the release build, which is made first
    #[arg(long, value_name = "PATH")]
    lazaret: Option<PathBuf>,
    /// Only do this floor's work on a `docker save` archive: run by the reference bench
    #[arg(long, hide = true, num_args = 2, value_names = ["WORK", "ARCHIVE"])]
    floor: Vec<OsString>,
    /// Only run this command and print what it took: a small parent, for a child begins with the
    /// memory of its own
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true, value_name = "COMMAND")]
    timed: Vec<OsString>,
}

/// False if a bench could not run.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    if let [work, archive] = args.floor.as_slice() {
        println!("{}", floor::here(work, Path::new(archive))?);
        return Ok(true);
    }
    if let Some((program, arguments)) = args.timed.split_first() {
        println!("{}", measure::here(Command::new(program).args(arguments))?);
        return Ok(true);
    }
    if let Some(name) = args.benches.iter().find(|name| !BENCHES.iter().any(|b| b.name == **name)) {
        let names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        return Err(format!("no bench is called `{name}`\nhint: one of {}", names.join(", ")));
    }
    let lazaret = match &args.lazaret {
        Some(path) => {
            build(root, &["xtask"])?;
            path.clone()
        }
        None => release(root)?,
    };
    let work = root.join("target/bench");
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let session = Session { root: root.to_owned(), lazaret, work, runs: args.runs };
    let mut all_ran = true;
    let wanted = |name: &str| args.benches.is_empty() || args.benches.iter().any(|b| b == name);
    for bench in BENCHES.iter().filter(|bench| wanted(bench.name)) {
        println!("\n## {}: {}\n", bench.name, bench.why);
        if let Err(reason) = (bench.run)(&session) {
            println!("could not run: {reason}");
            all_ran = false;
        }
    }
    Ok(all_ran)
}

/// The release build, made where it is not there yet.
pub(crate) fn release(root: &Path) -> Result<PathBuf, String> {
    build(root, &["cli", "xtask"])?;
    Ok(root.join("target/release/lazaret"))
}

/// This program is among them whatever is timed: floors are a part of it, and have to be as fast as
/// they can be.
fn build(root: &Path, packages: &[&str]) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--quiet"]).current_dir(root);
    succeed(command.args(packages.iter().flat_map(|package| ["--package", package])))
}

impl Session {
    /// A command of ours with a cache and advisories of its own.
    fn lazaret(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.lazaret);
        command.args(arguments).env("XDG_CACHE_HOME", self.work.join("cache"));
        command
    }

    /// A scan that asks no network, with the advisories of this store.
    fn scan(&self, db: &Path, checks: &str, rest: &[&str]) -> Command {
        let mut command = self.lazaret(&["scan", "--offline", "--format", "json"]);
        command.args(["--checks", checks]).arg("--db").arg(db).args(rest);
        command
    }

    /// A path of `../shared`, if it is there.
    fn shared(&self, path: &str) -> Result<PathBuf, String> {
        let path = self.root.join("../shared").join(path);
        if path.exists() { Ok(path) } else { Err(format!("{} is not there", path.display())) }
    }
}
