//! What a statement of one track of a release means for an installation that may be on another.
//!
//! Ubuntu Pro, Red Hat's extended minor releases and Amazon's extra repositories publish fixes of
//! their own beside the main ones, under the same package names. Which of them an installed build
//! came from is mostly written in its version.

use model::{Advisory, Problem, ProblemKind};

use crate::distro::{Plan, Tracks};
use crate::installed::Installed;
use crate::scope::fixes;

/// How much a statement counts for one installed build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// Of the main track, which every installation follows.
    Main,
    /// Of the track that this build is from, whose versions do not compare with the main ones.
    Own,
    /// Of the track that this build is from, which is built on top of the main one: whatever was
    /// fixed there is fixed in it.
    Atop,
    /// Of a track that the user could turn to: it may offer a fix that the main one lacks.
    Offered,
    /// Of a track that this build may be from: it proves a fixed build fixed, no more.
    Clears,
    /// Of the minor release that the image is of, which is the main track for it while no later one
    /// is.
    Minor,
    /// Of a later minor release, which every installation can go to.
    Later,
    /// About other installations.
    Elsewhere,
}

pub(crate) fn bearing(plan: &Plan, installed: &Installed<'_>, advisory: &Advisory) -> Bearing {
    let Some(track) = advisory.scope.track.as_deref() else { return Bearing::Main };
    match plan.tracks {
        Tracks::None => Bearing::Main,
        Tracks::Amazon => amazon(track, &installed.version, advisory),
        Tracks::RedHat => red_hat(track, plan, &installed.version),
        Tracks::Ubuntu => ubuntu(track, &installed.version),
    }
}

/// Pro builds are marked: `1.1.1-1ubuntu2.1~18.04.23+esm5`, `3.0.2-0ubuntu1.10+Fips1`. FIPS builds
/// have a version line of their own, so they say nothing about other builds.
fn ubuntu(track: &str, version: &str) -> Bearing {
    let marked = |mark: &str| version.to_ascii_lowercase().contains(mark);
    match track {
        _ if track.starts_with("esm") && marked("esm") => Bearing::Atop,
        _ if track.starts_with("fips") && marked("fips") => Bearing::Own,
        _ if track.starts_with("fips") => Bearing::Elsewhere,
        _ => Bearing::Offered,
    }
}

/// A minor release's support (`eus-9.2`) holds for the hosts that subscribe to it; a build made for
/// that minor release (`.el9_2`) may come from it on any host. Extended life (`els-7`) continues
/// the only line there is. Rocky's interest groups (`sig-cloud`) mark their builds. Other products' tracks count where their repository is enabled.
/// Since 2026 Red Hat speaks of the minor release at present by its EUS repositories alone.
fn red_hat(track: &str, plan: &Plan, version: &str) -> Bearing {
    let (program, release) = track.rsplit_once('-').unwrap_or((track, ""));
    let minor = minor_release(version);
    let is_ahead = minor.as_ref().is_some_and(|minor| is_later(minor, release));
    match minor {
        _ if program == "els" => Bearing::Atop,
        _ if program == "sig" && version.contains(&format!(".{release}")) => Bearing::Own,
        _ if release.is_empty() && enabled_product(plan, track) => Bearing::Own,
        _ if follows(plan, program, release) => Bearing::Own,
        _ if program == "eus" && plan.version == release && !is_ahead => Bearing::Minor,
        Some(minor) if minor == release => Bearing::Clears,
        _ if program == "eus" && is_later(release, &plan.version) => Bearing::Later,
        _ => Bearing::Elsewhere,
    }
}

