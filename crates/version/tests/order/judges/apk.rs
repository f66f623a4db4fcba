//! Alpine's own `apk`, taken from the root file system that Alpine publishes: it runs anywhere by the
//! loader beside it. One process a pair, a few milliseconds each.
//!
//! It is apk-tools 2, and our order is that of 3, so that it judges only what both order alike: what
//! is a version by the grammar of both, and has no part that begins with a zero more than it needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use version::{Scheme, symbol};

use crate::nasty::Nasty;

/// Beside the repository.
const IMAGE: &str = "../../../shared/data/images/alpine-minirootfs-3.20.3-x86_64.tar.gz";
const PAIRS: usize = 2_000;

#[test]
fn apk_agrees() {
    let Some(apk) = Apk::of_image() else {
        eprintln!("skipped: there is no root file system of Alpine whose apk runs here");
        return;
    };
    let mut nasty = Nasty::new(Scheme::Apk, 1);
    let pairs: Vec<(String, String)> =
        std::iter::repeat_with(|| nasty.pair()).take(20 * PAIRS).collect();
    let refused = apk.refused(pairs.iter().flat_map(|(a, b)| [a, b]));
    let is_judged = |version: &String| is_version(version) && !refused.contains(version);
    let judged: Vec<_> =
        pairs.iter().filter(|(a, b)| is_judged(a) && is_judged(b)).take(PAIRS).collect();
    assert!(judged.len() > PAIRS / 10, "only {} pairs are valid", judged.len());
    let objection = |(a, b): &&(String, String)| {
        let ours = symbol(Scheme::Apk.compare(a, b).expect("a valid version"));
        let theirs = apk.order(a, b);
        (ours != theirs).then(|| format!("`{a}` {theirs} `{b}`: we say {ours}"))
    };
    let wrong: Vec<String> = judged.iter().filter_map(objection).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), judged.len(), wrong.join("\n"));
}

/// `1.2.3b_rc1_p2-r4`: numbers, a letter, suffixes, a revision. Its own check lets more pass, and 2
/// and 3 differ in what they make of that.
fn is_version(text: &str) -> bool {
    let is_number = |text: &str| {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && (text == "0" || !text.starts_with('0'))
    };
    let (text, revision) = text.split_once("-r").map_or((text, "0"), |(text, it)| (text, it));
    let mut parts = text.split('_');
    let numbers = parts.next().unwrap_or_default();
    let numbers = numbers.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(numbers);
    let is_suffix = |suffix: &str| {
        let name = suffix.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = suffix.strip_prefix(name).unwrap_or_default();
        let names = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
        names.contains(&name) && (number.is_empty() || is_number(number))
    };
    numbers.split('.').all(is_number) && parts.all(is_suffix) && is_number(revision)
}

/// An unpacked root file system; it is removed when dropped.
struct Apk(PathBuf);

impl Apk {
    fn of_image() -> Option<Self> {
        let image = Path::new(env!("CARGO_MANIFEST_DIR")).join(IMAGE);
        let root = std::env::temp_dir().join(format!("lazaret-apk-{}", std::process::id()));
        std::fs::create_dir_all(&root).ok()?;
        let apk = Self(root);
        let parts = ["./lib", "./usr/lib", "./sbin/apk"];
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(image).arg("-C").arg(&apk.0).args(parts);
        tar.output().ok().filter(|output| output.status.success())?;
        apk.command().arg("--version").output().ok().filter(|output| output.status.success())?;
        Some(apk)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.0.join("lib/ld-musl-x86_64.so.1"));
        let libraries =
            [self.0.join("lib"), self.0.join("usr/lib")].map(|p| p.display().to_string());
        command.arg("--library-path").arg(libraries.join(":")).arg(self.0.join("sbin/apk"));
        command
    }

    /// Those that are no valid versions to apk, which it prints.
    fn refused<'v>(&self, versions: impl Iterator<Item = &'v String>) -> BTreeSet<String> {
        let mut refused = BTreeSet::new();
        let all: BTreeSet<&String> = versions.collect();
        for some in all.into_iter().collect::<Vec<_>>().chunks(1000) {
            // Behind `--` a version that begins with a hyphen is none of apk's options.
            let checked = self.command().args(["version", "--check", "--"]).args(some).output();
            let text = String::from_utf8(checked.expect("apk runs").stdout).expect("versions");
            refused.extend(text.lines().map(str::to_owned));
        }
        refused
    }

    fn order(&self, a: &str, b: &str) -> String {
        let output = self.command().args(["version", "--test", "--", a, b]).output();
        String::from_utf8(output.expect("apk runs").stdout).expect("a sign").trim().to_owned()
    }
}

impl Drop for Apk {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
