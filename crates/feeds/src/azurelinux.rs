//! Azure Linux and CBL-Mariner, whose OVAL files Microsoft keeps in one repository
//! (github.com/microsoft/AzureLinuxVulnerabilityData).
//!
//! A definition is one CVE in one source package. It says which builds are affected: all below a
//! version, or, while there is no fix, all up to the newest one. The release is not part of any
//! criteria; the file name or the tag of a version (`.azl3`, `.cm2`) tells it.

use model::{Severity, Status};

use crate::oval::{Asked, Oval};
use crate::statements::{Place, Statements};
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, notice, rpm, stream};

/// The feed of OVAL files.
pub(crate) struct OvalFile;

impl Feed for OvalFile {
    fn name(&self) -> &'static str {
        "azurelinux-oval"
    }

    fn license(&self) -> &'static str {
        "MIT"
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let ids = ["oval:com.microsoft.azurelinux:", "oval:com.microsoft.cbl-mariner:"];
        sample.form() == Form::Xml && ids.iter().any(|id| sample.contains(id))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main";
        let azure = stream::release(stream, "azurelinux").map(|r| format!("azurelinux-{r}"));
        let mariner = || stream::release(stream, "mariner").map(|r| format!("cbl-mariner-{r}"));
        let name = azure.or_else(mariner);
        name.map(|name| format!("{root}/{name}-oval.xml")).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let named = stream_in(document.file_name());
        Oval::read(document, sink, &mut |oval, definition, sink| {
            import_definition(oval, definition, named.as_deref(), sink);
        })
    }
}

fn import_definition(oval: &Oval, definition: &Element, named: Option<&str>, sink: &mut Sink) {
    let Some(metadata) = definition.child("metadata") else { return };
    let severity: Severity = notice::rating(metadata.child_text("severity"));
    let mut statements = Statements::default();
    oval.packages(definition, &mut |package, _| {
        let version = match package.asked {
            Asked::Below(version) | Asked::Through(version) => rpm::normal(version),
            Asked::Installed | Asked::Impossible => String::new(),
        };
        let Some(stream) = tagged_stream(&version).or_else(|| named.map(str::to_owned)) else {
            return sink.passed_over("definitions of an unknown release");
        };
        let place = Place::source(stream, package.name);
        match package.asked {
            Asked::Below(_) => statements.fixed(place, (version, ""), "", severity),
            Asked::Through(_) => statements.affected_through(place, version, severity),
            Asked::Installed => statements.state(place, Status::Affected, severity),
            Asked::Impossible => statements.state(place, Status::NotAffected, severity),
        }
    });
    let references = metadata.all("reference").map(|reference| reference.attribute("ref_id"));
    match references.into_iter().find(|id| stream::is_cve(id)) {
        Some(cve) => statements.put(cve, sink),
        None => sink.damaged(definition.attribute("id"), "it names no CVE"),
    }
}

/// `azurelinux-3.0` of `azurelinux-3.0-oval.xml`, `mariner-2.0` of `cbl-mariner-2.0-oval.xml`.
fn stream_in(file_name: &str) -> Option<String> {
    let name = file_name.split("-oval").next()?;
    let name = name.strip_prefix("cbl-").unwrap_or(name);
    let known = ["azurelinux", "mariner"].iter().any(|f| stream::release(name, f).is_some());
    (known && advisories::is_stream_name(name)).then(|| name.to_owned())
}

fn tagged_stream(version: &str) -> Option<String> {
    let (_, tag) = version.rsplit_once('.')?;
    let release = |digits: &str, family: &str| {
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        number.then(|| format!("{family}-{digits}.0"))
    };
    match tag.strip_prefix("azl") {
        Some(digits) => release(digits, "azurelinux"),
        None => release(tag.strip_prefix("cm")?, "mariner"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_told_by_tag_or_file_name() {
        let tags = [
            ("2.6.7-3.azl3", Some("azurelinux-3.0")),
            ("5.15.176.3-3.cm2", Some("mariner-2.0")),
            ("1.0-1", None),
            ("1-1.cmx", None),
        ];
        for (version, expected) in tags {
            assert_eq!(tagged_stream(version).as_deref(), expected, "{version}");
        }
        let names = [
            ("azurelinux-3.0-oval.xml", Some("azurelinux-3.0")),
            ("cbl-mariner-2.0-oval.xml", Some("mariner-2.0")),
            ("azurelinux-3.0-oval-preview.xml", Some("azurelinux-3.0")),
            ("oval.xml", None),
        ];
        for (name, expected) in names {
            assert_eq!(stream_in(name).as_deref(), expected, "{name}");
        }
    }
}
