//! `cargo xtask vm-test`: the live tests of the sensor on Debian's own kernel, in a machine that is
//! emulated, because the kernel at hand may be another one, or may refuse what Debian's allows.
//!
//! Nothing of this machine is changed: the kernel is unpacked under `target/`, never installed.

mod archive;
mod init;
mod kernel;
mod machine;
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use archive::Archive;
use init::Task;
use machine::Machine;

/// Where the kernel, the files of the machine and its verdict lie.
const FOLDER: &str = "target/vm";
/// Seconds: each test has its programs loaded anew.
const DEADLINE: u64 = 1_200;
/// Busybox linked statically: the machine's init and shell.
const BUSYBOX: &str = "/bin/busybox";

/// Run the sensor's live tests on Debian's kernel, in an emulated machine.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seconds after which the machine is stopped and has failed
    #[arg(long, default_value_t = DEADLINE)]
    pub(crate) deadline: u64,
    /// Run only the tests with this in their name; all by default
    #[arg(long, default_value = "")]
    pub(crate) only: String,
    /// Measure what tiers cost instead of testing them
    #[arg(long)]
    pub(crate) measure: bool,
}

impl Args {
    pub(crate) fn all() -> Self {
        Self { deadline: DEADLINE, only: String::new(), measure: false }
    }
}

/// True if all tests passed there.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let kernel = kernel::find_or_download(&folder)?;
    let programs = Programs::build(root, &folder)?;
    let deadline = Duration::from_secs(args.deadline);
    let machines = init::tasks(&args.only, args.measure).into_iter().map(|task| {
        let files = folder.join(format!("{}.initramfs", task.name));
        fs::write(&files, initramfs(&folder, &programs, &task)?)
            .map_err(|error| format!("{}: {error}", files.display()))?;
        let verdict = folder.join(format!("{}.verdict", task.name));
        Ok(Machine { name: task.name, kernel: kernel.clone(), files, verdict })
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

/// What all machines run.
struct Programs {
    tests: PathBuf,
    acts: PathBuf,
}

impl Programs {
    fn build(root: &Path, folder: &Path) -> Result<Self, String> {
        Ok(Self { tests: programs::live_tests(root, folder)?, acts: programs::acts(root, folder)? })
    }
}

fn initramfs(folder: &Path, programs: &Programs, task: &Task) -> Result<Vec<u8>, String> {
    let Programs { tests, acts } = programs;
    let mut archive = Archive::default();
    archive.console();
    archive.text("init", 0o755, &init::script(task));
    archive.text("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n");
    archive.copy(BUSYBOX.as_ref(), "bin/busybox")?;
    archive.link("bin/sh", "busybox");
    archive.copy(tests, init::TESTS)?;
    archive.copy(acts, init::ACTS)?;
    for module in kernel::modules(folder)? {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        archive.copy(&module, &format!("{}/{name}", init::MODULES))?;
    }
    for library in programs::libraries(&[tests, acts])? {
        archive.copy(&library, library.to_string_lossy().trim_start_matches('/'))?;
    }
    Ok(archive.finish())
}
