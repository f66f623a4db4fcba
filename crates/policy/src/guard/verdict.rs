//! Verdicts: what is to be done about a detection, by which entries, and why.
//!
//! Of the entries that speak of a rule and are for whom it was, the last one that gives a setting
//! decides on it. Then entries that allow are asked. A verdict is told or not; responses come with
//! the reason why they are only told, if that is so.

use jiff::civil::Date;
use model::event::Event;
use model::{Priority, Response};

use super::request::Subject;
use super::rule::{Action, Entry};
use super::scope::{Place, Whom};
use super::{AskedRule, GuardPolicy};

/// When, and whether anything may be done at all.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub today: Date,
    pub enforce: bool,
}

/// A rule, and the entries that speak of it.
#[derive(Clone, Debug)]
pub struct Chosen {
    entries: Vec<usize>,
    allowed: Vec<usize>,
    priority: Priority,
    enabled: bool,
    /// Whether it has to be asked at all, for somebody.
    pub asked: bool,
}

/// What a detection comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is told at all.
    pub told: bool,
    pub priority: Priority,
    /// The sensor refused the act before it happened. No response makes this true.
    pub blocked: bool,
    /// From the mildest to the gravest.
    pub responses: Vec<Wanted>,
    /// Which entry decided on what, in the order of the settings.
    pub because: Vec<Because>,
    /// What else is to be said: entries that would have counted, responses that cannot be made.
    pub notes: Vec<String>,
}

/// A response that a policy wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub response: Response,
    /// None where it is to be made; else it is only told.
    pub held_back: Option<HeldBack>,
}

/// Why a response is only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBack {
    /// Whoever runs the guard did not ask it to enforce.
    NotEnforcing,
    /// From this day on it is made.
    Until(Date),
}

/// What an entry decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// `told`, `severity`, `respond`.
    pub setting: &'static str,
    /// ``allow `backups` ``, `rules, line 12`.
    pub entry: String,
    /// Empty where the entry gives none.
    pub reason: String,
}

/// What the entries come to: for each setting the one that decides.
#[derive(Default)]
struct Settings<'p> {
    enabled: Option<&'p Entry>,
    priority: Option<&'p Entry>,
    action: Option<&'p Entry>,
    respond: Option<&'p Entry>,
}

impl GuardPolicy {
    /// What speaks of a rule: found once, asked for every detection.
    pub fn choose(&self, rule: &AskedRule<'_>) -> Chosen {
        let entries = self.entries.iter().enumerate().filter(|(_, entry)| entry.select.takes(rule));
        let allowed = self.allowed.iter().enumerate().filter(|(_, entry)| entry.select.takes(rule));
        let entries: Vec<usize> = entries.map(|(number, _)| number).collect();
        Chosen {
            allowed: allowed.map(|(number, _)| number).collect(),
            priority: rule.priority,
            enabled: rule.enabled,
            asked: self.is_asked(&entries, rule.enabled),
            entries,
        }
    }

    /// Whether there can be somebody for whom the rule is on.
    fn is_asked(&self, entries: &[usize], enabled: bool) -> bool {
        let mut is_asked = enabled;
        for entry in entries.iter().filter_map(|number| self.entries.get(*number)) {
            let is_for_all =
                entry.scope.is_open() && matches!(entry.scope.place, None | Some(Place::Anywhere));
            match entry.enabled {
                Some(true) => is_asked = true,
                Some(false) if is_for_all => is_asked = false,
                _ => {}
            }
        }
        is_asked
    }

    /// What a detection comes to.
    pub fn judge(&self, chosen: &Chosen, subject: Subject<'_>, moment: Moment) -> Verdict {
        let settings = self.settings(chosen, &Whom::of(subject));
        let event = subject.event();
        let mut verdict = Verdict {
            told: true,
            priority: settings.priority.and_then(|it| it.priority).unwrap_or(chosen.priority),
            blocked: event.is_some_and(|event| event.denied),
            responses: Vec::new(),
            because: Vec::new(),
            notes: Vec::new(),
        };
        self.tell(chosen, &settings, subject, moment.today, &mut verdict);
        if !verdict.told {
            return verdict;
        }
        if let Some(entry) = settings.priority {
            verdict.because("severity", entry);
        }
        if let Some(event) = event {
            self.respond(&settings, event, moment, &mut verdict);
        }
        verdict
    }

