//! Where audit records are judged, one at a time, wherever they come from.

use std::fmt::{Display, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use artifact::Stop;
use courier::{Answer, Line};
use detect::Engine;
use detect::audit::{self, ListError, Record};
use policy::guard::{Moment, Subject};

use crate::cmd::global::Calendar;
use crate::cmd::guard::alert::Alert;
use crate::cmd::guard::judge::{self, Judge};
use crate::cmd::guard::merge::{Found, Merge, What};
use crate::cmd::guard::sink::Sinks;
use crate::{output, quantity};

/// Alerts are on disk, or in memory, in less, unless the disk stalls; then the records are posted
/// again, and alerts of the same records have the same ids.
const SETTLING: Duration = Duration::from_secs(2);
/// Records that cannot be read and are said, each; all are counted.
const SAID_MAX: u64 = 20;

pub(super) struct Desk {
    engine: Engine,
    judge: Judge,
    calendar: Calendar,
    stop: Stop,
    told: Mutex<Told>,
}

struct Told {
    sinks: Sinks,
    merge: Merge,
    records: u64,
    alerts: u64,
    /// As the policy says.
    untold: u64,
    unread: u64,
    /// The sinks had their last: what comes now goes nowhere.
    is_over: bool,
}

impl Desk {
    pub(super) fn new(
        (engine, judge): (Engine, Judge),
        (sinks, merge): (Sinks, Merge),
        calendar: Calendar,
        stop: Stop,
    ) -> Self {
        let told =
            Told { sinks, merge, records: 0, alerts: 0, untold: 0, unread: 0, is_over: false };
        Self { engine, judge, calendar, stop, told: Mutex::new(told) }
    }

    /// What an API server posts.
    pub(super) fn body(&self, bytes: &[u8]) -> Answer {
        let dropped = self.told().sinks.dropped();
        let read = audit::read_list(bytes, &mut |record| match record {
            Ok(record) => self.record(record),
            Err(problem) => self.unread(&"a record that was posted", &problem),
        });
        match read {
            Err(error @ ListError::TooMany) => Answer::TooLarge(error.to_string()),
            Err(error) => Answer::Malformed(error.to_string()),
            Ok(()) if self.is_settled(dropped) => Answer::Taken,
            Ok(()) => Answer::Busy,
        }
    }

    /// What stands in a log.
    pub(super) fn line(&self, path: &dyn Display, line: &Line<'_>) {
        self.wait_for_room();
        let what = format!("a line of `{path}`");
        match line {
            Line::Whole(bytes) => audit::read(bytes, &mut |record| match record {
                Ok(record) => self.record(record),
                Err(problem) => self.unread(&what, &problem.cause),
            }),
            Line::TooLong => self.unread(&what, &"it is too long"),
            Line::Cut => output::note(&format!("`{path}` was cut, and is read anew")),
        }
    }

    fn record(&self, record: Record) {
        let detections = self.engine.judge_record(&record);
        let mut told = self.told();
        told.records += 1;
        let record = Record { number: told.records, ..record };
        // Nothing can be done about it here.
        let moment = Moment { today: self.calendar.today(), enforce: false };
        let request = judge::request(&record);
        for mut detection in detections {
            let subject = Subject::Request(&request);
            let verdict = self.judge.judge(&mut detection, subject, moment);
            if verdict.as_ref().is_some_and(|verdict| !verdict.told) {
                told.untold += 1;
                continue;
            }
            told.alerts += 1;
            let found = Found { what: What::Record(Box::new(record.clone())), detection, verdict };
            let Told { sinks, merge, .. } = &mut *told;
            merge.take(Instant::now(), found, &mut |found, tally| {
                sinks.tell(&Alert::of(found, tally));
            });
        }
    }

    fn unread(&self, what: &dyn Display, why: &dyn Display) {
        let mut told = self.told();
        told.unread += 1;
        if told.unread <= SAID_MAX {
            output::note(&format!("{what} cannot be read: {why}"));
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A log can wait, and nobody posts it again: until the disk takes alerts, or the user says stop.
    fn wait_for_room(&self) {
        let begun = Instant::now();
        let mut is_said = false;
        while !self.told().sinks.has_room() && !self.stop.is_stopped() {
            if begun.elapsed() > SETTLING && !is_said {
                output::note("the disk takes no alerts: logs wait for it");
                is_said = true;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// False if alerts were lost since so many had been, or nothing carries them any more: who posted
    /// the records will do so again.
    fn is_settled(&self, dropped: u64) -> bool {
        let begun = Instant::now();
        loop {
            let told = self.told();
            if told.is_over || told.sinks.dropped() > dropped {
                return false;
            }
            if told.sinks.is_settled() {
                return true;
            }
            drop(told);
            if begun.elapsed() > SETTLING {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the windows of equal alerts whose time is over, too.
    pub(super) fn news(&self) -> Vec<String> {
        let mut told = self.told();
        let Told { sinks, merge, .. } = &mut *told;
        merge.close(Instant::now(), &mut |found, tally| sinks.tell(&Alert::of(found, tally)));
        sinks.news()
    }

    /// What it came to. Sinks are given time for what they have.
    pub(super) fn finish(&self, refused: usize) -> String {
        let mut told = self.told();
        told.is_over = true;
        let Told { sinks, merge, .. } = &mut *told;
        merge.finish(&mut |found, tally| sinks.tell(&Alert::of(found, tally)));
        let records = quantity::count(told.records, "record");
        let alerts = quantity::count(told.alerts, "alert");
        let mut summary = format!("{records}, {alerts}");
        let mut add = |text: &str| {
            write!(summary, "; {text}").expect("a String takes anything");
        };
        if told.untold > 0 {
            add(&format!("{} not told, as the policy says", told.untold));
        }
        if told.unread > 0 {
            add(&format!("{} could not be read", quantity::count(told.unread, "record")));
        }
        if refused > 0 {
            add(&format!("{} refused", quantity::count(refused as u64, "request")));
        }
        told.sinks.finish().iter().for_each(|untold| add(untold));
        summary
    }
}
