//! Entries on their way to the visitor: counted, and within the limits.
//!
//! Both kinds of walk end here, the one through an archive and the one through a directory.

use model::{Entry, EntryKind, Problem, ProblemKind, Visitor, Want};

use crate::layer::Reading;
use crate::limits::{CONTENT_BYTES_MAX, ENTRIES_MAX, HOLE_BYTES_MAX};
use crate::problems::Problems;
use crate::spill::{GatherError, ReadContent, Spill};
use crate::tar::{Fault, Segment};

/// One layer's entries on their way.
pub(crate) struct Delivery<'a> {
    visitor: &'a mut dyn Visitor,
    reading: &'a Reading<'a>,
    problems: Problems,
    spill: Spill,
    entries: u64,
    holes: u64,
}

/// What the walk has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Go on to the next entry.
    Pass,
    /// Bring this file's content.
    Content,
    /// Bring nothing more: a limit is reached, and the problem is recorded.
    Full,
}

/// Where a content's bytes are within the file: all of it, unless there are holes.
pub(crate) struct Shape<'a> {
    pub(crate) segments: Option<&'a [Segment]>,
    /// The bytes that the source holds; the rest of the file's size is holes.
    pub(crate) stored: u64,
}

impl<'a> Delivery<'a> {
    /// `layer` is None for a file system that has none.
    pub(crate) fn new(
        visitor: &'a mut dyn Visitor,
        reading: &'a Reading<'a>,
        layer: Option<u32>,
    ) -> Self {
        let spill = Spill::new(reading.content_memory, reading.options.temp_dir.clone());
        let problems = Problems::new(layer);
        Self { visitor, reading, problems, spill, entries: 0, holes: 0 }
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn problem(&mut self, kind: ProblemKind, subject: &str, message: impl Into<String>) {
        self.problems.add(kind, subject, message);
    }

    /// Shows the visitor an entry.
    pub(crate) fn entry(&mut self, entry: &Entry<'_>) -> Turn {
        if !self.reading.admits_entry() {
            let message =
                format!("the image has more than {ENTRIES_MAX} entries; the rest is not read");
            self.problem(ProblemKind::LimitReached, entry.path, message);
            return Turn::Full;
        }
        self.entries += 1;
        let wanted = self.visitor.entry(entry) == Want::Content;
        if !wanted || entry.kind != EntryKind::File {
            return Turn::Pass;
        }
        if entry.size > CONTENT_BYTES_MAX {
            let message = format!("{} bytes are too many to look into", entry.size);
            self.problem(ProblemKind::LimitReached, entry.path, message);
            return Turn::Pass;
        }
        Turn::Content
    }

    /// Hands over the content of the entry that was last shown. Fails if its bytes cannot be
    /// read; that there is no room for them is a problem of this entry alone.
    pub(crate) fn content(
        &mut self,
        entry: &Entry<'_>,
        shape: &Shape<'_>,
        read: &mut ReadContent<'_>,
    ) -> Result<(), Fault> {
        self.holes = self.holes.saturating_add(entry.size.saturating_sub(shape.stored));
        if self.holes > HOLE_BYTES_MAX {
            let message = "the holes of sparse files add up to too much";
            self.problem(ProblemKind::LimitReached, entry.path, message);
            return Ok(());
        }
        let whole = [Segment { offset: 0, length: entry.size }];
        let segments = shape.segments.unwrap_or(&whole);
        match self.spill.gather(entry.size, segments, read) {
            Ok(content) => self.visitor.content(entry, &content),
            Err(GatherError::Read(fault)) => return Err(fault),
            Err(GatherError::Store(error)) => {
                let message = format!("no room for a temporary copy: {error}");
                self.problem(ProblemKind::Unreadable, entry.path, message);
            }
        }
        Ok(())
    }

    /// Ends the delivery; `subject` is what the problems belong to.
    pub(crate) fn finish(self, subject: &str) -> Vec<Problem> {
        self.problems.finish(subject)
    }
}
