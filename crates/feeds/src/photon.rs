//! Photon OS: its CVE metadata (packages.broadcom.com/photon/photon_cve_metadata), which is
//! authoritative because it also says what is not affected, and its OVAL, which lists errata. The
//! metadata at packages.vmware.com ended in December 2025.
//!
//! The metadata is a list by package for a release. Older entries name source packages, newer ones
//! name the binaries as well; an entry is put as being about the source and about the binary of
//! its name, since nothing tells which it is and most packages are both. The file name alone says
//! the release where no version has its tag (`.ph4`).

use model::{Severity, Status};
use serde::Deserialize;

use crate::notice::Fix;
use crate::oval::{self, Asked, Oval};
use crate::statements::{Place, Statements};
use crate::text::Text;
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, json, rpm, stream};

const FAMILY: &str = "photon";
const LICENSE: &str = "";

/// The feed of CVE metadata.
pub(crate) struct CveMetadata;

impl Feed for CveMetadata {
    fn name(&self) -> &'static str {
        "photon-cve"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::JsonArray
            && ["\"cve_id\"", "\"aff_ver\"", "\"res_ver\""].iter().all(|key| sample.contains(key))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://packages.broadcom.com/photon/photon_cve_metadata";
        let release = stream::release(stream, FAMILY);
        release.map(|r| format!("{root}/cve_data_photon{r}.json")).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let named = release_in(document.file_name());
        let mut number = 0_u64;
        json::each_item(document, &mut |entry| {
            number += 1;
            match entry.read::<Entry<'_>>() {
                Ok(entry) => entry.put(named.as_deref(), sink),
                Err(error) => sink.damaged(&format!("[{}]", number - 1), error),
            }
        })
    }
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    cve_id: Text<'a>,
    #[serde(borrow)]
    pkg: Text<'a>,
    #[serde(default)]
    cve_score: Option<f64>,
    #[serde(borrow, default)]
    res_ver: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
}

impl Entry<'_> {
    fn put(&self, named: Option<&str>, sink: &mut Sink) {
        // Some are written in lower case.
        let id = self.cve_id.to_ascii_uppercase();
        if !is_id(&id) {
            return sink.passed_over("entries without an id");
        }
        let tagged = tag(&self.res_ver).map(|major| format!("{major}.0"));
        let Some(release) = named.map(str::to_owned).or(tagged) else {
            return sink.passed_over("entries of an unknown release");
        };
        let stream = format!("{FAMILY}-{release}");
        let has_fix = !matches!(&*self.res_ver, "" | "NA");
        let severity = self.cve_score.map_or(Severity::Unknown, Severity::from_score);
        let mut statements = Statements::default();
        for place in [Place::source(&stream, &*self.pkg), Place::binary(&stream, &*self.pkg)] {
            match &*self.status {
                // Lists without states are of what was fixed.
                "Fixed" | "" if has_fix => {
                    statements.fixed(place, (rpm::normal(&self.res_ver), ""), "", severity);
                }
                "Fixed" | "Affected" | "Not Fixed" => {
                    statements.state(place, Status::Affected, severity);
                }
                "Not Affected" => statements.state(place, Status::NotAffected, severity),
                other => {
                    sink.passed_over(&format!("unknown words for a state, `{other}`"));
                    statements.state(place, Status::Undetermined, severity);
                }
            }
        }
        statements.put(&id, sink);
    }
}

/// CVE ids and those of other registries that look like them (`BDSA-2025-13833`); the lists also
/// hold placeholders (`UNK-1`, `Re`).
fn is_id(id: &str) -> bool {
    let mut parts = id.split('-');
    let (name, year, number) = (parts.next(), parts.next(), parts.next());
    let digits = |text: Option<&str>| {
        text.is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
    };
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
        && digits(year)
        && digits(number)
}

/// `4.0` of `cve_data_photon4.0.json`.
fn release_in(file_name: &str) -> Option<String> {
    let (_, rest) = file_name.rsplit_once("photon")?;
    let release: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let release = release.trim_end_matches('.');
    (!release.is_empty()).then(|| release.to_owned())
}

/// `4` of `8.16.0-1.ph4`.
fn tag(version: &str) -> Option<&str> {
    let (_, tag) = version.rsplit_once(".ph")?;
    (!tag.is_empty() && tag.bytes().all(|b| b.is_ascii_digit())).then_some(tag)
}

/// The feed of OVAL files.
pub(crate) struct OvalFile;

impl Feed for OvalFile {
    fn name(&self) -> &'static str {
        "photon-oval"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml && sample.contains("oval:com.vmware.phsa:")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://packages.vmware.com/photon/photon_oval_definitions";
        let release = stream::release(stream, FAMILY).and_then(|r| r.split('.').next());
        release.map(|r| format!("{root}/com.vmware.phsa-photon{r}.xml.gz")).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(document, sink, &mut |oval, definition, sink| {
            import_definition(oval, definition, sink);
        })
    }
}

fn import_definition(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let mut notice = oval::notice(definition);
    // `PHSA:00001:5.0:184` is announced as PHSA-2024-5.0-184 by some and by its title by others.
    if let Some((id, _)) = notice.title.split_once(' ') {
        id.clone_into(&mut notice.id);
    }
    oval.packages(definition, &mut |package, _| {
        let Asked::Below(version) = package.asked else { return };
        let version = rpm::normal(version);
        match tag(&version) {
            Some(major) => {
                let place = Place::binary(format!("{FAMILY}-{major}.0"), package.name);
                notice.fixes.push(Fix::new(place, version, ""));
            }
            None => sink.passed_over("builds whose release tag names no release"),
        }
    });
    notice.put(sink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_ids_are_told_from_names() {
        assert_eq!(release_in("cve_data_photon4.0.json").as_deref(), Some("4.0"));
        assert_eq!(release_in("cves.json"), None);
        assert_eq!((tag("8.16.0-1.ph4"), tag("1-1.phx"), tag("1-1")), (Some("4"), None, None));
        assert!(is_id("CVE-2025-9086") && is_id("BDSA-2025-13833"));
        assert!(!is_id("UNK-1") && !is_id("Re") && !is_id(""));
    }
}
