//! Entries: about images by what their verdict is, about what starts ask for, and those that allow.

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::ask::{self, Ask, Pattern, Reach};
use crate::error::PolicyError;
use crate::guard::check::Check;
use crate::guard::rule::called;
use crate::guard::scope::{Place, Scope, ScopeFile};
use crate::rule::date;

/// After ten years nobody can say that a verdict is fresh.
const STALE_DAYS_MAX: u32 = 3_650;

/// What becomes of a start, from the mildest to the gravest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing is told.
    #[default]
    Allow,
    /// It starts, and that is told.
    Alert,
    /// It does not start.
    Deny,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alert => "alert",
            Self::Deny => "deny",
        }
    }
}

/// What becomes of an image of which nobody knows enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ImageAction {
    Allow,
    Alert,
    Deny,
    /// It is scanned, and the verdict of that counts; where there is none, it is unknown.
    Scan,
}

impl ImageAction {
    /// None where it is to be scanned first.
    pub(super) fn at_once(self) -> Option<Action> {
        match self {
            Self::Allow => Some(Action::Allow),
            Self::Alert => Some(Action::Alert),
            Self::Deny => Some(Action::Deny),
            Self::Scan => None,
        }
    }
}

impl From<Action> for ImageAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Allow => Self::Allow,
            Action::Alert => Self::Alert,
            Action::Deny => Self::Deny,
        }
    }
}

