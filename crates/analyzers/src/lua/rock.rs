//! An installed rock: `lib/luarocks/rocks-5.4/<name>/<version>/rock_manifest`. Its place says all;
//! the file lists digests of the rock's files.

use model::PackageKind;

use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `luarocks-rock`.
pub(crate) struct Rock;

impl Analyzer for Rock {
    fn name(&self) -> &'static str {
        "luarocks-rock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "rock_manifest" }] }
    }

    fn max_bytes(&self) -> u64 {
        // Nothing in it is read.
        16 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let mut parts = file.path.rsplit('/').skip(1);
        if let (Some(version), Some(name), Some(tree)) = (parts.next(), parts.next(), parts.next())
            && tree.starts_with("rocks")
        {
            facts.package(Installed::new(PackageKind::Luarocks, name, version));
        }
    }
}
