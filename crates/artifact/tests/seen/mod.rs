//! What a visitor saw of each layer, for tests to compare.

use artifact::Image;
use model::{Entry, EntryKind, Problem, Visitor, Want};

/// One layer, as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// In order; whiteouts with a `!`, opaque directories with a `*`.
    pub paths: Vec<String>,
    /// The sum of all bytes of contents.
    pub bytes: u64,
    pub verified: bool,
    pub problems: Vec<Problem>,
}

#[derive(Default)]
struct Eyes {
    paths: Vec<String>,
    bytes: u64,
}

impl Visitor for Eyes {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        let mark = match entry.kind {
            EntryKind::Whiteout => "!",
            EntryKind::Opaque => "*",
            _ => "",
        };
        self.paths.push(format!("{mark}{}", entry.path));
        Want::Content
    }

    fn content(&mut self, _entry: &Entry<'_>, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
    }
}

/// Reads all layers.
pub fn read(image: &Image) -> Vec<Seen> {
    let all: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    let layers = image.read(&all, &Eyes::default).expect("nothing interrupts it");
    layers
        .into_iter()
        .map(|layer| Seen {
            paths: layer.visitor.paths,
            bytes: layer.visitor.bytes,
            verified: layer.verified,
            problems: layer.problems,
        })
        .collect()
}
