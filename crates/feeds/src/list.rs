//! Every feed there is: the explicit list.
//!
//! Families stand in alphabetical order; within a family the authoritative source, the one that
//! `update` and `ensure` fetch for a stream by default, stands first. A test holds that every feed
//! has a folder in `testdata/` and that each of its documents is recognized by that feed alone.

use crate::Feed;

pub const ALL: &[&dyn Feed] = &[
    &crate::almalinux::Errata,
    &crate::almalinux::Updateinfo,
    &crate::almalinux::OvalFile,
    &crate::secdb::ALPINE,
    &crate::amazon::Alas,
    &crate::azurelinux::OvalFile,
    &crate::secdb::CHAINGUARD,
    &crate::debian::Tracker,
    &crate::fedora::Updateinfo,
    &crate::fedora::Bodhi,
    &crate::secdb::MINIMOS,
    &crate::openeuler::Advisories,
    &crate::openeuler::Cves,
    &crate::oracle::OvalFile,
    &crate::photon::CveMetadata,
    &crate::photon::OvalFile,
    &crate::redhat::vex::Vex,
    &crate::redhat::cve::CveApi,
    &crate::redhat::oval::OvalV2,
    // Errata alone: of what is not fixed they say nothing.
    &crate::redhat::vex::Advisories,
    &crate::rocky::Updateinfo,
    &crate::rocky::Errata,
    &crate::suse::oval::OvalFile,
    &crate::suse::csaf::Vex,
    &crate::suse::csaf::Advisories,
    &crate::ubuntu::tracker::Tracker,
    &crate::ubuntu::oval::States,
    &crate::ubuntu::oval::Notices,
    &crate::secdb::WOLFI,
    // The one database of Perl's distributions.
    &crate::cpansa::Database,
    // Databases of languages, which OSV exports too: imported, not fetched.
    &crate::friendsofphp::Advisories,
    &crate::rubysec::Advisories,
    &crate::rustsec::Advisories,
    // Many publishers' data in one form: what a publisher serves itself goes before it.
    &crate::osv::Osv,
    // Metadata of vulnerabilities.
    &crate::nvd::Nvd,
    &crate::cve5::CveList,
    &crate::epss::Epss,
    &crate::kev::Kev,
    // What Java archives are called.
    &crate::maven::RepositoryIndex,
];
