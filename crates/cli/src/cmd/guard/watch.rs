//! The loop: events → detections → verdicts → sinks, and orders to who responds.
//!
//! It must never wait for anybody but the kernel: runtimes, files of containers, sinks, the
//! recording, responses and files that are read anew have threads of their own.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use artifact::Stop;
use detect::{Detection, Engine, Relays};
use jiff::civil::Date;
use model::event::Event;
use policy::guard::{self, Moment, Verdict};
use sensor::Host;
use sensor::kernel::Settings;

use super::END;
use super::alert::Alert;
use super::attempts::Attempts;
use super::bounds::Bounds;
use super::changes::Changes;
use super::judge::Judge;
use super::live::Live;
use super::malware::{Found as Suspected, Malware};
use super::merge::{Found, Merge, What};
use super::prevent::Prevent;
use super::profiles::Profiles;
use super::react::React;
use super::record::Recording;
use super::reload::{Anew, Ready, Reload};
use super::sink::Sinks;
use crate::cmd::global::Calendar;
use crate::error::UserError;
use crate::output;

/// How often losses, the day, ended windows of equal alerts and new rules are looked at.
const PAUSE: Duration = Duration::from_secs(1);
/// What may be taken at the end for what the kernel has still: a host that never rests has always
/// more.
const REST: Duration = Duration::from_secs(2);

/// How long the kernel may be silent while something was found that waits for who did it.
const SHORT_SILENCE: Duration = Duration::from_millis(10);

pub(super) struct Guard {
    live: Live,
    told: Told,
    reload: Reload,
    calendar: Calendar,
    looked: Instant,
    /// It ended before all was read that the kernel had.
    is_behind: bool,
}

/// Where everything goes that is found.
pub(super) struct Places {
    pub(super) sinks: Sinks,
    pub(super) recording: Option<Recording>,
    pub(super) malware: Option<Malware>,
    pub(super) react: React,
    pub(super) merge: Merge,
    pub(super) profiles: Option<Profiles>,
    pub(super) attempts: Attempts,
}

/// Everything that an event passes.
struct Told {
    engine: Engine,
    relays: Relays,
    changes: Changes,
    judge: Judge,
    moment: Moment,
    prevent: Option<Prevent>,
    places: Places,
    events: u64,
    alerts: u64,
    untold: u64,
}

impl Guard {
    /// Without `enforce`, what would be refused or done is told.
    pub(super) fn new(
        ready: Ready,
        reload: Reload,
        mut places: Places,
        settings: Settings,
        calendar: Calendar,
        enforce: bool,
    ) -> Result<Self, UserError> {
        let Ready { engine, judge, rules, .. } = ready;
        let also = places.profiles.as_ref().map(|_| Profiles::calls()).unwrap_or_default();
        let mut live = Live::start(&rules.iter().collect::<Vec<_>>(), also, settings)?;
        let moment = Moment { today: calendar.today(), enforce };
        let prevent = Prevent::start(bounds(&judge, &places), moment, None)?;
        live.tell_programs(places.malware.as_ref().map(Malware::watcher));
        // Before anything is told: whoever ends one may be quick.
        places.attempts.set_helpers(&places.sinks.processes());
        let (relays, changes) = (Relays::default(), Changes::default());
        let told = Told {
            engine,
            relays,
            changes,
            judge,
            moment,
            prevent,
            places,
            events: 0,
            alerts: 0,
            untold: 0,
        };
        Ok(Self { live, told, reload, calendar, looked: Instant::now(), is_behind: false })
    }

    /// How calls are seen, and which are not.
    pub(super) fn tier(&self) -> Vec<String> {
        self.live.tier()
    }

    /// Until the user says stop.
    pub(super) fn run(&mut self, stop: &Stop) -> Result<(), UserError> {
        while !stop.is_stopped() {
            self.receive(self.live.silence());
            if self.looked.elapsed() > PAUSE {
                self.look()?;
            }
        }
        // What the kernel has still.
        let stopped = Instant::now();
        while self.receive(Duration::ZERO) > 0 {
            if stopped.elapsed() > REST {
                self.is_behind = true;
                break;
            }
        }
        self.live.close();
        self.count_losses()
    }

    fn receive(&mut self, silence: Duration) -> usize {
        let Self { live, told, .. } = self;
        let has_found = told.places.malware.as_mut().is_some_and(Malware::has_found);
        let is_short = has_found || told.changes.is_waiting();
        let silence = if is_short { silence.min(SHORT_SILENCE) } else { silence };
        let count = live.receive(silence, &mut |event| told.pass(event));
        // Whoever did it is told of before what was found.
        let found = told.places.malware.as_mut().map(|it| it.found(live.reached()));
        found.into_iter().flatten().for_each(|it| told.suspect(live.host(), it));
        told.tell_denials(live.host());
        told.tell_changes();
        count
    }

    fn look(&mut self) -> Result<(), UserError> {
        self.looked = Instant::now();
        self.told.set_day(self.calendar.today());
        self.told.close_windows();
        self.told.look_at_profiles(self.live.host());
        if let Some(anew) = self.reload.poll(self.told.places.malware.is_some()) {
            self.replace(anew);
        }
        self.count_losses()
    }

