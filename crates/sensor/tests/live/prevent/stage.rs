//! A control group, a folder with things in it, and a program that does one deed there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::{Denial, Prevention};
use sensor::prevent::{Held, Preventions, Settings};
use tempfile::TempDir;

/// What the kernel says of what is refused.
pub(super) const REFUSED: i32 = 1;

/// None, said, where nothing can be loaded.
pub(super) fn preventions(all: &[Prevention]) -> Option<Preventions> {
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/kernel/btf/vmlinux").exists() {
        testkit::skip("BPF programs want root and the kernel's type information");
        return None;
    }
    let settings = Settings { pins: None, ..Settings::new() };
    Some(Preventions::start(all, &settings).expect("the programs load"))
}

/// False, said, where the kernel has no hooks for the prevention.
pub(super) fn is_held(preventions: &Preventions) -> bool {
    let missing = preventions.held().iter().find_map(|held| match held {
        Held::NotHere(why) => Some(why),
        _ => None,
    });
    if let Some(why) = missing {
        in_the_machine_alone(why);
    }
    missing.is_none()
}

/// What only the machine of `cargo xtask vm-test` has: that it had not, would be a fault.
pub(super) fn in_the_machine_alone(why: &str) {
    match std::env::var_os("LAZARET_TEST_ACTS") {
        Some(_) => testkit::skip(why),
        None => println!("`cargo xtask vm-test` tries this: {why}"),
    }
}

/// A group below the root of the hierarchy, or of another one; gone with this.
pub(super) struct Group {
    folder: PathBuf,
    pub(super) number: u64,
}

impl Group {
    pub(super) fn make(name: &str) -> Self {
        let hierarchy = Settings::new().hierarchy.mounted.expect("a hierarchy");
        Self::below(&hierarchy, &format!("lazaret-{name}-{}", std::process::id()))
    }

    pub(super) fn child(&self, name: &str) -> Self {
        Self::below(&self.folder, name)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn below(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a control group");
        let number = fs::metadata(&folder).expect("the group").ino();
        Self { folder, number }
    }

    /// A shell that enters the group, and what it does then.
    pub(super) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        let script = format!("echo $$ > \"$0/cgroup.procs\" || exit 99; {script}");
        shell.arg("-c").arg(script).arg(&self.folder);
        shell
    }

    /// What the kernel said of a deed in the group.
    pub(super) fn deed(&self, arguments: &[String]) -> Option<i32> {
        let program = crate::watch::acts()?;
        let mut shell = self.shell("exec \"$@\"");
        shell.arg(program).arg("deed").args(arguments);
        shell.status().expect("a shell").code()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that was just killed may be in it yet.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// Files to be held and to be let go.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn make() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.restore();
        folder
    }

    /// As it was before anybody did anything.
    pub(super) fn restore(&self) {
        let path = self.0.path();
        for entry in fs::read_dir(path).expect("the folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                fs::remove_dir_all(path).expect("a folder");
            } else {
                fs::remove_file(path).expect("a file");
            }
        }
        for name in ["private", "held/empty", "free", "parent/inner", "bin", "mounted"] {
            fs::create_dir_all(path.join(name)).expect("a folder");
        }
        for name in ["secret", "private/key", "held/file", "free/file", "parent/inner/secret"] {
            fs::write(path.join(name), "x").expect("a file");
        }
        std::os::unix::fs::symlink("../secret", path.join("free/link")).expect("a link");
        let program = crate::watch::acts().expect("a program");
        for name in ["bin/held", "free/program"] {
            fs::copy(program, path.join(name)).expect("a program");
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().canonicalize().expect("it is there")
    }

    /// `@` in a text is this folder.
    pub(super) fn text(&self, text: &str) -> String {
        text.replace('@', &self.path().to_string_lossy())
    }
}

/// What was told of the group since somebody asked.
pub(super) fn told(preventions: &mut Preventions, group: &Group) -> Vec<Denial> {
    let mut all = Vec::new();
    preventions.denials(&mut |denial| {
        if denial.control_group == group.number {
            all.push(denial);
        }
    });
    all
}
