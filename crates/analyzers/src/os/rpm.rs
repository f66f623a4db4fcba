//! The rpm package database, in the four forms in which images carry it.
//!
//! `rpmdb.sqlite`, `Packages.db` (NDB) and `Packages` (Berkeley DB) are containers that hold one
//! binary header a package; each has its reader, and `header.rs` reads the headers. The fourth,
//! `container-manifest-2`, is a table in text. What is written here serves all of them.

pub(crate) mod bdb;
pub(crate) mod header;
pub(crate) mod manifest;
pub(crate) mod ndb;
pub(crate) mod sqlite;
pub(crate) mod wal;

use std::collections::{BTreeMap, BTreeSet};

use model::{Problem, ProblemKind};

pub(crate) use bdb::Bdb;
pub(crate) use manifest::Manifest;
pub(crate) use ndb::Ndb;
pub(crate) use sqlite::Sqlite;
pub(crate) use wal::Wal;

use crate::survey::Sighting;
use crate::{File, FileFacts};

/// The largest database that is read: a full workstation has 400 MB.
const DATABASE_BYTES_MAX: u64 = 1 << 30;

/// Parts of one database that could not be read, of which each is worth its words; of a file made of nothing
/// else there could be a hundred million.
const ERRORS_MAX: usize = 1000;

/// The names of a database by the program that reads it, the one that rpm prefers first: where
/// several stand in one directory, the others are left over from a conversion.
const NAMES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

/// Why a part of a database was not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("is not {0}")]
    Magic(&'static str),
    #[error("is {0}, which is not read")]
    Unsupported(&'static str),
    #[error("{what} at page {page} does not fit into the file")]
    Page { what: &'static str, page: u32 },
    #[error("{0} do not fit into the file")]
    Bounds(&'static str),
    #[error("page {0} is reached twice")]
    Loop(u32),
    #[error("has records that share bytes, and is not read any further")]
    Shared,
    #[error("has no table `Packages`")]
    NoTable,
    #[error("is empty")]
    Empty,
}

/// What reading one database may come to: records that do not share bytes are no longer than the file
/// together, and any number of those that do can be in some kilobytes.
struct Effort {
    left: usize,
    is_spent: bool,
}

impl Effort {
    fn of(bytes: &[u8]) -> Self {
        Self { left: bytes.len(), is_spent: false }
    }

    /// Whether so many bytes more may be read. If not, nothing more may.
    fn takes(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.is_spent = true,
        }
        !self.is_spent
    }
}

/// Takes the headers of a database one by one, and errors for those that could not be read.
type Sink<'a> = dyn FnMut(Result<&[u8], DatabaseError>) + 'a;

/// Turns the headers that `read` finds in a file into packages.
fn packages(read: impl FnOnce(&[u8], &mut Sink<'_>), file: &File<'_>, facts: &mut FileFacts) {
    if file.bytes.is_empty() {
        facts.problem(ProblemKind::Damaged, DatabaseError::Empty.to_string());
        return;
    }
    let mut errors = 0_usize;
    read(file.bytes, &mut |header| {
        let header = header.map(|header| header::installed(header, facts.path_list()));
        let is_error = !matches!(header, Ok(Ok(_)));
        errors = errors.saturating_add(usize::from(is_error));
        match header {
            Ok(Ok(Some(installed))) => facts.package(installed),
            Ok(Ok(None)) => {}
            _ if errors > ERRORS_MAX => {}
            Ok(Err(error)) => facts.problem(ProblemKind::Damaged, error.to_string()),
            Err(error @ DatabaseError::Unsupported(_)) => {
                facts.problem(ProblemKind::Unsupported, error.to_string());
            }
            Err(error) => facts.problem(ProblemKind::Damaged, error.to_string()),
        }
    });
}

/// The better database that stands beside the one at `place`, if there is one among `places`.
pub(crate) fn replacement(place: &str, places: &BTreeSet<&str>) -> Option<String> {
    let (directory, name) = place.rsplit_once('/')?;
    let rank = NAMES.iter().position(|known| *known == name)?;
    let better = NAMES.iter().take(rank).map(|better| format!("{directory}/{better}"));
    better.into_iter().find(|better| places.contains(better.as_str()))
}

/// A word on each database that was passed over for a better one. Where both list the same, it is left over from
/// a conversion; else nobody can tell which one the `rpm` of the image reads (`%_db_backend`), and what the
/// other lists may be installed.
pub(crate) fn replaced(files: &[Sighting<'_>]) -> Vec<Problem> {
    let listing: Vec<&Sighting<'_>> =
        files.iter().filter(|file| !file.facts.packages.is_empty()).collect();
    let places: BTreeMap<&str, &Sighting<'_>> =
        listing.iter().map(|file| (file.place.as_str(), *file)).collect();
    let known: BTreeSet<&str> = places.keys().copied().collect();
    let word = |file: &Sighting<'_>| {
        let better = replacement(&file.place, &known)?;
        let other = places.get(better.as_str())?;
        let (kind, what) = match listed(file).is_subset(&listed(other)) {
            true => (ProblemKind::Notice, "is passed over"),
            false => (ProblemKind::Damaged, "lists other packages, and is passed over"),
        };
        let message = format!("{what} for `{better}` beside it");
        Some(Problem::new(kind, &*file.path, message).in_layer(file.layer))
    };
    listing.into_iter().filter_map(word).collect()
}

/// The builds that a database lists.
fn listed<'f>(file: &Sighting<'f>) -> BTreeSet<(&'f str, &'f str, &'f str)> {
    let packages = file.facts.packages.iter().map(|installed| &installed.package);
    packages.map(|it| (&*it.name, &*it.version, &*it.architecture)).collect()
}
