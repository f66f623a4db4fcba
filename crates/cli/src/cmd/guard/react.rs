//! Where a response that a verdict wants is handed over: to threads of their own, which may take as
//! long as runtimes do.
//!
//! The loop never waits for them. What finds no room is said: a response that is not made is no less
//! serious than an alert that is not told.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use model::Response;
use model::event::Event;
use policy::guard::Verdict;
use respond::{Entry, Job, Order, Refusal, Responder, State, Target, Task, Told, Worker};

use super::{END, places};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// Who it is in the journal.
const WHO: &str = "guard";

/// The loop's end.
#[derive(Default)]
pub(super) struct React {
    /// None where nothing is done.
    worker: Option<Worker>,
    /// Of those that found no room, how many were said.
    said: u64,
}

impl React {
    /// Responses are made on this host, and written down in `state`; time limits in its journal are
    /// met, whoever set them. First is completed what a guard began that was killed meanwhile: a tree
    /// that was stopped to be killed would stay so.
    pub(super) fn start(state: &Path) -> Result<Self, UserError> {
        let refused = |it: Refusal| UserError::from_chain(ExitCode::Failed, &it).hint(it.hint());
        let responder = Responder::open(state, places::of_environment()).map_err(refused)?;
        let entries = responder.list().map_err(refused)?.entries;
        let tell = |task: Option<&Task>, done: Result<Entry, Refusal>| {
            output::note(&said(task, &done));
        };
        let worker = Worker::start(responder, WHO, tell)
            .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        let is_ours = |it: &&Entry| it.state == State::Unfinished && it.who == WHO;
        for entry in entries.iter().filter(is_ours) {
            worker.ask(Task::Finish(entry.id, entry.response));
        }
        Ok(Self { worker: Some(worker), said: 0 })
    }

    /// Hands over what is to be done; what is held back is not.
    pub(super) fn order(&self, rule: &str, event: &Event, verdict: &Verdict) {
        let Some(worker) = &self.worker else { return };
        for job in jobs(rule, event, verdict) {
            match job {
                Ok(job) => worker.ask(Task::Act(Box::new(job))),
                Err(why) => output::note(&why),
            }
        }
    }

    /// How many more found no room since the last call.
    pub(super) fn news(&mut self) -> u64 {
        let dropped = self.worker.as_ref().map_or(0, Worker::dropped);
        let news = dropped.saturating_sub(self.said);
        self.said = dropped;
        news
    }

    /// Gives it time for what was ordered; how many responses were not made.
    pub(super) fn finish(self) -> u64 {
        self.worker.map_or(0, |worker| worker.finish(END))
    }
}

/// What a verdict orders, or why that cannot be.
fn jobs<'a>(
    rule: &'a str,
    event: &'a Event,
    verdict: &'a Verdict,
) -> impl Iterator<Item = Result<Job, String>> + 'a {
    let by = verdict.because.iter().find(|because| because.setting == "respond");
    let entry = by.map(|because| because.entry.as_str()).unwrap_or_default();
    let why = format!("rule `{rule}`, {entry}");
    let wanted = verdict.responses.iter().filter(|wanted| wanted.held_back.is_none());
    wanted.map(move |wanted| {
        let response = wanted.response;
        let order = Order { why: why.clone(), who: WHO.to_owned(), ..Order::default() };
        match target(response, event) {
            Ok(target) => Ok(Job { response, target, order }),
            Err(cause) => {
                let (name, pid) = (policy::guard::name(response), event.process.pid);
                Err(format!("could not {name} (pid {pid}; {why}): {cause}"))
            }
        }
    })
}

/// Whom a response is meant for. What is about a container is never done to the host.
fn target(response: Response, event: &Event) -> Result<Target, &'static str> {
    let (pid, started) = (event.process.pid, event.process.born);
    let container = event.container.as_ref().map(|container| container.id.clone());
    if container.as_ref().is_some_and(String::is_empty) {
        return Err("nobody knows which container it is");
    }
    match response {
        // Without its birth the number is anybody's.
        Response::Kill if started == 0 => Err("nobody knows when it began"),
        Response::Kill => Ok(Target::Process { pid, started: Some(started) }),
        Response::Quarantine => {
            let file = policy::guard::file(event).ok_or("there is no file to take away")?;
            let path = Path::new(OsStr::from_bytes(file)).to_owned();
            let told = Told { pid, started, file: policy::guard::file_identity(event) };
            Ok(Target::File { container, path, told: Some(told) })
        }
        Response::Isolate | Response::Pause | Response::Stop => {
            container.map(Target::Container).ok_or("it is in no container")
        }
    }
}

