//! Files that matter and are reached only through links to places that nobody watched.
//!
//! A first pass knows a file by its path alone. If `var/lib/dpkg` is a link to `data/dpkg`, or
//! `etc/os-release` a hard link to an object store, the content stands elsewhere, and only the
//! layers together say where. [`unresolved`] gives the list of such places for a second pass, and what
//! that finds may lead on to others; what is still unread in the end is a Problem that
//! [`crate::squash()`] reports.

use std::collections::{BTreeMap, BTreeSet};

use crate::survey::{Survey, Unread};
use crate::view::Stack;
use crate::{LayerFacts, Select, select};

/// What a second pass over a layer is sent for. Paths are relative to the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detour {
    /// Where does the link at `at` lead?
    Link { at: String },
    /// Analyze the file at `at` as if it stood at `like`.
    File { at: String, like: String },
    /// Analyze the files directly in `at` as if they stood in `like`.
    Directory { at: String, like: String },
}

/// What a second pass has to read, by layer; mostly nothing. For each pair the layer is read again
/// with [`crate::LayerCollector::for_paths`], and what it finds goes into
/// [`LayerFacts::absorb`].
pub fn unresolved(layers: &[LayerFacts]) -> Vec<(u32, Vec<Detour>)> {
    let stack = Stack::new(layers);
    let survey = Survey::of(&stack.all());
    let mut detours: BTreeMap<u32, BTreeSet<Detour>> = BTreeMap::new();
    for unread in &survey.unread {
        for (layer, detour) in wanted(unread, layers) {
            detours.entry(layer).or_default().insert(detour);
        }
    }
    detours.into_iter().map(|(layer, detours)| (layer, detours.into_iter().collect())).collect()
}

/// A file or directory is wanted of every layer that has it, and not of the uppermost alone: the
/// versions below say in which layer a package first appeared.
fn wanted(unread: &Unread, layers: &[LayerFacts]) -> Vec<(u32, Detour)> {
    let detour = match unread {
        Unread::Link { layer, at } => return vec![(*layer, Detour::Link { at: at.clone() })],
        Unread::File { at, like } => Detour::File { at: at.clone(), like: like.clone() },
        Unread::Directory { at, like } => {
            Detour::Directory { at: at.clone(), like: (*like).to_owned() }
        }
    };
    let having = (0_u32..).zip(layers).filter(|(_, layer)| match unread {
        Unread::Directory { at, .. } => layer.has_directory(at) && !layer.has_detoured(at),
        Unread::File { at, like } => layer.has_unread(at) && layer.elsewhere(at, like).is_none(),
        Unread::Link { at, .. } => layer.has_unread(at),
    });
    having.map(|(layer, _)| (layer, detour.clone())).collect()
}

/// Whether files in `directory` are collected anyway as those in `like` are.
pub(crate) fn is_watched(directory: &str, like: &str) -> bool {
    let watched = |directory: &str| -> BTreeSet<&str> {
        select::all()
            .filter_map(|select| match select {
                Select::In { directory: watched, suffix }
                | Select::Consulted { directory: watched, suffix } => {
                    (*watched == directory).then_some(*suffix)
                }
                Select::Path(_)
                | Select::Below { .. }
                | Select::Anywhere { .. }
                | Select::Executable
                | Select::Any => None,
            })
            .collect()
    };
    watched(like).is_subset(&watched(directory))
}
