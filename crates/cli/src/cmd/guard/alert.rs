//! One alert, and the forms that it can have: one file a form.

mod cef;
mod human;
mod json;

use std::str::FromStr;

use detect::audit::Record;
use detect::{Detection, json_line};
use model::event::Event;
use policy::guard::Verdict;
use uuid::Uuid;

use super::changes::Change;
use super::merge::{Found, Tally, What};

/// What a rule found, and in what.
pub(super) struct Alert<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) detection: &'a Detection,
    /// Of the policy, if there is one.
    pub(super) verdict: Option<&'a Verdict>,
    pub(super) tally: Tally,
    /// What became of the file that it is about, which is told after it.
    pub(super) change: Option<&'a Change>,
}

#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    Event(&'a Event),
    Record(&'a Record),
}

/// Of the ids of alerts.
const IDS: Uuid = Uuid::from_u128(0x6c61_7a61_7265_7440_616c_6572_7400_0001);

impl<'a> Alert<'a> {
    /// What was found, so often.
    pub(super) fn of(found: &'a Found, tally: Tally) -> Self {
        let Found { what, detection, verdict } = found;
        let subject = match what {
            What::Event(event) => Subject::Event(event),
            What::Record(record) => Subject::Record(record),
        };
        Self { subject, detection, verdict: verdict.as_ref(), tally, change: None }
    }

    /// What was found before, and what became of the file.
    pub(super) fn changed(found: &'a Found, change: &'a Change) -> Self {
        let tally = Tally::once(found.detection.time);
        Self { change: Some(change), ..Self::of(found, tally) }
    }

    /// It was told before, as far as it was known.
    pub(super) fn is_update(&self) -> bool {
        self.tally.is_update() || self.change.is_some_and(|change| change.is_update)
    }

    /// What tells it from all others: it follows from what was found, so that an audit record that is
    /// posted twice has alerts that are known.
    pub(super) fn id(&self, hostname: &str) -> Uuid {
        let Detection { rule, time, .. } = self.detection;
        let subject = match self.subject {
            Subject::Event(event) => format!("{hostname}\0{}", event.number),
            Subject::Record(record) => {
                let stage = record.json.pointer("/stage").and_then(|it| it.as_str());
                format!("{}\0{}", record.id(), stage.unwrap_or_default())
            }
        };
        Uuid::new_v5(&IDS, format!("{subject}\0{time}\0{}", rule.name).as_bytes())
    }
}

/// What is on an alert beside what was found: whoever gets one twice knows it by its id.
pub(super) struct Stamp<'a> {
    pub(super) id: Uuid,
    pub(super) hostname: &'a str,
}

/// How an alert is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Human,
    Json,
    FalcoJson,
    Cef,
}

impl Form {
    const ALL: [Self; 4] = [Self::Human, Self::Json, Self::FalcoJson, Self::Cef];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::FalcoJson => "falco-json",
            Self::Cef => "cef",
        }
    }

    /// Whether it has room for what became of a file.
    pub(super) fn tells_changes(self) -> bool {
        matches!(self, Self::Human | Self::Json)
    }

    /// As HTTP calls it.
    pub(super) fn text_type(self) -> &'static str {
        match self {
            Self::Json | Self::FalcoJson => "application/json",
            Self::Human | Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// A line, or several for people, with the last one's end.
    pub(super) fn text(self, alert: &Alert<'_>, stamp: &Stamp<'_>, color: bool) -> String {
        match self {
            Self::Human => human::text(alert, color),
            Self::Json => json_line(&json::object(alert, stamp)) + "\n",
            Self::FalcoJson => json_line(&json::falco_object(alert, stamp)) + "\n",
            Self::Cef => cef::line(alert, stamp) + "\n",
        }
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|form| form.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no format `{text}`: {names}")
        })
    }
}
