//! Reads tars into layer facts with the `tar` crate: another reader than the one the product uses.

use std::io::Read;

use analyzers::{Checks, LayerCollector, LayerFacts, unresolved};
use model::{Entry, EntryKind, Visitor, Want};

/// The facts of a plain root file system, second pass included.
pub(crate) fn facts(tar: &[u8]) -> LayerFacts {
    let mut facts = vec![pass(tar, LayerCollector::new(Checks::default()))];
    for (_, detours) in unresolved(&facts) {
        let second = pass(tar, LayerCollector::for_paths(&detours));
        facts[0].absorb(second);
    }
    facts.remove(0)
}

fn pass(tar: &[u8], mut collector: LayerCollector) -> LayerFacts {
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = normal(&String::from_utf8_lossy(&entry.path_bytes()));
        let target = entry.link_name_bytes().unwrap_or_default();
        let target = String::from_utf8_lossy(&target).into_owned();
        let linked = normal(&target);
        let kind = match entry.header().entry_type() {
            tar::EntryType::Directory => EntryKind::Directory,
            tar::EntryType::Symlink => EntryKind::Symlink(&target),
            tar::EntryType::Link => EntryKind::HardLink(&linked),
            kind if kind.is_file() => EntryKind::File,
            _ => EntryKind::Special,
        };
        let size = if kind == EntryKind::File { entry.size() } else { 0 };
        let seen = Entry { path: &path, kind, mode: 0o644, uid: 0, gid: 0, size };
        if !path.is_empty() && collector.entry(&seen) == Want::Content {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            collector.content(&seen, &bytes);
        }
    }
    collector.finish()
}

fn normal(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}
