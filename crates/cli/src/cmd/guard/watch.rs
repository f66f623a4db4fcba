//! The loop: events → detections → sinks.
//!
//! It must never wait for anybody but the kernel: runtimes, files of containers, sinks and the
//! recording have threads of their own.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use artifact::Stop;
use detect::{Engine, Rule};
use model::event::Event;
use sensor::kernel::Settings;

use super::alert::Alert;
use super::live::Live;
use super::record::Recording;
use super::sink::Sinks;
use crate::error::UserError;
use crate::output;

const LOSSES_PAUSE: Duration = Duration::from_secs(1);
/// What may be taken at the end for what the kernel has still: a host that never rests has always
/// more.
const REST: Duration = Duration::from_secs(2);

pub(super) struct Guard {
    live: Live,
    told: Told,
    rules: usize,
    losses_read: Instant,
}

/// Everything that an event passes.
struct Told {
    engine: Engine,
    sinks: Sinks,
    recording: Option<Recording>,
    events: u64,
    alerts: u64,
}

impl Guard {
    pub(super) fn new(
        engine: Engine,
        rules: &[Arc<Rule>],
        settings: Settings,
        sinks: Sinks,
        recording: Option<Recording>,
    ) -> Result<Self, UserError> {
        let enabled: Vec<&Arc<Rule>> = rules.iter().filter(|rule| rule.enabled).collect();
        let live = Live::start(&enabled, settings)?;
        let told = Told { engine, sinks, recording, events: 0, alerts: 0 };
        Ok(Self { live, told, rules: enabled.len(), losses_read: Instant::now() })
    }

    /// How calls are seen, and which are not.
    pub(super) fn tier(&self) -> Vec<String> {
        self.live.tier()
    }

    pub(super) fn rules(&self) -> usize {
        self.rules
    }

    /// Until the user says stop.
    pub(super) fn run(&mut self, stop: &Stop) -> Result<(), UserError> {
        while !stop.is_stopped() {
            self.receive(self.live.silence());
            if self.losses_read.elapsed() > LOSSES_PAUSE {
                self.count_losses()?;
            }
        }
        // What the kernel has still.
        let stopped = Instant::now();
        while self.receive(Duration::ZERO) > 0 && stopped.elapsed() < REST {}
        self.count_losses()
    }

    fn receive(&mut self, silence: Duration) -> usize {
        let Self { live, told, .. } = self;
        live.receive(silence, &mut |event| told.pass(event))
    }

    fn count_losses(&mut self) -> Result<(), UserError> {
        self.losses_read = Instant::now();
        let Self { live, told, .. } = self;
        for (name, count) in told.sinks.news() {
            output::note(&format!("{count} alerts did not get to {name}"));
        }
        live.count_losses(&mut |event| told.pass(event))
    }

    /// What it came to, and whether the recording is whole. Sinks are given time for what they have.
    pub(super) fn finish(self) -> (String, Result<(), UserError>) {
        let Told { sinks, recording, events, alerts, .. } = self.told;
        let mut summary = format!("{events} events, {alerts} alerts; {}", self.live.summary());
        drop(self.live);
        for (name, count) in sinks.finish() {
            write!(summary, "; {count} alerts did not get to {name}")
                .expect("a String takes anything");
        }
        (summary, recording.map_or(Ok(()), Recording::finish))
    }
}

impl Told {
    fn pass(&mut self, event: Event) {
        self.events += 1;
        for detection in self.engine.judge(&event) {
            self.alerts += 1;
            self.sinks.tell(&Alert { event: &event, detection: &detection });
        }
        if let Some(recording) = &self.recording {
            recording.event(event);
        }
    }
}
