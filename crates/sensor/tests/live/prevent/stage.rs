//! A folder with things in it, and what a kernel without the hooks cannot be asked.

use std::fs;
use std::path::{Path, PathBuf};

use model::{Denial, Prevention};
use sensor::prevent::{Held, Preventions, Settings};
use tempfile::TempDir;

use crate::group::Group;

/// What starts programs that need libraries, and what it is called wherever it lies.
#[cfg(target_arch = "x86_64")]
pub(super) const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
#[cfg(target_arch = "x86_64")]
pub(super) const LOADER_NAME: &str = "/ld-linux-x86-64.so.2";
#[cfg(not(target_arch = "x86_64"))]
pub(super) const LOADER: &str = "/lib/ld-linux-aarch64.so.1";
#[cfg(not(target_arch = "x86_64"))]
pub(super) const LOADER_NAME: &str = "/ld-linux-aarch64.so.1";

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

/// What only the machine of `cargo xtask vm-test` has: that it had not, would be a fault, unless its
/// kernel is known to lack what hooks need.
pub(super) fn in_the_machine_alone(why: &str) {
    if std::env::var_os("LAZARET_TEST_ACTS").is_none() {
        println!("`cargo xtask vm-test` tries this: {why}");
        return;
    }
    match std::env::var_os("LAZARET_TEST_WITHOUT_HOOKS") {
        Some(_) => testkit::lack(why),
        None => testkit::skip(why),
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
