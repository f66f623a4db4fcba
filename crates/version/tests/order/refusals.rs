//! What each ecosystem refuses is refused with its cause; nothing else is.

use std::cmp::Ordering;

use version::{Range, RangeFault, Refusal, Scheme, rpm};

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
    (Scheme::Semver, "", Refusal::Empty),
    (Scheme::Semver, "v", Refusal::Empty),
    (Scheme::Npm, "latest", Refusal::NoNumber),
    (Scheme::Npm, ".1", Refusal::NoNumber),
    (Scheme::Cargo, "-1.0.0", Refusal::NoNumber),
    (Scheme::Hex, "é", Refusal::NoNumber),
    (Scheme::Golang, "(devel)", Refusal::NoNumber),
    (Scheme::Golang, "go", Refusal::Empty),
    (Scheme::Golang, "gotip", Refusal::NoNumber),
    (Scheme::Nuget, "$(Version)", Refusal::NoNumber),
    (Scheme::Pub, "any", Refusal::NoNumber),
    (Scheme::Swift, "main", Refusal::NoNumber),
    (Scheme::Composer, " ", Refusal::Empty),
    (Scheme::Composer, "@dev", Refusal::Empty),
    (Scheme::Cpan, "", Refusal::Empty),
    (Scheme::Cpan, "v", Refusal::NotCpanVersion),
    (Scheme::Cpan, "1_2", Refusal::NotCpanVersion),
    (Scheme::Cpan, "1.2_3.4", Refusal::NotCpanVersion),
    (Scheme::Cpan, "1.2_3_4", Refusal::NotCpanVersion),
    (Scheme::Cpan, "1.2.", Refusal::NotCpanVersion),
    (Scheme::Cpan, "v1_2", Refusal::NotCpanVersion),
    (Scheme::Cpan, "1.0-TRIAL", Refusal::NotCpanVersion),
    (Scheme::Cran, "", Refusal::Empty),
    (Scheme::Cran, "1.0a", Refusal::NotNumbers),
    (Scheme::Cran, "1.", Refusal::NotNumbers),
    (Scheme::Hackage, "1..2", Refusal::NotNumbers),
    (Scheme::Gem, "1.", Refusal::NotGemVersion),
    (Scheme::Gem, "a", Refusal::NotGemVersion),
    (Scheme::Gem, "1beta", Refusal::NotGemVersion),
    (Scheme::Gem, "1.0_1", Refusal::NotGemVersion),
    (Scheme::Maven, "", Refusal::Empty),
    (Scheme::Pep440, "\t", Refusal::Empty),
    (Scheme::Pep440, "1.0-final", Refusal::NotPep440),
    (Scheme::Pep440, "1.0+", Refusal::NotPep440),
    (Scheme::Pep440, "1.0-1-2", Refusal::NotPep440),
    (Scheme::Pep440, "1!", Refusal::NotPep440),
    (Scheme::Pep440, "2004d", Refusal::NotPep440),
];

