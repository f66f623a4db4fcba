//! The folder of profiles: read at the start, written a file at a time and whole, looked at for what
//! people changed meanwhile.
//!
//! A thread of its own does all this: a disk that stalls keeps no event waiting. It never overwrites
//! what somebody changed since it was read: that is told first.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use policy::FILE_BYTES_MAX;
use policy::profile::{Profile, Workload};
use sha2::{Digest as _, Sha256};

use crate::cmd::judgement;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// Workloads of one host: more than it has containers for.
pub(in crate::cmd::guard) const PROFILES_MAX: usize = 1_024;
/// How often it is looked whether somebody changed a file.
const LOOK: Duration = Duration::from_secs(1);

/// What tells one state of a file from another: inode, size, and when it was changed.
type Stamp = (u64, u64, i64, i64);

/// What the thread is told.
enum Order {
    Write(Workload, String),
    End,
}

/// What it tells.
pub(super) enum News {
    /// The profile is on disk as it was ordered.
    Written(Workload),
    /// Somebody else changed or made it.
    Changed(Box<Profile>),
    Removed(Workload),
    /// In words.
    Trouble(String),
}

/// The loop's end.
pub(super) struct Store {
    orders: Sender<Order>,
    news: Receiver<News>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Reads what is there. A file with mistakes is an error: nobody knows what it was to say.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Profile>), UserError> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot use `{}`: {error}", folder.display());
            UserError::new(ExitCode::Failed, message)
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut shelf = Shelf {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            broken: BTreeMap::new(),
            said: String::new(),
        };
        let mut profiles: BTreeMap<Workload, Profile> = BTreeMap::new();
        for path in files(folder).map_err(failed)? {
            let (stamp, profile) = read(&path)?;
            let workload = profile.workload.clone();
            if profiles.insert(workload.clone(), profile).is_some() {
                let message = format!("`{}` is a second profile of `{workload}`", path.display());
                return Err(UserError::new(ExitCode::Usage, message));
            }
            shelf.files.insert(workload, (path, stamp));
        }
        let (orders, ordered) = mpsc::channel();
        let (tell, news) = mpsc::channel();
        let work = move || shelf.work(&ordered, &tell);
        let thread = thread::Builder::new().name("profiles".to_owned()).spawn(work);
        let thread = Some(thread.map_err(failed)?);
        Ok((Self { orders, news, thread }, profiles.into_values().collect()))
    }

    pub(super) fn write(&self, profile: &Profile) {
        // If the thread ended, that was told.
        let _ended = self.orders.send(Order::Write(profile.workload.clone(), profile.to_yaml()));
    }

    pub(super) fn news(&self) -> Vec<News> {
        self.news.try_iter().collect()
    }

    /// Waits for what was ordered, so long; whether all of it was done.
    pub(super) fn finish(mut self, patience: Duration) -> bool {
        let _ended = self.orders.send(Order::End);
        let Some(thread) = self.thread.take() else { return true };
        let begun = std::time::Instant::now();
        while !thread.is_finished() && begun.elapsed() < patience {
            thread::sleep(Duration::from_millis(10));
        }
        let is_done = thread.is_finished();
        for news in self.news() {
            if let News::Trouble(why) = news {
                output::note(&why);
            }
        }
        is_done
    }
}

/// The thread's side.
struct Shelf {
    folder: PathBuf,
    /// With the state that was read or written last.
    files: BTreeMap<Workload, (PathBuf, Stamp)>,
    /// Files that cannot be read, in a state that was said.
    broken: BTreeMap<PathBuf, Stamp>,
    /// The trouble that was told last: it is not told each second.
    said: String,
}

