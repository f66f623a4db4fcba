//! Every feed there is: the explicit list.
//!
//! Families stand in alphabetical order; within a family the authoritative source, the one that
//! `update` and `ensure` fetch for a stream by default, stands first. A test holds that every feed
//! has a folder in `testdata/` and that each of its documents is recognized by that feed alone.

use crate::Feed;

pub const ALL: &[&dyn Feed] = &[
    &crate::redhat::vex::Vex,
    &crate::redhat::vex::Advisories,
    &crate::redhat::cve::CveApi,
    &crate::redhat::oval::OvalV2,
];
