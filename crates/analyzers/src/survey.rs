//! Looks up every selected place in a view of the image: which files speak, and which should but
//! were not read.

use std::collections::BTreeSet;

use crate::facts::FileFacts;
use crate::os::rpm;
use crate::select::Selector;
use crate::view::{Resolved, View};
use crate::{Analyzer, Checks, Select, detour, select};

/// Circles found before links are no longer followed: each costs as many steps as a kernel takes
/// before it gives up, and no image that anybody uses has one.
const LOOPS_MAX: usize = 1000;
/// Files elsewhere that one pass is sent for: a package manager's folder may be all links to a store, and
/// has some thousand packages.
const UNREAD_MAX: usize = 20_000;

/// The outcome.
#[derive(Default)]
pub(crate) struct Survey<'a> {
    /// Each file once, in the order of the list of analyzers.
    pub(crate) files: Vec<Sighting<'a>>,
    pub(crate) unread: Vec<Unread>,
    /// Selected paths that lead round in a circle.
    pub(crate) loops: Vec<String>,
    /// Selected paths that are hard links, and what they should be other names of.
    pub(crate) dangling: BTreeSet<(String, String)>,
    /// How many selected paths were not followed after [`LOOPS_MAX`] such.
    pub(crate) unfollowed: u64,
    seen: BTreeSet<(u32, String)>,
}

/// A file that stands at a selected place.
pub(crate) struct Sighting<'a> {
    /// The selected path.
    pub(crate) place: String,
    /// Where the file really stands.
    pub(crate) path: String,
    pub(crate) layer: u32,
    pub(crate) facts: &'a FileFacts,
}

/// Something that matters and that no pass has read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unread {
    /// On the way to a selected path.
    Link { layer: u32, at: String },
    /// The file at `at`, which stands for the selected path `like`.
    File { at: String, like: String },
    /// The files in `at`, which stands for the selected directory `like`.
    Directory { at: String, like: &'static str },
}

impl<'a> Survey<'a> {
    pub(crate) fn of(view: &View<'_, 'a>) -> Self {
        let mut survey = Self::default();
        for select in select::all() {
            match *select {
                Select::Path(path) => survey.visit(view, path.to_owned()),
                Select::In { directory, suffix } => survey.visit_all(view, directory, suffix),
                Select::Consulted { directory, .. } => {
                    survey.locate(view, directory);
                }
                // Worth reading where it stands, not worth a second pass.
                Select::Below { .. }
                | Select::Anywhere { .. }
                | Select::Executable
                | Select::Any => {}
            }
        }
        for (layer, path, facts) in view.found() {
            let path = path.to_owned();
            survey.files.push(Sighting { place: path.clone(), path, layer, facts });
        }
        let selector = Selector::of(Checks::default());
        let speaks = |path: &str| selector.anywhere().packages(path).next().is_some();
        for (place, stands) in view.links(speaks) {
            match stands {
                Some(true) => survey.follow(view, place, selector),
                Some(false) => {}
                None => survey.unfollowed = survey.unfollowed.saturating_add(1),
            }
        }
        survey.unread.sort_unstable();
        survey.unread.dedup();
        survey.loops.dedup();
        survey
    }

