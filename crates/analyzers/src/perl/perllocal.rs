//! `perllocal.pod`: the diary of what `make install` put into a Perl (ExtUtils::Install). The last
//! entry of a module counts: installing another version does not remove the older entry.

use std::collections::BTreeMap;

use model::PackageKind;

use crate::lock::LOCK_BYTES_MAX;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `perllocal`.
pub(crate) struct Perllocal;

impl Analyzer for Perllocal {
    fn name(&self) -> &'static str {
        "perllocal"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "perllocal.pod" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut module = "";
        let mut installed: BTreeMap<String, &str> = BTreeMap::new();
        for line in text.lines() {
            if line.starts_with("=head2") {
                let link = line.split_once("L<").and_then(|(_, link)| link.split_once('|'));
                module = link.map_or("", |(name, _)| name);
            } else if let Some(version) = line.trim().strip_prefix("C<VERSION: ")
                && !module.is_empty()
            {
                // A distribution is called like its main module.
                installed.insert(module.replace("::", "-"), version.trim_end_matches('>'));
            }
        }
        for (name, version) in installed {
            facts.package(Installed::new(PackageKind::Cpan, &name, version));
        }
    }
}
