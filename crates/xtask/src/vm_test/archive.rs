//! The first files of a machine, as the kernel takes them: a `cpio` archive in the format `newc`,
//! written here because it is twenty lines. Deterministic: no times, no owners but root.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MAGIC: &str = "070701";
const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;
/// The numbers of `/dev/console`, without which init has nowhere to write.
const CONSOLE: (u32, u32) = (5, 1);
/// Names and contents begin at multiples of it.
const ALIGNMENT: usize = 4;

/// Entries one behind the other; folders come by themselves.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Archive {
    pub(super) fn text(&mut self, name: &str, mode: u32, text: &str) {
        self.add(name, FILE | mode, (0, 0), text.as_bytes());
    }

    pub(super) fn link(&mut self, name: &str, target: &str) {
        self.add(name, LINK, (0, 0), target.as_bytes());
    }

    /// A file of this machine, as an executable one.
    pub(super) fn copy(&mut self, from: &Path, name: &str) -> Result<(), String> {
        let bytes = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
        self.program(name, &bytes);
        Ok(())
    }

    pub(super) fn program(&mut self, name: &str, bytes: &[u8]) {
        self.add(name, FILE | 0o755, (0, 0), bytes);
    }

    pub(super) fn console(&mut self) {
        self.add("dev/console", CHARACTER_DEVICE, CONSOLE, &[]);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn add(&mut self, name: &str, mode: u32, device: (u32, u32), bytes: &[u8]) {
        let slashes = name.match_indices('/').map(|(at, _)| at);
        for folder in slashes.filter_map(|at| name.get(..at)) {
            if self.folders.insert(folder.to_owned()) {
                self.entry(folder, FOLDER, (0, 0), &[]);
            }
        }
        self.entry(name, mode, device, bytes);
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), bytes: &[u8]) {
        self.entries += 1;
        // Number, mode, owner, group, links, time, size, device, what it is a device of, length of
        // the name with its end, checksum.
        let fields = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            length(bytes.len()),
            0,
            0,
            device.0,
            device.1,
            length(name.len() + 1),
            0,
        ];
        self.bytes.extend(MAGIC.as_bytes());
        for field in fields {
            self.bytes.extend(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(bytes);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

/// What `newc` has room for; no test is four gigabytes long.
fn length(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    /// busybox has a reader that we did not write.
    #[test]
    fn busybox_lists_what_was_written() {
        let mut archive = Archive::default();
        archive.text("usr/lib/init", 0o755, "odd");
        archive.link("usr/link", "lib/init");
        let mut child = Command::new(super::super::programs::BUSYBOX)
            .args(["cpio", "-tv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("busybox runs");
        child.stdin.take().expect("a pipe").write_all(&archive.finish()).expect("it reads");
        let listed = child.wait_with_output().expect("it ends").stdout;
        let listed = String::from_utf8(listed).expect("text");
        let lines: Vec<(&str, &str)> = listed
            .lines()
            .filter_map(|line| Some((line.get(..10)?, line.split_once(":00 ")?.1)))
            .collect();
        let expected = [
            ("drwxr-xr-x", "usr"),
            ("drwxr-xr-x", "usr/lib"),
            ("-rwxr-xr-x", "usr/lib/init"),
            ("lrwxrwxrwx", "usr/link -> lib/init"),
        ];
        assert_eq!(lines, expected, "{listed}");
    }
}
