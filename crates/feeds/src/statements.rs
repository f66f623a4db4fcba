//! What one publisher says about one vulnerability, gathered and then said in as few statements
//! as mean the same: the common end of every feed of the rpm world.
//!
//! The rules of that world, which `matcher` may rely on:
//!
//! - **Architectures.** Publishers repeat an erratum for every architecture. A statement names
//!   architectures only where one notice fixes the package at *different* versions on different
//!   ones; otherwise it is about all, because a package list that was written for one
//!   architecture must not make another one look clean. `noarch` stands for all.
//! - **Builds of one notice.** If a notice ships two builds of a package for the same
//!   architecture and module, the older one counts as fixed: the notice says so. Oracle's
//!   live-patchable and FIPS builds (`.ksplice`, `_fips`) are lines of their own.
//! - **Several notices** for one vulnerability, package and scope (two minor releases of the main
//!   stream, a repeated fix) stay several statements. The line of the installed build decides:
//!   a fix with the same release tag (`.el9_2`) if there is one, else the greatest.
//! - **A fix beats a state**: "affected" beside a fix in the same scope is the older news.
//! - **Modules.** A statement with a module is about builds of that module stream alone.
//! - **Debug symbols** (`-debuginfo`, `-debugsource`) run nowhere; they are left out, which halves
//!   some streams.
//!
//! It must never merge what differs in stream, track, module or subject.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};
use version::Scheme;

use crate::Sink;

/// How many packages one vulnerability may be about in one document. A kernel's in Red Hat's VEX is
/// about some three thousand; OSV and OVAL join lists with lists, so a short document could mean
/// millions.
const PLACES_LIMIT: usize = 1 << 17;
/// Ranges without a fix that are kept of a package; records have one or two, and each is looked for among the
/// others.
const OPEN_LIMIT: usize = 64;
/// What tells builds of another line under the same name, as `matcher` knows them.
const FLAVORS: [&str; 2] = [".ksplice", "_fips"];

/// The package that something is said of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) stream: String,
    pub(crate) track: Option<String>,
    pub(crate) module: Option<String>,
    pub(crate) package: String,
    pub(crate) subject: Subject,
}

impl Place {
    /// A binary package of the main track.
    pub(crate) fn binary(stream: impl Into<String>, package: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            track: None,
            module: None,
            package: package.into(),
            subject: Subject::Binary,
        }
    }

    /// A source package of the main track.
    pub(crate) fn source(stream: impl Into<String>, package: impl Into<String>) -> Self {
        Self { subject: Subject::Source, ..Self::binary(stream, package) }
    }
}

/// Gathers what is said of one vulnerability.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    said: BTreeMap<Place, Said>,
    /// What came after [`PLACES_LIMIT`].
    left_out: u64,
}

#[derive(Debug, Default)]
struct Said {
    /// By notice (empty where the publisher names none).
    fixes: BTreeMap<String, Vec<Fix>>,
    state: Option<Status>,
    /// `Onwards` unless the publisher bounds the versions that a state is about.
    through: Option<String>,
    /// Versions that no fix is out for.
    open: Vec<VersionRange>,
    severity: Severity,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fix {
    introduced: Option<String>,
    version: String,
    architecture: String,
}

impl Statements {
    /// The package is affected below `version`, which is out for `architecture` (empty: all).
    pub(crate) fn fixed(
        &mut self,
        place: Place,
        (version, architecture): (String, &str),
        notice: &str,
        severity: Severity,
    ) {
        self.fixed_since(place, None, (version, architecture), notice, severity);
    }

    /// Like [`Statements::fixed`], for a line of versions that begins with `introduced`.
    pub(crate) fn fixed_since(
        &mut self,
        place: Place,
        introduced: Option<String>,
        (version, architecture): (String, &str),
        notice: &str,
        severity: Severity,
    ) {
        let Some(said) = self.said(place) else { return };
        said.severity = said.severity.max(severity);
        let architecture = architecture.to_owned();
        let fix = Fix { introduced, version, architecture };
        said.fixes.entry(notice.to_owned()).or_default().push(fix);
    }

    /// The package has a status other than fixed, in all its versions.
    pub(crate) fn state(&mut self, place: Place, status: Status, severity: Severity) {
        let Some(said) = self.said(place) else { return };
        said.severity = said.severity.max(severity);
        // Two products of one place may disagree; the worse news is kept.
        let worse = |known| if concern(known) >= concern(status) { known } else { status };
        said.state = Some(said.state.map_or(status, worse));
    }

