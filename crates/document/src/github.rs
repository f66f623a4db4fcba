//! A snapshot for GitHub's dependency submission API: the packages of an image in the dependency
//! graph of the repository that builds it, where GitHub then looks for advisories itself.
//!
//! A snapshot belongs to a commit; the job that made it and the correlator (which snapshot replaces
//! which) come from the caller.

use std::collections::BTreeMap;

use model::Package;
use serde::Serialize;

use crate::{Report, purl};

/// What GitHub wants to know of the job that scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The run: `9876543210`.
    pub id: String,
    /// The same for runs whose snapshots replace each other: `ci image`.
    pub correlator: String,
    /// The commit: 40 hexadecimal digits.
    pub sha: String,
    /// `refs/heads/main`
    pub branch: String,
}

/// The snapshot as pretty-printed JSON with a final newline.
pub fn render(report: &Report, job: &Job) -> String {
    let mut text = serde_json::to_string_pretty(&Snapshot::of(report, job))
        .expect("strings and lists of them always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Snapshot<'a> {
    version: u32,
    job: JobJson<'a>,
    sha: &'a str,
    #[serde(rename = "ref")]
    branch: &'a str,
    detector: Detector,
    scanned: &'a str,
    metadata: BTreeMap<&'static str, String>,
    manifests: BTreeMap<&'a str, Manifest<'a>>,
}

#[derive(Serialize)]
struct JobJson<'a> {
    id: &'a str,
    correlator: &'a str,
}

#[derive(Serialize)]
struct Detector {
    name: &'static str,
    version: &'static str,
    url: &'static str,
}

/// One file of the image that names packages, or one package that stands by itself.
#[derive(Serialize)]
struct Manifest<'a> {
    name: &'a str,
    resolved: BTreeMap<String, Dependency>,
}

#[derive(Serialize)]
struct Dependency {
    package_url: String,
    relationship: &'static str,
    scope: &'static str,
}

impl<'a> Snapshot<'a> {
    fn of(report: &'a Report, job: &'a Job) -> Self {
        let os = report.inventory.os.as_ref();
        let mut manifests = BTreeMap::<&str, Manifest<'_>>::new();
        // A package without a version is nothing that GitHub could look up, and of one from elsewhere it would
        // say what is known of another.
        let is_known = |package: &&Package| !package.version.is_empty() && package.basis.is_meant();
        let known = report.inventory.packages.iter().filter(is_known);
        for package in known {
            let path = package.location.path.as_str();
            let new = || Manifest { name: path, resolved: BTreeMap::new() };
            let package_url = purl(package, os);
            let dependency = Dependency {
                package_url: package_url.clone(),
                relationship: "direct",
                scope: "runtime",
            };
            manifests.entry(path).or_insert_with(new).resolved.insert(package_url, dependency);
        }
        let mut metadata = BTreeMap::from([("image", report.artifact.name.clone())]);
        if let Some(digest) = &report.artifact.digest {
            metadata.insert("digest", digest.to_string());
        }
        Self {
            version: 0,
            job: JobJson { id: &job.id, correlator: &job.correlator },
            sha: &job.sha,
            branch: &job.branch,
            detector: Detector {
                name: "lazaret",
                version: env!("CARGO_PKG_VERSION"),
                url: concat!("pkg:generic/lazaret@", env!("CARGO_PKG_VERSION")),
            },
            scanned: &report.now,
            metadata,
            manifests,
        }
    }
}
