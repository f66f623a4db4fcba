//! Which symbolic links of its own layer an entry is unpacked through.
//!
//! A runtime unpacks one entry after the other, and where a directory in an entry's path is a link
//! by then, the entry lands where that leads (Docker in a `chroot`, containerd by resolving within
//! the root; both unpack into a directory that has this layer alone). Whoever takes the path as it
//! is written sees another image. A link that comes after what is written beneath its name replaces
//! that, and one that was replaced leads nowhere any more.
//!
//! Of a path only its hash is kept, with a key of this run, and the targets up to a limit. Nothing
//! here may guess: what is not certain is an error, and the caller says so.

use std::collections::hash_map::{DefaultHasher, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use crate::limits::{
    LINK_DEPTH_MAX, LINK_FOLDERS_MAX, LINK_STEP_BYTES_MAX, LINK_TARGET_BYTES_MAX, PATH_BYTES_MAX,
};
use crate::path::split;

/// What a target takes in memory beside its bytes.
const TARGET_OVERHEAD: usize = 48;

/// The links of one layer as far as it is walked.
#[derive(Default)]
pub(super) struct Links {
    hashes: RandomState,
    /// The target of the link at a path.
    targets: HashMap<u64, Box<str>>,
    /// What they take.
    target_bytes: usize,
    /// The links for whose targets there was no room.
    bare: HashSet<u64>,
    /// The directories that have links in them or further down.
    folders: HashSet<u64>,
    /// Such a directory was replaced, or there are too many: a link may be known that is gone.
    is_unsure: bool,
    /// Bytes of paths that were hashed to follow links.
    stepped: u64,
    /// The directory of the entry before, if no link leads to it, with the state of its hash.
    /// Entries of one directory stand together.
    plain: Option<(String, DefaultHasher)>,
}

/// Where an entry is unpacked.
pub(super) enum Place {
    /// Where its path says.
    Written,
    /// Where links lead from there.
    Led(String),
    /// Through links, and nobody can say where.
    Unknown(&'static str),
}

/// What an entry makes of its path.
#[derive(Clone, Copy)]
pub(super) enum Made<'a> {
    Link(&'a str),
    /// Another name of what is at this path.
    HardLink(&'a str),
    Directory,
    Other,
}

impl Links {
    /// Where runtimes put what is written at this normal path: links among its directories are
    /// followed, one at the path itself is not.
    pub(super) fn place(&mut self, path: &str) -> Place {
        let (directory, name) = split(path);
        let is_plain = self.plain.as_ref().is_some_and(|(plain, _)| plain == directory);
        if self.is_empty() || is_plain || !self.leads(directory) {
            return Place::Written;
        }
        let mut stepped = self.stepped;
        let followed = self.follow(directory, &mut stepped);
        self.stepped = stepped;
        match followed {
            Ok(_) if self.is_unsure => {
                Place::Unknown("a directory that had links in it was replaced")
            }
            Ok(at) if at.is_empty() => Place::Led(name.to_owned()),
            Ok(at) => Place::Led(format!("{at}/{name}")),
            Err(why) => Place::Unknown(why),
        }
    }

    /// Notes what now stands at a path whose directories are no links.
    pub(super) fn note(&mut self, path: &str, made: Made<'_>) {
        let is_link = matches!(made, Made::Link(_));
        if self.is_empty() && !is_link {
            return;
        }
        let hash = self.hash(path);
        self.is_unsure |= !matches!(made, Made::Directory) && self.folders.contains(&hash);
        match made {
            Made::Link(target) => self.add(path, hash, Some(target.into())),
            Made::HardLink(of) => match self.hash(of) {
                of if self.bare.contains(&of) => self.add(path, hash, None),
                of => match self.targets.get(&of).cloned() {
                    Some(target) => self.add(path, hash, Some(target)),
                    None => self.remove(hash),
                },
            },
            Made::Directory | Made::Other => self.remove(hash),
        }
    }

    /// Notes a whiteout: what it does to its own layer, runtimes do not agree on.
    pub(super) fn note_whiteout(&mut self, path: &str) {
        if !self.is_empty() {
            let hash = self.hash(path);
            self.is_unsure |= self.is_link(hash) || self.folders.contains(&hash);
        }
    }

    fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.bare.is_empty()
    }

    fn is_link(&self, hash: u64) -> bool {
        self.targets.contains_key(&hash) || self.bare.contains(&hash)
    }

    fn add(&mut self, path: &str, hash: u64, target: Option<Box<str>>) {
        self.remove(hash);
        let fitting = target.filter(|target| {
            let held = self.target_bytes.saturating_add(size(target));
            target.len() <= PATH_BYTES_MAX && held <= LINK_TARGET_BYTES_MAX
        });
        match fitting {
            Some(target) => {
                self.target_bytes = self.target_bytes.saturating_add(size(&target));
                self.targets.insert(hash, target);
            }
            None => drop(self.bare.insert(hash)),
        }
        let is_above = |directory: &str| {
            directory.strip_prefix(path).is_some_and(|it| it.is_empty() || it.starts_with('/'))
        };
        self.plain.take_if(|(plain, _)| is_above(plain));
        let mut directory = split(path).0;
        while !directory.is_empty() && !self.is_unsure {
            if self.folders.len() >= LINK_FOLDERS_MAX {
                self.is_unsure = true;
            } else if !self.folders.insert(self.hash(directory)) {
                break;
            }
            directory = split(directory).0;
        }
    }

    fn remove(&mut self, hash: u64) {
        if let Some(target) = self.targets.remove(&hash) {
            self.target_bytes = self.target_bytes.saturating_sub(size(&target));
        } else if !self.bare.is_empty() {
            self.bare.remove(&hash);
        }
    }

    /// Whether some part of the directory is a link. Remembers it if not.
    fn leads(&mut self, directory: &str) -> bool {
        let mut state = self.hashes.build_hasher();
        for component in directory.split('/').filter(|it| !it.is_empty()) {
            step(&mut state, component);
            if self.is_link(state.finish()) {
                return true;
            }
        }
        self.plain = Some((directory.to_owned(), state));
        false
    }

    /// Where a directory is, as a kernel finds it that cannot leave the root.
    fn follow(&self, directory: &str, stepped: &mut u64) -> Result<String, &'static str> {
        let mut at = String::new();
        let mut ahead: Vec<&str> = directory.rsplit('/').collect();
        let mut links = 0_usize;
        while let Some(component) = ahead.pop() {
            let length = at.len();
            *stepped = stepped.saturating_add((length + component.len() + 1) as u64);
            if *stepped > LINK_STEP_BYTES_MAX || length > PATH_BYTES_MAX {
                return Err("following them takes too long");
            }
            match component {
                "" | "." => continue,
                ".." => {
                    at.truncate(split(&at).0.len());
                    continue;
                }
                _ if length > 0 => at.push('/'),
                _ => {}
            }
            at.push_str(component);
            let hash = self.hash(&at);
            match self.targets.get(&hash) {
                None if self.bare.contains(&hash) => {
                    return Err("there are too many to keep them all");
                }
                None => {}
                Some(target) => {
                    links = links.saturating_add(1);
                    if links > LINK_DEPTH_MAX {
                        return Err("they lead in a circle, or on too often");
                    }
                    at.truncate(if target.starts_with('/') { 0 } else { length });
                    ahead.extend(target.rsplit('/'));
                }
            }
        }
        Ok(at)
    }

    /// The hash of a normal path.
    fn hash(&self, path: &str) -> u64 {
        let (directory, name) = split(path);
        let mut state = match &self.plain {
            Some((plain, state)) if plain == directory => state.clone(),
            _ => {
                let mut state = self.hashes.build_hasher();
                let components = directory.split('/').filter(|it| !it.is_empty());
                components.for_each(|component| step(&mut state, component));
                state
            }
        };
        step(&mut state, name);
        state.finish()
    }
}

/// What a target takes: itself, and its place.
fn size(target: &str) -> usize {
    target.len().saturating_add(TARGET_OVERHEAD)
}

/// Goes on to the hash of a path below.
fn step(state: &mut DefaultHasher, component: &str) {
    state.write(component.as_bytes());
    // No path has a byte like this.
    state.write_u8(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(links: &mut Links, path: &str) -> String {
        match links.place(path) {
            Place::Written => "as written".to_owned(),
            Place::Led(to) => to,
            Place::Unknown(why) => format!("unknown: {why}"),
        }
    }

    #[test]
    fn targets_are_kept_up_to_a_limit_and_beyond_it_is_known_that_they_are_links() {
        let mut links = Links::default();
        let target = format!("/{}", "t/".repeat(1_000));
        let fitting = LINK_TARGET_BYTES_MAX / size(&target);
        for number in 0..fitting + 10 {
            links.note(&format!("l{number}"), Made::Link(&target));
        }
        assert!(links.target_bytes <= LINK_TARGET_BYTES_MAX);
        let led = shown(&mut links, "l0/f");
        assert!(led.ends_with("t/t/f"), "{led}");
        let beyond = format!("l{}", fitting + 9);
        let unknown = "unknown: there are too many to keep them all";
        assert_eq!(shown(&mut links, &format!("{beyond}/f")), unknown);
        // Another name of one that was not kept is none either; what replaces it is known.
        links.note("same", Made::HardLink(&beyond));
        assert_eq!(shown(&mut links, "same/f"), unknown);
        links.note(&beyond, Made::Directory);
        assert_eq!(shown(&mut links, &format!("{beyond}/f")), "as written");
        // And there is room again where one goes.
        links.note("l0", Made::Other);
        links.note("short", Made::Link("/bin"));
        assert_eq!(shown(&mut links, "short/f"), "bin/f");
    }

    #[test]
    fn to_follow_links_has_an_end() {
        let mut links = Links::default();
        links.note("a", Made::Link("b"));
        links.note("b", Made::Link("/a"));
        let circle = "unknown: they lead in a circle, or on too often";
        assert_eq!(shown(&mut links, "a/f"), circle);

        let mut links = Links::default();
        let target = format!("/{}", "deep/".repeat(800));
        links.note("l", Made::Link(&target));
        let mut looked = 0;
        while !shown(&mut links, "l/f").starts_with("unknown") {
            looked += 1;
            assert!(looked < 200_000, "nothing ends it");
        }
        assert_eq!(shown(&mut links, "l/f"), "unknown: following them takes too long");
    }

    #[test]
    fn of_too_many_directories_with_links_nothing_is_sure() {
        let mut links = Links::default();
        for number in 0..=LINK_FOLDERS_MAX {
            links.note(&format!("d{number}/l"), Made::Link("/to"));
        }
        let unsure = "unknown: a directory that had links in it was replaced";
        assert_eq!(shown(&mut links, "d0/l/f"), unsure);
    }
}
