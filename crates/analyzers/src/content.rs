//! Data of `content/` that is compiled in: rules that analyzers work by.

use include_dir::{Dir, DirEntry};

/// Equal as long as every file below the folder has the same name and content.
pub(crate) fn digest(folder: &Dir<'_>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    add(folder, &mut hasher);
    hasher.finalize()
}

fn add(folder: &Dir<'_>, hasher: &mut blake3::Hasher) {
    let mut entries: Vec<&DirEntry<'_>> = folder.entries().iter().collect();
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        match entry {
            DirEntry::Dir(below) => add(below, hasher),
            DirEntry::File(file) => {
                // Digests have one length, so that a name never runs into a content.
                let name = file.path().to_string_lossy();
                hasher.update(blake3::hash(name.as_bytes()).as_bytes());
                hasher.update(blake3::hash(file.contents()).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use include_dir::File;

    use super::*;

    #[test]
    fn names_contents_and_folders_count_and_their_order_does_not() {
        let file =
            |path, content: &'static str| DirEntry::File(File::new(path, content.as_bytes()));
        let of = |entries: Vec<DirEntry<'static>>| digest(&Dir::new("", entries.leak()));
        let usual = of(vec![file("a", "1"), file("b", "2")]);
        assert_eq!(usual, of(vec![file("b", "2"), file("a", "1")]));
        assert_ne!(usual, of(vec![file("a", "1"), file("b", "3")]));
        assert_ne!(usual, of(vec![file("a", "1"), file("c", "2")]));
        assert_ne!(usual, of(vec![file("a", "1b2")]));
        let below = DirEntry::Dir(Dir::new("c", vec![file("c/d", "3")].leak()));
        assert_ne!(usual, of(vec![file("a", "1"), file("b", "2"), below]));
    }
}
