//! Ubuntu: what its forms of data have in common, which is releases, tracks and status words.
//!
//! | feed | form | says |
//! |---|---|---|
//! | [`tracker`] | Ubuntu CVE Tracker, one text a CVE | the state of every source package |
//! | [`oval`] | OVAL by CVE or by package | the same, one release a file |
//! | [`oval::Notices`] | OVAL by USN | fixed binaries |
//!
//! (Ubuntu's OSV is read by `osv`.)
//!
//! **Tracks.** A release after its standard support lives on for subscribers: `esm-infra`,
//! `esm-apps`, and beside it `fips`, `fips-updates`, `ros-esm` and others. What holds in such a
//! track is said there; the line of the release itself then only says that its support ended.

pub(crate) mod oval;
pub(crate) mod tracker;

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};

pub(crate) const LICENSE: &str = "CC-BY-SA-4.0";

/// Releases by code name. The tracker holds all that ever were.
const RELEASES: &[(&str, &str)] = &[
    ("warty", "4.10"),
    ("hoary", "5.04"),
    ("breezy", "5.10"),
    ("dapper", "6.06"),
    ("edgy", "6.10"),
    ("feisty", "7.04"),
    ("gutsy", "7.10"),
    ("hardy", "8.04"),
    ("intrepid", "8.10"),
    ("jaunty", "9.04"),
    ("karmic", "9.10"),
    ("lucid", "10.04"),
    ("maverick", "10.10"),
    ("natty", "11.04"),
    ("oneiric", "11.10"),
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The code name of a stream's release (`ubuntu-22.04` gives `jammy`).
pub(crate) fn codename(stream: &str) -> Option<&'static str> {
    let version = crate::stream::release(stream, "ubuntu")?;
    RELEASES.iter().find(|(_, known)| *known == version).map(|(name, _)| *name)
}

/// Where a line of the tracker holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place<'t> {
    /// `22.04`.
    version: &'static str,
    track: Option<&'t str>,
}

impl<'t> Place<'t> {
    /// `jammy`, `esm-infra/xenial`, or the older way round, `trusty/esm`. None if no part is a
    /// release.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let version = |name: &str| RELEASES.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let Some((first, second)) = text.split_once('/') else {
            return Some(Self { version: version(text)?, track: None });
        };
        if let Some(version) = version(second) {
            return Some(Self { version, track: Some(first) });
        }
        // ESM was one track when it began; that one is called `esm-infra` now.
        let track = if second == "esm" { "esm-infra" } else { second };
        Some(Self { version: version(first)?, track: Some(track) })
    }

    pub(crate) fn stream(&self) -> String {
        format!("ubuntu-{}", self.version)
    }
}

/// What the tracker says of one package in one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State<'t> {
    status: Status,
    /// The version that has the fix, or will have it.
    version: Option<&'t str>,
}

/// A state as the tracker words it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'t> {
    State(State<'t>),
    /// `DNE`: the package is not in the release.
    Absent,
    Unknown,
}

/// Reads a status word and the remark in parentheses behind it (Ubuntu CVE Tracker, README).
pub(crate) fn said<'t>(word: &str, remark: &'t str) -> Said<'t> {
    let version =
        remark.split([',', ' ']).next().filter(|v| v.starts_with(|c: char| c.is_ascii_digit()));
    let (status, version) = match word {
        "DNE" => return Said::Absent,
        "released" if version.is_some() => (Status::Fixed, version),
        // Fixed, but nobody wrote where: not the same as never vulnerable.
        "released" => (Status::Undetermined, None),
        "needed" => (Status::Affected, None),
        "pending" => (Status::Affected, version),
        "active" | "in-progress" => (Status::Affected, None),
        "needs-triage" => (Status::UnderInvestigation, None),
        "deferred" => (Status::FixDeferred, None),
        "ignored" if is_end_of_life(remark) => (Status::EndOfLife, None),
        "ignored" => (Status::WillNotFix, None),
        "not-affected" => (Status::NotAffected, None),
        _ => return Said::Unknown,
    };
    Said::State(State { status, version })
}

/// Whether nothing more is said than that the support ended; what came before (`was needed`) does
/// not change that nobody looks any more.
fn is_end_of_life(remark: &str) -> bool {
    let remark = remark.to_ascii_lowercase();
    let ends = ["end of life", "end-of-life", "end of standard support", "end of kernel support"];
    ends.iter().any(|end| remark.contains(end)) || remark.contains("out of standard support")
}

/// One statement about a source package.
pub(crate) fn advisory(
    id: &str,
    package: &str,
    place: &Place<'_>,
    state: &State<'_>,
    severity: Severity,
) -> Advisory {
    let until = match state.version {
        Some(version) => Affected::Before(version.to_owned()),
        None => Affected::Onwards,
    };
    let ranges = match state.status {
        Status::NotAffected => Vec::new(),
        _ => vec![VersionRange { introduced: None, until }],
    };
    Advisory {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: package.to_owned(),
        subject: Subject::Source,
        scope: Scope { track: place.track.map(str::to_owned), ..Scope::default() },
        status: state.status,
        ranges,
        severity,
        notices: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_name_a_release_and_perhaps_a_track() {
        let cases = [
            ("jammy", Some(("22.04", None))),
            ("esm-infra/xenial", Some(("16.04", Some("esm-infra")))),
            ("trusty/esm", Some(("14.04", Some("esm-infra")))),
            ("vivid/ubuntu-core", Some(("15.04", Some("ubuntu-core")))),
            ("fips-updates/focal", Some(("20.04", Some("fips-updates")))),
            ("upstream", None),
            ("a/b", None),
        ];
        for (text, expected) in cases {
            let place = Place::parse(text).map(|place| (place.version, place.track));
            assert_eq!(place, expected, "{text}");
        }
    }

    #[test]
    fn status_words_are_those_of_the_tracker() {
        let cases = [
            ("released", "1:2.3-4ubuntu1", Status::Fixed, Some("1:2.3-4ubuntu1")),
            ("released", "", Status::Undetermined, None),
            ("released", "code removed", Status::Undetermined, None),
            ("pending", "5.15.0-50.56", Status::Affected, Some("5.15.0-50.56")),
            ("pending", "", Status::Affected, None),
            ("needed", "", Status::Affected, None),
            ("needs-triage", "", Status::UnderInvestigation, None),
            ("deferred", "2019-10-07", Status::FixDeferred, None),
            ("ignored", "end of life, was needed", Status::EndOfLife, None),
            ("ignored", "reached end-of-life", Status::EndOfLife, None),
            ("ignored", "superseded by linux-hwe-5.4", Status::WillNotFix, None),
            ("ignored", "ESM criteria, was needed", Status::WillNotFix, None),
            ("not-affected", "6.2.0-20.20", Status::NotAffected, None),
        ];
        for (word, remark, status, version) in cases {
            assert_eq!(
                said(word, remark),
                Said::State(State { status, version }),
                "{word} {remark}"
            );
        }
        assert_eq!(said("DNE", ""), Said::Absent);
        assert_eq!(said("2.6", ""), Said::Unknown);
    }

    #[test]
    fn releases_are_in_order_and_named_once() {
        let number = |version: &str| version.replace('.', "").parse::<u32>().unwrap();
        assert!(RELEASES.windows(2).all(|pair| number(pair[0].1) < number(pair[1].1)));
        assert!(RELEASES.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }
}
