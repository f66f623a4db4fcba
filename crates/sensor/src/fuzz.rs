//! Readers of outside bytes, for fuzzing alone.

use crate::containers::fuzz as containers;
use crate::processes::fuzz as processes;
use crate::{act, users};

/// What runtimes say, in every form that they say it in.
pub fn runtime(bytes: &[u8]) {
    containers::answer(bytes);
}

/// The path of a control group.
pub fn control_group(bytes: &[u8]) {
    drop(crate::containers::container_of(&String::from_utf8_lossy(bytes)));
}

/// Files of `/proc`, mounts among them, and the accounts of a container.
pub fn files(bytes: &[u8]) {
    for mount in crate::prevent::fanotify::mount::read(bytes) {
        drop(mount.inner(mount.point.as_ref()));
        drop(mount.inner(bytes.into()));
    }
    processes::stat(bytes);
    users::fuzz(bytes);
}

/// Addresses and messages that calls were given.
pub fn addresses(bytes: &[u8]) {
    act::fuzz(bytes);
}

/// A record as a buffer holds it.
pub fn record(bytes: &[u8]) {
    drop(crate::record::Record::read(bytes));
}

/// A denial as its buffer holds it.
pub fn denial(bytes: &[u8]) {
    crate::prevent::fuzz(bytes);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// What the fuzzer does for hours, for a second: cut off anywhere, and with any byte changed.
    #[test]
    fn broken_inputs_are_no_harm() {
        let targets = [
            super::runtime,
            super::control_group,
            super::files,
            super::addresses,
            super::record,
            super::denial,
        ];
        let mut seeds: Vec<Vec<u8>> = vec![
            b"7 (a) R 1 7 7 34816 7 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n".to_vec(),
            b"root:x:0:0:root:/root:/bin/sh\nwheel:x:10:a,b\n".to_vec(),
            b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04abcd"
                .to_vec(),
            b"\x0a\x08\x0a\x01a\x12\x03\x0a\x01b".to_vec(),
            include_bytes!("../testdata/mounts/lines.txt").to_vec(),
        ];
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/runtime");
        for entry in std::fs::read_dir(data).unwrap() {
            seeds.push(std::fs::read(entry.unwrap().path()).unwrap());
        }
        for seed in seeds {
            let step = (seed.len() / 200).max(1);
            for position in (0..seed.len()).step_by(step) {
                let mut changed = seed.clone();
                changed[position] ^= 0xff;
                for target in targets {
                    target(&seed[..position]);
                    target(&changed);
                }
            }
        }
    }
}
