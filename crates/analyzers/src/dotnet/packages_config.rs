//! `packages.config`: the packages of a project of the .NET Framework (learn.microsoft.com/nuget,
//! "packages.config reference"), each an empty element with its exact version.

use model::{PackageKind, ProblemKind};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `nuget-config`.
pub(crate) struct NugetConfig;

impl Analyzer for NugetConfig {
    fn name(&self) -> &'static str {
        "nuget-config"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "packages.config" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut reader = Reader::from_str(&text);
        let mut open = 0_usize;
        let mut listing = Listing::new(facts);
        let error = loop {
            match reader.read_event() {
                Ok(Event::Empty(tag)) => listing.add(package(&tag)),
                Ok(Event::Start(tag)) => {
                    listing.add(package(&tag));
                    open = open.saturating_add(1);
                }
                Ok(Event::End(_)) => open = open.saturating_sub(1),
                Ok(Event::Eof) if open == 0 => return,
                Ok(Event::Eof) => break "it ends inside an element".to_owned(),
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        facts.problem(ProblemKind::Damaged, format!("not a packages.config: {error}"));
    }
}

/// A package without a name is none; the list leaves it out.
fn package(tag: &BytesStart<'_>) -> Installed {
    let (mut name, mut version) = (String::new(), String::new());
    let mut development = false;
    if tag.name().into_inner() == "package" {
        for attribute in tag.attributes().with_checks(false).flatten() {
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
            match attribute.key.into_inner() {
                "id" => value.trim().clone_into(&mut name),
                "version" => value.trim().clone_into(&mut version),
                "developmentDependency" => development = value.trim() == "true",
                _ => {}
            }
        }
    }
    let mut installed = Installed::declared(PackageKind::Nuget, &name, &version);
    installed.package.development = Some(development);
    installed
}
