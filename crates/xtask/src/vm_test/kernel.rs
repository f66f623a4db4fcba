//! Debian's kernel: the package that `linux-image-amd64` stands for, unpacked and not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Always depends on the one that Debian's release has now.
const PACKAGE: &str = "linux-image-amd64";
const ANY: &str = "linux-image-";
/// Overlays, and two that nothing needs: tests load them, or fail to.
const MODULES: [&str; 3] =
    ["kernel/fs/overlayfs/overlay.ko", "kernel/lib/crc7.ko", "kernel/lib/crc-itu-t.ko"];

/// The kernel's image. One that was unpacked before is taken as it is, without a network; remove its
/// folder to have the newest.
pub(super) fn find_or_download(folder: &Path) -> Result<PathBuf, String> {
    let unpacked = folder.join("kernel");
    if let Some(image) = image_in(&unpacked) {
        return Ok(image);
    }
    let package = package()?;
    println!("{package} is downloaded");
    let fail = |error| format!("{}: {error}", folder.display());
    let download = folder.join("download");
    fs::create_dir_all(&download).map_err(fail)?;
    super::programs::finish(
        Command::new("apt-get").args(["download", "--quiet", &package]).current_dir(&download),
    )?;
    let archive = fs::read_dir(&download)
        .map_err(fail)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|kind| kind == "deb"))
        .ok_or_else(|| format!("`apt-get download {package}` left nothing"))?;
    // Under another name until it is whole.
    let half = folder.join("half");
    super::programs::finish(Command::new("dpkg").arg("-x").arg(&archive).arg(&half))?;
    fs::rename(&half, &unpacked).map_err(fail)?;
    fs::remove_dir_all(&download).map_err(fail)?;
    image_in(&unpacked).ok_or_else(|| format!("`{package}` has no `boot/vmlinuz-…`"))
}

/// The modules that tests ask for, of the kernel that was unpacked.
pub(super) fn modules(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let versions = folder.join("kernel/lib/modules");
    let fail = |error| format!("{}: {error}", versions.display());
    let version = fs::read_dir(&versions).map_err(fail)?.flatten().next();
    let version = version.ok_or_else(|| format!("{}: no modules", versions.display()))?.path();
    Ok(MODULES.iter().map(|module| version.join(module)).collect())
}

fn image_in(unpacked: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(unpacked.join("boot")).ok()?.flatten().map(|entry| entry.path());
    let is_image = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
    };
    files.filter(is_image).max()
}

fn package() -> Result<String, String> {
    let mut command = Command::new("apt-cache");
    command.args(["depends", "--important", PACKAGE]);
    let output = command.output().map_err(|error| format!("running {command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let name = text.split_whitespace().find(|word| word.starts_with(ANY) && *word != PACKAGE);
    name.map(str::to_owned)
        .ok_or_else(|| format!("apt does not know `{PACKAGE}`\nhint: `apt-get update`"))
}
