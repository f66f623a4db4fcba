//! Programs and tables that stay in the kernel when the guard is killed, until another one has taken
//! their place.
//!
//! Each guard pins into a folder of its own. The next one copies what its tables say of groups,
//! attaches its own programs beside, and only then removes the folder: there is no moment in which
//! nothing is refused. A process that ends well removes its own.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aya::maps::{Array, HashMap, Map, MapData, RingBuf};
use aya::programs::links::FdLink;
use model::Denial;

use super::load::{ID_BYTES, Links, Object, id_bytes};
use super::wire::Holding;
use super::{Refusal, record};
use crate::clock::Clock;

/// What a guard of another version would not understand has another name here.
const VERSION: &str = "prevent-2-";
/// Folders that are looked at; each guard that was killed leaves one, and the next takes all away.
const FOLDERS_MAX: u32 = 64;
/// The tables that a guard takes over.
const TABLES: [&str; 5] = ["groups", "unknown_group", "ids", "denials", "untold"];
const MAGIC: u64 = 0xcafe_4a11;

/// A folder of ours.
#[derive(Debug)]
pub(super) struct Pinned(PathBuf);

impl Pinned {
    /// Makes the folder, and pins the tables there.
    pub(super) fn tables(folder: &Path, object: &Object) -> Result<Self, String> {
        let fail =
            |path: &Path, error: &dyn std::fmt::Display| format!("`{}`: {error}", path.display());
        let parent = folder.parent().unwrap_or(folder);
        let system = rustix::fs::statfs(parent).map_err(|error| fail(parent, &error))?;
        if u64::try_from(system.f_type).ok() != Some(MAGIC) {
            return Err(fail(parent, &"no BPF file system is mounted there"));
        }
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700).recursive(true);
        builder.create(folder).map_err(|error| fail(folder, &error))?;
        let own = (0..FOLDERS_MAX).map(|number| folder.join(format!("{VERSION}{number}")));
        let own = own.into_iter().find(|path| fs::create_dir(path).is_ok());
        let own = Self(own.ok_or_else(|| fail(folder, &"no folder can be made there"))?);
        for name in TABLES {
            let path = own.0.join(name);
            let pinned = object.ebpf.map(name).map(|map| map.pin(&path));
            if let Some(Err(error)) = pinned {
                let why = fail(&path, &error);
                own.remove();
                return Err(why);
            }
        }
        Ok(own)
    }

    /// # Errors
    /// If the kernel does not take one; then what it was for is attached no more.
    pub(super) fn links(&self, links: Links) -> Result<Links, Refusal> {
        let pin = |(name, link): (&'static str, FdLink)| {
            let path = self.0.join(name);
            match link.pin(&path) {
                Ok(pinned) => Ok((name, FdLink::from(pinned))),
                Err(error) => Err(Refusal::Pin { path, why: error.to_string() }),
            }
        };
        links.into_iter().map(pin).collect()
    }

    /// What has no other holder ends with it.
    pub(super) fn remove(self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        // What is gone already is as removed; what cannot be is found by the next guard.
        drop(fs::remove_file(entry.path()));
    }
    drop(fs::remove_dir(folder));
}

/// A buffer of denials, and what its bits are called.
pub(super) struct Inbox {
    pub(super) ids: Vec<String>,
    pub(super) buffer: RingBuf<MapData>,
}

impl Inbox {
    /// Hands over what is there; returns how many were no denials.
    pub(super) fn empty(&mut self, clock: Clock, pass: &mut dyn FnMut(Denial)) -> u64 {
        let mut damaged = 0;
        while let Some(bytes) = self.buffer.next() {
            match record::read(&bytes, &self.ids, clock) {
                Ok(denials) => denials.into_iter().for_each(&mut *pass),
                Err(_damage) => damaged += 1,
            }
        }
        damaged
    }
}

/// What guards left that are not there any more.
#[derive(Debug, Default)]
pub(super) struct Former {
    folders: Vec<PathBuf>,
}

