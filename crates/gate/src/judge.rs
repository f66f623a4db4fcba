//! What is wanted, held against the policy and what scans said of its image.

use std::fmt;

use jiff::civil::Date;
use model::event::Container;
use policy::guard::Moment;
use policy::guard::start::{Ask, Start, StartPolicy, StartVerdict};

use crate::record::{Judged, Verdicts};
use crate::scans::Scanning;
use crate::words;

/// Why something could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Broken(String);

impl Broken {
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is about to be done, as far as it could be found out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// In words: `start`, `run a command in`.
    pub deed: &'static str,
    pub container: Container,
    /// Digests of its image, the surest first; None where no image is started.
    pub image: Option<Vec<String>>,
    pub asks: Vec<Ask>,
    /// It is judged once more when it starts, so what is not refused need not be told.
    pub is_early: bool,
}

/// Who judges.
#[derive(Debug)]
pub struct Judge {
    pub policy: StartPolicy,
    pub verdicts: Verdicts,
    /// Refuse what the policy denies; else it is only told.
    pub enforce: bool,
    /// Refuse what could not be judged.
    pub closed: bool,
}

/// What it comes to.
#[derive(Clone, Debug)]
pub struct Decided {
    pub container: Container,
    pub refused: bool,
    /// Whether somebody is to hear of it.
    pub told: bool,
    /// Why it could not be judged, if that is so.
    pub verdict: Result<StartVerdict, Broken>,
    /// What and why, for people; the first line is the sum.
    pub lines: Vec<String>,
}

impl Judge {
    /// Without anybody to scan, an image that the policy wants to be scanned is unknown.
    pub fn judge(
        &self,
        wanted: Result<Wanted, Broken>,
        today: Date,
        scanning: Option<Scanning<'_>>,
    ) -> Decided {
        let judged = wanted.and_then(|wanted| {
            let judged = match wanted.image.as_deref() {
                Some([]) | None => None,
                Some(digests) => self.verdicts.find(digests)?,
            };
            Ok((wanted, judged))
        });
        let (wanted, mut judged) = match judged {
            Ok(found) => found,
            Err(broken) => return self.broken(broken),
        };
        let mut not_scanned = None;
        if self.policy.wants_scan(&start(&wanted, judged.as_ref()), today) {
            match scan(wanted.image.as_deref().unwrap_or_default(), scanning) {
                Ok(fresh) => judged = Some(fresh),
                Err(why) => not_scanned = Some(why),
            }
        }
        self.decide(wanted, judged.as_ref(), not_scanned.as_deref(), today)
    }

    fn decide(
        &self,
        wanted: Wanted,
        judged: Option<&Judged>,
        not_scanned: Option<&str>,
        today: Date,
    ) -> Decided {
        let moment = Moment { today, enforce: self.enforce };
        let mut verdict = self.policy.judge(&start(&wanted, judged), moment);
        verdict.notes.extend(not_scanned.map(|why| format!("no scan: {why}")));
        let is_told = !verdict.grounds.is_empty() && (verdict.refused || !wanted.is_early);
        Decided {
            refused: verdict.refused,
            told: is_told,
            lines: words::of_verdict(&wanted, &verdict, judged, self.policy.name()),
            verdict: Ok(verdict),
            container: wanted.container,
        }
    }

    /// What could not be judged, whatever it is.
    pub fn broken(&self, broken: Broken) -> Decided {
        let refused = self.enforce && self.closed;
        Decided {
            container: Container::default(),
            refused,
            told: true,
            lines: words::of_broken(&broken, refused, self.enforce),
            verdict: Err(broken),
        }
    }
}

fn start<'a>(wanted: &'a Wanted, judged: Option<&Judged>) -> Start<'a> {
    Start {
        container: &wanted.container,
        has_image: wanted.image.is_some(),
        judged: judged.map(|judged| (judged.decision, judged.day())),
        asks: &wanted.asks,
    }
}

/// The verdict of a scan that is done now, or why there is none.
fn scan(digests: &[String], scanning: Option<Scanning<'_>>) -> Result<Judged, String> {
    let Some(Scanning { scans, longer }) = scanning else {
        return Err("nothing is scanned here; the policy says `scan`".to_owned());
    };
    longer(scans.time());
    scans.verdict(digests)
}
