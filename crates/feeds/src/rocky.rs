//! Rocky Linux's errata in the two forms it serves beside OSV: its errata API, a page of notices a
//! document (apollo.build.resf.org/api/v3/advisories/), and its repositories' updateinfo.
//!
//! Both list fixed binaries only; `matcher` asks `rhel-N` for what is not fixed. The API names the
//! module of every build, updateinfo mostly does not. Builds of special interest groups (`Rocky
//! Linux 8 SIG Cloud`) have version lines of their own and become tracks (`sig-cloud`).

use serde::Deserialize;

use crate::notice::{self, Fix, Notice};
use crate::rpm::{self, Nevra};
use crate::statements::Place;
use crate::text::Text;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{json, stream, time, updateinfo};

const FAMILY: &str = "rocky";
const LICENSE: &str = "";
const REPOSITORIES: [&str; 2] = ["BaseOS", "AppStream"];
const ARCHITECTURES: [&str; 2] = ["aarch64", "x86_64"];

/// The feed of pages of the errata API.
pub(crate) struct Errata;

impl Feed for Errata {
    fn name(&self) -> &'static str {
        "rocky-errata"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::JsonObject
            && sample.has_keys(&["advisories"])
            && ["\"RLSA-", "\"RLBA-", "\"RLEA-", "\"RXSA-"].iter().any(|p| sample.contains(p))
    }

    /// The API is paged; updateinfo serves the same notices as a whole.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, FAMILY).is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let mut number = 0_u64;
        json::each_element(document, "advisories", &mut |erratum| {
            number += 1;
            match erratum.read::<Erratum<'_>>() {
                Ok(erratum) => erratum.put(sink),
                Err(error) => sink.damaged(&format!("advisories[{}]", number - 1), error),
            }
        })
    }
}

#[derive(Deserialize)]
struct Erratum<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    synopsis: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    published_at: Text<'a>,
    #[serde(borrow, default)]
    updated_at: Text<'a>,
    #[serde(borrow, default)]
    cves: Vec<Cve<'a>>,
    #[serde(borrow, default)]
    packages: Vec<Package<'a>>,
}

#[derive(Deserialize)]
struct Cve<'a> {
    #[serde(borrow, default)]
    cve: Text<'a>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    nevra: Text<'a>,
    #[serde(borrow, default)]
    module_name: Text<'a>,
    #[serde(borrow, default)]
    module_stream: Text<'a>,
    #[serde(borrow, default)]
    product_name: Text<'a>,
}

impl Erratum<'_> {
    fn put(self, sink: &mut Sink) {
        let mut cves: Vec<String> = self.cves.iter().map(|cve| cve.cve.to_string()).collect();
        cves.sort();
        cves.dedup();
        if cves.is_empty() && &*self.kind != "Security" {
            return sink.passed_over("notices that are not about security");
        }
        let mut fixes = Vec::new();
        for package in &self.packages {
            match Nevra::with_architecture(&package.nevra) {
                Some(build) if rpm::is_source(build.architecture) => {}
                Some(build) => fixes.extend(package.fix(build, sink)),
                None => sink.damaged(&self.name, format!("`{}` is no build", &*package.nevra)),
            }
        }
        let notice = Notice {
            references: vec![format!("https://errata.rockylinux.org/{}", &*self.name)],
            id: self.name.to_string(),
            cves,
            severity: notice::rating(&self.severity),
            title: self.synopsis.to_string(),
            description: self.description.to_string(),
            published: time::utc(&self.published_at),
            updated: time::utc(&self.updated_at),
            fixes,
            ..Notice::default()
        };
        notice.put(sink);
    }
}

impl Package<'_> {
    fn fix(&self, build: Nevra<'_>, sink: &mut Sink) -> Option<Fix> {
        let module = rpm::module(&format!("{}:{}", &*self.module_name, &*self.module_stream));
        let group = self.product_name.split_once(" SIG ").map(|(_, group)| group);
        let track = group.and_then(|group| group.split(' ').next());
        let track = track.map(|name| format!("sig-{}", name.to_ascii_lowercase()));
        let place = place(&self.product_name, &build.version, build.name, module, sink)?;
        Some(Fix::new(Place { track, ..place }, build.version, build.architecture))
    }
}

/// The release that a product's name says (`Rocky Linux 8.5 x86_64 (Legacy)`); where it says none,
/// that of the build's release tag. A module for release 9 may contain a package built for 8.
fn place(
    product: &str,
    version: &str,
    package: &str,
    module: Option<String>,
    sink: &mut Sink,
) -> Option<Place> {
    let named = product
        .strip_prefix("Rocky Linux ")
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    let Some(release) = named.or_else(|| rpm::enterprise_linux(version)) else {
        sink.passed_over("builds for no release");
        return None;
    };
    Some(Place { module, ..Place::binary(format!("{FAMILY}-{release}"), package) })
}

/// The feed of the repositories' `updateinfo.xml`.
pub(crate) struct Updateinfo;

impl Feed for Updateinfo {
    fn name(&self) -> &'static str {
        "rocky-updateinfo"
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
            && sample.contains("releng@rockylinux.org")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let Some(release) = stream::release(stream, FAMILY) else { return Vec::new() };
        let places = REPOSITORIES.iter().flat_map(|r| ARCHITECTURES.iter().map(move |a| (r, a)));
        let root = "https://dl.rockylinux.org/pub/rocky";
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
            for collection in update.collections() {
                for package in collection.packages() {
                    let (name, module) = (package.name, collection.module());
                    let place = place(update.release(), &package.version, name, module, sink);
                    let fix = |p| Fix::new(p, package.version.clone(), package.architecture);
                    notice.fixes.extend(place.map(fix));
                }
            }
            notice.put(sink);
        })
    }
}