fn said(task: Option<&Task>, done: &Result<Entry, Refusal>) -> String {
    let what = match task {
        None => "what is overdue".to_owned(),
        Some(Task::Act(job)) => {
            let name = policy::guard::name(job.response);
            format!("{name} of {}, {}", job.target, job.order.why)
        }
        Some(Task::Finish(id, _)) => format!("{id}, unfinished before"),
        Some(Task::Undo(id, _)) => format!("{id}, whose time is over"),
    };
    match done {
        Ok(entry) => {
            format!(
                "{what}: {} {}, {}: {}",
                entry.id,
                entry.state.name(),
                entry.subject,
                entry.note
            )
        }
        Err(refusal) => format!("{what}: not done: {refusal}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::event::{Act, Call, Container, File, PathArgument, Process, Text};
    use model::event::{Descriptor, Object};
    use policy::guard::{Because, HeldBack, Wanted};

    use super::*;

    fn event(act: Act) -> Event {
        Event {
            number: 1,
            time: 0,
            call: Call::Execve,
            thread: 7,
            processor: 0,
            // A clock that was set since tells another time of day.
            process: Arc::new(Process { pid: 7, started: 1 << 60, born: 9, ..Process::default() }),
            ancestors: Arc::default(),
            container: Some(Arc::new(Container { id: "c0ffee".to_owned(), ..Default::default() })),
            act,
            result: None,
            denied: false,
        }
    }

    fn verdict(responses: &[(Response, Option<HeldBack>)]) -> Verdict {
        let wanted = |(response, held_back): &(Response, Option<HeldBack>)| Wanted {
            response: *response,
            held_back: *held_back,
        };
        Verdict {
            told: true,
            priority: model::Priority::Warning,
            blocked: false,
            responses: responses.iter().map(wanted).collect(),
            because: vec![Because {
                setting: "respond",
                entry: "rules `a`".to_owned(),
                reason: String::new(),
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_wanted_is_ordered_and_what_is_held_back_is_not() {
        let wanted = [(Response::Isolate, Some(HeldBack::NotEnforcing)), (Response::Kill, None)];
        let (event, verdict) = (event(Act::Exit { status: 0 }), verdict(&wanted));
        let jobs: Vec<Job> = jobs("r", &event, &verdict).map(Result::unwrap).collect();
        let [job] = jobs.as_slice() else { unreachable!("{jobs:?}") };
        assert_eq!(job.response, Response::Kill);
        assert_eq!(job.target, Target::Process { pid: 7, started: Some(9) }, "since boot");
        assert_eq!((&*job.order.who, &*job.order.why), ("guard", "rule `r`, rules `a`"));
    }

    #[test]
    fn a_file_is_the_one_that_was_seen_by_who_saw_it() {
        let file = File { path: "/tmp/x".into(), device: 1 << 32, inode: 5, ..File::default() };
        let descriptor = Descriptor { number: 3, object: Object::File(file) };
        let of = |act: Act| match target(Response::Quarantine, &event(act)) {
            Ok(Target::File { container, path, told: Some(told) }) => {
                assert_eq!((container.as_deref(), path.to_str()), (Some("c0ffee"), Some("/tmp/x")));
                assert_eq!((told.pid, told.started), (7, 9));
                told.file
            }
            other => unreachable!("{other:?}"),
        };
        let path = |text: &str| PathArgument { path: Text::from(text), ..Default::default() };
        assert_eq!(of(Act::Close { descriptor }), Some((1 << 32, 5)));
        assert_eq!(of(Act::Exec { file: path("/tmp/x"), streams: Vec::new() }), None, "a script");
        assert_eq!(of(Act::Rename { from: path("/tmp/y"), to: path("/tmp/x") }), None);
    }

    #[test]
    fn what_cannot_be_is_said_of_whom() {
        let mut event = event(Act::Exit { status: 0 });
        event.container = None;
        let verdict = verdict(&[(Response::Quarantine, None), (Response::Pause, None)]);
        let jobs: Vec<String> = jobs("r", &event, &verdict).map(Result::unwrap_err).collect();
        assert_eq!(
            jobs,
            [
                "could not quarantine (pid 7; rule `r`, rules `a`): there is no file to take away",
                "could not pause (pid 7; rule `r`, rules `a`): it is in no container",
            ]
        );
    }

    #[test]
    fn what_came_of_it_is_said() {
        let target =
            Target::File { container: Some("c0ffee".into()), path: "/tmp/x".into(), told: None };
        let order = Order { why: "rule `r`".to_owned(), ..Order::default() };
        let job = Job { response: Response::Quarantine, target, order };
        let late = Err(Refusal::Late { seconds: 60 });
        assert_eq!(
            said(Some(&Task::Act(Box::new(job))), &late),
            "quarantine of file c0ffee:/tmp/x, rule `r`: not done: it has not ended after 60 s, and \
             is left to itself"
        );
    }
}
