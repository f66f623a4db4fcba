//! One guard at a time refuses on a host: each takes away what those before it left in the kernel,
//! and of one that lives that would be what it holds.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::Refusal;

/// A number and a line's end.
const PID_BYTES_MAX: u64 = 16;

/// Held by whoever refuses. The kernel lets go of it when he is gone, however he went.
#[derive(Debug)]
pub(super) struct Alone {
    _file: File,
}

impl Alone {
    /// # Errors
    /// If another one has it.
    pub(super) fn take(path: &Path) -> Result<Self, Refusal> {
        let failed = |error| Refusal::Lock { path: path.to_owned(), error };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                // For people alone: without it, the path says enough.
                let _unsaid = file.take(PID_BYTES_MAX).read_to_string(&mut pid);
                return Err(Refusal::Another { path: path.to_owned(), pid: pid.trim().to_owned() });
            }
            Err(error) => return Err(failed(error.into())),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_he_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/prevent.lock");
        let one = Alone::take(&path).unwrap();
        let refused = Alone::take(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(one);
        Alone::take(&path).unwrap();
    }
}