    /// The kernel tells what both ask for, and refuses what both do, until the new ones are in their place.
    /// What cannot be, changes nothing.
    fn replace(&mut self, Anew { ready, mut malware }: Anew) {
        let asks_for_malware = ready.asks_for_malware();
        let Ready { engine, judge, rules, never, lists, .. } = ready;
        lists.tell(false);
        never.iter().for_each(|rule| output::note(rule));
        let Self { live, told, .. } = self;
        let bounds = bounds(&judge, &told.places);
        let next = match Prevent::start(bounds, told.moment, told.prevent.as_ref()) {
            Ok(next) => next,
            Err(error) => return stays(&error, malware),
        };
        if let Err(error) = live.watch(&rules.iter().collect::<Vec<_>>()) {
            next.into_iter().for_each(Prevent::end);
            return stays(&error, malware);
        }
        (told.engine, told.judge) = (engine, judge);
        if malware.is_some() {
            output::note("malware: files are looked at from now on");
        } else if asks_for_malware {
            malware = told.places.malware.take();
        }
        live.tell_programs(malware.as_ref().map(Malware::watcher));
        let former = std::mem::replace(&mut told.places.malware, malware);
        if let Some(former) = former {
            output::note("malware: no rule asks for it any more, no file is looked at");
            former.stop();
        }
        told.prevent_by(next, live.host());
        told.note_policy();
        confine::give_memory_back();
        output::note(&format!("{} rules, read anew", rules.len() - never.len()));
    }

    fn count_losses(&mut self) -> Result<(), UserError> {
        let Self { live, told, .. } = self;
        told.places.sinks.news().iter().for_each(|news| output::note(news));
        told.places.sinks.ends().iter().for_each(|end| output::note(end));
        told.places.attempts.set_helpers(&told.places.sinks.processes());
        told.prevent.iter_mut().flat_map(Prevent::news).for_each(|news| output::note(&news));
        match told.places.react.news() {
            0 => {}
            count => output::note(&format!("{count} responses found no room and were not made")),
        }
        let (notes, losses) = told.places.malware.as_ref().map(Malware::news).unwrap_or_default();
        notes.iter().for_each(|note| output::note(note));
        losses.into_iter().for_each(|loss| told.pass(live.host().lost(loss)));
        live.count_losses(&mut |event| told.pass(event))
    }

    /// What the policy's reader should know before anything happens, and whoever reads profiles.
    pub(super) fn note_policy(&self) {
        self.told.note_policy();
        self.told.places.profiles.iter().for_each(|it| output::note(&it.summary()));
    }

    /// What it came to, and whether the recording is whole. Sinks are given time for what they have.
    pub(super) fn finish(mut self) -> (String, Result<(), UserError>) {
        let Self { told, live, .. } = &mut self;
        told.end_profiles(live.host());
        let looked_at = told
            .places
            .malware
            .take()
            .map(|malware| malware.finish(END, &mut |found| told.suspect(live.host(), found)));
        self.told.end_changes();
        self.told.end_windows();
        let Told { mut places, events, alerts, untold, prevent, .. } = self.told;
        prevent.into_iter().for_each(Prevent::end);
        let mut summary = format!("{events} events, {alerts} alerts; {}", self.live.summary());
        drop(self.live);
        if self.is_behind {
            summary.push_str("; what happened last was not read");
        }
        let mut also = |count: u64, what: &str| {
            if count > 0 {
                write!(summary, "; {count} {what}").expect("a String takes anything");
            }
        };
        also(untold, "not told, as the policy says");
        also(places.react.finish(), "responses were not made");
        for untold in looked_at.into_iter().chain(places.sinks.finish()) {
            write!(summary, "; {untold}").expect("a String takes anything");
        }
        (summary, places.recording.map_or(Ok(()), Recording::finish))
    }
}

/// Says why what was read anew is not taken; what began for it ends.
fn stays(error: &UserError, malware: Option<Malware>) {
    malware.into_iter().for_each(Malware::stop);
    error.print();
    output::note("rules and policy stay as they were");
}

fn bounds<'a>(judge: &'a Judge, places: &'a Places) -> Bounds<'a> {
    let protections = places.profiles.as_ref().and_then(Profiles::protections);
    Bounds { policy: judge.policy(), protections }
}

impl Told {
    fn pass(&mut self, event: Event) {
        self.events += 1;
        if let Some(prevent) = &mut self.prevent {
            prevent.meet(&event, bounds(&self.judge, &self.places), self.moment);
        }
        let profiles = self.places.profiles.as_mut();
        for deviation in profiles.map(|it| it.pass(&event)).unwrap_or_default() {
            self.tell(&event, deviation, None);
        }
        self.changes.meet(&event);
        self.detect(&event);
        if let Some(relay) = self.relays.follow(&event) {
            self.detect(&relay);
        }
        if let Some(detection) = self.places.attempts.judge(&event) {
            self.tell(&event, detection, None);
        }
        if let Some(recording) = &self.places.recording {
            recording.event(event);
        }
    }

