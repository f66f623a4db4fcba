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
use std::path::Path;
use std::time::Duration;

use archive::Archive;

/// Where the kernel, the files of the machine and its verdict lie.
const FOLDER: &str = "target/vm";
/// Seconds: two tiers, each test with programs loaded anew.
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
    let files = folder.join("initramfs");
    fs::write(&files, initramfs(root, &folder, args)?)
        .map_err(|error| format!("{}: {error}", files.display()))?;
    let machine = machine::Machine { kernel, files, verdict: folder.join("verdict") };
    machine.run(Duration::from_secs(args.deadline))
}

fn initramfs(root: &Path, folder: &Path, args: &Args) -> Result<Vec<u8>, String> {
    let tests = programs::live_tests(root, folder)?;
    let acts = programs::acts(root, folder)?;
    let mut archive = Archive::default();
    archive.console();
    archive.text("init", 0o755, &init::script(&args.only, args.measure));
    archive.text("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n");
    archive.copy(BUSYBOX.as_ref(), "bin/busybox")?;
    archive.link("bin/sh", "busybox");
    archive.copy(&tests, init::TESTS)?;
    archive.copy(&acts, init::ACTS)?;
    for module in kernel::modules(folder)? {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        archive.copy(&module, &format!("{}/{name}", init::MODULES))?;
    }
    for library in programs::libraries(&[&tests, &acts])? {
        archive.copy(&library, library.to_string_lossy().trim_start_matches('/'))?;
    }
    Ok(archive.finish())
}
