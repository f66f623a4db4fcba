//! `cargo xtask vm-test`: the live tests of the sensor on Debian's own kernel, in a machine that is
//! emulated, because the kernel at hand may be another one, of another architecture, or may refuse what
//! Debian's allows.
//!
//! Nothing of this machine is changed: packages are unpacked under `target/`, never installed.

mod architecture;
mod archive;
mod init;
mod kernel;
mod machine;
mod packages;
mod programs;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use architecture::{Architecture, Facts};
use archive::Archive;
use init::Task;
use kernel::Kernel;
use machine::Machine;
use programs::Programs;

/// Where the kernels, the files of the machines and their verdicts lie, by architecture.
const FOLDER: &str = "target/vm";
/// Seconds: each test has its programs loaded anew.
const DEADLINE: u64 = 1_200;

/// Run the sensor's live tests on Debian's kernel, in an emulated machine.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The processor that is emulated
    #[arg(long, value_enum, default_value_t = Architecture::X86_64)]
    arch: Architecture,
    /// Run the kernel of Debian's backports instead of the release's own
    #[arg(long)]
    backports: bool,
    /// Seconds after which the machine is stopped and has failed
    #[arg(long, default_value_t = DEADLINE)]
    deadline: u64,
    /// Run only the tests with this in their name; all by default
    #[arg(long, default_value = "")]
    only: String,
    /// Measure what tiers cost instead of testing them
    #[arg(long)]
    measure: bool,
}

impl Args {
    pub(crate) fn all() -> Self {
        Self {
            arch: Architecture::X86_64,
            backports: false,
            deadline: DEADLINE,
            only: String::new(),
            measure: false,
        }
    }
}

/// True if all tests passed there.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    let facts = args.arch.facts();
    let folder = root.join(FOLDER).join(facts.name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let kernel = Kernel::find_or_download(facts, args.backports, &folder)?;
    let programs = Programs::build(root, &folder, facts)?;
    let deadline = Duration::from_secs(args.deadline);
    let machines = init::tasks(&args.only, args.measure, &kernel).into_iter().map(|task| {
        let files = folder.join(format!("{}.initramfs", task.name));
        fs::write(&files, initramfs(&kernel, &programs, &task, facts)?)
            .map_err(|error| format!("{}: {error}", files.display()))?;
        let verdict = folder.join(format!("{}.verdict", task.name));
        Ok(Machine { facts, name: task.name, kernel: kernel.image.clone(), files, verdict })
    });
    let machines = machines.collect::<Result<Vec<_>, String>>()?;
    thread::scope(|scope| {
        let runs: Vec<_> =
            machines.iter().map(|machine| scope.spawn(|| machine.run(deadline))).collect();
        // All of them end before one answer counts.
        let ends: Vec<_> = runs.into_iter().map(|run| run.join().expect("no panic")).collect();
        ends.into_iter().try_fold(true, |passed, end| Ok(passed & end?))
    })
}

fn initramfs(
    kernel: &Kernel,
    programs: &Programs,
    task: &Task,
    facts: &Facts,
) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    archive.console();
    archive.text("init", 0o755, &init::script(task, facts));
    archive.text("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n");
    archive.copy(&programs.busybox, "bin/busybox")?;
    archive.link("bin/sh", "busybox");
    for (program, place) in programs.tests.iter().zip(init::TESTS) {
        archive.copy(program, place)?;
    }
    archive.copy(&programs.acts, init::ACTS)?;
    if let Some(acts) = &programs.acts_of_compat {
        archive.copy(acts, init::ACTS_OF_COMPAT)?;
    }
    for (name, bytes) in kernel.modules()? {
        archive.program(&format!("{}/{name}", init::MODULES), &bytes);
    }
    for (place, library) in &programs.libraries {
        archive.copy(library, place.to_string_lossy().trim_start_matches('/'))?;
    }
    Ok(archive.finish())
}
