//! What each ecosystem refuses is refused with its cause; nothing else is.

use std::cmp::Ordering;

use version::{Refusal, Scheme, rpm};

const REFUSED: &[(Scheme, &str, Refusal)] = &[
    (Scheme::Apk, "", Refusal::Empty),
    (Scheme::Debian, "", Refusal::Empty),
    (Scheme::Debian, " \t", Refusal::Empty),
    (Scheme::Debian, "1 2", Refusal::EmbeddedBlank),
    (Scheme::Debian, ":1", Refusal::EpochNotNumber),
    (Scheme::Debian, "a:1", Refusal::EpochNotNumber),
    (Scheme::Debian, "1+:2", Refusal::EpochNotNumber),
    (Scheme::Debian, "-:1", Refusal::EpochNotNumber),
    (Scheme::Debian, "-1:1", Refusal::EpochNegative),
    (Scheme::Debian, "-99999999999999999999:1", Refusal::EpochNegative),
    (Scheme::Debian, "2147483648:1", Refusal::EpochTooBig),
    (Scheme::Debian, "99999999999999999999:1", Refusal::EpochTooBig),
    (Scheme::Debian, "1:", Refusal::NothingAfterEpoch),
    (Scheme::Debian, "1:-1", Refusal::EmptyUpstreamVersion),
    (Scheme::Debian, "-1", Refusal::EmptyUpstreamVersion),
    (Scheme::Debian, "1.0-", Refusal::EmptyRevision),
    (Scheme::Rpm, "", Refusal::Empty),
];

#[test]
fn refusals_name_their_cause() {
    for &(scheme, version, refusal) in REFUSED {
        for (a, b) in [(version, "1"), ("1", version)] {
            let error = scheme.compare(a, b).expect_err(version);
            assert_eq!((error.version.as_str(), error.refusal), (version, refusal));
        }
    }
}

#[test]
fn a_long_version_is_cut_in_its_error() {
    let error = Scheme::Debian.compare(&":".repeat(5_000_000), "1").expect_err("no epoch");
    assert_eq!(error.version, ":".repeat(100));
}

/// Anything that is not linear would not come back from these.
#[test]
fn long_versions_are_compared() {
    for &scheme in Scheme::ALL {
        for unit in ["0", "9", "a", "a1", "1.", ".", "-", "~", "^", "_p1", "_", "1-r"] {
            let long = "1".to_owned() + &unit.repeat(30_000);
            let longer = format!("{long}1");
            if let Ok(order) = scheme.compare(&long, &longer) {
                assert_eq!(scheme.compare(&longer, &long), Ok(order.reverse()), "{unit}");
            }
        }
    }
}

#[test]
fn an_unknown_epoch_is_left_out() {
    let compare = rpm::compare_ignoring_epoch;
    assert_eq!(compare("1:1.0-1", "1.0-1"), Ok(Ordering::Equal));
    assert_eq!(compare("9:1.0-1", "1.0-2"), Ok(Ordering::Less));
    assert_eq!(compare("", "1").expect_err("empty").refusal, Refusal::Empty);
}

#[test]
fn names_lead_back_to_their_scheme() {
    for &scheme in Scheme::ALL {
        assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
    }
    assert_eq!(Scheme::from_name("Debian"), None);
}
