//! Quarantine: a file is sealed away in the state folder, and put back byte for byte with owner,
//! mode, times and extended attributes (labels and capabilities among them).
//!
//! At every moment there is the original, or a copy that was found whole on disk. The original goes
//! by two renames' worth of care: first to a name of ours, then, if it still is what was copied, away.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::fstat;
use serde::{Deserialize, Serialize};

use crate::file::{self, Identity, Links, Place};
use crate::refusal::Refusal;
use crate::root::Root;
use crate::seal::{self, Key};
use crate::target::Told;

mod attributes;

use self::attributes::Attributes;

/// What attacks bring is small, and the state folder is on the host's own disk.
const BYTES_MAX: u64 = 512 << 20;
/// Of all that is kept: who brings files in a container is not to fill the host's disk with what its
/// own disk, or its quota, has no room for.
const KEPT_BYTES_MAX: u64 = 4 << 30;
/// Of hidden names of ours.
const PREFIX: &str = ".lazaret-";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quarantine {
    /// In which the path is meant.
    #[serde(default)]
    root: Root,
    #[serde(with = "crate::path")]
    path: PathBuf,
    /// What was found there.
    file: Identity,
    /// Where the copy goes, and the key.
    sealed: PathBuf,
    key: PathBuf,
    /// What the original is called for a moment, and the copy that is put back.
    passing: String,
}

