//! Where a response that a verdict wants is handed over: to a thread of its own, which may take as
//! long as runtimes do.
//!
//! The loop never waits for it. What finds no room is said: a response that is not made is no less
//! serious than an alert that is not told.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use courier::{Behind, Queue};
use model::Response;
use model::event::{Container, Event, Process, Text};
use policy::guard::Verdict;
use respond::{Entry, Responder, State, Target, Worker};
use sensor::Clock;

use super::{END, places};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// Responses that wait: more than a host has containers that something is done about at once.
const QUEUE: usize = 1_024;

/// Who it is in the journal.
const WHO: &str = "guard";

/// Something that is to be done, on whom, and why.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) response: Response,
    /// Whoever made the event: with the time of its birth, an identity that is never used twice.
    pub(super) process: Arc<Process>,
    pub(super) container: Option<Arc<Container>>,
    /// The file that was written or executed, as the process' own root has it.
    pub(super) file: Option<Text>,
    /// The rule, and the entry of the policy.
    pub(super) reason: String,
}

/// Does what is ordered, and says in a few words what it did or why it could not.
pub(super) type Act = Box<dyn FnMut(&Order) -> Result<String, String> + Send>;

/// What makes responses on this host, and writes them down in `state`. First it completes what a guard
/// began that was killed meanwhile: a tree that was stopped to be killed would stay so.
pub(super) fn responder(state: &Path) -> Result<Act, UserError> {
    let responder = open(state)?;
    let refused = |it| UserError::from_chain(ExitCode::Failed, &it);
    let entries = responder.list().map_err(refused)?.entries;
    let is_ours = |it: &&Entry| it.state == State::Unfinished && it.who == WHO;
    for entry in entries.iter().filter(is_ours) {
        match responder.finish(entry.id, WHO) {
            Ok(done) => output::note(&format!("{}, unfinished before: {}", done.id, done.note)),
            Err(refusal) => output::note(&format!("{}, unfinished: {refusal}", entry.id)),
        }
    }
    Ok(Box::new(move |order| {
        let target = target(order)?;
        let with = respond::Order {
            why: order.reason.clone(),
            who: WHO.to_owned(),
            ..respond::Order::default()
        };
        match responder.act(order.response, &target, &with) {
            Ok(entry) => Ok(format!("{} {}: {}", entry.id, entry.state.name(), entry.note)),
            Err(refusal) => Err(refusal.to_string()),
        }
    }))
}

fn open(state: &Path) -> Result<Responder, UserError> {
    Responder::open(state, places::of_environment())
        .map_err(|it| UserError::from_chain(ExitCode::Failed, &it).hint(it.hint()))
}

/// Whom a response is meant for. What is about a container is never done to the host.
fn target(order: &Order) -> Result<Target, String> {
    let container = order.container.as_ref().map(|container| container.id.clone());
    let container = container.filter(|id| !id.is_empty());
    if order.container.is_some() && container.is_none() {
        return Err("nobody knows which container it is".to_owned());
    }
    match order.response {
        Response::Kill => {
            // Both were measured from the moment at which the machine started.
            let boot = Clock::now().epoch(0);
            let started = order.process.started.checked_sub(boot);
            let started =
                started.ok_or("the clock was set since it began: it is not known again")?;
            Ok(Target::Process { pid: order.process.pid, started: Some(started) })
        }
        Response::Quarantine => {
            let file = order.file.as_ref().ok_or("there is no file to take away")?;
            let path = Path::new(OsStr::from_bytes(file)).to_owned();
            Ok(Target::File { container, path })
        }
        Response::Isolate | Response::Pause | Response::Stop => {
            container.map(Target::Container).ok_or_else(|| "it is in no container".to_owned())
        }
    }
}

/// The loop's end.
pub(super) struct React {
    orders: Option<Behind<Order>>,
    /// Of those that found no room, how many were said.
    said: u64,
    /// Undoes what is past its time limit, whoever ordered it.
    limits: Option<Worker>,
}

impl React {
    pub(super) fn start(act: Option<Act>) -> Result<Self, UserError> {
        let work = |mut act: Act| {
            move |orders: &Queue<Order>| {
                while let Some(order) = orders.next() {
                    output::note(&said(&order, act(&order)));
                    orders.arrived(1);
                }
            }
        };
        let start = |act| Behind::start("react", QUEUE, usize::MAX, work(act));
        let orders = act.map(start).transpose();
        let orders = orders.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        Ok(Self { orders, said: 0, limits: None })
    }

    /// From now on time limits in the journal are met.
    pub(super) fn keep_limits(&mut self, state: &Path) -> Result<(), UserError> {
        let worker = Worker::start(open(state)?);
        self.limits =
            Some(worker.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?);
        Ok(())
    }