impl Former {
    pub(super) fn find(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        folders.sort();
        Self { folders }
    }

    /// What was held for groups, by the bits that the same ids have now.
    pub(super) fn groups(&self, ids: &[String]) -> Vec<(u64, Holding)> {
        let mut all = Vec::new();
        for folder in self.understood() {
            let known = known_ids(folder);
            let Some(table) = table::<HashMap<MapData, u64, Holding>>(folder, "groups") else {
                continue;
            };
            let entries = table.iter().flatten();
            all.extend(entries.map(|(group, holding)| (group, renamed(holding, &known, ids))));
        }
        all
    }

    pub(super) fn unknown(&self, ids: &[String]) -> Holding {
        let of = |folder: &PathBuf| {
            let table: Array<MapData, Holding> = table(folder, "unknown_group")?;
            Some(renamed(table.get(&0, 0).ok()?, &known_ids(folder), ids))
        };
        self.understood().filter_map(of).last().unwrap_or_default()
    }

    /// Where it is told what was refused while nobody was there, and what still is until the kernel
    /// has taken the old programs away.
    pub(super) fn inboxes(&self) -> Vec<Inbox> {
        let inbox = |folder: &PathBuf| {
            let ids = known_ids(folder).iter().map(text).collect();
            Some(Inbox { ids, buffer: table(folder, "denials")? })
        };
        self.understood().filter_map(inbox).collect()
    }

    /// Denials that nobody was told of; what comes until the old programs are away is not among them.
    pub(super) fn untold(&self) -> [u64; 2] {
        let tables = self.understood().filter_map(|folder| table(folder, "untold"));
        tables.fold([0, 0], |sum, table: Array<MapData, u64>| {
            let mut slots = [0_u32, 1].into_iter();
            sum.map(|count: u64| {
                let more = slots.next().and_then(|slot| table.get(&slot, 0).ok());
                count.saturating_add(more.unwrap_or(0))
            })
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    pub(super) fn release(&self) {
        self.folders.iter().for_each(|folder| remove(folder));
    }

    fn understood(&self) -> impl Iterator<Item = &PathBuf> {
        self.folders.iter().filter(|folder| {
            folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(VERSION))
        })
    }
}

fn table<T: TryFrom<Map>>(folder: &Path, name: &str) -> Option<T> {
    let data = MapData::from_pin(folder.join(name)).ok()?;
    T::try_from(Map::from_map_data(data).ok()?).ok()
}

fn known_ids(folder: &Path) -> Vec<[u8; ID_BYTES]> {
    let table: Option<Array<MapData, [u8; ID_BYTES]>> = table(folder, "ids");
    table.map(|table| table.iter().flatten().collect()).unwrap_or_default()
}

fn text(id: &[u8; ID_BYTES]) -> String {
    let end = id.iter().position(|byte| *byte == 0).unwrap_or(ID_BYTES);
    String::from_utf8_lossy(id.get(..end).unwrap_or_default()).into_owned()
}

/// Bits by what they were called, as bits of what is called so now.
fn renamed(holding: Holding, known: &[[u8; ID_BYTES]], ids: &[String]) -> Holding {
    holding.map(|bits| {
        let now = ids.iter().enumerate().filter(|(_, id)| {
            let then = known.iter().position(|known| *known == id_bytes(id));
            then.is_some_and(|bit| bits >> bit & 1 == 1)
        });
        now.fold(0, |bits, (index, _)| bits | 1 << index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_their_ids() {
        let known = ["a", "b", "c"].map(id_bytes);
        let ids = ["c", "d", "a"].map(str::to_owned);
        assert_eq!(renamed([0b111, 0b001], &known, &ids), [0b101, 0b100]);
        assert_eq!(renamed([0b010, 0], &known, &ids), [0, 0], "nobody is called so any more");
        assert_eq!(renamed([!0, !0], &[], &ids), [0, 0]);
    }
}
