//! Whether a distribution release is still supported: dates from `content/eol.toml`.
//!
//! The day comes from the caller; a release without a date is unknown, never supported.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use model::{Eol, Os, Problem, ProblemKind};
use serde::Deserialize;

use crate::distro;

const TABLE: &str = include_str!("../../../content/eol.toml");

/// The dates, by family and release.
static FAMILIES: LazyLock<BTreeMap<String, Family>> =
    LazyLock::new(|| toml::from_str(TABLE).expect("a test reads the same table"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    /// Where the publisher says so.
    page: String,
    /// The last day of support by release, `YYYY-MM-DD`.
    ends: BTreeMap<String, String>,
}

/// Whether the release has reached the end of its support on the day `now`. The last day of
/// support is still supported.
pub fn end_of_life(os: &Os, now: Date) -> Eol {
    let date = distro::release(os)
        .and_then(|release| FAMILIES.get(&os.family)?.ends.get(&release))
        .cloned();
    match date {
        // ISO dates order as text.
        Some(date) if date < now.to_string() => Eol::Ended(date),
        Some(date) => Eol::Ends(date),
        None => Eol::Unknown,
    }
}

/// What a user must be told: after the end, fixes no longer come, and silence means less.
pub(crate) fn notice(os: &Os, now: Date) -> Option<Problem> {
    let Eol::Ended(date) = end_of_life(os, now) else { return None };
    let page = FAMILIES.get(&os.family).map_or("", |family| &family.page);
    Some(Problem::new(
        ProblemKind::Notice,
        format!("{} {}", os.family, os.version),
        format!(
            "support ended on {date} ({page}): newer vulnerabilities may be neither fixed nor listed"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(family: &str, version: &str) -> Os {
        Os {
            family: family.to_owned(),
            version: version.to_owned(),
            codename: None,
            pretty_name: None,
            derived_id: None,
        }
    }

    #[test]
    fn every_date_is_a_date_of_a_distribution_that_the_matcher_knows() {
        for (family, entry) in FAMILIES.iter() {
            assert!(entry.page.starts_with("https://"), "{family}: {}", entry.page);
            for (release, date) in &entry.ends {
                let known = distro::release(&os(family, release));
                assert_eq!(known.as_ref(), Some(release), "{family} {release}");
                assert!(date.parse::<Date>().is_ok_and(|d| d.to_string() == *date), "{date}");
            }
        }
    }

    #[test]
    fn the_last_day_is_supported_and_the_next_is_not() {
        let alpine = os("alpine", "3.20.3");
        let on = |day: &str| end_of_life(&alpine, day.parse().unwrap());
        assert_eq!(on("2026-04-01"), Eol::Ends("2026-04-01".to_owned()));
        assert_eq!(on("2026-04-02"), Eol::Ended("2026-04-01".to_owned()));
        assert!(notice(&alpine, "2026-04-01".parse().unwrap()).is_none());
        assert!(notice(&alpine, "2026-04-02".parse().unwrap()).is_some());
    }

    #[test]
    fn a_release_without_a_date_is_unknown() {
        let now = "2026-04-01".parse().unwrap();
        for unknown in [os("alpine", "3.99.0"), os("wolfi", ""), os("slackware", "15.0")] {
            assert_eq!(end_of_life(&unknown, now), Eol::Unknown, "{unknown:?}");
        }
    }
}
