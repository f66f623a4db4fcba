//! `packages.config`: the packages of a project of the .NET Framework (learn.microsoft.com/nuget,
//! "packages.config reference"), each an empty element with its exact version. `Directory.Packages.props`: the
//! versions for all projects of a repository ("Central Package Management"); of these a range and a variable
//! name none, and are counted.

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
        3
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "packages.config" },
                Select::Anywhere { directory: "*", name: "Directory.Packages.props" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut reader = Reader::from_str(&text);
        let mut open = 0_usize;
        let mut inexact = 0_usize;
        let mut listing = Listing::new(facts);
        let mut add = |tag: &BytesStart<'_>| match package(tag) {
            found if is_exact(&found.package.version) => listing.add(found),
            found => inexact = inexact.saturating_add(usize::from(!found.package.name.is_empty())),
        };
        let error = loop {
            match reader.read_event() {
                Ok(Event::Empty(tag)) => add(&tag),
                Ok(Event::Start(tag)) => {
                    add(&tag);
                    open = open.saturating_add(1);
                }
                Ok(Event::End(_)) => open = open.saturating_sub(1),
                Ok(Event::Eof) if open == 0 => break None,
                Ok(Event::Eof) => break Some("it ends inside an element".to_owned()),
                Ok(_) => {}
                Err(error) => break Some(error.to_string()),
            }
        };
        if inexact > 0 {
            let message = format!("packages not looked at: {inexact}; no exact version is said");
            facts.problem(ProblemKind::Notice, message);
        }
        if let Some(error) = error {
            let message = format!("not a {}: {error}", file.name());
            facts.problem(ProblemKind::Damaged, message);
        }
    }
}

/// Whether a version is one, and no range or variable of the build. None at all is listed as such.
fn is_exact(version: &str) -> bool {
    !version.contains(['$', '*', '[', '(', ','])
}

/// A package without a name is none; the list leaves it out.
fn package(tag: &BytesStart<'_>) -> Installed {
    let (mut name, mut version) = (String::new(), String::new());
    // Which project needs it, and for what, is said elsewhere.
    let is_central = tag.name().into_inner() != "package";
    let mut development = false;
    let names = ["package", "PackageVersion", "GlobalPackageReference"];
    if names.contains(&tag.name().into_inner()) {
        for attribute in tag.attributes().with_checks(false).flatten() {
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
            match attribute.key.into_inner() {
                "id" | "Include" => value.trim().clone_into(&mut name),
                "version" | "Version" => value.trim().clone_into(&mut version),
                "developmentDependency" => development = value.trim() == "true",
                _ => {}
            }
        }
    }
    let mut installed = Installed::declared(PackageKind::Nuget, &name, &version);
    installed.package.development = (!is_central).then_some(development);
    installed
}
