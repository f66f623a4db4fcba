//! One package against everything that is said about it: which vulnerabilities it has.
//!
//! The order of the questions: which statements are about this build (`scope`); which of them are
//! about the same vulnerability (`vulnerability`); what does each publisher conclude (here); and
//! does the distribution itself speak, or only the one it is rebuilt from (here).
//!
//! Statements of one publisher are weighed so:
//! - What it says of the binary package overrules what it says of the source.
//! - Where it names fixed versions, they alone count, and all of them: an erratum that lists a
//!   vulnerability again says that the earlier fix was not enough. Where one of them was built for
//!   the same minor release as the installed build (`.el9_2`), those of other minor releases are
//!   repetitions and do not count.
//! - An older state (`affected`, `not affected`) beside a fixed version is overtaken by it. In the
//!   stream of a language it is not: several publishers speak there, each of the ranges it knows.
//!   Nor is it where each component of a package has a record of its own ([`BY_COMPONENT`]).
//! - What the publisher cannot tell is a finding that says so, never silence.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::{Advisory, Package, Status};

use crate::distro::{Plan, Role, Tracks};
use crate::installed;
use crate::scope;
use crate::standing::{Standing, fix_beyond, standing};
use crate::tracks::{Bearing, bearing, is_of_later_minor, minor_release};
use crate::voice::Voice;
use crate::vulnerability::{self, Said, Vulnerability};

/// Sources with one record for each vulnerable component of a package: it is affected as long as one of
/// them says so, whatever the others say, and then no version is free of it.
const BY_COMPONENT: [&str; 3] = ["chainguard-osv", "minimos-osv", "wolfi-osv"];

/// What follows from the statements of one publisher about one vulnerability in one package.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// The installed version is not affected.
    Clear,
    Exposed(Exposure<'a>),
}

/// The installed version is affected, or nobody can tell.
#[derive(Debug)]
pub(crate) struct Exposure<'a> {
    pub(crate) status: Status,
    /// The lowest version that answers all statements.
    pub(crate) fixed: Option<&'a str>,
    /// The statements that say so.
    pub(crate) because: Vec<Because<'a>>,
}

/// A statement and where the installed version stands to it.
#[derive(Debug)]
pub(crate) struct Because<'a> {
    pub(crate) said: Said<'a>,
    pub(crate) standing: Standing<'a>,
    /// The version that is free of it, if the statement names one.
    fix: Option<&'a str>,
}

/// Calls `found` for each vulnerability that the package has, by id.
pub(crate) fn judge(
    plan: &Plan,
    package: &Package,
    voices: &[Voice],
    mut found: impl FnMut(&Vulnerability<'_>, &Exposure<'_>),
) {
    let names = installed::names(package);
    let mut said = Vec::new();
    for voice in voices {
        for installed in &names {
            let about = voice.about(installed.subject(), &installed.name);
            let applying = applying(about, package);
            said.extend(applying.map(|advisory| Said { voice, installed, advisory }));
        }
    }
    for vulnerability in vulnerability::join(said) {
        if let Some(Verdict::Exposed(exposure)) = weigh(plan, &vulnerability.said) {
            found(&vulnerability, &exposure);
        }
    }
}

/// The statements about this build. Where a vulnerability's builds differ from one architecture to another,
/// and none is told of this one, all count: many publishers list no more than two.
fn applying<'a>(
    about: &'a [Advisory],
    package: &'a Package,
) -> impl Iterator<Item = &'a Advisory> + use<'a> {
    let may_apply = || about.iter().filter(|advisory| scope::may_apply(advisory, package));
    let is_of_this = |advisory: &Advisory| scope::same_architecture(advisory, package);
    // How many are of other architectures, by id; none where one is of this.
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for advisory in may_apply().filter(|advisory| !is_of_this(advisory)) {
        *others.entry(&advisory.id).or_default() += 1;
    }
    if !others.is_empty() {
        may_apply().filter(|advisory| is_of_this(advisory)).for_each(|advisory| {
            others.remove(advisory.id.as_str());
        });
    }
    let differ = move |advisory: &Advisory| others.get(advisory.id.as_str()) > Some(&1);
    about
        .iter()
        .filter(|advisory| scope::may_apply(advisory, package))
        .filter(move |advisory| scope::same_architecture(advisory, package) || differ(advisory))
}

