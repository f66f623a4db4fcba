//! What may enter the dependency tree, as `deny.toml` says it: licenses, banned crates, and no
//! source but crates.io.
//!
//! `cargo deny check` reads the same file and knows published advisories besides; it needs a
//! network, and takes longer to build than the whole workspace, so it is for releases.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, ParseMode};

use super::checks::FUZZ;
use super::{Done, Session};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The part of `deny.toml` that is checked here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    name: String,
    reason: String,
}

/// `cargo metadata`, format version 1.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None for the crates of this workspace.
    source: Option<String>,
}

pub(super) fn check(session: &mut Session<'_>) -> Result<Done, String> {
    let path = session.root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("deny.toml: {error}"))?;
    let rules: Rules = toml::from_str(&text).map_err(|error| format!("deny.toml: {error}"))?;
    let ours = metadata(session.root, "Cargo.toml")?.packages;
    let of_fuzz = metadata(session.root, FUZZ)?.packages;
    let faults = ours.iter().flat_map(|package| faults(package, &rules));
    let complaints: Vec<String> =
        faults.chain(of_fuzz.iter().filter_map(|it| apart(it, &ours))).collect();
    println!("{} packages", ours.len());
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    match complaints.len() {
        0 => Ok(Done::Passed),
        count => Err(format!("{count} complaints; see above, and deny.toml")),
    }
}

fn metadata(root: &Path, manifest: &str) -> Result<Metadata, String> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest]);
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let output = command.current_dir(root).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// The workspace for fuzzing shares a build folder with ours: of another version everything above it would be
/// compiled a second time.
fn apart(package: &Package, ours: &[Package]) -> Option<String> {
    let mut same = ours.iter().filter(|it| it.name == package.name).peekable();
    same.peek()?;
    let is_apart = same.all(|it| it.version != package.version);
    let Package { name, version, .. } = package;
    is_apart.then(|| {
        format!("{name} {version} is in the fuzz workspace: `cargo update -p {name} --precise` our version there")
    })
}

fn faults(package: &Package, rules: &Rules) -> Vec<String> {
    let mut faults = Vec::new();
    let name = format!("{} {}", package.name, package.version);
    if let Some(ban) = rules.bans.deny.iter().find(|ban| ban.name == package.name) {
        faults.push(format!("{name} is banned: {}", ban.reason));
    }
    let Some(source) = &package.source else { return faults };
    if source != CRATES_IO {
        faults.push(format!("{name} comes from {source}"));
    }
    let Some(license) = &package.license else {
        faults.push(format!("{name} names no license"));
        return faults;
    };
    match Expression::parse_mode(license, ParseMode::LAX) {
        Ok(expression) if expression.evaluate(|wanted| is_allowed(wanted, rules)) => {}
        Ok(_) => faults.push(format!("{name} is under `{license}`")),
        Err(error) => faults.push(format!("{name} is under `{license}`: {error}")),
    }
    faults
}

fn is_allowed(wanted: &spdx::LicenseReq, rules: &Rules) -> bool {
    let id = wanted.license.id().map(|license| license.name);
    id.is_some_and(|id| rules.licenses.allow.iter().any(|allowed| allowed == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        toml::from_str(
            "licenses.allow = ['MIT', 'Apache-2.0']\n\
             bans.deny = [{ name = 'tokio', reason = 'no async runtime' }]",
        )
        .unwrap()
    }

    /// Name, license, source, and what is said of it.
    type Case = (&'static str, Option<&'static str>, Option<&'static str>, &'static [&'static str]);

    const CASES: &[Case] = &[
        ("a", Some("MIT"), Some(CRATES_IO), &[]),
        ("a", Some("MIT/Apache-2.0"), Some(CRATES_IO), &[]),
        ("a", Some("GPL-3.0-only OR MIT"), Some(CRATES_IO), &[]),
        (
            "a",
            Some("GPL-3.0-only AND MIT"),
            Some(CRATES_IO),
            &["a 1.0.0 is under `GPL-3.0-only AND MIT`"],
        ),
        ("a", None, Some(CRATES_IO), &["a 1.0.0 names no license"]),
        ("a", None, None, &[]),
        (
            "a",
            Some("MIT"),
            Some("git+https://x.example"),
            &["a 1.0.0 comes from git+https://x.example"],
        ),
        ("tokio", Some("MIT"), Some(CRATES_IO), &["tokio 1.0.0 is banned: no async runtime"]),
    ];

    #[test]
    fn both_workspaces_have_the_same_versions() {
        let package = |name: &str, version: &str| {
            let [name, version] = [name, version].map(str::to_owned);
            Package { name, version, license: None, source: None }
        };
        let ours = [package("syn", "2.0.1"), package("syn", "3.0.1"), package("clap", "4.0.0")];
        let cases = [
            ("syn", "3.0.1", false),
            ("syn", "3.0.2", true),
            ("clap", "4.0.1", true),
            ("z", "1.0.0", false),
        ];
        for (name, version, is_apart) in cases {
            assert_eq!(
                apart(&package(name, version), &ours).is_some(),
                is_apart,
                "{name} {version}"
            );
        }
    }

    #[test]
    fn each_package_is_held_against_the_rules() {
        for &(name, license, source, expected) in CASES {
            let package = Package {
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                license: license.map(str::to_owned),
                source: source.map(str::to_owned),
            };
            assert_eq!(faults(&package, &rules()), expected, "{name} {license:?}");
        }
    }
}
