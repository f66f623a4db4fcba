//! The files of `registries.conf`: where they are, what is in them, and whether that makes sense.
//!
//! A file that is not understood is an error, as it is to Podman: what it blocks, or sends
//! elsewhere, would be asked for all the same without it. So nothing here may pass over a part of a
//! file in silence.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Entry, Registries};
use crate::Environment;

/// Configuration written by people is a few KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Drop-in files of one directory.
const FILES_MAX: usize = 200;
/// What `pull-from-mirror` may say; nothing means all.
const PULLS: [&str; 4] = ["", "all", "digest-only", "tag-only"];

/// A file, in either version.
#[derive(Deserialize)]
struct Conf {
    #[serde(flatten)]
    second: Registries,
    #[serde(default)]
    registries: Option<First>,
}

/// The tables of version 1.
#[derive(Default, Deserialize)]
#[serde(default)]
struct First {
    search: List,
    insecure: List,
    block: List,
}

#[derive(Default, Deserialize)]
struct List {
    #[serde(default)]
    registries: Vec<String>,
}

impl First {
    /// The same in version 2.
    fn modern(self) -> Registries {
        let mut entries: Vec<Entry> = Vec::new();
        let blocked = self.block.registries.into_iter().map(|location| (location, true));
        let insecure = self.insecure.registries.into_iter().map(|location| (location, false));
        for (location, blocked) in blocked.chain(insecure) {
            let insecure = !blocked;
            match entries.iter_mut().find(|it| it.location == location) {
                Some(known) => known.insecure |= insecure,
                None => entries.push(Entry { location, insecure, blocked, ..Entry::default() }),
            }
        }
        let unqualified = Some(self.search.registries);
        Registries { entries, unqualified, ..Registries::default() }
    }
}

impl Registries {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unqualified.is_none() && self.aliases.is_empty()
    }

    /// The same with names as they are compared. Fails where two readers could see two things in it.
    fn checked(mut self) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for mut entry in std::mem::take(&mut self.entries) {
            entry.check()?;
            let same = |it: &&Entry| it.place() == entry.place();
            if entries.iter().filter(same).any(|it| !it.agrees(&entry)) {
                return Err(format!("`{}` is listed twice, and differently", entry.place()));
            }
            // The first of a file counts.
            if !entries.iter().any(|it| it.prefix() == entry.prefix()) {
                entries.push(entry);
            }
        }
        self.unqualified.iter_mut().flatten().try_for_each(clean)?;
        Ok(Self { entries, ..self })
    }
}

impl Entry {
    fn check(&mut self) -> Result<(), String> {
        clean(&mut self.prefix)?;
        clean(&mut self.location)?;
        if self.prefix().is_empty() {
            return Err("a registry has neither prefix nor location".to_owned());
        }
        if self.prefix().strip_prefix("*.").is_some_and(|it| it.contains(['/', '@', ':'])) {
            let prefix = self.prefix();
            return Err(format!("`{prefix}` is no wildcard that is known: want `*.DOMAIN`"));
        }
        for mirror in &mut self.mirrors {
            clean(&mut mirror.location)?;
            if mirror.location.is_empty() {
                return Err(format!("`{}` has a mirror without a location", self.place()));
            }
            if !PULLS.contains(&mirror.pull_from_mirror.as_str()) {
                let pull = &mirror.pull_from_mirror;
                return Err(format!("`pull-from-mirror = \"{pull}\"` is not known"));
            }
        }
        Ok(())
    }

    /// Where it leads.
    fn place(&self) -> &str {
        if self.location.is_empty() { &self.prefix } else { &self.location }
    }

    fn agrees(&self, other: &Self) -> bool {
        self.blocked == other.blocked && self.insecure == other.insecure
    }
}

/// Takes slashes from the end of a place. Fails if it is a URL.
fn clean(place: &mut String) -> Result<(), String> {
    place.truncate(place.trim_end_matches('/').len());
    match place.split_once("://") {
        Some(_) => Err(format!("`{place}` names a scheme, and has to be HOST[:PORT][/PATH]")),
        None => Ok(()),
    }
}

/// Reads what a file says.
pub(crate) fn parse(bytes: &[u8]) -> Result<Registries, String> {
    let parsed: Result<Conf, _> = toml::from_slice(bytes);
    let Conf { second, registries } = parsed.map_err(|why| why.message().to_owned())?;
    let registries = match registries {
        None => second,
        Some(first) if second.is_empty() => first.modern(),
        Some(_) => return Err("it mixes versions 1 and 2 of the format".to_owned()),
    };
    registries.checked()
}

/// The user's own file stands in for the system's; drop-ins add to either, the user's last.
pub(super) fn files(environment: &Environment) -> Result<Vec<PathBuf>, (PathBuf, String)> {
    if let Some(explicit) = environment.path("CONTAINERS_REGISTRIES_CONF") {
        return Ok(vec![explicit]);
    }
    let system = environment.system().join("containers");
    let user = environment.containers_config();
    let own = user.as_ref().map(|dir| dir.join("registries.conf")).filter(|path| path.is_file());
    let main = own.unwrap_or_else(|| system.join("registries.conf"));
    let mut files: Vec<PathBuf> = std::iter::once(main).filter(|path| path.is_file()).collect();
    for directory in [Some(system), user].into_iter().flatten() {
        let directory = directory.join("registries.conf.d");
        let found = drop_ins(&directory);
        if found.len() > FILES_MAX {
            return Err((directory, format!("it holds more than {FILES_MAX} files")));
        }
        files.extend(found);
    }
    Ok(files)
}

fn drop_ins(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .take(FILES_MAX + 1)
        .collect();
    paths.sort();
    paths
}

pub(super) fn read(path: &Path) -> Result<Registries, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|why| why.to_string())?;
    let mut file = file.take(FILE_BYTES_MAX + 1);
    file.read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    parse(&bytes)
}
