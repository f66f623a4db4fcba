//! The walk through a tar: members become entries, with normal paths and whiteouts understood.

mod links;

use model::{Entry, EntryKind, ProblemKind};

use crate::delivery::{Delivery, Shape, Turn};
use crate::input::Input;
use crate::path::{self, Confined, Unfit};
use crate::tar::{Fault, Kind, Member, Next, Tar};
use crate::{ReadError, Stop};
use links::{Links, Made, Place};

/// Whether `.wh.` names remove what lies beneath (OCI image spec, "Whiteouts"), as they do in the
/// layer of an image, or are names like any other, as in a root file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whiteouts {
    Removing,
    Ordinary,
}

/// How a walk ended, and how far it came.
pub(crate) struct Walked {
    pub(crate) end: End,
    /// Bytes of the archive read or passed over.
    pub(crate) bytes: u64,
}

pub(crate) enum End {
    /// At the end marker.
    Marked,
    /// At the end of the bytes, between two entries.
    Cut,
    /// At a limit on entries; the problem is recorded.
    Full,
    /// Where the archive cannot be read further; to be recorded by the caller, who may know a
    /// better reason.
    Fault(Fault),
}

impl End {
    /// Whether nothing comes after, as far as the archive tells.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Marked | Self::Cut)
    }
}

/// Walks through an archive from its first member to its last and delivers them all.
///
/// `passed` hears how many bytes were read or passed over since it was last called.
pub(crate) fn walk(
    input: &mut dyn Input,
    whiteouts: Whiteouts,
    delivery: &mut Delivery<'_>,
    stop: &Stop,
    passed: &mut dyn FnMut(u64),
) -> Result<Walked, ReadError> {
    let mut tar = Tar::new(input);
    let mut links = Links::default();
    let mut told = 0;
    let end = loop {
        stop.check()?;
        let next = tar.next();
        passed(tar.position() - told);
        told = tar.position();
        let turn = match next {
            Ok(Next::Member(member)) => present(&mut tar, &member, whiteouts, &mut links, delivery),
            Ok(Next::End) => break End::Marked,
            Ok(Next::Cut) => break End::Cut,
            Err(fault) => break End::Fault(fault),
        };
        match turn {
            Ok(Turn::Full) => break End::Full,
            Ok(Turn::Pass | Turn::Content) => {}
            Err(fault) => break End::Fault(fault),
        }
    };
    Ok(Walked { end, bytes: tar.position() })
}

fn present(
    tar: &mut Tar<'_>,
    member: &Member,
    whiteouts: Whiteouts,
    links: &mut Links,
    delivery: &mut Delivery<'_>,
) -> Result<Turn, Fault> {
    let Some(path) = placed(delivery, member, &member.path, "path", links) else {
        return Ok(Turn::Pass);
    };
    let link = match member.kind {
        Kind::HardLink => {
            match placed(delivery, member, &member.link, "hard link's target", links) {
                Some(link) => link,
                None => return Ok(Turn::Pass),
            }
        }
        Kind::Symlink => String::from_utf8_lossy(&member.link).into_owned(),
        _ => String::new(),
    };
    let kind = match member.kind {
        Kind::File => EntryKind::File,
        Kind::HardLink => EntryKind::HardLink(&link),
        Kind::Symlink => EntryKind::Symlink(&link),
        Kind::Directory => EntryKind::Directory,
        Kind::Special => EntryKind::Special,
        Kind::Label => return Ok(Turn::Pass),
        Kind::Unknown(flag) => {
            let message = format!("its type `{}` is unknown", flag.escape_ascii());
            delivery.problem(ProblemKind::Unsupported, &path, message);
            return Ok(Turn::Pass);
        }
    };
    let size = if kind == EntryKind::File { member.size } else { 0 };
    let Member { mode, uid, gid, .. } = *member;
    let entry = Entry { path: &path, kind, mode, uid, gid, size };
    match whiteout(&path).filter(|_| whiteouts == Whiteouts::Removing) {
        None => {
            links.note(&path, made(kind));
            deliver(tar, member, &entry, delivery)
        }
        Some(Mark::Removed(target)) => {
            links.note_whiteout(&target);
            let kind = EntryKind::Whiteout;
            Ok(delivery.entry(&Entry { path: &target, kind, size: 0, ..entry }))
        }
        Some(Mark::Opaque("")) => {
            let message = "its root is opaque: overlay file systems show what lies beneath all the \
                           same, as is done here, others do not";
            delivery.problem(ProblemKind::Unsupported, &path, message);
            Ok(Turn::Pass)
        }
        Some(Mark::Opaque(directory)) => {
            let kind = EntryKind::Opaque;
            Ok(delivery.entry(&Entry { path: directory, kind, size: 0, ..entry }))
        }
        Some(Mark::Ignored) => Ok(Turn::Pass),
        Some(Mark::Escapes) => {
            refuse(delivery, &member.path, "whiteout", Unfit::Escapes);
            Ok(Turn::Pass)
        }
    }
}

