//! What a statement of one track of a release means for an installation that may be on another.
//!
//! Ubuntu Pro, Red Hat's extended minor releases and Amazon's extra repositories publish fixes of
//! their own beside the main ones, under the same package names. Which of them an installed build
//! came from is mostly written in its version.

use model::Advisory;

use crate::distro::{Plan, Tracks};
use crate::installed::Installed;

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
    /// About other installations.
    Elsewhere,
}

pub(crate) fn bearing(plan: &Plan, installed: &Installed<'_>, advisory: &Advisory) -> Bearing {
    let Some(track) = advisory.scope.track.as_deref() else { return Bearing::Main };
    match plan.tracks {
        Tracks::None => Bearing::Main,
        Tracks::Amazon => amazon(track, &installed.version),
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
fn red_hat(track: &str, plan: &Plan, version: &str) -> Bearing {
    let enabled = |part: &str| plan.repositories.iter().any(|name| name.contains(part));
    let (program, release) = track.rsplit_once('-').unwrap_or((track, ""));
    match minor_release(version) {
        _ if program == "els" => Bearing::Atop,
        _ if program == "sig" && version.contains(&format!(".{release}")) => Bearing::Own,
        _ if release.is_empty() && enabled_product(plan, track) => Bearing::Own,
        _ if plan.version == release && enabled(&format!("-{program}-")) => Bearing::Own,
        Some(minor) if minor == release => Bearing::Clears,
        _ => Bearing::Elsewhere,
    }
}

/// `fast-datapath-for-rhel-9-x86_64-rpms` is the repository of `fastdatapath`.
fn enabled_product(plan: &Plan, track: &str) -> bool {
    plan.repositories.iter().any(|name| name.replace('-', "").contains(track))
}

/// The minor release that a build was made for: `8.4` of `1.1.1k-6.el8_4.2`.
pub(crate) fn minor_release(version: &str) -> Option<String> {
    let (_, dist) = version.rsplit_once(".el")?;
    let (major, rest) = dist.split_once('_')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!minor.is_empty()).then(|| format!("{major}.{minor}"))
}

/// A repository named for a version line (`kernel-5.10`, `php8.2`, `nginx1`) is about builds of
/// that line; one without a number (`docker`) carries the only build there is.
fn amazon(track: &str, version: &str) -> Bearing {
    let name = track.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let line = track.strip_prefix(name).unwrap_or_default();
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    let rest = upstream.strip_prefix(line);
    match rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())) {
        true => Bearing::Own,
        false if line.is_empty() => Bearing::Own,
        false => Bearing::Elsewhere,
    }
}