    /// The package is affected up to and including `version`; no fix is out.
    pub(crate) fn affected_through(&mut self, place: Place, version: String, severity: Severity) {
        self.state(place.clone(), Status::Affected, severity);
        if let Some(said) = self.said.get_mut(&place)
            && said.through.as_ref().is_none_or(|known| is_below(known, &version))
        {
            said.through = Some(version);
        }
    }

    /// The package is affected in a range of versions for which no fix is out, whatever others have one.
    pub(crate) fn affected_in(&mut self, place: Place, range: VersionRange, severity: Severity) {
        let Some(said) = self.said(place) else { return };
        said.severity = said.severity.max(severity);
        if said.open.len() < OPEN_LIMIT && !said.open.contains(&range) {
            said.open.push(range);
        }
    }

    /// What was said of the place so far; None if nothing more is taken in.
    fn said(&mut self, place: Place) -> Option<&mut Said> {
        if is_debug_symbols(&place.package) {
            return None;
        }
        if self.said.len() >= PLACES_LIMIT && !self.said.contains_key(&place) {
            self.left_out += 1;
            return None;
        }
        Some(self.said.entry(place).or_default())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// The streams in which something may become a finding, sorted: only these need texts.
    pub(crate) fn streams(&self) -> BTreeSet<&str> {
        let may_be_found =
            |said: &Said| !said.fixes.is_empty() || said.state != Some(Status::NotAffected);
        let places = self.said.iter().filter(|(_, said)| may_be_found(said));
        places.map(|(place, _)| place.stream.as_str()).collect()
    }

    /// Hands everything to the sink, as being about the vulnerability `id`.
    pub(crate) fn put(self, id: &str, sink: &mut Sink) {
        if self.left_out > 0 {
            let record = format!("{} statements about {id}", self.left_out);
            sink.damaged(&record, format!("it is about more than {PLACES_LIMIT} packages"));
        }
        for (place, said) in self.said {
            if said.fixes.is_empty() {
                if said.state.is_none_or(|status| status == Status::NotAffected)
                    && !said.open.is_empty()
                {
                    let (stream, advisory) =
                        advisory(id, place, said.severity, Status::Affected, said.open);
                    sink.advisory(&stream, advisory);
                } else if let Some(status) = said.state {
                    let ranges = state_ranges(status, said.through);
                    let (stream, advisory) = advisory(id, place, said.severity, status, ranges);
                    sink.advisory(&stream, advisory);
                }
                continue;
            }
            for (line, notices) in lines(said.fixes) {
                let range = VersionRange {
                    introduced: line.introduced,
                    until: Affected::Before(line.version),
                };
                let ranges = std::iter::once(range).chain(said.open.iter().cloned()).collect();
                let (stream, mut advisory) =
                    advisory(id, place.clone(), said.severity, Status::Fixed, ranges);
                advisory.scope.architectures = line.architectures;
                advisory.notices = notices.into_iter().filter(|name| !name.is_empty()).collect();
                sink.advisory(&stream, advisory);
            }
        }
    }
}

fn is_debug_symbols(package: &str) -> bool {
    package.ends_with("-debuginfo")
        || package.ends_with("-debugsource")
        || package.contains("-debuginfo-common-")
}

/// How much a status asks for attention; only the order matters.
fn concern(status: Status) -> u8 {
    match status {
        Status::Affected => 7,
        Status::Fixed => 6,
        Status::FixDeferred => 5,
        Status::WillNotFix => 4,
        Status::EndOfLife => 3,
        Status::UnderInvestigation => 2,
        Status::Undetermined => 1,
        Status::NotAffected => 0,
    }
}

fn state_ranges(status: Status, through: Option<String>) -> Vec<VersionRange> {
    match (status, through) {
        (Status::NotAffected, _) => Vec::new(),
        (_, Some(version)) => {
            vec![VersionRange { introduced: None, until: Affected::Through(version) }]
        }
        (_, None) => vec![VersionRange { introduced: None, until: Affected::Onwards }],
    }
}

fn advisory(
    id: &str,
    place: Place,
    severity: Severity,
    status: Status,
    ranges: Vec<VersionRange>,
) -> (String, Advisory) {
    let scope = Scope { module: place.module, track: place.track, ..Scope::default() };
    let advisory = Advisory {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: place.package,
        subject: place.subject,
        scope,
        status,
        ranges,
        severity,
        notices: Vec::new(),
    };
    (place.stream, advisory)
}

/// A fix as it is said in the end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    introduced: Option<String>,
    version: String,
    architectures: Vec<String>,
}

/// One line a version and notice, those of equal content joined.
fn lines(fixes: BTreeMap<String, Vec<Fix>>) -> BTreeMap<Line, BTreeSet<String>> {
    let mut lines: BTreeMap<Line, BTreeSet<String>> = BTreeMap::new();
    for (notice, fixes) in fixes {
        for line in lines_of_notice(fixes) {
            lines.entry(line).or_default().insert(notice.clone());
        }
    }
    lines
}

fn is_below(version: &str, other: &str) -> bool {
    Scheme::Rpm.compare(version, other).is_ok_and(Ordering::is_lt)
}

fn flavor(version: &str) -> Option<&'static str> {
    FLAVORS.into_iter().find(|mark| version.contains(mark))
}