    /// What rules say of it, and the policy of that.
    fn detect(&mut self, event: &Event) {
        for mut detection in self.engine.judge(event) {
            let verdict =
                self.judge.judge(&mut detection, guard::Subject::Event(event), self.moment);
            match &verdict {
                Some(verdict) if !verdict.told => self.untold += 1,
                _ => self.tell(event, detection, verdict),
            }
        }
    }

    /// A file was found to be malware: an event like any other.
    fn suspect(&mut self, host: &mut Host, found: Suspected) {
        let Suspected { pid, time, suspicion } = found;
        host.suspected(pid, time, suspicion).into_iter().for_each(|event| self.pass(event));
    }

    fn tell(&mut self, event: &Event, detection: Detection, verdict: Option<Verdict>) {
        self.alerts += 1;
        let Places { sinks, react, merge, .. } = &mut self.places;
        // Each time, however often it is told.
        if let Some(verdict) = &verdict {
            react.order(&detection.rule.name, event, verdict);
        }
        let found = Found { what: What::Event(Box::new(event.clone())), detection, verdict };
        let now = Instant::now();
        let expected = self.changes.expect(&found, now);
        let mut was_told = false;
        merge.take(now, found, &mut |found, tally| {
            was_told |= !tally.is_update() && found.is_of(event);
            sinks.tell(&Alert::of(found, tally));
        });
        self.changes.wait(expected, was_told);
    }

    /// What became of files that alerts are about.
    fn tell_changes(&mut self) {
        let sinks = &self.places.sinks;
        self.changes.look(Instant::now(), &mut |found, change| {
            sinks.tell(&Alert::changed(found, change));
        });
    }

    fn end_changes(&mut self) {
        let sinks = &self.places.sinks;
        self.changes.finish(PAUSE, &mut |found, change| {
            sinks.tell(&Alert::changed(found, change));
        });
    }

    /// What was refused before it was done, and what would have been.
    fn tell_denials(&mut self, host: &mut Host) {
        let Some(mut prevent) = self.prevent.take() else { return };
        prevent.denials(host, &mut |event, detection| self.tell(&event, detection, None));
        self.prevent = Some(prevent);
    }

    fn look_at_profiles(&mut self, host: &mut Host) {
        let today = self.moment.today;
        let profiles = self.places.profiles.as_mut();
        for (event, deviation) in profiles.map(|it| it.look(host, today)).unwrap_or_default() {
            self.tell(&event, deviation, None);
        }
        if self.places.profiles.as_mut().is_some_and(Profiles::protects_otherwise) {
            self.protect_anew(host);
        }
    }

    fn end_profiles(&mut self, host: &Host) {
        let Some(profiles) = self.places.profiles.take() else { return };
        let (found, is_written) = profiles.finish(host);
        found.into_iter().for_each(|(event, deviation)| self.tell(&event, deviation, None));
        if !is_written {
            output::note("profiles: what was learnt last is not on disk");
        }
    }

    fn set_day(&mut self, today: Date) {
        if self.moment.today == today {
            return;
        }
        self.moment.today = today;
        if let Some(prevent) = &mut self.prevent {
            prevent.judge_anew(bounds(&self.judge, &self.places), self.moment);
        }
    }

    /// A profile protects otherwise than before.
    fn protect_anew(&mut self, host: &mut Host) {
        let bounds = bounds(&self.judge, &self.places);
        let mut started = Prevent::start(bounds, self.moment, self.prevent.as_ref());
        if let Err(error) = &started {
            error.print();
            output::note("profiles refuse nothing; the policy alone does");
            let alone = Bounds { protections: None, ..bounds };
            started = Prevent::start(alone, self.moment, self.prevent.as_ref());
        }
        match started {
            Ok(next) => self.prevent_by(next, host),
            Err(error) => {
                error.print();
                output::note("nothing is refused any more");
                self.prevent_by(None, host);
            }
        }
    }

    /// These take the place of the former preventions, which hold until they do.
    fn prevent_by(&mut self, next: Option<Prevent>, host: &mut Host) {
        self.tell_denials(host);
        let former = std::mem::replace(&mut self.prevent, next);
        match (&mut self.prevent, former) {
            (Some(next), Some(former)) => {
                next.take_over(former, bounds(&self.judge, &self.places), self.moment);
            }
            (None, Some(former)) => former.end(),
            (_, None) => {}
        }
    }

    fn close_windows(&mut self) {
        let Places { sinks, merge, .. } = &mut self.places;
        merge.close(Instant::now(), &mut |found, tally| sinks.tell(&Alert::of(found, tally)));
    }

    fn end_windows(&mut self) {
        let Places { sinks, merge, .. } = &mut self.places;
        merge.finish(&mut |found, tally| sinks.tell(&Alert::of(found, tally)));
    }

    fn note_policy(&self) {
        let Some(policy) = self.judge.policy() else { return };
        policy.notes(self.moment.today).iter().for_each(|note| output::note(note));
    }
}
