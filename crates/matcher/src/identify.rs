//! What archives are that say nothing of themselves but a file name: their SHA-1 in the index of a
//! Maven repository, where one was imported.
//!
//! It stands before matching, because a package without its group is nobody's. Only where the name
//! was a guess (`Basis::FileName`) is it replaced; what an archive records of itself stays. Without an
//! index nothing changes and nothing is said, for nobody has to have one.

use std::collections::BTreeSet;

use advisories::{Coordinates, Store};
use model::{Basis, Inventory, Package, PackageKind, Problem};

/// The streams of the index; the first two digits of the digest follow.
const STREAMS: &str = "maven-sha1";
/// How a package writes the digest of its archive.
const ALGORITHM: &str = "sha1:";

/// Names the packages that an index in the store knows better, and says which parts of it could not
/// be read.
pub fn identify(inventory: &mut Inventory, store: &Store) -> Vec<Problem> {
    let mut problems = BTreeSet::new();
    let mut changed = false;
    for package in inventory.packages.iter_mut().filter(|package| is_guessed(package)) {
        match look_up(package, store) {
            Ok(Some(found)) => {
                package.name = format!("{}:{}", found.group, found.artifact);
                package.version = found.version;
                package.basis = Basis::Digest;
                changed = true;
            }
            Ok(None) => {}
            Err(problem) => problems.extend([problem]),
        }
    }
    if changed {
        inventory.packages.sort_unstable();
    }
    problems.into_iter().collect()
}

fn is_guessed(package: &Package) -> bool {
    package.kind == PackageKind::Maven && package.basis == Basis::FileName
}

fn look_up(package: &Package, store: &Store) -> Result<Option<Coordinates>, Problem> {
    let digest = package.hashes.iter().find_map(|hash| hash.strip_prefix(ALGORITHM));
    let shard = digest.and_then(|digest| digest.get(..2));
    let (Some(digest), Some(shard)) = (digest, shard) else { return Ok(None) };
    let stream = format!("{STREAMS}-{shard}");
    let segment = store.segment(&stream).map_err(|error| error.problem())?;
    let Some(segment) = segment else { return Ok(None) };
    let names = segment.coordinates(digest).map_err(|error| error.problem())?;
    Ok(choose(package, &names).cloned())
}

/// The one name there is; of several the one that agrees with the file's name, first in all it says,
/// then in the artifact. Where that leaves several or none, the digest does not tell.
fn choose<'n>(package: &Package, names: &'n [Coordinates]) -> Option<&'n Coordinates> {
    if let [only] = names {
        return Some(only);
    }
    let (group, artifact) = package.name.rsplit_once(':').unwrap_or(("", &package.name));
    let is_called = |name: &&Coordinates| name.artifact == artifact;
    let is_version = |name: &&Coordinates| is_called(name) && name.version == package.version;
    let is_all = |name: &&Coordinates| is_version(name) && name.group == group;
    single(names.iter().filter(is_all))
        .or_else(|| single(names.iter().filter(is_version)))
        .or_else(|| single(names.iter().filter(is_called)))
}

fn single<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

#[cfg(test)]
mod tests {
    use advisories::{SegmentMeta, SegmentWriter};
    use model::Location;

    use super::*;

    const TIDE: &str = "3f786850e387550fdab836ed7e6dc881de23001b";

    fn called(text: &str) -> Coordinates {
        let parts: Vec<&str> = text.split(':').collect();
        let [group, artifact, version] = parts[..] else { panic!("`{text}`") };
        let [group, artifact, version] = [group, artifact, version].map(str::to_owned);
        Coordinates { group, artifact, version }
    }

    fn store(folder: &tempfile::TempDir, names: &[&str]) -> Store {
        let store = Store::open(folder.path());
        let stream = "maven-sha1-3f".to_owned();
        let mut writer = SegmentWriter::new(SegmentMeta { stream, ..SegmentMeta::default() });
        names.iter().for_each(|name| writer.coordinates(TIDE, &[called(name)]));
        store.write(writer).unwrap();
        store
    }

    fn package(name: &str, version: &str) -> Package {
        Package {
            basis: Basis::FileName,
            hashes: vec![format!("sha1:{TIDE}")],
            location: Location { path: "srv/tide.jar".to_owned(), layer: None },
            ..Package::new(PackageKind::Maven, name, version)
        }
    }

    /// What becomes of a package that is called so, and by what.
    fn identified(package: Package, store: &Store) -> String {
        let mut inventory = Inventory { packages: vec![package], ..Inventory::default() };
        assert_eq!(identify(&mut inventory, store), []);
        let Package { name, version, basis, .. } = &inventory.packages[0];
        format!("{name} {version} {}", basis.name())
    }

    #[test]
    fn a_digest_names_what_a_file_name_guesses() {
        let one: &[&str] = &["org.example:tide:1.0"];
        let moved: &[&str] = &["org.example:tide:1.0", "org.moved:tide:1.0", "org.moved:tide:2.0"];
        let cases: [(&[&str], &str, &str, &str); 7] = [
            (one, "library", "", "org.example:tide 1.0 digest"),
            (one, "other:name", "9", "org.example:tide 1.0 digest"),
            (moved, "org.moved:tide", "1.0", "org.moved:tide 1.0 digest"),
            (moved, "tide", "2.0", "org.moved:tide 2.0 digest"),
            (moved, "tide", "1.0", "tide 1.0 file_name"),
            (moved, "library", "1.0", "library 1.0 file_name"),
            (&["a:x:1", "b:tide:2"], "tide", "", "b:tide 2 digest"),
        ];
        for (names, name, version, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder, names);
            assert_eq!(identified(package(name, version), &store), expected, "{names:?}");
        }
    }

    #[test]
    fn nothing_else_is_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, &["org.example:tide:1.0"]);
        let sound = package("tide", "2");
        let others = [
            Package { basis: Basis::Record, ..sound.clone() },
            Package { kind: PackageKind::Npm, ..sound.clone() },
            Package { hashes: Vec::new(), ..sound.clone() },
            Package { hashes: vec!["sha1:é".to_owned()], ..sound.clone() },
            Package { hashes: vec![format!("sha1:{}", "0".repeat(40))], ..sound.clone() },
        ];
        for other in others {
            let basis = other.basis.name();
            assert_eq!(identified(other, &store), format!("tide 2 {basis}"));
        }
    }

    #[test]
    fn a_damaged_segment_is_said_once_and_the_name_stays() {
        let folder = tempfile::tempdir().unwrap();
        drop(store(&folder, &["org.example:tide:1.0"]));
        std::fs::write(folder.path().join("maven-sha1-3f.seg"), "x").unwrap();
        let packages = vec![package("tide", "1"), package("rope", "1")];
        let mut inventory = Inventory { packages: packages.clone(), ..Inventory::default() };
        let problems = identify(&mut inventory, &Store::open(folder.path()));
        assert_eq!(problems.len(), 1);
        assert_eq!(inventory.packages, packages);
    }
}
