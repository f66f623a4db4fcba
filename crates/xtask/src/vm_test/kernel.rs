//! Debian's kernel: the package that `linux-image-amd64` or `linux-image-arm64` stands for, unpacked and
//! not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::architecture::Facts;
use super::packages::Packages;
use super::programs::bytes_of;

const ANY: &str = "linux-image-";
/// Overlays, and two that nothing needs: tests load them, or fail to.
const MODULES: [&str; 3] =
    ["kernel/fs/overlayfs/overlay.ko", "kernel/lib/crc7.ko", "kernel/lib/crc-itu-t.ko"];

/// A kernel that was unpacked.
pub(super) struct Kernel {
    folder: PathBuf,
    pub(super) image: PathBuf,
    config: String,
}

impl Kernel {
    /// One that was unpacked before is taken as it is, without a network; remove its folder to have the
    /// newest.
    pub(super) fn find_or_download(
        facts: &Facts,
        backports: bool,
        folder: &Path,
    ) -> Result<Self, String> {
        let unpacked = folder.join(if backports { "kernel-backports" } else { "kernel" });
        if boot_file(&unpacked, "vmlinuz-").is_none() {
            let packages = Packages::find(facts, backports, folder)?;
            // Always depends on the one that Debian's release has now.
            let package = packages.dependency(&format!("{ANY}{}", facts.debian), ANY)?;
            packages.unpack(&package, &unpacked)?;
        }
        let file = |begin: &str| {
            boot_file(&unpacked, begin)
                .ok_or_else(|| format!("{}: no `boot/{begin}…`", unpacked.display()))
        };
        let (image, config) = (file("vmlinuz-")?, file("config-")?);
        let text = fs::read_to_string(&config);
        let config = text.map_err(|error| format!("{}: {error}", config.display()))?;
        Ok(Self { folder: unpacked, image, config })
    }

    /// Whether it was built with this.
    pub(super) fn has(&self, option: &str) -> bool {
        self.config.lines().any(|line| line.strip_prefix(option) == Some("=y"))
    }

    /// The modules that tests ask for, by their names, unpacked: they are given to the kernel as they
    /// are.
    pub(super) fn modules(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let versions = self.folder.join("lib/modules");
        let fail = |error| format!("{}: {error}", versions.display());
        let version = fs::read_dir(&versions).map_err(fail)?.flatten().next();
        let version = version.ok_or_else(|| format!("{}: no modules", versions.display()))?.path();
        MODULES.iter().map(|module| read(&version.join(module))).collect()
    }
}

fn read(module: &Path) -> Result<(String, Vec<u8>), String> {
    let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let packed = module.with_extension("ko.xz");
    let bytes = if packed.exists() {
        bytes_of(Command::new("xz").arg("-dc").arg(&packed))?
    } else {
        fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?
    };
    Ok((name, bytes))
}

fn boot_file(unpacked: &Path, begin: &str) -> Option<PathBuf> {
    let files = fs::read_dir(unpacked.join("boot")).ok()?.flatten().map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin))
    };
    files.filter(is_it).max()
}