fn deliver(
    tar: &mut Tar<'_>,
    member: &Member,
    entry: &Entry<'_>,
    delivery: &mut Delivery<'_>,
) -> Result<Turn, Fault> {
    // The root itself is nobody's entry.
    if entry.path.is_empty() {
        return Ok(Turn::Pass);
    }
    let turn = delivery.entry(entry);
    if turn != Turn::Content {
        return Ok(turn);
    }
    if let Some(flaw) = member.flaw {
        delivery.problem(ProblemKind::Damaged, entry.path, flaw);
        return Ok(Turn::Pass);
    }
    let shape = Shape { segments: member.segments.as_deref(), stored: tar.stored() };
    delivery.content(entry, &shape, &mut |into| tar.read(into))?;
    Ok(turn)
}

fn made(kind: EntryKind<'_>) -> Made<'_> {
    match kind {
        EntryKind::Symlink(target) => Made::Link(target),
        EntryKind::HardLink(of) => Made::HardLink(of),
        EntryKind::Directory => Made::Directory,
        _ => Made::Other,
    }
}

/// Where the name of a member is within the root when it is unpacked. That links lead there is
/// said: few builders write so.
fn placed(
    delivery: &mut Delivery<'_>,
    member: &Member,
    name: &[u8],
    what: &str,
    links: &mut Links,
) -> Option<String> {
    let path = confined(delivery, member, name, what)?;
    let (kind, placed, message) = match links.place(&path) {
        Place::Written => return Some(path),
        Place::Led(placed) => {
            let message = format!(
                "its {what} leads through a link of its layer; it is taken from where that leads, \
                 as runtimes do"
            );
            (ProblemKind::Notice, placed, message)
        }
        Place::Unknown(why) => {
            let message = format!(
                "its {what} leads through links of its layer, and where to is not certain: {why}"
            );
            (ProblemKind::Damaged, path, message)
        }
    };
    delivery.problem(kind, &String::from_utf8_lossy(&member.path), message);
    Some(placed)
}

/// A name of a member within the root. That it would have led out is said: it was made to.
fn confined(
    delivery: &mut Delivery<'_>,
    member: &Member,
    name: &[u8],
    what: &str,
) -> Option<String> {
    match path::confine(name) {
        Ok(Confined { path, climbs }) => {
            if climbs {
                let subject = String::from_utf8_lossy(&member.path);
                let message = format!(
                    "its {what} leads out of the root; it is taken from there, as runtimes do"
                );
                delivery.problem(ProblemKind::Notice, &subject, message);
            }
            Some(path)
        }
        Err(unfit) => {
            refuse(delivery, &member.path, what, unfit);
            None
        }
    }
}

fn refuse(delivery: &mut Delivery<'_>, path: &[u8], what: &str, unfit: Unfit) {
    let (kind, why) = match unfit {
        Unfit::Escapes => (ProblemKind::Refused, "leads out of the root"),
        Unfit::Nul => (ProblemKind::Damaged, "holds a NUL byte"),
        Unfit::TooLong => (ProblemKind::LimitReached, "is too long"),
    };
    delivery.problem(kind, &String::from_utf8_lossy(path), format!("its {what} {why}"));
}

/// What a `.wh.` name means.
#[derive(Debug, PartialEq, Eq)]
enum Mark<'a> {
    /// This path is removed.
    Removed(String),
    /// All that lies beneath this directory is hidden.
    Opaque(&'a str),
    /// A name of AUFS's own.
    Ignored,
    /// It would remove a directory above.
    Escapes,
}

fn whiteout(path: &str) -> Option<Mark<'_>> {
    let (directory, name) = path::split(path);
    let removed = name.strip_prefix(".wh.")?;
    Some(match removed {
        ".wh..opq" => Mark::Opaque(directory),
        "" | "." | ".." => Mark::Escapes,
        _ if removed.starts_with(".wh.") => Mark::Ignored,
        _ if directory.is_empty() => Mark::Removed(removed.to_owned()),
        _ => Mark::Removed(format!("{directory}/{removed}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiteouts_are_names() {
        let removed = |path: &str| Some(Mark::Removed(path.to_owned()));
        let cases = [
            ("etc/passwd", None),
            (".wh.a", removed("a")),
            ("a/b/.wh.c", removed("a/b/c")),
            (".wh..wh..opq", Some(Mark::Opaque(""))),
            ("a/.wh..wh..opq", Some(Mark::Opaque("a"))),
            ("a/.wh..wh.plnk", Some(Mark::Ignored)),
            ("a/.wh.", Some(Mark::Escapes)),
            ("a/.wh..", Some(Mark::Escapes)),
            ("a/.wh...", Some(Mark::Escapes)),
            ("a/.wh....", removed("a/...")),
            (".wh.a/b", None),
        ];
        for (path, mark) in cases {
            assert_eq!(whiteout(path), mark, "{path}");
        }
    }
}
