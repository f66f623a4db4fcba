//! The verdict on a start: what of it is denied or told, by which entries, and why.
//!
//! Of the entries that speak of one thing and are for this container, the last one decides. The
//! gravest of all decisions is what the start comes to.

use jiff::civil::Date;
use model::Decision;
use model::event::Container;

use super::ask::{Ask, Reach};
use super::entry::{Action, Entry, ImageAction, Standing};
use super::{StartPolicy, entry};
use crate::guard::scope::{Place, Whom};
use crate::guard::{HeldBack, Moment};

/// How old a verdict may be where no entry says it: a month brings hundreds of advisories.
const STALE_DAYS: u32 = 30;

/// What is about to start, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub container: &'a Container,
    /// Whether an image is started at all: a command in a container that runs, a volume, a service
    /// bring none that could be judged here.
    pub has_image: bool,
    /// What a scan's policy said of the image, and the day of it, or of its advisories if that is
    /// earlier. None where there is no verdict or the image is not known.
    pub judged: Option<(Decision, Date)>,
    pub asks: &'a [Ask],
}

/// What a start comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartVerdict {
    pub action: Action,
    /// It does not start.
    pub refused: bool,
    /// What decided, the gravest first.
    pub grounds: Vec<Ground>,
    /// What else is to be said: entries that allow, and those that would have.
    pub notes: Vec<String>,
}

/// One thing that is denied or told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    pub about: About,
    pub action: Action,
    /// Why what would be denied is only told.
    pub held_back: Option<HeldBack>,
    /// ``images `production` ``, `starts, line 12`; `the usual` where no entry speaks of it.
    pub entry: String,
    /// Empty where the entry gives none.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Image(Standing),
    Ask(Ask),
}

impl StartPolicy {
    pub fn judge(&self, start: &Start<'_>, moment: Moment) -> StartVerdict {
        let whom = Whom::Container(start.container, None);
        let mut notes = Vec::new();
        let of_image = start.has_image.then(|| self.of_image(start, &whom, moment));
        let of_asks = start.asks.iter().map(|ask| self.of_ask(ask, &whom, moment));
        let mut grounds: Vec<Ground> = of_image
            .into_iter()
            .chain(of_asks)
            .flatten()
            .filter(|ground| !self.is_excepted(ground, &whom, moment.today, &mut notes))
            .collect();
        grounds.sort_by_key(|ground| (!ground.refuses(), std::cmp::Reverse(ground.action)));
        notes.dedup();
        StartVerdict {
            action: grounds.iter().map(|it| it.action).max().unwrap_or_default(),
            refused: grounds.iter().any(Ground::refuses),
            grounds,
            notes,
        }
    }

    /// Whether its image is to be scanned before it is judged. [`Self::judge`] of one that was not, or
    /// not with success, takes it for unknown.
    pub fn wants_scan(&self, start: &Start<'_>, today: Date) -> bool {
        let whom = Whom::Container(start.container, None);
        let standing = self.standing(start, &whom, today);
        let (action, _) = self.of_standing(standing, &whom);
        start.has_image && action == ImageAction::Scan && !self.is_allowed(standing, &whom, today)
    }

    /// Setting by setting the last entry counts.
    fn of_image(&self, start: &Start<'_>, whom: &Whom<'_>, moment: Moment) -> Option<Ground> {
        let standing = self.standing(start, whom, moment.today);
        let (action, entry) = self.of_standing(standing, whom);
        if let Some(action) = action.at_once() {
            return self.ground(About::Image(standing), action, entry, moment);
        }
        // What somebody answers for needs no scan.
        if self.is_allowed(standing, whom, moment.today) {
            return self.ground(About::Image(standing), Action::Alert, entry, moment);
        }
        let (action, entry) = self.of_standing(Standing::Unknown, whom);
        let action = action.at_once().unwrap_or_else(|| Standing::Unknown.usual());
        self.ground(About::Image(Standing::Unknown), action, entry, moment)
    }

    /// How it stands with its image.
    fn standing(&self, start: &Start<'_>, whom: &Whom<'_>, today: Date) -> Standing {
        let days = self.entries(whom).find_map(|entry| entry.stale_days).unwrap_or(STALE_DAYS);
        standing(start.judged, days, today)
    }

