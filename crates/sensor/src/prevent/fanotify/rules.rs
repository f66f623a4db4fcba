//! Preventions, and whether one holds of a file: no system call is made here.
//!
//! A place is a path, and may be reached by others: by a symbolic link, a bind mount, another name.
//! So each is looked up once in every container ([`Fixed`]), and compared with where the file is on
//! its file system and which file that is, besides the path itself.

use bstr::{BStr, BString, ByteSlice};
use model::event::Text;
use model::{Place, Prevention, Refused};

use super::Refusal;
use super::mount::Device;

/// A bit each.
pub(super) const PREVENTIONS_MAX: usize = 64;

/// What a process waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Execute,
    Open,
}

/// The file that it is done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// As the mount namespace of whoever asks shows it.
    pub(super) path: BString,
    pub(super) device: Device,
    pub(super) inode: u64,
    pub(super) born: Option<(i64, u32)>,
    /// Where it is on its file system; None where nobody knows.
    pub(super) inner: Option<BString>,
}

/// What a place is in one container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fixed {
    /// Which prevention it is of.
    pub(super) bit: u32,
    pub(super) below: bool,
    pub(super) device: Device,
    pub(super) inner: BString,
    /// Of a file that has one name alone: another name that it gets is refused as well.
    pub(super) identity: Option<Identity>,
}

/// A file by its number, which another one may be given when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) inode: u64,
    /// When it was made. None of an image's, which are never gone, and made anew when they are
    /// written to.
    pub(super) born: Option<(i64, u32)>,
}

#[derive(Debug)]
pub(super) struct Rules {
    list: Vec<Prevention>,
    /// Those of programs, of foreign programs, of all programs but some, of reading.
    pub(super) execute: u64,
    pub(super) foreign: u64,
    pub(super) except: u64,
    pub(super) read: u64,
}

impl Rules {
    pub(super) fn new(preventions: &[Prevention]) -> Result<Self, Refusal> {
        if preventions.len() > PREVENTIONS_MAX {
            return Err(Refusal::TooMany(preventions.len()));
        }
        let mut rules =
            Self { list: preventions.to_vec(), execute: 0, foreign: 0, except: 0, read: 0 };
        for (bit, prevention) in (0u32..).zip(preventions) {
            let id = || prevention.id.clone();
            let why = super::cannot_hold(&prevention.act);
            if let Some(why) = why {
                return Err(Refusal::Unsupported { prevention: id(), why });
            }
            match &prevention.act {
                Refused::ExecuteForeign => rules.foreign |= 1 << bit,
                Refused::ExecuteExcept(_) => rules.except |= 1 << bit,
                Refused::Read(_) => rules.read |= 1 << bit,
                _ => rules.execute |= 1 << bit,
            }
            if let Some(place) = prevention.act.places().iter().find(|place| !is_whole(place)) {
                return Err(Refusal::Place { prevention: id(), place: path(place).clone() });
            }
        }
        Ok(rules)
    }

    pub(super) fn id(&self, bit: u32) -> &str {
        let index = usize::try_from(bit).unwrap_or(usize::MAX);
        self.list.get(index).map_or("", |prevention| &*prevention.id)
    }

    /// The places of these preventions, each with the bit of its own.
    pub(super) fn places(&self, bits: u64) -> impl Iterator<Item = (u32, &Place)> {
        let held = (0u32..).zip(&self.list).filter(move |(bit, _)| bits & 1 << bit != 0);
        held.flat_map(|(bit, prevention)| {
            prevention.act.places().iter().map(move |place| (bit, place))
        })
    }

