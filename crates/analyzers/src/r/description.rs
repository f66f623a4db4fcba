//! `DESCRIPTION` of an R package in a library ("Writing R Extensions", 1.1.1). Installing adds the
//! field `Built`; without it the file is part of a source tree.

use model::PackageKind;

use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `r-package`.
pub(crate) struct RPackage;

impl Analyzer for RPackage {
    fn name(&self) -> &'static str {
        "r-package"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "DESCRIPTION" }] }
    }

    fn max_bytes(&self) -> u64 {
        // A few KB; longer ones list hundreds of source files.
        4 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let fields = unfolded(&text);
        let field = |name: &str| {
            fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value.as_str())
        };
        let (name, version) = (field("Package"), field("Version"));
        if field("Built").is_empty() || name.is_empty() || version.is_empty() {
            return;
        }
        let mut installed = Installed::new(PackageKind::Cran, name, version);
        field("License").clone_into(&mut installed.package.license);
        let needed = [field("Depends"), field("Imports"), field("LinkingTo")];
        let names = needed.into_iter().flat_map(|list| list.split(','));
        let names = names.map(|item| item.split('(').next().unwrap_or_default().trim());
        let mut names: Vec<String> =
            names.filter(|name| !matches!(*name, "" | "R")).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        installed.package.dependencies = names;
        facts.package(installed);
    }
}

/// Fields with their values; a line that begins with a blank goes on.
fn unfolded(text: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                if let Some((name, value)) = line.split_once(':') {
                    fields.push((name, value.trim().to_owned()));
                }
            }
        }
    }
    fields
}
