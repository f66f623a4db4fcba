//! What the facts of a whole image may take in memory, decided in the order of its layers.
//!
//! Layers are read in parallel and in any order, and what is kept must not depend on who was faster.
//! So the lowest layers are kept that fit together, and nothing of the first that does not and of
//! those above it. What is known of the sizes meanwhile can only grow: a layer that does not fit
//! beside what is known of those below it never will, and is let go at once. All that is held at a
//! time fits therefore, too.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of facts of one image, as [`analyzers::LayerFacts::size`] counts them: half as many again as
/// one layer may have. What is made of them for a report takes some four times as much, and a scan is
/// to stay below 256 MB.
pub(crate) const FACTS_BYTES_MAX: usize = 48 << 20;

/// What the layers of an image take.
pub(crate) struct Budget {
    limit: usize,
    /// For each layer, the one that is read for it.
    like: Vec<u32>,
    /// Of each layer that is read, as far as that is known.
    sizes: Vec<AtomicUsize>,
    /// Of what is being read without knowing which layer it is.
    unplaced: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize, like: &[u32]) -> Self {
        let sizes = like.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { limit, like: like.to_vec(), sizes, unplaced: AtomicUsize::new(0) }
    }

    /// Notes what a layer takes by now.
    pub(crate) fn note(&self, layer: u32, size: usize) {
        if let Some(noted) = self.size(layer) {
            noted.store(size, Ordering::Relaxed);
        }
    }

    /// Notes that a layer of which the place is not known takes so much more. False if all of that
    /// kind take too much: copies of one layer, for a source gives such layers up one by one.
    pub(crate) fn note_unplaced(&self, more: usize) -> bool {
        self.unplaced.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= self.limit
    }

    /// Forgets what was noted of a layer whose place is known now.
    pub(crate) fn forget_unplaced(&self, size: usize) {
        self.unplaced.fetch_sub(size, Ordering::Relaxed);
    }

    /// The lowest layer that does not fit beside those below it.
    pub(crate) fn first_beyond(&self) -> Option<u32> {
        let mut sum = 0_usize;
        let is_beyond = |like: &u32| {
            let size = self.size(*like).map_or(0, |size| size.load(Ordering::Relaxed));
            sum = sum.saturating_add(size);
            sum > self.limit
        };
        self.like.iter().position(is_beyond).and_then(|place| place.try_into().ok())
    }

    /// Whether a layer may still fit.
    pub(crate) fn holds(&self, layer: u32) -> bool {
        self.first_beyond().is_none_or(|beyond| layer < beyond)
    }

    fn size(&self, layer: u32) -> Option<&AtomicUsize> {
        self.sizes.get(usize::try_from(layer).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_decided_from_below_whatever_came_first() {
        let sizes = [(0, 30), (1, 40), (2, 20), (3, 20), (4, 1)];
        let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]];
        for order in orders {
            let budget = Budget::new(100, &[0, 1, 2, 3, 4]);
            order.iter().for_each(|&at| budget.note(sizes[at].0, sizes[at].1));
            assert_eq!(budget.first_beyond(), Some(3), "{order:?}");
            assert!(budget.holds(2) && !budget.holds(4), "{order:?}");
        }
        let budget = Budget::new(100, &[0, 1]);
        budget.note(1, 100);
        assert!(budget.holds(1));
        budget.note(0, 1);
        assert!(budget.holds(0) && !budget.holds(1));
    }

    #[test]
    fn a_layer_counts_wherever_it_stands() {
        let budget = Budget::new(100, &[0, 1, 0, 0]);
        budget.note(0, 40);
        budget.note(1, 10);
        assert_eq!(budget.first_beyond(), Some(3));
    }

    #[test]
    fn copies_without_a_place_share_what_one_may_take() {
        let budget = Budget::new(100, &[0]);
        assert!(budget.note_unplaced(60));
        assert!(!budget.note_unplaced(60));
        budget.forget_unplaced(60);
        assert!(budget.note_unplaced(40));
    }
}