    /// Which of the preventions `bits` this file meets: it is at one of their places, or at none of
    /// those that are left out. `fixed` is what the places are in the container.
    pub(super) fn hits<'a>(
        &self,
        bits: u64,
        act: Act,
        file: &File,
        fixed: impl IntoIterator<Item = &'a Fixed>,
    ) -> u64 {
        let (of_act, except) = match act {
            Act::Execute => (self.execute | self.except, bits & self.except),
            Act::Open => (self.read, 0),
        };
        let bits = bits & of_act;
        let by_path = self.places(bits).filter(|(_, place)| covers(place, file.path.as_bstr()));
        let by_path = by_path.fold(0, |hits, (bit, _)| hits | 1 << bit);
        let is_met = |fixed: &&Fixed| bits & !by_path & 1 << fixed.bit != 0 && fixed.is(file);
        let at =
            fixed.into_iter().filter(is_met).fold(by_path, |hits, fixed| hits | 1 << fixed.bit);
        at ^ except
    }
}

impl Fixed {
    fn is(&self, file: &File) -> bool {
        let is_there = |inner: &BString| match self.below {
            true => is_below(inner.as_bstr(), self.inner.as_bstr()),
            false => *inner == self.inner,
        };
        let is_it =
            |it: Identity| it.inode == file.inode && (it.born.is_none() || it.born == file.born);
        self.device == file.device
            && (self.identity.is_some_and(is_it) || file.inner.as_ref().is_some_and(is_there))
    }
}

pub(super) fn path(place: &Place) -> &Text {
    let (Place::Exactly(path) | Place::Below(path)) = place;
    path
}

/// From the root on, or the root itself, which is written as nothing.
fn is_whole(place: &Place) -> bool {
    match place {
        Place::Exactly(path) => path.starts_with(b"/"),
        Place::Below(path) => path.is_empty() || path.starts_with(b"/") && !path.ends_with(b"/"),
    }
}

fn covers(place: &Place, path: &BStr) -> bool {
    match place {
        Place::Exactly(exact) => exact == path,
        Place::Below(folder) => is_below(path, folder.as_bstr()),
    }
}

