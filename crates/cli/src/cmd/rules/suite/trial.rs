//! Cases are done on a stage while a guard watches; each is told with what came of it.
//!
//! The stage has a thread of its own: the guard takes what the kernel tells meanwhile. A file's
//! cases follow each other at once, and what is missing at its end is waited for once.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use ::suite::{Case, MARK, Stage, Trouble};
use artifact::Stop;
use detect::{Detection, Engine, Relays, printable};
use model::event::Event;

use super::Suite;
use crate::cmd::guard::Live;
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{interrupt, output};

/// How long an alert may be on its way: the events of a new container wait up to two seconds.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// What is known of one case.
#[derive(Default)]
struct State {
    /// None until it was done.
    done: Option<Result<(), Trouble>>,
    matched: bool,
    /// Alerts of its rule, and how the nearest of them differs from what was expected.
    alerts: usize,
    differences: Vec<String>,
}

impl State {
    /// Nothing more has to come.
    fn is_settled(&self) -> bool {
        match &self.done {
            None => false,
            Some(Ok(())) => self.matched,
            Some(Err(_)) => true,
        }
    }

    /// Why it failed.
    fn wrong(&self) -> Vec<String> {
        match &self.done {
            None => vec!["could not run: interrupted".to_owned()],
            Some(Err(trouble)) => vec![trouble.to_string()],
            Some(Ok(())) if self.matched => Vec::new(),
            Some(Ok(())) if self.alerts == 0 => vec!["its rule does not fire".to_owned()],
            Some(Ok(())) => self.differences.clone(),
        }
    }
}

/// The guard.
pub(super) struct Watch {
    live: Live,
    engine: Engine,
    relays: Relays,
    hostname: String,
    /// The beginning of every mark of this run.
    prefix: String,
}

impl Watch {
    pub(super) fn new(live: Live, engine: Engine) -> Result<Self, UserError> {
        // No other run has it, and nobody can guess it.
        let random = getrandom::u64().and_then(|one| Ok((one, getrandom::u64()?)));
        let (one, other) = random.map_err(|error| {
            UserError::new(ExitCode::Failed, format!("the kernel gives no random number: {error}"))
        })?;
        let prefix = format!("{one:016x}{other:016x}-");
        let (relays, hostname) = (Relays::default(), environment::hostname());
        Ok(Self { live, engine, relays, hostname, prefix })
    }

    fn mark(&self, case: usize) -> String {
        format!("{}{case}", self.prefix)
    }

    /// Takes what the kernel tells, for a moment.
    fn look(&mut self, cases: &[Case], states: &mut [State]) {
        let Self { live, engine, relays, hostname, prefix } = self;
        live.receive(LOOK, &mut |event| {
            let mut detections = engine.judge(&event);
            detections.extend(relays.follow(&event).iter().flat_map(|relay| engine.judge(relay)));
            if detections.is_empty() {
                return;
            }
            let Some(number) = case_of(&event, prefix) else { return };
            let (Some(case), Some(state)) = (cases.get(number), states.get_mut(number)) else {
                return;
            };
            for detection in detections {
                state.hear(case, &detection, hostname);
            }
        });
    }
}

impl State {
    fn hear(&mut self, case: &Case, detection: &Detection, hostname: &str) {
        if detection.rule.name != case.rule || self.matched {
            return;
        }
        self.alerts += 1;
        let differences = case.outcome.differences(detection, hostname);
        self.matched = differences.is_empty();
        if self.alerts == 1 || differences.len() < self.differences.len() {
            self.differences = differences;
        }
    }
}

/// The case whose mark the process carries.
fn case_of(event: &Event, prefix: &str) -> Option<usize> {
    let variable = format!("{MARK}={prefix}");
    let mut variables = event.process.environment.iter();
    let mark = variables.find_map(|it| it.strip_prefix(variable.as_bytes()))?;
    std::str::from_utf8(mark).ok()?.parse().ok()
}