fn lines_of_notice(fixes: Vec<Fix>) -> Vec<Line> {
    let mut groups: BTreeMap<(Option<String>, Option<&str>), Vec<Fix>> = BTreeMap::new();
    for fix in fixes {
        groups.entry((fix.introduced.clone(), flavor(&fix.version))).or_default().push(fix);
    }
    let lines = |((introduced, _), fixes)| lines_of_flavor(introduced, fixes);
    groups.into_iter().flat_map(lines).collect()
}

fn lines_of_flavor(introduced: Option<String>, fixes: Vec<Fix>) -> Vec<Line> {
    let mut oldest: BTreeMap<String, String> = BTreeMap::new();
    for Fix { version, architecture, .. } in fixes {
        let everywhere = architecture == "noarch";
        oldest
            .entry(if everywhere { String::new() } else { architecture })
            .and_modify(|known| {
                if is_below(&version, known) {
                    known.clone_from(&version);
                }
            })
            .or_insert(version);
    }
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (architecture, version) in oldest {
        versions.entry(version).or_default().push(architecture);
    }
    let differ = versions.len() > 1;
    let lines = versions.into_iter().map(|(version, architectures)| {
        let everywhere = !differ || architectures.iter().any(String::is_empty);
        let architectures = if everywhere { Vec::new() } else { architectures };
        Line { introduced: introduced.clone(), version, architectures }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `version@architecture` of the fixes of one notice, and the lines they become.
    fn check(fixes: &[&str], expected: &[&str]) {
        let fixes = fixes
            .iter()
            .map(|text| {
                let (version, architecture) = text.split_once('@').unwrap();
                let architecture = architecture.to_owned();
                Fix { introduced: None, version: version.to_owned(), architecture }
            })
            .collect();
        let lines: Vec<String> = lines_of_notice(fixes)
            .into_iter()
            .map(|line| format!("{}@{}", line.version, line.architectures.join(",")))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn architectures_are_named_only_where_they_differ() {
        check(&["1-1@x86_64", "1-1@aarch64"], &["1-1@"]);
        check(&["1-1@x86_64"], &["1-1@"]);
        check(&["1-1@x86_64", "1-2@aarch64", "1-2@s390x"], &["1-1@x86_64", "1-2@aarch64,s390x"]);
        check(&["1-1@noarch", "1-2@aarch64"], &["1-1@", "1-2@aarch64"]);
        check(&["1-10@x86_64", "1-9@x86_64"], &["1-9@"]);
        check(&["1-1@", "1-2.ksplice1.el8@"], &["1-1@", "1-2.ksplice1.el8@"]);
    }

    #[test]
    fn equal_lines_of_several_notices_are_one_statement() {
        let fix = |version: &str| Fix {
            introduced: None,
            version: version.to_owned(),
            architecture: "x86_64".to_owned(),
        };
        let fixes = BTreeMap::from([
            ("A".to_owned(), vec![fix("1-1")]),
            ("B".to_owned(), vec![fix("1-1")]),
            ("C".to_owned(), vec![fix("1-3")]),
        ]);
        let said: Vec<_> = lines(fixes)
            .into_iter()
            .map(|(line, notices)| (line.version, notices.into_iter().collect::<String>()))
            .collect();
        assert_eq!(said, [("1-1".to_owned(), "AB".to_owned()), ("1-3".to_owned(), "C".to_owned())]);
    }

    #[test]
    fn more_packages_than_the_limit_are_said_to_be_left_out() {
        let mut statements = Statements::default();
        for number in 0..=PLACES_LIMIT {
            let place = Place::binary("rhel-9", number.to_string());
            statements.state(place, Status::Affected, Severity::Low);
        }
        let mut sink = Sink::default();
        statements.put("CVE-2024-0001", &mut sink);
        assert_eq!((sink.statements, sink.damaged), (131_072, 1));
    }

    #[test]
    fn the_worse_of_two_states_is_kept() {
        let mut statements = Statements::default();
        let place = || Place::source("rhel-9", "bash");
        for status in [Status::NotAffected, Status::WillNotFix, Status::UnderInvestigation] {
            statements.state(place(), status, Severity::Low);
        }
        assert_eq!(statements.said[&place()].state, Some(Status::WillNotFix));
    }
}