    /// The files that list packages, but for databases that a better one beside them replaces.
    pub(crate) fn databases(&self) -> impl Iterator<Item = &Sighting<'a>> {
        let listing: Vec<&Sighting<'a>> =
            self.files.iter().filter(|file| !file.facts.packages.is_empty()).collect();
        let places: BTreeSet<&str> = listing.iter().map(|file| file.place.as_str()).collect();
        listing.into_iter().filter(move |file| rpm::replacement(&file.place, &places).is_none())
    }

    /// Whether something that may list packages could not be read to its end.
    pub(crate) fn is_incomplete(&self) -> bool {
        let damaged = |file: &Sighting<'_>| !file.facts.problems.is_empty();
        !self.unread.is_empty()
            || !self.loops.is_empty()
            || !self.dangling.is_empty()
            || self.files.iter().any(damaged)
    }

    fn visit_all(&mut self, view: &View<'_, 'a>, directory: &'static str, suffix: &str) {
        let located = self.locate(view, directory);
        let mut names: BTreeSet<&str> = view.names_in(directory, suffix).into_iter().collect();
        names.extend(located.iter().flat_map(|at| view.names_in(at, suffix)));
        for name in names {
            self.visit(view, format!("{directory}/{name}"));
        }
    }

    /// Where a selected directory stands, if links lead elsewhere; wants it read if nobody did.
    fn locate(&mut self, view: &View<'_, 'a>, directory: &'static str) -> Option<String> {
        match view.resolve(directory) {
            Resolved::Place(at) if at == directory => None,
            Resolved::Place(at) => {
                if !detour::is_watched(&at, directory) && view.lacks(&at) {
                    self.unread.push(Unread::Directory { at: at.clone(), like: directory });
                }
                Some(at)
            }
            Resolved::Unread { layer, at, .. } => {
                self.unread.push(Unread::Link { layer, at });
                None
            }
            Resolved::Loop => {
                self.loops.push(directory.to_owned());
                None
            }
            Resolved::Dangling(at) => {
                self.dangling.insert((directory.to_owned(), at));
                None
            }
            Resolved::File { .. } | Resolved::Useless => None,
        }
    }

    fn visit(&mut self, view: &View<'_, 'a>, place: String) {
        match view.stands(&place) {
            Some(file) => self.take(view, place, file),
            None if self.loops.len() >= LOOPS_MAX => {
                self.unfollowed = self.unfollowed.saturating_add(1);
            }
            None => self.take(view, place.clone(), view.walk(&place)),
        }
    }

    /// A link whose name says what it leads to. Where it stands the file speaks for itself, if its own name
    /// says the same; a hard link is the file itself, in one more place.
    fn follow(&mut self, view: &View<'_, 'a>, place: &str, selector: &Selector) {
        match view.walk(place) {
            Resolved::Unread { path, last: true, .. }
                if path != place && is_read(&path, place, selector) => {}
            // To programs there is nothing at such a link.
            Resolved::Loop | Resolved::Place(_) => {}
            resolved => self.take(view, place.to_owned(), resolved),
        }
    }

    fn take(&mut self, view: &View<'_, 'a>, place: String, resolved: Resolved<'a>) {
        match resolved {
            Resolved::File { layer, path, facts } => self.see(place, path, layer, facts),
            Resolved::Unread { layer, at, path, last: true } => {
                match view.elsewhere(layer, &at, &place) {
                    Some(facts) => self.see(place, path, layer, facts),
                    None => self.want(Unread::File { at, like: place }),
                }
            }
            Resolved::Unread { layer, at, last: false, .. } => {
                self.want(Unread::Link { layer, at });
            }
            Resolved::Loop => self.loops.push(place),
            Resolved::Dangling(at) => {
                self.dangling.insert((place, at));
            }
            Resolved::Place(_) | Resolved::Useless => {}
        }
    }

    fn see(&mut self, place: String, path: String, layer: u32, facts: &'a FileFacts) {
        if self.seen.insert((layer, path.clone())) {
            self.files.push(Sighting { place, path, layer, facts });
        }
    }

    fn want(&mut self, unread: Unread) {
        match self.unread.len() {
            0..UNREAD_MAX => self.unread.push(unread),
            _ => self.unfollowed = self.unfollowed.saturating_add(1),
        }
    }
}

/// Whether a file at `path` is read wherever it stands for all that one at `place` would be.
fn is_read(path: &str, place: &str, selector: &Selector) -> bool {
    let read = selector.analyzers_of_name(path);
    let is_read = |wanted: &&dyn Analyzer| read.iter().any(|it| it.name() == wanted.name());
    selector.analyzers_of_name(place).iter().all(is_read)
}
