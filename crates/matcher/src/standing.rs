//! Where an installed version stands to what one statement says, and the words for it.
//!
//! Versions are compared in the order of the distribution's scheme and nowhere else.

use std::cmp::Ordering;

use model::{Affected, Status, VersionRange};
use version::{Scheme, VersionError};

use crate::distro::{Plan, Role};
use crate::installed::{Installed, Named};
use crate::scope;
use crate::vulnerability::Said;

/// The version that Debian and Alpine give for "no version was ever vulnerable".
const NEVER: &str = "0";
/// Looks at ranges for the end of those that follow upon each other without a gap, as FriendsOfPHP writes
/// a range for each branch. Symfony's 25 branches take 400; a list of 8 000 versions is gone through twice.
const LOOKS_MAX: usize = 16_384;

/// The installed version against one statement.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// Not among the versions affected.
    Outside,
    /// Among them; the range that it is in, if the statement gives ranges.
    Inside(Option<&'a VersionRange>),
    /// One of the versions is not one that the scheme can order.
    Unclear(VersionError),
}

pub(crate) fn standing<'a>(plan: &Plan, said: Said<'a>) -> Standing<'a> {
    let Said { installed, advisory, .. } = said;
    if advisory.status == Status::NotAffected {
        return Standing::Outside;
    }
    if advisory.ranges.is_empty() {
        return Standing::Inside(None);
    }
    if let Err(error) = plan.scheme.check_comparable(&installed.version) {
        return Standing::Unclear(error);
    }
    let mut unclear = None;
    for range in &advisory.ranges {
        match holds(range, |bound| compare(plan, &said, bound)) {
            Ok(true) => return Standing::Inside(Some(range)),
            Ok(false) => {}
            Err(error) => unclear = Some(error),
        }
    }
    unclear.map_or(Standing::Outside, Standing::Unclear)
}

/// The end of a range where that is free of the vulnerability: another range of the statement may begin
/// there (`>=9.4 <10.0` and `>=10.0 <=10.0`), and then the end of that one counts. None where none is.
pub(crate) fn fix_beyond<'a>(
    plan: &Plan,
    range: &'a VersionRange,
    ranges: &'a [VersionRange],
) -> Option<&'a str> {
    let mut range = range;
    for _ in 0..=LOOKS_MAX / ranges.len().max(1) {
        let fix = range.until.fix()?;
        let is = |bound: &str| plan.scheme.compare(fix, bound);
        let others = || ranges.iter().filter(|other| *other != range);
        match others().find(|other| holds(other, is).unwrap_or(false)) {
            Some(next) => range = next,
            None => return Some(fix),
        }
    }
    None
}

/// Whether a version is in a range, by how it compares with the ends.
fn holds(
    range: &VersionRange,
    is: impl Fn(&str) -> Result<Ordering, VersionError>,
) -> Result<bool, VersionError> {
    let started = match range.introduced.as_deref() {
        None | Some(NEVER) => true,
        Some(introduced) => is(introduced)?.is_ge(),
    };
    Ok(started
        && match &range.until {
            Affected::Onwards => true,
            Affected::Before(fix) => fix != NEVER && is(fix)?.is_lt(),
            Affected::Through(last) | Affected::Until { end: last, included: true, .. } => {
                is(last)?.is_le()
            }
            Affected::Until { end, included: false, .. } => is(end)?.is_lt(),
        })
}

fn compare(plan: &Plan, said: &Said<'_>, bound: &str) -> Result<Ordering, VersionError> {
    let (version, bound) = of_one_build_service(said, bound);
    match leaves_out_epoch(plan, said.installed, bound) {
        true => version::rpm::compare_ignoring_epoch(version, bound),
        false if rebuilds(plan, version, bound) => {
            plan.scheme.compare(&without_rebuilds(version), bound)
        }
        false => plan.scheme.compare(without_local(plan, version, bound), bound),
    }
}

/// What stands before the counter of the build service in the version of a module's build
/// (`3.6.8-39.module+el8.10.0+20784+edafcd43`).
const MODULE: &str = ".module";

/// The version and the bound, as far as they compare: a rebuild counts the builds of its modules itself, and
/// its counter never reaches Red Hat's.
fn of_one_build_service<'v>(said: &Said<'v>, bound: &'v str) -> (&'v str, &'v str) {
    let installed: &Installed<'v> = said.installed;
    let version: &'v str = &installed.version;
    match (version.split_once(MODULE), bound.split_once(MODULE)) {
        (Some((version, _)), Some((bound, _))) if said.voice.role == Role::Origin => {
            (version, bound)
        }
        _ => (version, bound),
    }
}

