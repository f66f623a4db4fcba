//! Whether a vulnerability is there at all on what a package was built for, where both the publisher and
//! the package say so: Go's vulnerability database names operating systems and architectures, RubySec
//! the Ruby that a gem has to run on.
//!
//! Publishers that know nothing of platforms (GitHub) speak of the same vulnerability: theirs is silenced with
//! it. Such a finding is told apart with this reason, never dropped. Where either side does not say, or
//! a record of such a database means all platforms, the finding stands.

use std::collections::BTreeSet;

use model::{Package, PackageKind};

use crate::links::is_of_go;
use crate::vulnerability::Said;

/// What RubySec calls the platform of gems for the Java virtual machine.
const JRUBY: &str = "jruby";

/// The vulnerability is not there: in words, what it is bound to and what the package is for.
pub(crate) fn elsewhere(package: &Package, said: &[Said<'_>]) -> Option<String> {
    let means_all =
        |one: &Said<'_>| one.advisory.scope.platforms.is_empty() && knows_platforms(package, one);
    if said.iter().any(means_all) {
        return None;
    }
    let named: BTreeSet<&str> =
        said.iter().flat_map(|one| &one.advisory.scope.platforms).map(String::as_str).collect();
    let own = own(package)?;
    if named.is_empty() || named.iter().any(|platform| holds(platform, &own)) {
        return None;
    }
    let named: Vec<&str> = named.into_iter().collect();
    Some(format!(
        "the vulnerability is there on {} alone, and this was built for {own}",
        named.join(", ")
    ))
}

/// Whether a record comes from a database that says of each record what it runs on.
fn knows_platforms(package: &Package, said: &Said<'_>) -> bool {
    // RubySec's records are called as their files: `nokogiri/CVE-2021-41098`.
    let is_of_rubysec =
        |name: &String| name.strip_prefix(&package.name).is_some_and(|rest| rest.starts_with('/'));
    match package.kind {
        PackageKind::Golang => is_of_go(said),
        PackageKind::Gem => said.advisory.notices.iter().any(is_of_rubysec),
        _ => false,
    }
}

/// What a package was built for, as far as it is certain.
fn own(package: &Package) -> Option<String> {
    let architecture = package.architecture.as_str();
    match package.kind {
        PackageKind::Golang => architecture.contains('/').then(|| architecture.to_owned()),
        PackageKind::Gem => engine(package).map(str::to_owned),
        _ => None,
    }
}

/// The Ruby that a gem was installed for. One of the platform `ruby` runs on every Ruby; then the folder tells
/// that it is in, which is called after the engine and its version (RubyGems, `Gem.default_dir`; Bundler,
/// `Bundler.ruby_scope`): JRuby's own is `gems/shared`.
fn engine(gem: &Package) -> Option<&str> {
    let folders: Vec<&str> = gem.location.path.split('/').collect();
    if folders.contains(&JRUBY) {
        return Some(JRUBY);
    }
    let platforms = gem.architecture.as_str();
    match platforms {
        _ if platforms.contains("java") || platforms.contains(JRUBY) => return Some(JRUBY),
        "" => {}
        _ if platforms.split(", ").any(|platform| platform == "ruby") => {}
        native => return Some(native),
    }
    let is_version = |name: &str| {
        name.split('.').count() == 3 && name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let at = folders.iter().position(|folder| *folder == "specifications")?;
    let [engine, version] = folders.get(at.checked_sub(2)?..at)? else { return None };
    (matches!(*engine, "gems" | "ruby") && is_version(version)).then_some("ruby")
}

/// `windows/*` holds `windows/amd64`.
fn holds(platform: &str, own: &str) -> bool {
    match (platform.split_once('/'), own.split_once('/')) {
        (Some((os, architecture)), Some((own_os, own_architecture))) => {
            let holds = |named: &str, own: &str| named == "*" || named == own;
            holds(os, own_os) && holds(architecture, own_architecture)
        }
        _ => platform == own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gem_tells_its_ruby() {
        for (architecture, path, engine) in [
            (
                "x86_64-linux",
                "usr/local/bundle/specifications/a-1-x86_64-linux.gemspec",
                "x86_64-linux",
            ),
            ("java", "usr/local/bundle/specifications/a-1-java.gemspec", "jruby"),
            ("arm64-darwin, java", "srv/Gemfile.lock", "jruby"),
            ("ruby", "opt/jruby/lib/ruby/gems/shared/specifications/a-1.gemspec", "jruby"),
            ("ruby", "srv/vendor/bundle/jruby/3.1.0/specifications/a-1.gemspec", "jruby"),
            ("ruby", "srv/vendor/bundle/ruby/3.1.0/specifications/a-1.gemspec", "ruby"),
            ("", "usr/lib/ruby/gems/3.1.0/specifications/default/a-1.gemspec", "ruby"),
            ("ruby", "usr/local/bundle/specifications/a-1.gemspec", ""),
            ("ruby", "usr/lib/ruby/gems/shared/specifications/a-1.gemspec", ""),
            ("", "specifications/a-1.gemspec", ""),
            ("", "srv/Gemfile.lock", ""),
            ("arm64-darwin, x86_64-linux", "srv/Gemfile.lock", "arm64-darwin, x86_64-linux"),
            ("ruby, x86_64-linux", "srv/Gemfile.lock", ""),
        ] {
            let mut gem = Package::new(PackageKind::Gem, "a", "1");
            (gem.architecture, gem.location.path) = (architecture.to_owned(), path.to_owned());
            assert_eq!(super::engine(&gem).unwrap_or_default(), engine, "{architecture} {path}");
        }
    }

    #[test]
    fn platforms_hold_what_they_name() {
        for (platform, own, is_held) in [
            ("windows/*", "windows/amd64", true),
            ("windows/*", "linux/amd64", false),
            ("*/386", "linux/386", true),
            ("js/wasm", "js/amd64", false),
            ("jruby", "jruby", true),
            ("jruby", "ruby", false),
        ] {
            assert_eq!(holds(platform, own), is_held, "{platform} {own}");
        }
    }
}
