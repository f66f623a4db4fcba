//! Debian's packages, downloaded and unpacked, never installed: of this machine's own lists, or of
//! lists that are kept under `target/` for another architecture or suite, so that apt here knows
//! nothing of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::architecture::Facts;
use super::programs::{finish, output_of};

/// Where packages come from if apt does not say where it takes its own from.
const SITE: &str = "http://deb.debian.org/debian/";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const RELEASE: &str = "/etc/os-release";

/// Options of apt, none for its own lists.
pub(super) struct Packages {
    options: Vec<String>,
}

impl Packages {
    /// Of Debian's release that is installed here, or of what is backported to it.
    pub(super) fn find(facts: &Facts, backports: bool, folder: &Path) -> Result<Self, String> {
        if !facts.is_foreign() && !backports {
            return Ok(Self { options: Vec::new() });
        }
        let state = folder.join(if backports { "apt-backports" } else { "apt" });
        let fail = |error| format!("{}: {error}", state.display());
        for inner in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(state.join(inner)).map_err(fail)?;
        }
        // Of nothing that is installed.
        fs::write(state.join("status"), "").map_err(fail)?;
        let mut options = vec![
            format!("APT::Architecture={}", facts.debian),
            format!("APT::Architectures={}", facts.debian),
            "Acquire::Languages=none".to_owned(),
            format!("Dir::State={}", state.display()),
            format!("Dir::State::status={}", state.join("status").display()),
            format!("Dir::Cache={}", state.display()),
        ];
        if backports {
            let list = state.join("backports.list");
            fs::write(&list, backports_of_this_release()?).map_err(fail)?;
            options.push(format!("Dir::Etc::sourcelist={}", list.display()));
            options.push("Dir::Etc::sourceparts=-".to_owned());
        }
        let packages = Self { options };
        finish(packages.command("apt-get").args(["update", "--quiet"]))?;
        Ok(packages)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.options.iter().for_each(|option| {
            command.arg("-o").arg(option);
        });
        command
    }

    /// The first of its dependencies with this beginning.
    pub(super) fn dependency(&self, package: &str, begin: &str) -> Result<String, String> {
        let text = output_of(self.command("apt-cache").args(["depends", "--important", package]))?;
        let name = text.split_whitespace().find(|word| word.starts_with(begin) && *word != package);
        name.map(str::to_owned)
            .ok_or_else(|| format!("apt does not know `{package}`\nhint: `apt-get update`"))
    }

    /// Downloads a package of this name and unpacks it into the folder, which is whole if it is there.
    pub(super) fn unpack(&self, package: &str, into: &Path) -> Result<(), String> {
        println!("{package} is downloaded");
        let fail = |error| format!("{}: {error}", into.display());
        let download = into.with_extension("download");
        fs::create_dir_all(&download).map_err(fail)?;
        finish(
            self.command("apt-get").args(["download", "--quiet", package]).current_dir(&download),
        )?;
        let archive = archive_in(&download).map_err(fail)?;
        let archive =
            archive.ok_or_else(|| format!("`apt-get download {package}` left nothing"))?;
        // Under another name until it is whole.
        let half = into.with_extension("half");
        finish(Command::new("dpkg").arg("-x").arg(&archive).arg(&half))?;
        fs::rename(&half, into).map_err(fail)?;
        fs::remove_dir_all(&download).map_err(fail)
    }
}

fn archive_in(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    let paths = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    Ok(paths.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "deb")))
}

/// A line for apt: the site that it takes this release from has its backports, too.
fn backports_of_this_release() -> Result<String, String> {
    let text = fs::read_to_string(RELEASE).map_err(|error| format!("{RELEASE}: {error}"))?;
    let codename = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.ok_or_else(|| format!("{RELEASE} names no release"))?.trim_matches('"');
    let targets = output_of(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        &format!("Codename: {codename}"),
    ]));
    let targets = targets.unwrap_or_default();
    let site = targets.lines().next().unwrap_or(SITE);
    Ok(format!("deb [signed-by={KEYRING}] {site} {codename}-backports main\n"))
}