    /// What becomes of images that stand so, by which entry.
    fn of_standing<'a>(
        &'a self,
        standing: Standing,
        whom: &'a Whom<'_>,
    ) -> (ImageAction, Option<&'a Entry>) {
        let decides = self
            .entries(whom)
            .find_map(|image| Some((image.action(standing)?, Some(&image.entry))));
        decides.unwrap_or_else(|| (standing.usual().into(), None))
    }

    /// Those about images that are for it, the last one first.
    fn entries<'a>(&'a self, whom: &'a Whom<'_>) -> impl Iterator<Item = &'a entry::ImageEntry> {
        self.images.iter().rev().filter(|it| is_for(&it.entry, whom))
    }

    /// Whether somebody answers for images that stand so.
    fn is_allowed(&self, standing: Standing, whom: &Whom<'_>, today: Date) -> bool {
        let counts = |it: &&entry::Exception| {
            it.verdicts.contains(&standing)
                && it.scope.holds(whom, Place::Anywhere) == Some(true)
                && it.over(today).is_none()
        };
        self.exceptions.iter().any(|it| counts(&it))
    }

    /// The last entry that speaks of all of it counts, and of those behind it that speak of a part
    /// the gravest.
    fn of_ask(&self, ask: &Ask, whom: &Whom<'_>, moment: Moment) -> Option<Ground> {
        let mut decides: Option<&entry::StartEntry> = None;
        for start in self.starts.iter().filter(|it| is_for(&it.entry, whom)) {
            let is_graver = || decides.is_none_or(|before| start.action > before.action);
            match start.reach(ask) {
                Some(Reach::Whole) => decides = Some(start),
                Some(Reach::Part) if is_graver() => decides = Some(start),
                Some(Reach::Part) | None => {}
            }
        }
        let start = decides?;
        self.ground(About::Ask(ask.clone()), start.action, Some(&start.entry), moment)
    }

    /// None where nothing is told.
    fn ground(
        &self,
        about: About,
        action: Action,
        entry: Option<&Entry>,
        moment: Moment,
    ) -> Option<Ground> {
        let until = entry.and_then(|entry| entry.observe_until).max(self.observe_until);
        let held_back = match until {
            _ if action < Action::Deny => None,
            _ if !moment.enforce => Some(HeldBack::NotEnforcing),
            Some(until) if moment.today < until => Some(HeldBack::Until(until)),
            _ => None,
        };
        let (entry, reason) = match entry {
            Some(entry) => (entry.called.clone(), entry.reason.clone()),
            None => ("the usual".to_owned(), String::new()),
        };
        (action > Action::Allow).then_some(Ground { about, action, held_back, entry, reason })
    }

    fn is_excepted(
        &self,
        ground: &Ground,
        whom: &Whom<'_>,
        today: Date,
        notes: &mut Vec<String>,
    ) -> bool {
        let covers = |it: &&entry::Exception| {
            let speaks = match &ground.about {
                About::Image(standing) => it.verdicts.contains(standing),
                About::Ask(ask) => it.is_for(ask),
            };
            speaks && it.scope.holds(whom, Place::Anywhere) == Some(true)
        };
        for exception in self.exceptions.iter().filter(covers) {
            let Some(over) = exception.over(today) else {
                let (called, owner) = (&exception.called, &exception.owner);
                let reason = &exception.reason;
                notes.push(format!("{} by {called}: {reason} ({owner})", ground.about));
                return true;
            };
            notes.push(over);
        }
        false
    }
}

fn is_for(entry: &Entry, whom: &Whom<'_>) -> bool {
    entry.scope.holds(whom, Place::Anywhere) == Some(true)
}

/// An old verdict that denies still does: what was wrong does not go away by waiting.
fn standing(judged: Option<(Decision, Date)>, days: u32, today: Date) -> Standing {
    let Some((decision, day)) = judged else { return Standing::Unscanned };
    let age = today.since(day).map_or(0, |span| span.get_days());
    let is_stale = i64::from(age) > i64::from(days);
    match decision {
        Decision::Deny => Standing::Denied,
        Decision::Unknown => Standing::Unknown,
        _ if is_stale => Standing::Stale,
        Decision::Warn => Standing::Warned,
        Decision::Allow => Standing::Allowed,
    }
}

impl Ground {
    /// Whether it keeps the container from starting.
    pub fn refuses(&self) -> bool {
        self.action == Action::Deny && self.held_back.is_none()
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image(standing) => write!(f, "image:{}", standing.name()),
            Self::Ask(ask) => ask.fmt(f),
        }
    }
}
