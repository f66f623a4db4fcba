//! `cargo xtask test`: everything a change must pass, on a fresh Debian 12 and as root too.
//!
//! One explicit list of steps; each says why it is there. A step that fails does not keep the
//! others from running, so that one run tells all. What was started is stopped at the end.

mod checks;
mod dependencies;
mod install;
mod services;

use std::path::Path;
use std::time::{Duration, Instant};

use services::Service;

/// In the order in which they run.
const STEPS: &[Step] = &[
    Step { name: "install", why: "the Debian packages that tests need", run: install::run },
    Step { name: "services", why: "containerd and the Docker Engine run", run: services::start },
    Step { name: "fmt", why: "one layout for all", run: checks::fmt },
    Step { name: "tidy", why: "the rules of the house", run: checks::tidy },
    Step {
        name: "bpf",
        why: "the sensor's programs are what their source makes",
        run: checks::bpf,
    },
    Step { name: "clippy", why: "warnings are errors", run: checks::clippy },
    Step { name: "doctests", why: "examples in the documentation hold", run: checks::doctests },
    Step { name: "fuzz", why: "hostile bytes, a few seconds a target", run: checks::fuzz },
    Step { name: "docs", why: "the documentation has no dead link", run: checks::docs },
    Step { name: "dependencies", why: "licenses, bans, sources", run: dependencies::check },
    Step { name: "vm", why: "the sensor's programs on Debian's kernel", run: checks::vm },
    // Last, so that what failed stands at the end of what a run prints.
    Step { name: "tests", why: "unit, data-driven and whole-command tests", run: checks::tests },
];

struct Step {
    name: &'static str,
    why: &'static str,
    run: fn(&mut Session<'_>) -> Result<Done, String>,
}

/// What a step leaves for the next ones.
struct Session<'a> {
    root: &'a Path,
    /// Started by us; stopped when dropped.
    services: Vec<Service>,
}

/// How a step ended well.
enum Done {
    Passed,
    /// With the reason.
    Skipped(String),
}

/// Install what the tests need, then run all checks.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these steps; all by default
    steps: Vec<String>,
    /// Print the steps and exit
    #[arg(long)]
    list: bool,
}

/// True if no step failed.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    if let Some(name) = args.steps.iter().find(|name| !STEPS.iter().any(|s| s.name == **name)) {
        return Err(format!("no step is called `{name}`\nhint: `cargo xtask test --list`"));
    }
    if args.list {
        STEPS.iter().for_each(|step| println!("{:12} {}", step.name, step.why));
        return Ok(true);
    }
    let is_wanted = |name: &str| args.steps.is_empty() || args.steps.iter().any(|s| s == name);
    let mut session = Session { root, services: Vec::new() };
    let mut endings = Vec::new();
    for step in STEPS.iter().filter(|step| is_wanted(step.name)) {
        println!("\n=== {}: {}", step.name, step.why);
        let begin = Instant::now();
        let result = (step.run)(&mut session);
        let ending = Ending { name: step.name, time: begin.elapsed(), result };
        ending.print();
        endings.push(ending);
    }
    drop(session);
    Ok(sum_up(&endings))
}

struct Ending {
    name: &'static str,
    time: Duration,
    result: Result<Done, String>,
}

impl Ending {
    fn print(&self) {
        let (word, reason) = match &self.result {
            Ok(Done::Passed) => ("passed", ""),
            Ok(Done::Skipped(reason)) => ("skipped", reason.as_str()),
            Err(reason) => ("FAILED", reason.as_str()),
        };
        println!("{word:8} {:12} {:7.1} s  {reason}", self.name, self.time.as_secs_f64());
    }
}

fn sum_up(endings: &[Ending]) -> bool {
    println!("\n=== summary");
    endings.iter().for_each(Ending::print);
    let count = |wanted: fn(&Ending) -> bool| endings.iter().filter(|e| wanted(e)).count();
    let passed = count(|ending| matches!(ending.result, Ok(Done::Passed)));
    let failed = count(|ending| ending.result.is_err());
    let skipped = match endings.len() - passed - failed {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    println!("{passed} passed, {failed} failed{skipped}");
    failed == 0
}