impl Quarantine {
    pub(crate) fn plan(
        root: Root,
        path: &Path,
        told: Option<Told>,
        state: &Path,
        linked: bool,
    ) -> Result<Self, Refusal> {
        let shown = format!("`{}`", path.display());
        let failed = |error: std::io::Error| Refusal::failed("quarantining", &shown, &error);
        let refused = |why: &str| Refusal::failed("quarantining", &shown, &why);
        let file = told.and_then(|told| told.file);
        // Who can turn a folder into a link chooses the file, where nobody knows which one was meant.
        let links = if told.is_some() && file.is_none() { Links::Refused } else { Links::Followed };
        let opened = root.open().map_err(failed)?;
        let held = Place::below(opened, path, links).and_then(|place| place.hold(&place.name));
        let held = held.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Refusal::NotFound { what: "file", name: path.display().to_string() }
            }
            _ => failed(error),
        })?;
        if let Some(why) = file::unfit(&held).map_err(failed)? {
            return Err(refused(why));
        }
        if let Some(file) = file
            && !file::is_told(&held, file).map_err(failed)?
        {
            return Err(refused("another file has its name now"));
        }
        let stat = fstat(&held).map_err(|error| failed(error.into()))?;
        let file = Identity::of(&stat);
        if file.size > BYTES_MAX {
            return Err(refused("it is larger than 512 MiB")
                .hinting("`pause` the container, and move the file by hand"));
        }
        let folder = state.join("quarantine");
        if kept(&folder).map_err(failed)?.saturating_add(file.size) > KEPT_BYTES_MAX {
            return Err(refused("4 GiB are kept already, and no more").hinting(
                "`restore` what is done with, or remove it from `quarantine` in the state folder",
            ));
        }
        if stat.st_nlink > 1 && !linked {
            return Err(refused("it has other names, under which it would stay")
                .hinting("--linked takes this name away all the same"));
        }
        let name = seal::random::<8>().map_err(failed)?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            root,
            path: path.to_owned(),
            file,
            sealed: folder.join(&name),
            key: state.join("quarantine.key"),
            passing: format!("{PREFIX}{name}"),
        })
    }

    /// Whoever writes another file under the name gets that one taken away, too.
    pub(crate) fn is_of_same_file(&self, other: &Self) -> bool {
        (&self.root, &self.path, self.file) == (&other.root, &other.path, other.file)
    }

    pub(crate) fn holds(&self) -> bool {
        self.sealed.exists()
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        let is_away = self.take_away().map_err(|error| self.failed("quarantining", &error))?;
        let size = self.file.size;
        Ok(match is_away {
            true => format!("{size} bytes sealed away"),
            false => format!("{size} bytes sealed away; another file has its name now"),
        })
    }

    /// False if something else has its name.
    fn take_away(&self) -> std::io::Result<bool> {
        let place = self.place()?;
        // By a run that was broken off, which may have removed it as well.
        let was_sealed = self.sealed.exists();
        if !was_sealed {
            let held = place.hold(&place.name)?;
            file::refuse_mount(&held)?;
            self.seal(&held)?;
        }
        let (name, passing) = (&*place.name, OsStr::new(&self.passing));
        // It may have come this far before.
        if place.stat(passing)?.is_none() {
            if place.stat(name)?.is_none() {
                return Ok(true);
            }
            place.rename(name, passing)?;
        }
        let moved = place.hold(passing)?;
        if Identity::of(&fstat(&moved)?) == self.file {
            return place.remove(passing).map(|()| true);
        }
        // Who writes to it can give its name to another one, too.
        if let Err(error) = place.rename(passing, name) {
            let called =
                format!("it changed meanwhile, and is called `{}` now: {error}", self.passing);
            return Err(std::io::Error::other(called));
        }
        if was_sealed {
            // The copy may be all that is left of it.
            return Ok(false);
        }
        fs::remove_file(&self.sealed)?;
        Err(std::io::Error::other("it changed meanwhile"))
    }

    fn seal(&self, held: &OwnedFd) -> std::io::Result<()> {
        if Identity::of(&fstat(held)?) != self.file {
            return Err(std::io::Error::other("it changed meanwhile"));
        }
        let folder = self.sealed.parent().unwrap_or_else(|| Path::new("/"));
        make_private(folder)?;
        let mut content = file::read(held)?;
        let description = serde_json::to_vec(&Attributes::read(&content)?)?;
        let part = self.sealed.with_extension("part");
        let mut copy =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let key = Key::at(&self.key)?;
        let sealed = seal::close(&key, &description, &mut content, &mut copy);
        let sealed = sealed.and_then(|length| copy.sync_all().map(|()| length));
        let is_whole = matches!(sealed, Ok(length) if length == self.file.size);
        if !is_whole || Identity::of(&fstat(held)?) != self.file {
            // What is kept of it is of no use; on a full disk its room is.
            fs::remove_file(&part)?;
            sealed?;
            return Err(std::io::Error::other("it changed meanwhile"));
        }
        fs::rename(&part, &self.sealed)?;
        File::open(folder)?.sync_all()
    }

    pub(crate) fn revert(&self) -> Result<String, Refusal> {
        let restored = self.put_back().map_err(|error| {
            let refusal = self.failed("restoring", &error);
            match error.kind() {
                ErrorKind::AlreadyExists => refusal.hinting(
                    "something else has its name now: move that, or restore with --to FILE",
                ),
                ErrorKind::NotFound => {
                    refusal.hinting("its folder or container is gone: restore with --to FILE")
                }
                _ => refusal,
            }
        })?;
        Ok(restored.to_owned())
    }

    fn put_back(&self) -> std::io::Result<&'static str> {
        let part = self.sealed.with_extension("part");
        if part.exists() {
            fs::remove_file(part)?;
        }
        if !self.sealed.exists() {
            return Ok("it was never taken away");
        }
        let place = self.place()?;
        let passing = OsStr::new(&self.passing);
        let said = match (place.stat(&place.name)?, place.stat(passing)?) {
            (Some(there), _) if Identity::of(&there) == self.file => "it was never taken away",
            (None, Some(there)) if Identity::of(&there) == self.file => {
                place.rename(passing, &place.name)?;
                "put back"
            }
            (Some(_), None) if self.is_back(&place)? => "it was put back already",
            (_, leftover) => {
                // A copy that was being put back when somebody died.
                if leftover.is_some() {
                    place.remove(passing)?;
                }
                self.restore(&place, passing)?;
                "put back"
            }
        };
        fs::remove_file(&self.sealed)?;
        Ok(said)
    }

    fn restore(&self, place: &Place, passing: &OsStr) -> std::io::Result<()> {
        if place.stat(&place.name)?.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let mut copy = place.create(passing)?;
        let restored = self
            .unseal_into(&mut copy)
            .and_then(|attributes| attributes.write(&copy))
            .and_then(|()| copy.sync_all())
            .and_then(|()| place.rename(passing, &place.name));
        if restored.is_err() {
            place.remove(passing)?;
        }
        restored
    }

    fn unseal_into(&self, to: &mut dyn Write) -> std::io::Result<Attributes> {
        let mut attributes = None;
        let mut describe = |bytes: &[u8]| {
            attributes = Some(serde_json::from_slice(bytes)?);
            Ok(())
        };
        let mut sealed = File::open(&self.sealed)?;
        seal::unseal(&Key::at(&self.key)?, &mut sealed, &mut describe, &mut |piece| {
            to.write_all(piece)
        })?;
        attributes.ok_or_else(|| ErrorKind::InvalidData.into())
    }

    /// Whether what stands there is the copy: somebody died after he had put it back.
    fn is_back(&self, place: &Place) -> std::io::Result<bool> {
        let held = place.hold(&place.name)?;
        if file::unfit(&held)?.is_some() || Identity::of(&fstat(&held)?).size != self.file.size {
            return Ok(false);
        }
        let mut same = Comparison { with: file::read(&held)?, is_same: true };
        let attributes = self.unseal_into(&mut same)?;
        Ok(same.is_same && attributes.are_those_of(&same.with)?)
    }

    /// Writes the content elsewhere, for whoever wants to look at it.
    pub(crate) fn write_to(&self, path: &Path) -> Result<(), Refusal> {
        let written = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            let unsealed = self.unseal_into(&mut file).and_then(|_| file.sync_all());
            if unsealed.is_err() {
                fs::remove_file(path)?;
            }
            unsealed
        };
        written()
            .map_err(|error| Refusal::failed("writing", format!("`{}`", path.display()), &error))
    }

    fn place(&self) -> std::io::Result<Place> {
        Place::below(self.root.open()?, &self.path, Links::Followed)
    }

    fn failed(&self, what: &'static str, why: &impl ToString) -> Refusal {
        Refusal::failed(what, format!("`{}`", self.path.display()), why)
    }
}

/// Bytes of what is sealed away, and of what is being.
fn kept(folder: &Path) -> std::io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    // What goes meanwhile takes no room.
    let sizes = entries.flatten().filter_map(|entry| entry.metadata().ok());
    Ok(sizes.fold(0, |sum, it| sum.saturating_add(it.len())))
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let made =
        std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(folder);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Takes bytes, and holds them against a file.
struct Comparison {
    with: File,
    is_same: bool,
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut there = vec![0; bytes.len()];
        let read = std::io::Read::read_exact(&mut self.with, &mut there);
        self.is_same &= read.is_ok() && there == bytes;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
