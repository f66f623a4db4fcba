//! A visitor that asks clamd about every content that the collector of facts is shown.

use std::sync::Arc;

use analyzers::{LayerCollector, LayerFacts};
use model::{Entry, Visitor, Want};

use super::{Clamd, Connection};

/// The collector of one layer, and beside it a session with clamd if one is to be asked.
pub(crate) struct Asking {
    collector: LayerCollector,
    clamd: Option<Arc<Clamd>>,
    connection: Option<Connection>,
}

impl Asking {
    pub(crate) fn new(collector: LayerCollector, clamd: Option<Arc<Clamd>>) -> Self {
        Self { collector, clamd, connection: None }
    }

    /// About how many bytes of memory the facts take so far.
    pub(crate) fn size(&self) -> usize {
        self.collector.size()
    }

    pub(crate) fn finish(self) -> LayerFacts {
        self.collector.finish()
    }
}

impl Visitor for Asking {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        self.collector.entry(entry)
    }

    fn head(&mut self, entry: &Entry<'_>, head: &[u8]) -> Want {
        self.collector.head(entry, head)
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.collector.content(entry, bytes);
        if let Some(clamd) = self.clamd.as_deref()
            && let Some(name) = clamd.ask(&mut self.connection, bytes)
        {
            self.collector.suspect(entry, bytes, &name);
        }
    }
}