/// The distribution's own conclusion; its origin's only where it has none.
fn weigh<'a>(plan: &Plan, said: &[Said<'a>]) -> Option<Verdict<'a>> {
    let conclusion = |role: Role| {
        let of_role: Vec<Said<'a>> =
            said.iter().filter(|one| one.voice.role == role).copied().collect();
        conclude(plan, &of_role)
    };
    conclusion(Role::Own).or_else(|| conclusion(Role::Origin))
}

/// One publisher's conclusion over all tracks of the release; None if nothing it says is about
/// this installation.
fn conclude<'a>(plan: &Plan, said: &[Said<'a>]) -> Option<Verdict<'a>> {
    let is_past = is_past(plan, said);
    let of = |track: Bearing| -> Vec<Said<'a>> {
        let borne = |one: &&Said<'a>| borne(plan, one, is_past) == track;
        said.iter().filter(borne).copied().collect()
    };
    let on = |track: Bearing| settle(plan, of(track));
    if let Some(Verdict::Clear) = on(Bearing::Clears) {
        return Some(Verdict::Clear);
    }
    let main = settle(plan, of_this_minor(of(Bearing::Main), of(Bearing::Minor)));
    let own = on(Bearing::Own).or_else(|| match (on(Bearing::Atop), &main) {
        (Some(Verdict::Exposed(_)), Some(Verdict::Clear)) if is_fixed(said) => Some(Verdict::Clear),
        (atop, _) => atop,
    });
    // It may hold a fix, and says nothing of the image's release.
    let is_fix = |later: &Verdict<'_>| matches!(later, Verdict::Exposed(later) if later.status == Status::Fixed);
    let later = || on(Bearing::Later).filter(|later| main.is_some() && is_fix(later));
    let offered = on(Bearing::Offered).or_else(later);
    own.or_else(|| match (main, offered) {
        (Some(main), Some(offered)) => Some(consider(main, offered)),
        (main, offered) => main.or(offered),
    })
}

/// Whether later minor releases than the image's have fixes on the main track: then that of the image
/// is kept alive for subscribers alone.
fn is_past(plan: &Plan, said: &[Said<'_>]) -> bool {
    let main = said.iter().filter(|one| one.advisory.scope.track.is_none());
    main.flat_map(|one| scope::fixes(one.advisory)).any(|fix| is_of_later_minor(plan, fix))
}

fn borne(plan: &Plan, one: &Said<'_>, is_past: bool) -> Bearing {
    match bearing(plan, one.installed, one.advisory) {
        Bearing::Minor if is_past => match minor_release(&one.installed.version) {
            Some(minor) if minor == plan.version => Bearing::Clears,
            _ => Bearing::Elsewhere,
        },
        bearing => bearing,
    }
}

/// What holds of the image's minor release: all fixes, where it has one or where one was built for the
/// minor release of the installed build; else its own states, where it has some.
fn of_this_minor<'a>(mut main: Vec<Said<'a>>, mut minor: Vec<Said<'a>>) -> Vec<Said<'a>> {
    if minor.is_empty() {
        return main;
    }
    if minor.iter().any(Said::is_of_the_binary) {
        for said in [&mut main, &mut minor] {
            said.retain(Said::is_of_the_binary);
        }
    }
    let is_fixed = |one: &Said<'_>| one.advisory.status == Status::Fixed;
    if minor.iter().any(is_fixed) || main.iter().any(is_of_same_minor) {
        return main.into_iter().chain(minor).filter(is_fixed).collect();
    }
    minor
}

/// Whether the main track names a fixed version at all.
fn is_fixed(said: &[Said<'_>]) -> bool {
    let main_fix =
        |one: &Said<'_>| one.advisory.scope.track.is_none() && one.advisory.status == Status::Fixed;
    said.iter().any(main_fix)
}

/// What another track's offer changes in the conclusion of the main one: it may hold the fix that
/// the main one will never get, or have looked at what the main one no longer looks at.
fn consider<'a>(main: Verdict<'a>, offered: Verdict<'a>) -> Verdict<'a> {
    let Verdict::Exposed(exposure) = &main else { return main };
    let given_up = matches!(exposure.status, Status::EndOfLife | Status::WillNotFix);
    match &offered {
        Verdict::Clear if given_up => offered,
        Verdict::Exposed(other) if other.status < exposure.status => offered,
        _ => main,
    }
}

/// What statements of one track add up to.
fn settle<'a>(plan: &Plan, mut said: Vec<Said<'a>>) -> Option<Verdict<'a>> {
    if said.iter().any(Said::is_of_the_binary) {
        said.retain(Said::is_of_the_binary);
    }
    let by_component = said.iter().any(|one| BY_COMPONENT.contains(&one.voice.source.as_str()));
    let has_states = plan.kind.is_os() && !by_component;
    if has_states && said.iter().any(|one| one.advisory.status == Status::Fixed) {
        said.retain(|one| one.advisory.status == Status::Fixed);
        keep_flavor(&mut said);
        keep_minor_release(plan, &mut said);
    }
    if said.is_empty() {
        return None;
    }
    let exposing: Vec<Because<'a>> = said
        .into_iter()
        .map(|said| because(plan, said))
        .filter(|because| !matches!(because.standing, Standing::Outside))
        .collect();
    let is_open = by_component && exposing.iter().any(|one| status(one) != Status::Fixed);
    let first = exposing.iter().map(status).min();
    Some(match first {
        // A component that has a fix is affected for certain, and the fix is not one of the package.
        Some(Status::Fixed) if is_open => {
            Verdict::Exposed(exposure(plan, exposing, Status::Affected))
        }
        Some(status) => Verdict::Exposed(exposure(plan, exposing, status)),
        None => Verdict::Clear,
    })
}