/// At it, or below.
fn is_below(path: &BStr, folder: &BStr) -> bool {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn prevention(id: &str, act: Refused) -> Prevention {
        Prevention { id: id.to_owned(), act }
    }

    fn exactly(path: &str) -> Place {
        Place::Exactly(path.into())
    }

    fn below(path: &str) -> Place {
        Place::Below(path.into())
    }

    fn rules() -> Rules {
        let all = [
            prevention("id", Refused::Execute(vec![exactly("/usr/bin/id")])),
            prevention("opt", Refused::Execute(vec![below("/opt"), exactly("/bin/nc")])),
            prevention("keys", Refused::Read(vec![below("/etc/ssl/private")])),
            prevention("drift", Refused::ExecuteForeign),
            prevention("all", Refused::Execute(vec![below("")])),
        ];
        Rules::new(&all).unwrap()
    }

    const DISK: Device = 7;
    const OTHER: Device = 8;

    /// In this container `/bin` is a link to `/usr/bin`, and `/opt` a mount of `/srv`.
    fn fixed() -> HashSet<Fixed> {
        let fixed = |bit, below, device, inner: &str, identity| Fixed {
            bit,
            below,
            device,
            inner: inner.into(),
            identity,
        };
        let image = Identity { inode: 11, born: None };
        let volume = Identity { inode: 21, born: Some((5, 0)) };
        HashSet::from([
            fixed(0, false, DISK, "/usr/bin/id", Some(image)),
            fixed(0, false, OTHER, "/srv/tool", Some(volume)),
            fixed(1, true, OTHER, "/srv", None),
            fixed(1, false, DISK, "/usr/bin/nc", None),
            fixed(2, true, DISK, "/etc/ssl/private", None),
        ])
    }

    /// Act, path, device, inode, place on the file system, and the bits that are met (of the first
    /// four).
    type Case = (Act, &'static str, Device, u64, Option<&'static str>, u64);
    const CASES: &[Case] = &[
        (Act::Execute, "/usr/bin/id", DISK, 11, Some("/usr/bin/id"), 0b1),
        // Replaced, moved or linked, mounted elsewhere, on another file system.
        (Act::Execute, "/usr/bin/id", DISK, 12, Some("/usr/bin/id"), 0b1),
        (Act::Execute, "/tmp/x", DISK, 11, Some("/tmp/x"), 0b1),
        (Act::Execute, "/mnt/id", DISK, 12, Some("/usr/bin/id"), 0b1),
        (Act::Execute, "/mnt/id", OTHER, 11, Some("/usr/bin/id"), 0),
        (Act::Execute, "/tmp/x (deleted)", DISK, 11, None, 0b1),
        (Act::Execute, "/usr/bin/idle", DISK, 13, Some("/usr/bin/idle"), 0),
        (Act::Execute, "/opt/a/b", OTHER, 1, Some("/srv/a/b"), 0b10),
        (Act::Execute, "/mnt/a", OTHER, 1, Some("/srv/a"), 0b10),
        (Act::Execute, "/optional/a", DISK, 1, Some("/optional/a"), 0),
        (Act::Execute, "/usr/bin/nc", DISK, 14, Some("/usr/bin/nc"), 0b10),
        // To read is not to execute, and the other way round.
        (Act::Open, "/usr/bin/id", DISK, 11, Some("/usr/bin/id"), 0),
        (Act::Open, "/etc/ssl/private/key", DISK, 1, Some("/etc/ssl/private/key"), 0b100),
        (Act::Open, "/etc/ssl/private", DISK, 1, Some("/etc/ssl/private"), 0b100),
        (Act::Open, "/mnt/key", DISK, 1, Some("/etc/ssl/private/key"), 0b100),
        (Act::Execute, "/etc/ssl/private/run", DISK, 1, Some("/etc/ssl/private/run"), 0),
    ];

    #[test]
    fn a_file_is_known_by_path_and_place_and_inode() {
        let (rules, fixed) = (rules(), fixed());
        for (act, path, device, inode, inner, expected) in CASES {
            let file = File {
                path: (*path).into(),
                device: *device,
                inode: *inode,
                born: None,
                inner: inner.map(Into::into),
            };
            assert_eq!(rules.hits(0b1111, *act, &file, &fixed), *expected, "{file:?}");
            assert_eq!(rules.hits(0, *act, &file, &fixed), 0, "no bits, no prevention");
            let all = rules.hits(0b10000, *act, &file, &fixed);
            assert_eq!(all != 0, *act == Act::Execute, "everything is below the root");
        }
    }

    #[test]
    fn a_number_that_another_file_was_given_is_not_the_file() {
        let (rules, fixed) = (rules(), fixed());
        for (born, expected) in [(Some((5, 0)), 0b1), (Some((6, 0)), 0), (None, 0)] {
            let (path, inner) = ("/data/x".into(), Some("/srv/x".into()));
            let file = File { path, device: OTHER, inode: 21, born, inner };
            assert_eq!(rules.hits(0b1, Act::Execute, &file, &fixed), expected, "{born:?}");
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused_with_its_reason() {
        let refusal = |act| Rules::new(&[prevention("p", act)]).err().map(|it| it.to_string());
        let told = |act: Refused, words: &str| {
            let told = refusal(act).unwrap_or_default();
            assert!(told.starts_with("prevention `p`: ") && told.contains(words), "{told}");
        };
        told(Refused::Write(vec![exactly("/etc/passwd")]), "for writing");
        told(Refused::Connect(Vec::new()), "connections");
        told(Refused::Mount, "mounts");
        told(Refused::Trace, "tracing");
        told(Refused::LoadModule, "modules");
        told(Refused::LoadBpf, "BPF");
        told(Refused::Execute(vec![exactly("id")]), "`id`");
        told(Refused::Read(vec![below("/etc/")]), "`/etc/`");
        assert_eq!(refusal(Refused::ExecuteForeign), None);
        let many = vec![prevention("p", Refused::ExecuteForeign); PREVENTIONS_MAX + 1];
        assert!(Rules::new(&many).is_err());
        assert!(Rules::new(&many[1..]).is_ok());
    }
}