    /// Hands over what is to be done; what is held back is not.
    pub(super) fn order(&self, rule: &str, event: &Event, verdict: &Verdict) {
        let Some(orders) = &self.orders else { return };
        let wanted = verdict.responses.iter().filter(|wanted| wanted.held_back.is_none());
        for wanted in wanted {
            let by = verdict.because.iter().find(|because| because.setting == "respond");
            let entry = by.map(|because| because.entry.as_str()).unwrap_or_default();
            let order = Order {
                response: wanted.response,
                process: Arc::clone(&event.process),
                container: event.container.clone(),
                file: policy::guard::file(event).cloned(),
                reason: format!("rule `{rule}`, {entry}"),
            };
            orders.give(order, size_of::<Order>());
        }
    }

    /// How many more found no room since the last call.
    pub(super) fn news(&mut self) -> u64 {
        for undone in self.limits.iter().flat_map(Worker::outcomes) {
            match undone {
                Ok(entry) => {
                    output::note(&format!("{}: its time is over: {}", entry.id, entry.note))
                }
                Err(refusal) => output::note(&format!("what is overdue: {refusal}")),
            }
        }
        let dropped = self.orders.as_ref().map_or(0, Behind::dropped);
        let news = dropped.saturating_sub(self.said);
        self.said = dropped;
        news
    }

    /// Gives it time for what was ordered; how many responses were not made.
    pub(super) fn finish(self) -> u64 {
        self.orders.map_or(0, |orders| orders.finish(END))
    }
}

fn said(order: &Order, done: Result<String, String>) -> String {
    let Order { response, process, container, file, reason } = order;
    let name = policy::guard::name(*response);
    let mut on = format!("pid {}", process.pid);
    if let Some(container) = container {
        on.extend([" in ", container.name.as_ref().unwrap_or(&container.id)]);
    }
    if let (Response::Quarantine, Some(file)) = (response, file) {
        on.extend([", ", &file.to_string()]);
    }
    match done {
        Ok(what) => format!("{name} ({on}; {reason}): {what}"),
        Err(why) => format!("could not {name} ({on}; {reason}): {why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use model::event::Call;
    use policy::guard::{Because, HeldBack, Wanted};

    use super::*;

    fn event() -> Event {
        Event {
            number: 1,
            time: 0,
            call: Call::Execve,
            thread: 7,
            processor: 0,
            process: Arc::new(Process { pid: 7, ..Process::default() }),
            ancestors: Arc::default(),
            container: Some(Arc::new(Container { id: "c0ffee".to_owned(), ..Default::default() })),
            act: model::event::Act::Exit { status: 0 },
            result: None,
            denied: false,
        }
    }

    fn verdict() -> Verdict {
        let wanted = |response, held_back| Wanted { response, held_back };
        Verdict {
            told: true,
            priority: model::Priority::Warning,
            blocked: false,
            responses: vec![
                wanted(Response::Isolate, Some(HeldBack::NotEnforcing)),
                wanted(Response::Kill, None),
            ],
            because: vec![Because {
                setting: "respond",
                entry: "rules `a`".to_owned(),
                reason: String::new(),
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_wanted_is_done_elsewhere_and_what_is_held_back_is_not() {
        let (tell, told) = mpsc::channel();
        let act = move |order: &Order| {
            let said = format!("{} {}", order.process.pid, order.reason);
            tell.send((order.response, said)).map_err(|_gone| String::new())?;
            Ok("gone".to_owned())
        };
        let react = React::start(Some(Box::new(act))).unwrap();
        react.order("r", &event(), &verdict());
        assert_eq!(react.finish(), 0);
        let all: Vec<_> = told.iter().collect();
        assert_eq!(all, [(Response::Kill, "7 rule `r`, rules `a`".to_owned())]);
    }

    #[test]
    fn nobody_waits_for_a_responder_that_hangs() {
        let (go, hang) = mpsc::channel::<()>();
        let act = move |_: &Order| {
            assert!(hang.recv().is_err());
            Err("too late".to_owned())
        };
        let mut react = React::start(Some(Box::new(act))).unwrap();
        let (event, verdict) = (event(), verdict());
        for _ in 0..QUEUE + 10 {
            react.order("r", &event, &verdict);
        }
        let dropped = react.news();
        assert!((9..=10).contains(&dropped), "{dropped}");
        assert_eq!(react.news(), 0);
        drop(go);
        assert_eq!(react.finish(), dropped);
    }

    #[test]
    fn what_is_done_is_said_of_whom() {
        let event = event();
        let order = Order {
            response: Response::Quarantine,
            process: Arc::clone(&event.process),
            container: event.container.clone(),
            file: Some("/tmp/x".into()),
            reason: "rule `r`".to_owned(),
        };
        let said = said(&order, Err("no room".to_owned()));
        assert_eq!(said, "could not quarantine (pid 7 in c0ffee, /tmp/x; rule `r`): no room");
    }
}