/// A build of a release that names itself (`2.6.0+cu118`) is meant with the release where a bound
/// names no build (PEP 440, version specifiers).
fn without_local<'v>(plan: &Plan, version: &'v str, bound: &str) -> &'v str {
    match version.split_once('+') {
        Some((public, _)) if plan.scheme == Scheme::Pep440 && !bound.contains('+') => public,
        _ => version,
    }
}

/// What derivatives of Debian add to a version when they build its source again: Raspbian, Raspberry Pi OS,
/// Devuan. It orders behind `+deb12u1`, and so behind every fix, whatever was built.
const REBUILDS: [&str; 3] = ["+rpi", "+rpt", "+devuan"];

/// Whether a version is that of a derivative's build, and the bound is not.
fn rebuilds(plan: &Plan, version: &str, bound: &str) -> bool {
    let is_in = |text: &str| REBUILDS.iter().any(|mark| text.contains(mark));
    plan.scheme == Scheme::Debian && is_in(version) && !is_in(bound)
}

/// The version of the source that was built again.
fn without_rebuilds(version: &str) -> String {
    REBUILDS.iter().fold(version.to_owned(), |version, mark| {
        let Some((before, after)) = version.split_once(mark) else { return version };
        let after = after.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.');
        format!("{before}{after}")
    })
}

/// Where one side does not say its epoch, a comparison with it would mean nothing: an epoch that
/// only the installed build shows would make it newer than every fix.
fn leaves_out_epoch(plan: &Plan, installed: &Installed<'_>, bound: &str) -> bool {
    let says_epoch = |version: &str| version.contains(':');
    let unsaid = !plan.writes_epochs && says_epoch(&installed.version) && !says_epoch(bound);
    // Oracle's ksplice builds have epoch 2, its FIPS builds 10, whatever the plain ones have.
    unsaid || !installed.epoch_known || !scope::is_of_one_flavor(&installed.version, bound)
}

/// The comparison in words: `3.0.11-1 < 3.0.13-1 (debian, source openssl)`.
pub(crate) fn words(plan: &Plan, said: &Said<'_>, standing: &Standing<'_>) -> String {
    let Said { installed, advisory, .. } = *said;
    let version = &installed.version;
    let comparison = match standing {
        Standing::Inside(Some(range)) => in_range(version, range),
        Standing::Inside(None) | Standing::Outside => "no fixed version".to_owned(),
        Standing::Unclear(error) => error.to_string(),
    };
    let mut context = vec![plan.scheme.name().to_owned(), installed.to_string()];
    let leaves_out = |bound: &str| leaves_out_epoch(plan, installed, bound);
    let left_out = match standing {
        Standing::Inside(Some(range)) => bounds(range).any(leaves_out),
        _ => !installed.epoch_known,
    };
    context.extend(left_out.then(|| "epoch ignored".to_owned()));
    let ignored = |is: &dyn Fn(&str) -> bool| match standing {
        Standing::Inside(Some(range)) => bounds(range).any(is),
        _ => false,
    };
    let rebuilt = ignored(&|bound| rebuilds(plan, version, bound));
    context.extend(rebuilt.then(|| "mark of the rebuild ignored".to_owned()));
    let recounted = ignored(&|bound| of_one_build_service(said, bound).1 != bound);
    context.extend(recounted.then(|| "counter of the build ignored".to_owned()));
    let module = advisory.scope.module.iter().filter(|_| installed.named != Named::Module);
    context.extend(module.map(|module| format!("module {module}")));
    context.extend(advisory.scope.track.iter().map(|track| format!("track {track}")));
    format!("{comparison} ({})", context.join(", "))
}

fn bounds(range: &VersionRange) -> impl Iterator<Item = &str> {
    let end = range.until.end().map(|(end, _)| end);
    range.introduced.as_deref().into_iter().chain(end)
}

fn in_range(version: &str, range: &VersionRange) -> String {
    let introduced = match range.introduced.as_deref() {
        None | Some(NEVER) => String::new(),
        Some(introduced) => format!("{introduced} <= "),
    };
    match range.until.end() {
        None if introduced.is_empty() => "no fixed version".to_owned(),
        None => format!("{introduced}{version}, no fixed version"),
        Some((end, false)) => format!("{introduced}{version} < {end}"),
        Some((end, true)) => format!("{introduced}{version} <= {end}"),
    }
}