/// How it stands with the verdict of an image, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The policy of a scan allows it.
    Allowed,
    Warned,
    /// Its verdict, or the advisories behind it, are too old.
    Stale,
    /// It was scanned, and could not be judged.
    Unknown,
    /// There is no verdict, or nobody knows which image it is.
    Unscanned,
    Denied,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warned => "warned",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Unscanned => "unscanned",
            Self::Denied => "denied",
        }
    }

    /// Where no entry says anything else: what a scan denies is denied, and of all others somebody
    /// hears.
    pub(super) fn usual(self) -> Action {
        match self {
            Self::Allowed => Action::Allow,
            Self::Denied => Action::Deny,
            Self::Warned | Self::Stale | Self::Unknown | Self::Unscanned => Action::Alert,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageFile {
    id: Option<Spanned<String>>,
    #[serde(default)]
    scope: ScopeFile,
    denied: Option<Action>,
    warned: Option<Action>,
    stale: Option<ImageAction>,
    unknown: Option<Action>,
    unscanned: Option<ImageAction>,
    stale_days: Option<Spanned<u32>>,
    observe_until: Option<Spanned<String>>,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartFile {
    id: Option<Spanned<String>>,
    asks: Vec<Spanned<String>>,
    #[serde(default)]
    scope: ScopeFile,
    action: Action,
    observe_until: Option<Spanned<String>>,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptFile {
    id: Option<Spanned<String>>,
    #[serde(default)]
    asks: Vec<Spanned<String>>,
    #[serde(default)]
    verdicts: Vec<Standing>,
    #[serde(default)]
    scope: ScopeFile,
    owner: Spanned<String>,
    reason: Spanned<String>,
    expires: Option<Spanned<String>>,
}

/// What every entry that decides has.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As verdicts call it.
    pub(super) called: String,
    pub(super) scope: Scope,
    pub(super) observe_until: Option<Date>,
    pub(super) reason: String,
}

#[derive(Clone, Debug)]
pub(super) struct ImageEntry {
    pub(super) entry: Entry,
    actions: [(Standing, Option<ImageAction>); 5],
    pub(super) stale_days: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct StartEntry {
    pub(super) entry: Entry,
    pub(super) asks: Vec<Pattern>,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) struct Exception {
    pub(super) called: String,
    pub(super) asks: Vec<Pattern>,
    pub(super) verdicts: Vec<Standing>,
    pub(super) scope: Scope,
    pub(super) owner: String,
    pub(super) reason: String,
    /// The last day on which it counts.
    expires: Option<Date>,
}

pub(super) fn image(entry: &Spanned<ImageFile>, check: &mut Check) -> Option<ImageEntry> {
    let before = check.errors.len();
    let file = &entry.value;
    let actions = [
        (Standing::Denied, file.denied.map(ImageAction::from)),
        (Standing::Warned, file.warned.map(ImageAction::from)),
        (Standing::Stale, file.stale),
        (Standing::Unknown, file.unknown.map(ImageAction::from)),
        (Standing::Unscanned, file.unscanned),
    ];
    if file.stale_days.is_none() && actions.iter().all(|(_, action)| action.is_none()) {
        let message = "an entry about images that says nothing of them";
        let hint = "want `denied`, `warned`, `stale`, `unknown`, `unscanned` or `stale_days`";
        check.errors.push(PolicyError::at(entry, message).hint(Some(hint.to_owned())));
    }
    if let Some(days) = &file.stale_days
        && days.value > STALE_DAYS_MAX
    {
        let message = format!("more than {STALE_DAYS_MAX} days");
        check.errors.push(PolicyError::at(days, message));
    }
    let image = ImageEntry {
        entry: Entry {
            called: called("images", file.id.as_ref(), entry.referenced.line()),
            scope: scope(&file.scope, entry, check),
            observe_until: date(file.observe_until.as_ref(), &mut check.errors),
            reason: file.reason.clone(),
        },
        actions,
        stale_days: file.stale_days.as_ref().map(|days| days.value),
    };
    (check.errors.len() == before).then_some(image)
}

pub(super) fn start(entry: &Spanned<StartFile>, check: &mut Check) -> Option<StartEntry> {
    let before = check.errors.len();
    let file = &entry.value;
    if file.asks.is_empty() {
        check.errors.push(PolicyError::at(entry, "an entry about starts that asks for nothing"));
    }
    let start = StartEntry {
        entry: Entry {
            called: called("starts", file.id.as_ref(), entry.referenced.line()),
            scope: scope(&file.scope, entry, check),
            observe_until: date(file.observe_until.as_ref(), &mut check.errors),
            reason: file.reason.clone(),
        },
        asks: ask::check(&file.asks, check),
        action: file.action,
    };
    (check.errors.len() == before).then_some(start)
}

pub(super) fn except(entry: &Spanned<ExceptFile>, check: &mut Check) -> Option<Exception> {
    let before = check.errors.len();
    let file = &entry.value;
    for (what, text) in [("owner", &file.owner), ("reason", &file.reason)] {
        if text.value.trim().is_empty() {
            check.wrong(text, format!("an entry that allows, without {what}"));
        }
    }
    if file.asks.is_empty() && file.verdicts.is_empty() {
        let message = "an entry that allows has to say what: `asks` or `verdicts`";
        check.errors.push(PolicyError::at(entry, message));
    }
    let exception = Exception {
        called: called("allow", file.id.as_ref(), entry.referenced.line()),
        asks: ask::check(&file.asks, check),
        verdicts: file.verdicts.clone(),
        scope: scope(&file.scope, entry, check),
        owner: file.owner.value.clone(),
        reason: file.reason.value.clone(),
        expires: date(file.expires.as_ref(), &mut check.errors),
    };
    if exception.scope.is_open() {
        let message = "an entry that allows it to everybody";
        let hint = "narrow it by `scope`, or say `action: allow` where it is denied";
        check.errors.push(PolicyError::at(entry, message).hint(Some(hint.to_owned())));
    }
    (check.errors.len() == before).then_some(exception)
}

/// Of what is about to start, there is no process and no user yet.
fn scope<T>(file: &ScopeFile, entry: &Spanned<T>, check: &mut Check) -> Scope {
    if let Some(user) = file.users.first() {
        check.wrong(user, "who starts a container is not known to the gate");
    }
    let scope = file.check(check);
    if matches!(scope.place, Some(Place::Host)) {
        let message = "nothing of the host is started through the gate: no `where: host`";
        check.errors.push(PolicyError::at(entry, message));
    }
    scope
}

impl ImageEntry {
    /// What it says of images that stand so.
    pub(super) fn action(&self, standing: Standing) -> Option<ImageAction> {
        self.actions.iter().find(|(of, _)| *of == standing).and_then(|(_, action)| *action)
    }

    /// Whether it has any image scanned.
    pub(super) fn scans(&self) -> bool {
        self.actions.iter().any(|(_, action)| *action == Some(ImageAction::Scan))
    }
}

impl StartEntry {
    /// How far it speaks of this.
    pub(super) fn reach(&self, ask: &Ask) -> Option<Reach> {
        let mut reaches = self.asks.iter().filter_map(|pattern| pattern.reach(ask));
        let first = reaches.next()?;
        let is_whole = first == Reach::Whole || reaches.any(|it| it == Reach::Whole);
        Some(if is_whole { Reach::Whole } else { Reach::Part })
    }
}

impl Exception {
    /// What is allowed in part is not allowed.
    pub(super) fn is_for(&self, ask: &Ask) -> bool {
        self.asks.iter().any(|pattern| pattern.reach(ask) == Some(Reach::Whole))
    }

    /// That its time is over, if it is.
    pub(super) fn over(&self, today: Date) -> Option<String> {
        let last = self.expires.filter(|last| today > *last)?;
        Some(format!("{} of {} ended on {last} and counts no more", self.called, self.owner))
    }
}
