//! AlmaLinux's errata in the three forms it serves beside OSV (errata.almalinux.org,
//! security.almalinux.org/oval, and its repositories' updateinfo).
//!
//! All of them list fixed binaries only; what is not fixed AlmaLinux does not say, and `matcher`
//! asks `rhel-N` for it. Only `errata.full.json` names the module of every build, so it is the
//! authoritative one: OVAL names modules per definition, updateinfo often not at all.

use serde::Deserialize;

use crate::notice::{self, Fix, Notice};
use crate::oval::{self, Asked, Oval};
use crate::statements::Place;
use crate::text::Text;
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{json, rpm, stream, time, updateinfo};

const FAMILY: &str = "almalinux";
const LICENSE: &str = "MIT";
/// Repositories whose errata make up a release, and the architectures they are read for.
const REPOSITORIES: [&str; 2] = ["BaseOS", "AppStream"];
const ARCHITECTURES: [&str; 2] = ["aarch64", "x86_64"];

/// The feed of `errata.full.json`.
pub(crate) struct Errata;

impl Feed for Errata {
    fn name(&self) -> &'static str {
        "almalinux-errata"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::JsonObject
            && sample.has_keys(&["data"])
            && ["\"ALSA-", "\"ALBA-", "\"ALEA-"].iter().any(|prefix| sample.contains(prefix))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let release = stream::release(stream, FAMILY);
        let url = release.map(|r| format!("https://errata.almalinux.org/{r}/errata.full.json"));
        url.into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let mut number = 0_u64;
        json::each_element(document, "data", &mut |erratum| {
            number += 1;
            match erratum.read::<Erratum<'_>>() {
                Ok(erratum) => erratum.put(sink),
                Err(error) => sink.damaged(&format!("data[{}]", number - 1), error),
            }
        })
    }
}

#[derive(Deserialize)]
struct Erratum<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    /// Seconds since 1970.
    #[serde(default)]
    issued_date: Option<i64>,
    #[serde(default)]
    updated_date: Option<i64>,
    #[serde(borrow, default)]
    packages: Vec<Package<'a>>,
    #[serde(borrow, default)]
    references: Vec<Reference<'a>>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    epoch: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    release: Text<'a>,
    #[serde(borrow, default)]
    arch: Text<'a>,
    /// `mariadb:10.3:8050020220427075058:c5368500:x86_64`.
    #[serde(borrow, default)]
    module: Text<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    href: Text<'a>,
}

impl Erratum<'_> {
    fn put(self, sink: &mut Sink) {
        let cves = self.references.iter().filter(|reference| &*reference.kind == "cve");
        let mut cves: Vec<String> = cves.map(|reference| reference.id.to_string()).collect();
        cves.sort();
        cves.dedup();
        if cves.is_empty() && &*self.kind != "security" {
            return sink.passed_over("notices that are not about security");
        }
        let release = self.references.iter().find_map(|reference| release_in(&reference.href));
        let packages = self.packages.iter().filter(|package| !rpm::is_source(&package.arch));
        let fixes = packages.filter_map(|package| package.fix(release, sink)).collect();
        let notice = Notice {
            id: self.id.to_string(),
            cves,
            severity: notice::rating(&self.severity),
            title: self.title.to_string(),
            description: self.description.to_string(),
            references: self.references.iter().map(|r| r.href.to_string()).collect(),
            published: self.issued_date.and_then(time::of_seconds),
            updated: self.updated_date.and_then(time::of_seconds),
            fixes,
            ..Notice::default()
        };
        notice.put(sink);
    }
}

impl Package<'_> {
    fn fix(&self, release: Option<u32>, sink: &mut Sink) -> Option<Fix> {
        let version = rpm::evr(&self.epoch, &self.version, &self.release);
        let place = place(release, &version, &self.name, rpm::module(&self.module), sink)?;
        Some(Fix::new(place, version, &self.arch))
    }
}

/// The release that a notice says it is for; where it says none, that of the build's release tag.
/// A module for release 9 may contain a package that was built for 8.
fn place(
    release: Option<u32>,
    version: &str,
    package: &str,
    module: Option<String>,
    sink: &mut Sink,
) -> Option<Place> {
    let Some(release) = release.or_else(|| rpm::enterprise_linux(version)) else {
        sink.passed_over("builds for no release");
        return None;
    };
    Some(Place { module, ..Place::binary(format!("{FAMILY}-{release}"), package) })
}

/// 9 of `https://errata.almalinux.org/9/ALSA-2022-4940.html`.
fn release_in(address: &str) -> Option<u32> {
    let path = address.strip_prefix("https://errata.almalinux.org/")?;
    path.split('/').next()?.parse().ok()
}

/// The feed of the repositories' `updateinfo.xml`.
pub(crate) struct Updateinfo;

impl Feed for Updateinfo {
    fn name(&self) -> &'static str {
        "almalinux-updateinfo"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml
            && sample.contains("<updates")
            && sample.contains("packager@almalinux.org")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let Some(release) = stream::release(stream, FAMILY) else { return Vec::new() };
        let places = REPOSITORIES.iter().flat_map(|r| ARCHITECTURES.iter().map(move |a| (r, a)));
        let root = "https://repo.almalinux.org/almalinux";
        places.map(|(r, a)| format!("{root}/{release}/{r}/{a}/os/repodata/repomd.xml")).collect()
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        updateinfo::follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        updateinfo::read(document, &mut |update| {
            let mut notice = update.notice();
            if notice.cves.is_empty() && !update.is_security() {
                return sink.passed_over("notices that are not about security");
            }
            let release = notice.references.iter().find_map(|address| release_in(address));
            for collection in update.collections() {
                for package in collection.packages() {
                    let (name, module) = (package.name, collection.module());
                    let place = place(release, &package.version, name, module, sink);
                    let fix = |p| Fix::new(p, package.version.clone(), package.architecture);
                    notice.fixes.extend(place.map(fix));
                }
            }
            notice.put(sink);
        })
    }
}

/// The feed of OVAL files.
pub(crate) struct OvalFile;

impl Feed for OvalFile {
    fn name(&self) -> &'static str {
        "almalinux-oval"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml && sample.contains("oval:org.almalinux.")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://security.almalinux.org/oval";
        let release = stream::release(stream, FAMILY);
        let url = release.map(|r| format!("{root}/org.almalinux.alsa-{r}.xml.bz2"));
        url.into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(document, sink, &mut |oval, definition, sink| {
            import_definition(oval, definition, sink);
        })
    }
}

fn import_definition(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let mut notice = oval::notice(definition);
    oval.packages(definition, &mut |package, conditions| {
        let Asked::Below(version) = package.asked else { return };
        let release = conditions.iter().flatten().find_map(|comment| {
            comment.strip_prefix("AlmaLinux ")?.strip_suffix(" is installed")?.parse().ok()
        });
        let module = oval::module(conditions).map(str::to_owned);
        let version = rpm::normal(version);
        let Some(place) = place(release, &version, package.name, module, sink) else { return };
        for architecture in package.architectures() {
            notice.fixes.push(Fix::new(place.clone(), version.clone(), architecture));
        }
    });
    notice.put(sink);
}
