//! Of two segments, which knows more recently what its publisher says.
//!
//! A mirror that nobody keeps up, a bundle of last year and a signed index that somebody replays are
//! all sound; only their time tells that they know less than what is installed. Here times are taken
//! and compared, and whoever installs decides (`bundle`, mirrors in `feeds`). How old
//! installed data is follows from the same time. This file must never read a clock.

use std::fmt;

use jiff::Timestamp;

use crate::{IndexEntry, SegmentMeta};

/// The newest moment at which data is known to be what its publisher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard(Timestamp);

impl Heard {
    /// When the publisher last had nothing newer (`checked_at`); else when its data was fetched. A
    /// file may have lain about for years before it was imported: of that data only the publisher's
    /// own time tells, where there is one. None if no time makes sense.
    pub fn of(meta: &SegmentMeta, checked_at: Option<&str>) -> Option<Self> {
        let is_fetched = is_fetched(meta);
        let built: Option<Timestamp> = meta.built_at.parse().ok();
        let modified: Option<Timestamp> =
            meta.upstream_modified.as_ref().and_then(|time| time.parse().ok());
        let read = match modified {
            // Nobody read what was only written later.
            Some(modified) if !is_fetched => Some(built.map_or(modified, |it| it.min(modified))),
            _ => built,
        };
        let checked = checked_at.and_then(|time| time.parse().ok());
        read.max(checked).map(Self)
    }

    /// Whether that moment ([`Self::of`]) is only when a file was imported which does not say how old it is.
    pub fn is_of_an_import(meta: &SegmentMeta, checked_at: Option<&str>) -> bool {
        let says = |time: Option<&str>| time.is_some_and(|it| it.parse::<Timestamp>().is_ok());
        !is_fetched(meta) && !says(meta.upstream_modified.as_deref()) && !says(checked_at)
    }

    /// The moment itself.
    pub fn at(self) -> Timestamp {
        self.0
    }

    /// What an index says; the segment itself may turn out to know less ([`Self::of`]).
    pub fn at_most(entry: &IndexEntry) -> Option<Self> {
        let built = entry.built_at.parse().ok();
        let checked = entry.checked_at.as_ref().and_then(|time| time.parse().ok());
        built.max(checked).map(Self)
    }

    /// Whether what is installed (as of this time) knows more than what is offered. What is dated in
    /// the future comes from a clock that was wrong: it bars nothing but what is dated there too.
    pub fn is_newer_than(self, offered: Option<Self>, now: Timestamp) -> bool {
        let is_future = |it: Self| it.0 > now;
        match offered {
            Some(offered) => offered < self && (!is_future(self) || is_future(offered)),
            None => !is_future(self),
        }
    }
}

/// Whether all of it came from servers, so that it was built when they were asked.
fn is_fetched(meta: &SegmentMeta) -> bool {
    !meta.origins.is_empty() && meta.origins.iter().all(|it| it.url.contains("://"))
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    const URL: &str = "https://example.org/a";

    fn heard(built: &str, modified: &str, checked: &str, origins: &[&str]) -> String {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let origin = |url: &&str| Origin { url: (*url).to_owned(), ..Origin::default() };
        let meta = SegmentMeta {
            built_at: built.to_owned(),
            upstream_modified: some(modified),
            origins: origins.iter().map(origin).collect(),
            ..SegmentMeta::default()
        };
        Heard::of(&meta, some(checked).as_deref()).map_or_else(String::new, |it| it.to_string())
    }

    #[test]
    fn the_newest_moment_that_is_known_counts() {
        let (old, built, later) =
            ("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        let cases: [(&str, &str, &str, &[&str], &str); 10] = [
            (built, "", "", &[], built),
            (built, "", "", &["a.json"], built),
            (built, old, "", &["a.json"], old),
            (built, old, "", &["a.json", URL], old),
            (built, old, "", &[URL], built),
            (built, later, "", &["a.json"], built),
            (built, old, later, &["a.json"], later),
            (built, old, later, &[URL], later),
            ("nonsense", "", "nonsense", &[URL], ""),
            ("", "", later, &[], later),
        ];
        for case in cases {
            let (built, modified, checked, origins, wanted) = case;
            assert_eq!(heard(built, modified, checked, origins), wanted, "{case:?}");
        }
    }

    #[test]
    fn an_import_says_nothing_of_its_age_unless_the_file_does() {
        let time = "2020-01-01T00:00:00Z";
        let cases: [(&str, Option<&str>, &[&str], bool); 6] = [
            ("", None, &["a.json"], true),
            ("nonsense", Some("nonsense"), &["a.json", URL], true),
            ("", None, &[], true),
            (time, None, &["a.json"], false),
            ("", Some(time), &["a.json"], false),
            ("", None, &[URL], false),
        ];
        for (modified, checked, origins, wanted) in cases {
            let origin = |url: &&str| Origin { url: (*url).to_owned(), ..Origin::default() };
            let meta = SegmentMeta {
                upstream_modified: Some(modified.to_owned()),
                origins: origins.iter().map(origin).collect(),
                ..SegmentMeta::default()
            };
            assert_eq!(Heard::is_of_an_import(&meta, checked), wanted, "{modified} {origins:?}");
        }
    }

    #[test]
    fn a_clock_that_was_wrong_bars_nobody_forever() {
        let at = |day: i64| Heard(Timestamp::from_second(day * 86_400).unwrap());
        let now = Timestamp::from_second(10 * 86_400).unwrap();
        // Installed, offered, whether what is installed is the newer.
        let cases = [
            (at(5), Some(at(4)), true),
            (at(5), Some(at(5)), false),
            (at(5), Some(at(6)), false),
            (at(5), Some(at(99)), false),
            (at(5), None, true),
            (at(90), Some(at(9)), false),
            (at(90), Some(at(89)), true),
            (at(90), None, false),
        ];
        for (installed, offered, wanted) in cases {
            assert_eq!(installed.is_newer_than(offered, now), wanted, "{installed} {offered:?}");
        }
    }
}