/// Ranges, and what is shown of them.
const REFUSED_RANGES: &[(Scheme, &str, &str)] = &[
    (Scheme::Npm, ">", "`>` is not a condition"),
    (Scheme::Npm, "^1.2.3 foo", "`foo` is not a condition"),
    (Scheme::Npm, "1.2.3.4", "`1.2.3.4` is not a condition"),
    (Scheme::Npm, "~1 1.2 - 2.3", "`~1 1.2 - 2.3` is not a condition"),
    (Scheme::Npm, "!=1.0.0", "`!=1.0.0` is not a condition"),
    (Scheme::Cargo, "", "`` is not a condition"),
    (Scheme::Cargo, ">1.0 <2.0", "`>1.0 <2.0` is not a condition"),
    (Scheme::Cargo, "1.2-beta", "`1.2-beta` is not a condition"),
    (Scheme::Composer, "~>1.0", "`~>1.0` is not a condition"),
    (Scheme::Composer, "|", "`|` is not a condition"),
    (Scheme::Composer, ">=foo", "`>=foo` is not a condition"),
    (Scheme::Gem, "~> a", "`~> a` is not a condition"),
    (Scheme::Gem, ">= 1.0,", "`` is not a condition"),
    (Scheme::Gem, ">= 1_0", "version `1_0`: it is not a RubyGems version"),
    (Scheme::Hex, "~> 1", "`~> 1` is not a condition"),
    (Scheme::Maven, "[1.0,2.0", "`[1.0,2.0` is not a condition"),
    (Scheme::Maven, "[1.0),1", "`[1.0),1` is not a condition"),
    (Scheme::Maven, "1.0,[2.0]", "`1.0,[2.0]` is not a condition"),
    (Scheme::Nuget, "(1.0)", "`(1.0)` is not a condition"),
    (Scheme::Nuget, "[1,2,3]", "`[1,2,3]` is not a condition"),
    (Scheme::Pep440, "=1.0", "`=1.0` is not a condition"),
    (Scheme::Pep440, "~=1", "`~=1` is not a condition"),
    (Scheme::Pep440, ">=1.*", "`>=1.*` is not a condition"),
    (Scheme::Pep440, "==foo", "version `foo`: it is not a PEP 440 version"),
    (Scheme::Pub, "^1.2", "`^1.2` is not a condition"),
    (Scheme::Golang, "^1.2.3", "`^1.2.3` is not a condition"),
    (Scheme::Debian, ">= 1:", "version `1:`: nothing follows the epoch"),
];

#[test]
fn refused_ranges_name_their_cause() {
    for &(scheme, range, fault) in REFUSED_RANGES {
        let error = Range::parse(scheme, range).expect_err(range);
        assert_eq!((error.range.as_str(), error.fault.to_string().as_str()), (range, fault));
    }
    let long = "1.0 ".repeat(2_000);
    let error = Range::parse(Scheme::Npm, &long).expect_err("too long");
    assert_eq!(error.fault, RangeFault::TooLong);
    assert_eq!(error.range.len(), 100);
}

#[test]
fn a_range_refuses_what_its_scheme_refuses() {
    for range in ["*", ">=1.0.0", "<1.0.0 || >=2.0.0"] {
        let range = Range::parse(Scheme::Npm, range).expect("a range");
        assert_eq!(range.contains("latest").expect_err("no number").refusal, Refusal::NoNumber);
    }
}

#[test]
fn a_plain_range_knows_the_order_alone() {
    let cases = [
        (Scheme::Npm, ">= 1.0.0, < 2.0.0", "1.5.0-rc.1", true),
        (Scheme::Pep440, "< 1.0", "1.0rc1", true),
        (Scheme::Pep440, "<= 1.0", "1.0+local", false),
        (Scheme::Pep440, "> 1.0", "1.0.post1", true),
        (Scheme::Composer, "< 1.0", "1.0-beta1", true),
        (Scheme::Composer, "< 1.0", "dev-main", false),
        (Scheme::Maven, ">= 2.0.0, < 2.15.0 || = 3.0", "2.14.1", true),
        (Scheme::Nuget, "= 3.0", "3.0.0.0", true),
    ];
    for (scheme, range, version, inside) in cases {
        let plain = Range::plain(scheme, range).expect(range);
        assert_eq!(plain.contains(version), Ok(inside), "{range} {version}");
    }
    assert!(Range::plain(Scheme::Npm, "^1.0").is_err());
    assert!(Range::plain(Scheme::Pep440, "== 1.*").is_err());
}

/// What is on a disk did not ask npm.
#[test]
fn a_range_spans_prereleases_that_it_does_not_contain() {
    let range = Range::parse(Scheme::Npm, ">=1.0.0 <2.0.0").expect("a range");
    assert_eq!(range.contains("1.5.0-rc.1"), Ok(false));
    assert_eq!(range.spans("1.5.0-rc.1"), Ok(true));
    assert_eq!(range.spans("1.0.0-rc.1"), Ok(false));
}

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