    /// Later entries win, setting by setting.
    fn settings<'p>(&'p self, chosen: &Chosen, whom: &Whom<'_>) -> Settings<'p> {
        let mut settings = Settings::default();
        for entry in chosen.entries.iter().filter_map(|number| self.entries.get(*number)) {
            if entry.scope.holds(whom, Place::Anywhere) != Some(true) {
                continue;
            }
            // Nothing is done to processes of the host unless the scope says so.
            let may_act = entry.scope.holds(whom, Place::Containers) == Some(true);
            let decides = |gives: bool, former| if gives { Some(entry) } else { former };
            let acts = entry.action == Some(Action::Block);
            settings.enabled = decides(entry.enabled.is_some(), settings.enabled);
            settings.priority = decides(entry.priority.is_some(), settings.priority);
            settings.action = match settings.action {
                former if entry.action.is_none() => former,
                // What may not be done is told all the same, whatever was allowed before.
                Some(former) if acts && !may_act && former.action == Some(Action::Allow) => None,
                former if acts && !may_act => former,
                _ => Some(entry),
            };
            let takes_back = entry.respond.as_ref().is_some_and(|it| it.is_empty());
            settings.respond =
                decides(entry.respond.is_some() && (may_act || takes_back), settings.respond);
        }
        settings
    }

    /// Whether it is told: the rule is on, the action is not to allow it, and no entry covers it.
    fn tell(
        &self,
        chosen: &Chosen,
        settings: &Settings<'_>,
        subject: Subject<'_>,
        today: Date,
        verdict: &mut Verdict,
    ) {
        let enabled = settings.enabled.and_then(|it| it.enabled).unwrap_or(chosen.enabled);
        let allows = settings.action.filter(|it| it.action == Some(Action::Allow));
        if let Some(entry) = settings.enabled.filter(|_| !enabled).or(allows) {
            verdict.told = false;
            verdict.because("told", entry);
            return;
        }
        verdict.told = enabled;
        let allowed = chosen.allowed.iter().filter_map(|number| self.allowed.get(*number));
        for entry in allowed.filter(|entry| entry.covers(subject)) {
            if let Some(over) = entry.over(today) {
                verdict.notes.push(over);
                continue;
            }
            verdict.told = false;
            verdict.because.push(Because {
                setting: "told",
                entry: entry.called.clone(),
                reason: format!("{} ({})", entry.reason, entry.owner),
            });
            return;
        }
    }

    fn respond(
        &self,
        settings: &Settings<'_>,
        event: &Event,
        moment: Moment,
        verdict: &mut Verdict,
    ) {
        let mut wanted: Vec<(Response, &Entry)> = Vec::new();
        if let Some(entry) = settings.respond {
            let responses = entry.respond.iter().flatten();
            wanted.extend(responses.map(|response| (*response, entry)));
        }
        let blocks = settings.action.filter(|it| it.action == Some(Action::Block));
        // What was refused needs nobody killed for it.
        if let Some(entry) = blocks.filter(|_| !verdict.blocked) {
            wanted.push((Response::Kill, entry));
        }
        wanted.sort_by_key(|(response, _)| *response);
        wanted.dedup_by_key(|(response, _)| *response);
        for (response, entry) in wanted {
            let of_container =
                matches!(response, Response::Isolate | Response::Pause | Response::Stop);
            if of_container && event.container.is_none() {
                let note = format!(
                    "{} would {} a container, and there is none",
                    entry.called,
                    name(response)
                );
                verdict.notes.push(note);
                continue;
            }
            let held_back = self.held_back(entry, moment);
            verdict.responses.push(Wanted { response, held_back });
            verdict.because("respond", entry);
        }
    }

    fn held_back(&self, entry: &Entry, moment: Moment) -> Option<HeldBack> {
        if !moment.enforce {
            return Some(HeldBack::NotEnforcing);
        }
        let until = entry.observe_until.max(self.observe_until)?;
        (moment.today < until).then_some(HeldBack::Until(until))
    }
}

impl Verdict {
    fn because(&mut self, setting: &'static str, entry: &Entry) {
        let (entry, reason) = (entry.called.clone(), entry.reason.clone());
        let because = Because { setting, entry, reason };
        if !self.because.contains(&because) {
            self.because.push(because);
        }
    }
}

impl HeldBack {
    /// Why nothing is done: for a line of an alert.
    pub fn why(self) -> String {
        match self {
            Self::NotEnforcing => "nothing is enforced".to_owned(),
            Self::Until(day) => format!("observed until {day}"),
        }
    }
}

/// As policies spell it.
pub fn name(response: Response) -> &'static str {
    match response {
        Response::Quarantine => "quarantine",
        Response::Isolate => "isolate",
        Response::Pause => "pause",
        Response::Kill => "kill",
        Response::Stop => "stop",
    }
}
