//! Finds mount points and places in a container's file systems, which may not answer: done by a
//! thread that is left behind if it does not come back.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use model::Place;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use super::facts::{Facts, Print, path_of};
use super::mount::Mount;
use super::rules::{Fixed, Identity, path};

/// A path has 4 096 bytes, and each part two at least.
const PARTS_MAX: usize = 2_048;

pub(super) struct Question {
    /// The root of the process.
    pub(super) root: OwnedFd,
    pub(super) mounts: Arc<[Mount]>,
    /// Which of them are to be opened.
    pub(super) points: Vec<usize>,
    pub(super) places: Vec<(u32, Place)>,
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) points: Vec<(usize, OwnedFd)>,
    /// What places are, and the file that is there.
    pub(super) fixed: Vec<(Fixed, Print)>,
    /// Files with several names, which other preventions' places may share.
    pub(super) several: Vec<BString>,
}

pub(super) fn look_up(question: Question) -> Answer {
    let Question { root, mounts, points, places } = question;
    let mut answer = Answer::default();
    for index in points {
        let Some(mount) = mounts.get(index) else { continue };
        // Another mount may lie over it.
        let opened = find(&root, mount.point.as_bstr());
        let is_it = |file: &OwnedFd| Facts::of(file).is_some_and(|facts| facts.mount == mount.id);
        answer.points.extend(opened.filter(is_it).map(|file| (index, file)));
    }
    for (bit, place) in &places {
        let (below, place) = (matches!(place, Place::Below(_)), path(place));
        let Some((file, rest)) = nearest(&root, place.as_bstr()) else { continue };
        let Some(facts) = Facts::of(&file) else { continue };
        let Some((found, _)) = path_of(&file, &facts) else { continue };
        let mount = mounts.iter().find(|mount| mount.id == facts.mount);
        let Some(mut inner) = mount.and_then(|mount| mount.inner(found.as_bstr())) else {
            continue;
        };
        let is_file = !below && rest.is_empty() && facts.is_regular;
        if is_file && facts.links > 1 {
            answer.several.push(place.clone());
        }
        let identity = Identity { inode: facts.print.inode, born: facts.born };
        let identity = (is_file && facts.links == 1).then_some(identity);
        for part in rest.iter().rev() {
            if !inner.ends_with(b"/") {
                inner.push(b'/');
            }
            inner.extend_from_slice(part);
        }
        let device = facts.print.device;
        answer.fixed.push((Fixed { bit: *bit, below, device, inner, identity }, facts.print));
    }
    answer
}

/// What is there of a path, and the parts that are not, the last one first.
fn nearest(root: &OwnedFd, place: &BStr) -> Option<(OwnedFd, Vec<BString>)> {
    let mut rest = Vec::new();
    let mut place: &[u8] = place.as_bytes();
    loop {
        if let Some(found) = find(root, place.as_bstr()) {
            return Some((found, rest));
        }
        let (folder, part) = place.rsplit_once_str("/")?;
        if rest.len() >= PARTS_MAX {
            return None;
        }
        if !part.is_empty() {
            rest.push(part.into());
        }
        place = folder;
    }
}

/// Links lead where they lead for the process.
pub(crate) fn find(root: &OwnedFd, path: &BStr) -> Option<OwnedFd> {
    let below = path.strip_prefix(b"/").unwrap_or(path);
    let below = if below.is_empty() { b"." } else { below };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    openat2(root, below, flags, Mode::empty(), within).ok()
}
