//! The second pass over a layer: files that links lead to, each analyzed as what the links say it is.

use model::Entry;

use super::{LayerCollector, NAMED_OVERHEAD};
use crate::facts::{FileFacts, Named};
use crate::interest::Interest;

/// What one pass over a layer looks at once more because links give files more than one name that is wanted: a
/// store of npm packages has some thousand manifests of a kilobyte that several projects share.
pub(super) const AGAIN_BYTES_MAX: u64 = 16 << 20;

impl LayerCollector {
    /// Analyzes the content of a file once for each name that links give it.
    pub(super) fn content_again(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        for (number, like) in self.likes(entry).iter().enumerate() {
            // It was told that the others are not looked at.
            if number > 0 && !self.admits_again(entry) {
                break;
            }
            let facts = self.analyze(entry, like, self.selector.analyzers_of_name(like), bytes);
            self.keep_elsewhere(entry.path, like, facts);
        }
        if let Some(like) = self.in_directory(entry.path) {
            let facts = self.analyze(entry, &like, self.selector.analyzers(&like), bytes);
            self.keep(entry.path, Named::File(Some(Box::new(facts))));
        }
    }

    /// Whether a file may be looked at once more, for one more of its names.
    fn admits_again(&mut self, entry: &Entry<'_>) -> bool {
        if let Some(left) = self.again.checked_sub(entry.size) {
            self.again = left;
            return true;
        }
        self.overflow(entry.path, too_often());
        false
    }

    pub(super) fn keep_elsewhere(&mut self, at: &str, like: &str, facts: FileFacts) {
        let is_known = self.facts.elsewhere(at, like).is_some();
        let names = at.len().saturating_add(like.len()).saturating_add(2 * NAMED_OVERHEAD);
        let size = names.saturating_add(size_of::<FileFacts>());
        if is_known || self.spend(at, size) {
            let likes = self.facts.elsewhere.entry(at.into()).or_default();
            likes.insert(like.into(), Box::new(facts));
        }
    }

    /// The paths of links that lead to this file, if it was asked for because of them.
    pub(super) fn likes(&self, entry: &Entry<'_>) -> Vec<String> {
        match &self.interest {
            Interest::Selected => Vec::new(),
            Interest::Detours(detours) => detours.likes(entry.path).to_vec(),
        }
    }

    /// The path that leads to this file because a link leads to its directory.
    pub(super) fn in_directory(&self, path: &str) -> Option<String> {
        match &self.interest {
            Interest::Selected => None,
            Interest::Detours(detours) => detours.in_directory(path, self.selector),
        }
    }
}

fn too_often() -> String {
    format!(
        "links give files of the layer more names than are looked at: {} MiB of what has one already",
        AGAIN_BYTES_MAX >> 20
    )
}
