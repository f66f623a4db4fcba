//! Every analyzer there is, in one explicit list.
//!
//! A test holds each line against its folder in `testdata` and its line in `docs/analyzers.md`.

use crate::bitnami::{components, spdx};
use crate::config::{compose, dockerfile, kubernetes, system};
use crate::cpp::{conan_lock, conanfile, vcpkg_json, vcpkg_status};
use crate::dart::pubspec_lock;
use crate::dotnet::{assembly, assets, bundle, deps_json, packages_config, packages_lock};
use crate::go::{binary, go_mod, go_sum};
use crate::haskell::{cabal_freeze, stack_lock};
use crate::hex::{application, mix_lock, rebar_lock};
use crate::java::{archive, gradle_lock, maven_pom, pom_properties};
use crate::javascript::{
    bun_lock, bun_lockb, npm_installed, npm_lock, npm_package, pnpm_lock, yarn_cache, yarn_lock,
};
use crate::julia;
use crate::lua::{luarocks_lock, rock};
use crate::malware;
use crate::os::{apk, content_sets, copyright, dpkg, dpkg_digests, release, repositories, rpm};
use crate::perl::{cpanfile_snapshot, install_json, perllocal};
use crate::php::{composer_installed, composer_lock, pear_registry};
use crate::python::{
    self, conda_environment, conda_meta, conda_package, metadata, pdm_lock, pipfile, pipfile_lock,
    poetry_lock, pylock, requirements, uv_lock,
};
use crate::r::{description, renv_lock};
use crate::ruby::{gemfile_lock, gemspec};
use crate::rust::{auditable, cargo_lock};
use crate::secret::files;
use crate::signature::ProgramSignature;
use crate::swift::{package_resolved, podfile_lock};
use crate::{Analyzer, Checks};

/// All analyzers, by name.
pub const ALL: &[&dyn Analyzer] = &[
    &apk::Apk,
    &repositories::ApkRepositories,
    &components::BitnamiComponents,
    &spdx::BitnamiSpdx,
    &bun_lock::BunLock,
    &bun_lockb::BunLockb,
    &cabal_freeze::CabalFreeze,
    &auditable::CargoAuditable,
    &cargo_lock::CargoLock,
    &compose::Compose,
    &composer_installed::ComposerInstalled,
    &composer_lock::ComposerLock,
    &conan_lock::ConanLock,
    &conanfile::Conanfile,
    &conda_environment::CondaEnvironment,
    &conda_meta::CondaMeta,
    &conda_package::CondaPackage,
    &content_sets::ContentSets,
    &install_json::CpanInstall,
    &cpanfile_snapshot::CpanfileSnapshot,
    &copyright::Copyright,
    &dockerfile::Dockerfile,
    &assembly::DotnetAssembly,
    &bundle::DotnetBundle,
    &deps_json::DotnetDeps,
    &dpkg::Dpkg,
    &dpkg_digests::DpkgDigests,
    &application::ErlangApplication,
    &gemfile_lock::GemfileLock,
    &gemspec::Gemspec,
    &binary::GoBinary,
    &go_mod::GoMod,
    &go_sum::GoSum,
    &gradle_lock::GradleLock,
    &archive::JavaArchive,
    &julia::JuliaManifest,
    &kubernetes::Kubernetes,
    &luarocks_lock::LuarocksLock,
    &rock::Rock,
    &malware::files::Malware,
    &maven_pom::MavenPom,
    &pom_properties::PomProperties,
    &mix_lock::MixLock,
    &npm_installed::NpmInstalled,
    &npm_lock::NpmLock,
    &npm_package::NpmPackage,
    &assets::NugetAssets,
    &packages_config::NugetConfig,
    &packages_lock::NugetLock,
    &release::Releases,
    &package_resolved::PackageResolved,
    &pdm_lock::PdmLock,
    &pear_registry::PearRegistry,
    &perllocal::Perllocal,
    &pipfile::Pipfile,
    &pipfile_lock::PipfileLock,
    &pnpm_lock::PnpmLock,
    &podfile_lock::PodfileLock,
    &poetry_lock::PoetryLock,
    &ProgramSignature,
    &pubspec_lock::PubspecLock,
    &pylock::Pylock,
    &python::archive::Archive,
    &metadata::Metadata,
    &requirements::Requirements,
    &description::RPackage,
    &rebar_lock::RebarLock,
    &renv_lock::RenvLock,
    &rpm::Bdb,
    &rpm::Manifest,
    &rpm::Ndb,
    &rpm::Sqlite,
    &rpm::Wal,
    &files::Secrets,
    &stack_lock::StackLock,
    &system::SystemSettings,
    &uv_lock::UvLock,
    &vcpkg_json::VcpkgManifest,
    &vcpkg_status::VcpkgStatus,
    &yarn_cache::YarnCache,
    &yarn_lock::YarnLock,
];

/// The form of [`crate::LayerFacts`]; raised when facts stored by an older program would be
/// misread, and when layers are read otherwise.
const FACTS_FORM: u32 = 9;

/// A name for the analyzers of these checks: equal as long as the same bytes give the same facts, so it
/// belongs into the key of whatever stores [`crate::LayerFacts`]. Lower-case hexadecimal.
pub fn fingerprint(checks: Checks) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("facts {FACTS_FORM}\n").as_bytes());
    let is_used = |analyzer: &&&dyn Analyzer| checks.include(analyzer.check());
    for analyzer in ALL.iter().filter(is_used) {
        hasher.update(format!("{} {}\n", analyzer.name(), analyzer.version()).as_bytes());
        if let Some(content) = analyzer.content() {
            hasher.update(content.as_bytes());
        }
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_the_fixtures_and_the_page_name_the_same_analyzers() {
        let names: Vec<&str> = ALL.iter().map(|analyzer| analyzer.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        let listed: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(listed.len(), names.len(), "two analyzers share a name");

        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders: BTreeSet<String> = std::fs::read_dir(root.join("testdata"))
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != "squash")
            .collect();
        assert_eq!(folders, listed);

        let page = std::fs::read_to_string(root.join("../../docs/analyzers.md")).unwrap();
        let lines: BTreeSet<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split_once('`'))
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(lines, listed);
    }

    #[test]
    fn the_fingerprint_is_short_and_fit_for_a_file_name() {
        assert_eq!(fingerprint(Checks::default()).len(), 16);
        assert!(fingerprint(Checks::default()).bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