impl Shelf {
    fn work(mut self, orders: &Receiver<Order>, tell: &Sender<News>) {
        loop {
            match orders.recv_timeout(LOOK) {
                Ok(Order::Write(workload, text)) => {
                    // What people wrote comes first; the loop writes anew with it.
                    let changed = self.look(tell);
                    if !changed.contains(&workload) {
                        self.write(&workload, &text, tell);
                    }
                }
                Err(RecvTimeoutError::Timeout) => drop(self.look(tell)),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write(&mut self, workload: &Workload, text: &str, tell: &Sender<News>) {
        let path = match self.files.get(workload) {
            Some((path, _)) => path.clone(),
            None => self.folder.join(name(workload)),
        };
        let done = replace(&path, text).and_then(|()| std::fs::metadata(&path));
        match done {
            Ok(metadata) => {
                self.files.insert(workload.clone(), (path, stamp(&metadata)));
                self.said.clear();
                let _ended = tell.send(News::Written(workload.clone()));
            }
            Err(error) => self.trouble(format!("cannot write `{}`: {error}", path.display()), tell),
        }
    }

    fn trouble(&mut self, why: String, tell: &Sender<News>) {
        if self.said != why {
            self.said.clone_from(&why);
            let _ended = tell.send(News::Trouble(why));
        }
    }

    /// Tells what somebody else changed, and of which workloads.
    fn look(&mut self, tell: &Sender<News>) -> Vec<Workload> {
        let paths = match files(&self.folder) {
            Ok(paths) => paths,
            Err(error) => {
                self.trouble(format!("cannot read `{}`: {error}", self.folder.display()), tell);
                return Vec::new();
            }
        };
        let mut changed = Vec::new();
        let gone: Vec<Workload> = self
            .files
            .iter()
            .filter(|(_, (path, _))| !paths.contains(path))
            .map(|(workload, _)| workload.clone())
            .collect();
        for workload in gone {
            self.files.remove(&workload);
            let _ended = tell.send(News::Removed(workload.clone()));
            changed.push(workload);
        }
        for path in paths {
            let Ok(metadata) = std::fs::metadata(&path) else { continue };
            let known = self.files.iter().find(|(_, (it, _))| *it == path);
            let known = known.map(|(workload, (_, stamp))| (workload.clone(), *stamp));
            let now = stamp(&metadata);
            if known.as_ref().is_some_and(|(_, known)| *known == now) {
                continue;
            }
            changed.extend(self.take(path, known.map(|(workload, _)| workload), now, tell));
        }
        changed
    }

    /// A file that is new or another one.
    fn take(
        &mut self,
        path: PathBuf,
        known: Option<Workload>,
        now: Stamp,
        tell: &Sender<News>,
    ) -> Vec<Workload> {
        let profile = match read(&path) {
            Ok((_, profile)) => profile,
            // Until it is mended, nothing is written over it.
            Err(error) => {
                if self.broken.insert(path.clone(), now) != Some(now) {
                    error.print();
                    let why = format!("`{}`: the profile stays as it was", path.display());
                    self.trouble(why, tell);
                }
                return known.into_iter().collect();
            }
        };
        self.broken.remove(&path);
        let workload = profile.workload.clone();
        let mut changed = vec![workload.clone()];
        if let Some(former) = known.filter(|former| *former != workload) {
            self.files.remove(&former);
            let _ended = tell.send(News::Removed(former.clone()));
            changed.push(former);
        }
        if let Some((other, _)) = self.files.get(&workload).filter(|(other, _)| *other != path) {
            let other = other.display();
            let why = format!(
                "`{}` is a second profile of `{workload}` beside `{other}`",
                path.display()
            );
            self.trouble(why, tell);
            return Vec::new();
        }
        self.files.insert(workload, (path, now));
        let _ended = tell.send(News::Changed(Box::new(profile)));
        changed
    }
}

fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    (metadata.ino(), metadata.size(), metadata.ctime(), metadata.ctime_nsec())
}

/// The profiles of a folder, by name.
pub(in crate::cmd::guard) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|kind| kind == "yaml") {
            paths.push(path);
        }
        if paths.len() > PROFILES_MAX {
            let why = format!("more than {PROFILES_MAX} profiles");
            return Err(std::io::Error::other(why));
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads and checks one.
pub(in crate::cmd::guard) fn read(path: &Path) -> Result<(Stamp, Profile), UserError> {
    let failed = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
            _ => ExitCode::Failed,
        };
        UserError::new(code, format!("cannot read `{}`: {error}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mut text = String::new();
    // One byte more than may be read is said to be too much.
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(failed)?;
    let profile = Profile::parse(&text).map_err(|errors| judgement::mistakes(path, &errors))?;
    Ok((stamp(&metadata), profile))
}

/// Writes a file whole or not at all, so that it stands when the power fails.
pub(in crate::cmd::guard) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".profile").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// A name that people know it by, made different by what it stands for.
pub(in crate::cmd::guard) fn name(workload: &Workload) -> String {
    const READABLE: usize = 80;
    let sum = Sha256::digest(workload.as_str().as_bytes());
    let end: Vec<String> = sum.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let readable: String =
        workload
            .as_str()
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' }
            })
            .take(READABLE)
            .collect();
    format!("{readable}.{}.yaml", end.concat())
}

#[cfg(test)]
mod tests {
    use policy::profile::{Learning, Mode};

    use super::*;

    fn profile(name: &str) -> Profile {
        let today = jiff::civil::date(2026, 3, 1);
        Profile::new(name.parse().unwrap(), Learning::new(today, Some(7)))
    }

    fn wait(store: &Store) -> News {
        for _ in 0..600 {
            if let Some(news) = store.news().pop() {
                return news;
            }
            thread::sleep(Duration::from_millis(10));
        }
        News::Trouble("nothing came".to_owned())
    }

    #[test]
    fn what_is_written_is_read_and_what_people_change_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (store, profiles) = Store::open(folder.path()).unwrap();
        assert!(profiles.is_empty());
        let mut mine = profile("image:docker.io/library/nginx");
        store.write(&mine);
        assert!(matches!(wait(&store), News::Written(_)));
        let path = files(folder.path()).unwrap().remove(0);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("image-docker.io-library-nginx."), "{name}");
        // Somebody promotes it, and at once the guard wants to write its own.
        mine.mode = Mode::Monitor;
        replace(&path, &mine.to_yaml()).unwrap();
        store.write(&profile("image:docker.io/library/nginx"));
        let News::Changed(changed) = wait(&store) else { unreachable!("it was changed") };
        assert_eq!(changed.mode, Mode::Monitor);
        assert_eq!(read(&path).unwrap().1.mode, Mode::Monitor, "nothing was overwritten");
        std::fs::write(&path, "version: 1\nmode: x\n").unwrap();
        let News::Trouble(why) = wait(&store) else { unreachable!("it cannot be read") };
        assert!(why.contains("stays as it was"), "{why}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(wait(&store), News::Removed(_)));
        store.write(&mine);
        assert!(matches!(wait(&store), News::Written(_)));
        assert!(store.finish(Duration::from_secs(5)));
        let (_, profiles) = Store::open(folder.path()).unwrap();
        assert_eq!(profiles, [mine]);
    }
}
