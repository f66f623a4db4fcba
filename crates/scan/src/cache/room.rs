//! How much room cached layer facts take, and how room is made: what was not used for longest goes
//! first.
//!
//! Nothing is locked. A file that another process deletes or replaces meanwhile is as good as
//! deleted by us; one that it is reading stays readable; one that it is writing has a temporary
//! name and is left alone while it is young. Only files two levels below the cache's own folder are
//! ever deleted, and links are not followed.

use analyzers::Checks;
use std::fs::DirEntry;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::IMAGES;

/// Cached facts that are used again get a new time at most this often, for a write each time would
/// cost more than the order among recent ones is worth.
const USE_NOTED_EVERY: Duration = Duration::from_secs(3600);
/// A temporary file that is older was left behind by a process that was killed.
const WRITING_MAX: Duration = Duration::from_secs(3600);
/// Making room stops at this share of the limit, so that not every run has to do it again.
const ROOM_LEFT: (u64, u64) = (9, 10);

/// What the cache holds, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Layers with their facts; one that links lead to has a second file for each such image.
    pub layers: u64,
    /// Images that were seen.
    pub images: u64,
    /// Of both.
    pub bytes: u64,
    /// When the one that was not used for longest was used.
    pub oldest: Option<SystemTime>,
}

impl Usage {
    fn add(&mut self, file: &CachedFile) {
        match file.is_image {
            true => self.images += 1,
            false => self.layers += 1,
        }
        self.bytes += file.bytes;
        self.oldest = self.oldest.into_iter().chain([file.used]).min();
    }
}

/// One cached file. Ordered by its last use.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CachedFile {
    used: SystemTime,
    path: PathBuf,
    bytes: u64,
    is_image: bool,
    is_temporary: bool,
}

impl CachedFile {
    fn is_being_written(&self) -> bool {
        // A time to come is a clock that was set back.
        self.is_temporary && self.used.elapsed().map_or(true, |age| age < WRITING_MAX)
    }
}

/// What the cache folder holds; nothing if it is not there.
pub fn usage(cache_dir: &Path) -> io::Result<Usage> {
    let mut usage = Usage::default();
    files(cache_dir)?.iter().for_each(|file| usage.add(file));
    Ok(usage)
}

/// Deletes what was not used since a time, or everything. Gives what was deleted.
pub fn clean(cache_dir: &Path, unused_since: Option<SystemTime>) -> io::Result<Usage> {
    let mut deleted = Usage::default();
    for file in files(cache_dir)? {
        let is_due = unused_since.is_none_or(|since| file.used < since);
        if is_due && !file.is_being_written() && delete(&file)? {
            deleted.add(&file);
        }
    }
    remove_empty_folders(cache_dir);
    Ok(deleted)
}

/// Deletes what was not used for longest until the rest fits into `limit` bytes.
pub(super) fn make_room(cache_dir: &Path, limit: u64) -> io::Result<()> {
    let mut files = files(cache_dir)?;
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    if bytes <= limit {
        return Ok(());
    }
    let goal = limit / ROOM_LEFT.1 * ROOM_LEFT.0;
    files.sort_unstable();
    for file in files {
        if bytes <= goal {
            break;
        }
        if !file.is_being_written() {
            delete(&file)?;
            bytes = bytes.saturating_sub(file.bytes);
        }
    }
    remove_empty_folders(cache_dir);
    Ok(())
}

/// Notes that a file was used; where that cannot be, it looks older than it is, and no more.
pub(super) fn note_use(file: &std::fs::File, used: SystemTime) {
    let now = SystemTime::now();
    if now.duration_since(used).is_ok_and(|age| age > USE_NOTED_EVERY) {
        drop(file.set_modified(now));
    }
}

/// Every file of every generation of analyzers, in no order.
fn files(cache_dir: &Path) -> io::Result<Vec<CachedFile>> {
    let mut files = Vec::new();
    for generation in folders(cache_dir)? {
        let is_image = generation.ends_with(IMAGES);
        for entry in entries(&generation)? {
            let Some(metadata) = absent_is_none(entry.metadata())?.filter(|it| it.is_file()) else {
                continue;
            };
            let is_temporary = entry.file_name().as_encoded_bytes().starts_with(b".tmp");
            let (used, bytes) = (metadata.modified()?, metadata.len());
            files.push(CachedFile { used, path: entry.path(), bytes, is_image, is_temporary });
        }
    }
    Ok(files)
}