/// Drops fixes for other flavors if there is one for that of the installed build.
fn keep_flavor(said: &mut Vec<Said<'_>>) {
    let of_same_flavor = |one: &Said<'_>| {
        let version = &one.installed.version;
        scope::fixes(one.advisory).any(|fix| scope::is_of_one_flavor(version, fix))
    };
    if said.iter().any(of_same_flavor) {
        said.retain(of_same_flavor);
    }
}

/// Drops fixes for other minor releases if there is one for that of the installed build.
fn keep_minor_release(plan: &Plan, said: &mut Vec<Said<'_>>) {
    if plan.tracks != Tracks::RedHat || said.len() < 2 {
        return;
    }
    if said.iter().any(is_of_same_minor) {
        said.retain(is_of_same_minor);
    }
}

/// Whether it names a fix for the minor release that the installed build was made for.
fn is_of_same_minor(said: &Said<'_>) -> bool {
    let minor = minor_release(&said.installed.version);
    minor.is_some() && scope::fixes(said.advisory).any(|fix| minor_release(fix) == minor)
}

fn because<'a>(plan: &Plan, said: Said<'a>) -> Because<'a> {
    let advisory: &'a Advisory = said.advisory;
    let standing = standing(plan, said);
    let fix = match &standing {
        Standing::Inside(Some(range)) if advisory.status == Status::Fixed => {
            fix_beyond(plan, range, &advisory.ranges)
        }
        _ => None,
    };
    Because { said, standing, fix }
}

/// A statement's status as it holds for this version: the fix of one range does not help in
/// another that has none, and a comparison that fails decides nothing.
fn status(because: &Because<'_>) -> Status {
    match (&because.standing, because.said.advisory.status) {
        (Standing::Unclear(_), _) => Status::Undetermined,
        (_, Status::Fixed) if because.fix.is_none() => Status::Affected,
        (_, status) => status,
    }
}

fn exposure<'a>(plan: &Plan, exposing: Vec<Because<'a>>, status: Status) -> Exposure<'a> {
    let order = |a: &&str, b: &&str| plan.scheme.compare(a, b).unwrap_or(Ordering::Equal);
    let says_so = |because: &Because<'_>| self::status(because) == status;
    let is_said = exposing.iter().any(says_so);
    let because: Vec<Because<'a>> =
        exposing.into_iter().filter(|because| !is_said || says_so(because)).collect();
    let fixes = because.iter().filter_map(|one| one.fix).filter(|_| status == Status::Fixed);
    let fixed = fixes.max_by(order);
    Exposure { status, fixed, because }
}
