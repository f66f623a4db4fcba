//! Entries on their way to the visitor: counted, and within the limits.
//!
//! Both kinds of walk end here, the one through an archive and the one through a directory.

use model::{Entry, EntryKind, Problem, ProblemKind, Visitor, Want};

use crate::decompress::Growth;
use crate::layer::Reading;
use crate::limits::{CONTENT_BYTES_MAX, ENTRIES_MAX};
use crate::problems::Problems;
use crate::spill::{GatherError, Head, ReadContent, Spill};
use crate::tar::{Fault, Segment};

/// One layer's entries on their way.
pub(crate) struct Delivery<'a> {
    visitor: &'a mut dyn Visitor,
    reading: &'a Reading<'a>,
    problems: Problems,
    spill: Spill,
    entries: u64,
    growth: Growth,
    /// What the visitor wants of the entry that was last shown.
    want: Want,
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
        Self {
            visitor,
            reading,
            problems,
            spill,
            entries: 0,
            growth: reading.growth(),
            want: Want::Nothing,
        }
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// What of this layer was looked at without being there.
    pub(crate) fn growth(&self) -> Growth {
        self.growth.clone()
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
        self.want = self.visitor.entry(entry);
        if self.want == Want::Nothing || entry.kind != EntryKind::File {
            return Turn::Pass;
        }
        if self.want == Want::Content && !self.has_fit_size(entry) {
            return Turn::Pass;
        }
        Turn::Content
    }

    fn has_fit_size(&mut self, entry: &Entry<'_>) -> bool {
        let fits = entry.size <= CONTENT_BYTES_MAX;
        if !fits {
            let message = format!("{} bytes are too many to look into", entry.size);
            self.problem(ProblemKind::LimitReached, entry.path, message);
        }
        fits
    }

    /// Hands over the content of the entry that was last shown. Fails if its bytes cannot be
    /// read; that there is no room for them is a problem of this entry alone.
    pub(crate) fn content(
        &mut self,
        entry: &Entry<'_>,
        shape: &Shape<'_>,
        read: &mut ReadContent<'_>,
    ) -> Result<(), Fault> {
        let whole = [Segment { offset: 0, length: entry.size }];
        let segments = shape.segments.unwrap_or(&whole);
        let mut head = Head::default();
        if self.want == Want::Head {
            head = Head::read(entry.size, segments, read)?;
            let wanted = self.visitor.head(entry, &head.bytes) == Want::Content;
            if !wanted || !self.has_fit_size(entry) {
                return Ok(());
            }
        }
        let holes = entry.size.saturating_sub(shape.stored);
        if holes > 0 && !self.growth.add(holes) {
            let message = "the holes of sparse files add up to too much";
            self.problem(ProblemKind::LimitReached, entry.path, message);
            return Ok(());
        }
        match self.spill.gather(entry.size, segments, &mut |into| head.read_again(into, read)) {
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