/// Does all of it, and tells it.
pub(super) fn hold(
    suites: &[Suite],
    cases: &[Case],
    stage: Stage<'_>,
    watch: &mut Watch,
    stop: &Stop,
) -> Result<ExitCode, UserError> {
    let mut states: Vec<State> = cases.iter().map(|_| State::default()).collect();
    let (mut passed, mut failed) = (0, 0);
    thread::scope(|scope| {
        let (order, orders) = mpsc::channel::<Range<usize>>();
        let (answer, answers) = mpsc::channel();
        let marks: Vec<String> = (0..cases.len()).map(|case| watch.mark(case)).collect();
        scope.spawn(move || {
            let mut stage = stage;
            for number in orders.into_iter().flatten() {
                let (Some(case), Some(mark)) = (cases.get(number), marks.get(number)) else {
                    return;
                };
                if stop.is_stopped() || case.elsewhere {
                    continue;
                }
                if answer.send((number, stage.run(case, mark))).is_err() {
                    return;
                }
            }
        });
        let mut first = 0;
        for suite in suites {
            let range = first..first + suite.cases.len();
            first = range.end;
            order.send(range.clone()).map_err(|_ended| ended())?;
            watch_file(watch, cases, &mut states, range.clone(), &answers, stop)?;
            let told = tell(suite, states.get(range).unwrap_or_default());
            (passed, failed) = (passed + told.0, failed + told.1);
            output::write(None, &told.2)?;
            if stop.is_stopped() {
                break;
            }
        }
        Ok(())
    })?;
    watch.live.count_losses(&mut |_| {})?;
    output::write(None, &format!("{passed} passed, {failed} failed\n"))?;
    Ok(match failed {
        _ if stop.is_stopped() => interrupt::stopped(stop),
        // All of it is for other machines.
        0 if passed == 0 => ExitCode::Incomplete,
        0 => ExitCode::Done,
        _ => ExitCode::GateReached,
    })
}

fn ended() -> UserError {
    UserError::new(ExitCode::Failed, "the thread that does cases has ended")
}

/// Until each of the cases is done and told, or nothing more is to be expected.
fn watch_file(
    watch: &mut Watch,
    cases: &[Case],
    states: &mut [State],
    range: Range<usize>,
    answers: &Receiver<(usize, Result<(), Trouble>)>,
    stop: &Stop,
) -> Result<(), UserError> {
    let mut last = Instant::now();
    loop {
        watch.look(cases, states);
        loop {
            match answers.try_recv() {
                Ok((number, done)) => {
                    last = Instant::now();
                    if let Some(state) = states.get_mut(number) {
                        state.done = Some(done);
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(ended()),
            }
        }
        let of_file = || range.clone().zip(states.get(range.clone()).unwrap_or_default());
        let is_here = |number: usize| cases.get(number).is_some_and(|case| !case.elsewhere);
        let mut of_here = of_file().filter(|(number, _)| is_here(*number)).map(|(_, state)| state);
        if of_here.clone().all(State::is_settled) || stop.is_stopped() {
            return Ok(());
        }
        if of_here.all(|state| state.done.is_some()) && last.elapsed() > PATIENCE {
            return Ok(());
        }
    }
}

/// How many passed and failed, and a text of it all.
fn tell(suite: &Suite, states: &[State]) -> (usize, usize, String) {
    let (mut passed, mut failed) = (0, 0);
    let mut text = String::new();
    for (case, state) in suite.cases.iter().zip(states) {
        let values = match case.values.as_slice() {
            [] => String::new(),
            values => format!(" ({})", values.join(", ")),
        };
        let wrong = state.wrong();
        let word = match wrong.is_empty() {
            _ if case.elsewhere => "elsewhere",
            true => "ok",
            false => "failed",
        };
        let name = format!("{}{values}", case.name);
        text.extend([word, "  ", &*printable(&name), "\n"]);
        if case.elsewhere {
            continue;
        }
        for wrong in &wrong {
            text.extend(["  ", &*printable(wrong), "\n"]);
        }
        *if wrong.is_empty() { &mut passed } else { &mut failed } += 1;
    }
    let line = format!("{}: {passed} passed, {failed} failed", suite.name);
    text.extend([&*printable(&line), "\n"]);
    (passed, failed, text)
}
