//! The visitor of one layer: what it collects is counted in the image's budget, and let go as soon
//! as it cannot fit any more.

use analyzers::LayerFacts;
use model::{Entry, Visitor, Want};

use crate::budget::Budget;
use crate::clamd::Asking;

/// What may be collected between two looks at the budget: so much more is held for each layer that
/// is being read.
const STEP_BYTES: usize = 256 << 10;

/// A visitor that collects facts within a budget.
pub(crate) struct Collecting<'b> {
    /// None once the facts were let go: the layer goes on to be read, for its digest alone.
    asking: Option<Asking>,
    budget: &'b Budget,
    /// Which layer this is; None where that is known only at its end.
    layer: Option<u32>,
    /// What was told to the budget.
    noted: usize,
}

impl<'b> Collecting<'b> {
    pub(crate) fn new(asking: Asking, budget: &'b Budget) -> Self {
        Self { asking: Some(asking), budget, layer: None, noted: 0 }
    }

    /// The facts; None if they were let go.
    pub(crate) fn finish(mut self) -> Option<LayerFacts> {
        self.asking.take().map(Asking::finish)
    }

    /// Looks at the budget, if there is something to tell it.
    fn settle(&mut self) {
        let size = self.asking.as_ref().map_or(0, Asking::size);
        let more = size.saturating_sub(self.noted);
        if more < STEP_BYTES {
            return;
        }
        self.noted = size;
        let fits = match self.layer {
            Some(layer) => {
                self.budget.note(layer, size);
                self.budget.holds(layer)
            }
            None => self.budget.note_unplaced(more),
        };
        if !fits {
            self.asking = None;
            self.forget_unplaced();
        }
    }

    /// What was noted of a layer without a place is noted no more.
    fn forget_unplaced(&mut self) {
        if self.layer.is_none() {
            self.budget.forget_unplaced(std::mem::take(&mut self.noted));
        }
    }
}

impl Drop for Collecting<'_> {
    /// Not every layer that is read finds a place: it may not have been asked for.
    fn drop(&mut self) {
        self.forget_unplaced();
    }
}

impl Visitor for Collecting<'_> {
    fn layer(&mut self, index: u32) {
        self.layer = Some(index);
        self.budget.note(index, 0);
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        let want = self.asking.as_mut().map_or(Want::Nothing, |asking| asking.entry(entry));
        self.settle();
        if self.asking.is_some() { want } else { Want::Nothing }
    }

    fn head(&mut self, entry: &Entry<'_>, head: &[u8]) -> Want {
        self.asking.as_mut().map_or(Want::Nothing, |asking| asking.head(entry, head))
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        if let Some(asking) = &mut self.asking {
            asking.content(entry, bytes);
        }
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use analyzers::{Checks, LayerCollector};
    use model::EntryKind;

    use super::*;

    fn visitor(budget: &Budget) -> Collecting<'_> {
        Collecting::new(Asking::new(LayerCollector::new(Checks::default()), None), budget)
    }

    fn file(path: &str, size: usize) -> Entry<'_> {
        let (kind, size) = (EntryKind::File, size as u64);
        Entry { path, kind, mode: 0o755, uid: 0, gid: 0, size }
    }

    #[test]
    fn the_beginning_of_an_assembly_decides_whether_it_is_read() {
        let budget = Budget::new(1 << 20, &[0]);
        let mut visitor = visitor(&budget);
        let program = Entry { mode: 0o644, ..file("app/shop.dll", 1 << 20) };
        assert_eq!(visitor.entry(&program), Want::Head);
        assert_eq!(visitor.head(&program, &[b'x'; 4096]), Want::Nothing);
    }

    fn status(name: &str) -> String {
        let rest = "Status: install ok installed\nVersion: 1\n\n";
        (0..2000).map(|number| format!("Package: {name}{number}\n{rest}")).collect()
    }

    #[test]
    fn what_finds_no_place_is_forgotten() {
        let budget = Budget::new(1 << 20, &[0]);
        let path = "var/lib/dpkg/status";
        for _ in 0..3 {
            let mut visitors = [visitor(&budget), visitor(&budget)];
            let text = status("a");
            for visitor in &mut visitors {
                visitor.entry(&file(path, text.len()));
                visitor.content(&file(path, text.len()), text.as_bytes());
            }
            let [first, second] = visitors;
            assert!(second.finish().is_none(), "both are too much");
            drop(first);
            assert!(budget.note_unplaced(1 << 20), "nothing is left of them");
            budget.forget_unplaced(1 << 20);
        }
    }

    #[test]
    fn what_cannot_fit_any_more_is_let_go() {
        let path = "var/lib/dpkg/status";
        let budget = Budget::new(1 << 20, &[0, 1]);
        let (mut lower, mut upper) = (visitor(&budget), visitor(&budget));
        lower.layer(0);
        upper.layer(1);
        let text = status("upper");
        assert_eq!(upper.entry(&file(path, text.len())), Want::Content);
        upper.content(&file(path, text.len()), text.as_bytes());
        assert!(budget.holds(1), "alone it fits");
        let text = status("lower");
        assert_eq!(lower.entry(&file(path, text.len())), Want::Content);
        lower.content(&file(path, text.len()), text.as_bytes());
        assert!(budget.holds(0) && !budget.holds(1));
        upper.content(&file(path, text.len()), text.as_bytes());
        assert_eq!(upper.entry(&file(path, 10)), Want::Nothing);
        assert!(lower.finish().is_some() && upper.finish().is_none());
    }
}