fn folders(cache_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in entries(&super::layers_dir(cache_dir))? {
        if absent_is_none(entry.file_type())?.is_some_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The entries of a folder; none if it is not there.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match absent_is_none(std::fs::read_dir(folder))? {
        Some(entries) => entries.collect(),
        None => Ok(Vec::new()),
    }
}

/// Whether it was we who deleted it.
fn delete(file: &CachedFile) -> io::Result<bool> {
    Ok(absent_is_none(std::fs::remove_file(&file.path))?.is_some())
}

/// Generations of which nothing is left go; our own stays, for others are about to fill it.
fn remove_empty_folders(cache_dir: &Path) {
    for folder in folders(cache_dir).unwrap_or_default() {
        let is_ours = Checks::all().any(|it| folder.ends_with(analyzers::fingerprint(it)));
        if !is_ours {
            drop(std::fs::remove_dir(folder));
        }
    }
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::cache::{Cache, Kept};

    const HOUR: u64 = 3600;

    /// A cached file of 100 bytes that was last used so many hours ago.
    fn file(dir: &Path, name: &str, hours: u64) {
        let path = dir.join("layers").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, [0; 100]).unwrap();
        let used = SystemTime::now() - Duration::from_secs(hours * HOUR);
        File::options().write(true).open(&path).unwrap().set_modified(used).unwrap();
    }

    fn left(dir: &Path) -> Vec<String> {
        let name = |file: CachedFile| {
            let name = file.path.strip_prefix(dir.join("layers")).unwrap().to_str().unwrap();
            name.to_owned()
        };
        let mut left: Vec<String> = files(dir).unwrap().into_iter().map(name).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        for (name, hours) in [("old/a", 9), ("new/b", 3), ("new/c", 5), ("new/d", 1)] {
            file(dir.path(), name, hours);
        }
        make_room(dir.path(), 400).unwrap();
        assert_eq!(left(dir.path()).len(), 4, "400 bytes are not too many");
        make_room(dir.path(), 230).unwrap();
        assert_eq!(left(dir.path()), ["new/b", "new/d"]);
        assert!(!dir.path().join("layers/old").exists(), "an empty generation goes too");
    }

    #[test]
    fn what_is_being_written_stays_and_what_was_left_behind_goes() {
        let dir = tempfile::tempdir().unwrap();
        for (name, hours) in [("new/.tmpYoung", 0), ("new/.tmpOld", 2), ("new/a", 0)] {
            file(dir.path(), name, hours);
        }
        make_room(dir.path(), 0).unwrap();
        assert_eq!(left(dir.path()), ["new/.tmpYoung"]);
    }

    #[test]
    fn cleaning_asks_for_the_last_use_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        for (name, hours) in [("a/1", 50), ("a/2", 1)] {
            file(dir.path(), name, hours);
        }
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("mine"), "precious").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("layers/link")).unwrap();
        let a_day_ago = SystemTime::now() - Duration::from_secs(24 * HOUR);
        let deleted = clean(dir.path(), Some(a_day_ago)).unwrap();
        assert_eq!((deleted.layers, deleted.images, deleted.bytes), (1, 0, 100));
        assert_eq!(usage(dir.path()).unwrap().layers, 1);
        assert_eq!(clean(dir.path(), None).unwrap().layers, 1);
        assert_eq!(usage(dir.path()).unwrap(), Usage::default());
        assert!(outside.path().join("mine").exists());
        assert_eq!(clean(Path::new("/nonexistent"), None).unwrap(), Usage::default());
    }

    #[test]
    fn images_are_no_layers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["0a/1", "0a/2", "images/3", "images/4", "images/5"] {
            file(dir.path(), name, 1);
        }
        let held = usage(dir.path()).unwrap();
        assert_eq!((held.layers, held.images, held.bytes), (2, 3, 500));
        assert_eq!(clean(dir.path(), None).unwrap(), held);
    }

    #[test]
    fn using_makes_young_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(dir.path()), analyzers::fingerprint(Checks::default()));
        cache.store("kept", &Kept::default());
        let path = files(dir.path()).unwrap().remove(0).path;
        let long_ago = SystemTime::now() - Duration::from_secs(24 * HOUR);
        File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert!(cache.load("kept").is_some());
        assert!(usage(dir.path()).unwrap().oldest.unwrap() > long_ago);
    }

    /// Eight that write, read and delete the same few layers: no one fails, and the limit holds.
    #[test]
    fn many_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        std::thread::scope(|scope| {
            for worker in 0..8 {
                scope.spawn(move || {
                    let cache = Cache::open(Some(dir), analyzers::fingerprint(Checks::default()));
                    for round in 0..50 {
                        let key = format!("layer {}", (worker + round) % 5);
                        cache.store(&key, &Kept { entries: round, ..Kept::default() });
                        if let Some(kept) = cache.load(&key) {
                            assert!(kept.entries < 50, "half of one file, half of another");
                        }
                        cache.make_room(if round % 3 == 0 { 0 } else { 100 });
                        clean(dir, None).unwrap();
                    }
                    assert_eq!(cache.problem(), None);
                });
            }
        });
        assert_eq!(left(dir), Vec::<String>::new());
    }
}
