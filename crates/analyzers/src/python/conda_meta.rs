//! Packages that conda installed, of whatever language: one JSON file each in the `conda-meta` of
//! their environment (docs.conda.io, "Conda package specification").

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock;
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `conda-meta`.
pub(crate) struct CondaMeta;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    name: String,
    version: String,
    build: String,
    license: Option<String>,
    /// The address of the channel, with the platform behind it.
    channel: String,
    subdir: Option<String>,
    /// `python >=3.8,<3.9.0a0`.
    depends: Vec<String>,
    md5: Option<String>,
    sha256: Option<String>,
}

impl Analyzer for CondaMeta {
    fn name(&self) -> &'static str {
        "conda-meta"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "conda-meta", name: "*.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        // With the name and digest of every file: the largest packages have 100 000.
        64 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(record) = lock::json::<Record>(file.bytes, facts) else { return };
        let Record { name, version, .. } = &record;
        if name.is_empty() || version.is_empty() {
            return facts.problem(ProblemKind::Damaged, "it has no `name` or no `version`");
        }
        let mut installed = Installed::new(PackageKind::Conda, name, version);
        let package = &mut installed.package;
        record.channel().clone_into(&mut package.vendor);
        let digests = [("md5", &record.md5), ("sha256", &record.sha256)];
        package.hashes = digests
            .into_iter()
            .filter_map(|(algorithm, digest)| integrity::hexadecimal(algorithm, digest.as_deref()?))
            .collect();
        package.dependencies = needed(&record.depends);
        package.license = record.license.unwrap_or_default();
        package.architecture = record.subdir.unwrap_or_default();
        let build = Some(record.build).filter(|build| !build.is_empty());
        package.variant.extend(build.map(|build| (BUILD.to_owned(), build)));
        facts.package(installed);
    }
}

/// The qualifier of package URLs for one of several builds.
pub(super) const BUILD: &str = "build";

/// The names of what a package depends on.
pub(super) fn needed(depends: &[String]) -> Vec<String> {
    let names = depends.iter().filter_map(|text| text.split_whitespace().next());
    // What begins with two underscores is a property of the machine.
    let names = names.filter(|name| !name.starts_with("__"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

impl Record {
    /// The name of the channel: `conda-forge` of `https://conda.anaconda.org/conda-forge/linux-64`.
    fn channel(&self) -> &str {
        let channel = self.channel.trim_end_matches('/');
        let subdir = self.subdir.as_deref().unwrap_or_default();
        let channel = channel.strip_suffix(subdir).unwrap_or(channel).trim_end_matches('/');
        channel.rsplit('/').next().unwrap_or_default()
    }
}
