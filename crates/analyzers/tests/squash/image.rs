//! Images made of nothing but lists of entries, and how they are read.

use analyzers::{Checks, Detour, LayerCollector, LayerFacts, unresolved};
use model::{Entry, EntryKind, HEAD_BYTES, Visitor, Want};

/// What stands at a path of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File(String),
    /// A file whose content the reader cannot deliver.
    Unreadable,
    Symlink(String),
    HardLink(String),
    Whiteout,
    Opaque,
}

/// Entries, in the order in which the layer holds them.
pub(crate) type Layer = Vec<(String, Kind)>;

/// The facts after the first pass.
pub(crate) fn read(layers: &[Layer], checks: Checks) -> Vec<LayerFacts> {
    layers.iter().map(|layer| pass(layer, LayerCollector::new(checks))).collect()
}

/// Makes a second pass and says what it was sent for.
pub(crate) fn read_again(layers: &[Layer], facts: &mut [LayerFacts]) -> Vec<(u32, Vec<Detour>)> {
    let sent = unresolved(facts);
    for (index, detours) in &sent {
        let index = *index as usize;
        facts[index].absorb(pass(&layers[index], LayerCollector::for_paths(detours)));
    }
    sent
}

fn pass(layer: &Layer, mut collector: LayerCollector) -> LayerFacts {
    for (path, kind) in layer {
        let (kind, content) = match kind {
            Kind::Directory => (EntryKind::Directory, None),
            Kind::File(content) => (EntryKind::File, Some(content.as_bytes())),
            Kind::Unreadable => (EntryKind::File, None),
            Kind::Symlink(target) => (EntryKind::Symlink(target), None),
            Kind::HardLink(target) => (EntryKind::HardLink(target), None),
            Kind::Whiteout => (EntryKind::Whiteout, None),
            Kind::Opaque => (EntryKind::Opaque, None),
        };
        let size = content.map_or(0, <[u8]>::len) as u64;
        let entry = Entry { path, kind, mode: 0o644, uid: 0, gid: 0, size };
        let want = collector.entry(&entry);
        let Some(content) = content else { continue };
        let head = &content[..content.len().min(HEAD_BYTES)];
        let is_wanted = match want {
            Want::Head => collector.head(&entry, head) == Want::Content,
            want => want == Want::Content,
        };
        if is_wanted {
            collector.content(&entry, content);
        }
    }
    collector.finish()
}