/// Whether a repository of the program's is enabled: `rhel-9-for-x86_64-appstream-eus-rpms` on a host
/// of that minor release, or a CPE that names both.
fn follows(plan: &Plan, program: &str, release: &str) -> bool {
    let name = format!("-{program}-");
    let cpes = [
        format!("cpe:/a:redhat:rhel_{program}:{release}"),
        format!("cpe:/o:redhat:rhel_{program}:{release}"),
    ];
    let is_cpe = |text: &str| {
        let rest = cpes.iter().find_map(|cpe| text.strip_prefix(cpe));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    let mut repositories = plan.repositories.iter();
    repositories.any(|text| (plan.version == release && text.contains(&name)) || is_cpe(text))
}

/// `fast-datapath-for-rhel-9-x86_64-rpms` is the repository of `fastdatapath`.
fn enabled_product(plan: &Plan, track: &str) -> bool {
    plan.repositories.iter().any(|name| name.replace('-', "").contains(track))
}

/// Repositories of Red Hat's that are RHEL's own, or of a product whose statements are read.
const READ: [&str; 5] = ["codeready-builder-", "fast-datapath-", "rhel-", "rhui-", "ubi-"];
/// Repositories that are named in a problem.
const NAMED_MAX: usize = 5;

/// That packages may come from repositories of products whose statements nobody reads: OpenShift's
/// (`rhocp-4.12-for-rhel-8-x86_64-rpms`) have builds and fixes of their own.
pub(crate) fn unread_products(plan: &Plan) -> Option<Problem> {
    if plan.tracks != Tracks::RedHat {
        return None;
    }
    let is_read = |name: &str| READ.iter().any(|begin| name.starts_with(begin));
    let of_products = plan.repositories.iter().filter(|name| !name.starts_with("cpe:"));
    let unread: Vec<&str> = of_products.map(String::as_str).filter(|name| !is_read(name)).collect();
    let (first, more) = unread.split_at_checked(NAMED_MAX).unwrap_or((&unread, &[]));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let message = format!(
        "packages may come from `{}`{more}, whose advisories are not read; absence of findings in them means \
         nothing",
        first.join("`, `")
    );
    (!unread.is_empty()).then(|| Problem::new(ProblemKind::Unsupported, "repositories", message))
}

/// Whether a minor release comes behind another one of the same release: `9.10` behind `9.8`, and all of
/// them behind `9`, which has none.
fn is_later(release: &str, other: &str) -> bool {
    let minor = |release: &str| release.split_once('.').and_then(|(_, it)| it.parse::<u32>().ok());
    minor(release) > minor(other)
}

/// Whether a build was made for a later minor release than the image is of.
pub(crate) fn is_of_later_minor(plan: &Plan, version: &str) -> bool {
    plan.tracks == Tracks::RedHat
        && minor_release(version).is_some_and(|minor| is_later(&minor, &plan.version))
}

/// The minor release that a build was made for: `8.4` of `1.1.1k-6.el8_4.2`.
pub(crate) fn minor_release(version: &str) -> Option<String> {
    let (_, dist) = version.rsplit_once(".el")?;
    let (major, rest) = dist.split_once('_')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!minor.is_empty()).then(|| format!("{major}.{minor}"))
}

/// A topic named for version lines (`kernel-5.10`, `corretto8`, `lamp-mariadb10.2-php7.2`) is about
/// builds of those lines; one without a number (`docker`) carries the only build there is. What
/// else a topic brings along is numbered in its own way: a build of the fixed one's line is taken
/// for the topic's, another one may be the core's, which has the first word then.
fn amazon(track: &str, version: &str, advisory: &Advisory) -> Bearing {
    let lines: Vec<&str> = track
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|line| line.trim_matches('.'))
        .filter(|line| !line.is_empty())
        .collect();
    let leads = |version: &str| lines.iter().any(|line| is_of_line(version, line));
    let is_of_fixed_line = |fix: &str| is_of_line(version, line_of(fix));
    if lines.is_empty() || leads(version) {
        Bearing::Own
    } else if fixes(advisory).any(leads) {
        Bearing::Elsewhere
    } else if fixes(advisory).any(is_of_fixed_line) {
        Bearing::Own
    } else {
        Bearing::Offered
    }
}

/// The first two numbers of a version without its epoch: `1.8` of `1:1.8.0_412.b08-1.amzn2`.
fn line_of(version: &str) -> &str {
    let upstream = without_epoch(version);
    let is_end = |(at, c): &(usize, char)| {
        let dots = upstream.get(..*at).map_or(0, |before| before.matches('.').count());
        !(c.is_ascii_digit() || (*c == '.' && dots == 0))
    };
    let end = upstream.char_indices().find(is_end).map_or(upstream.len(), |(at, _)| at);
    upstream.get(..end).unwrap_or_default().trim_end_matches('.')
}

/// Whether a version begins with these numbers: `8.1.5` is of line `8.1`, `8.10.1` is not.
fn is_of_line(version: &str, line: &str) -> bool {
    let rest = without_epoch(version).strip_prefix(line);
    !line.is_empty() && rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_releases_are_ordered_by_number() {
        for (release, other) in [("9.10", "9.8"), ("9.0", "9"), ("10.1", "10.0")] {
            assert!(is_later(release, other) && !is_later(other, release), "{release} {other}");
        }
        assert!(!is_later("9.8", "9.8") && !is_later("", "9.8"));
    }

    #[test]
    fn lines_are_the_first_two_numbers() {
        let cases = [
            ("1:1.8.0_412.b08-1.amzn2", "1.8"),
            ("5.10.225-213.878.amzn2", "5.10"),
            ("17-1.amzn2", "17"),
            ("2023c-1.amzn2", "2023"),
            ("1.-1", "1"),
            ("r5-1", ""),
            ("", ""),
        ];
        for (version, line) in cases {
            assert_eq!(line_of(version), line, "{version}");
        }
    }
}
