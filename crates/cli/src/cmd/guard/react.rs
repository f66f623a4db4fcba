//! Where a response that a verdict wants is handed over: to a thread of its own, which may take as
//! long as runtimes do.
//!
//! The loop never waits for it. What finds no room is said: a response that is not made is no less
//! serious than an alert that is not told.

use std::sync::Arc;

use model::Response;
use model::event::{Container, Event, Process, Text};
use policy::guard::Verdict;

use super::behind::{Behind, END, Queue};
use crate::error::UserError;
use crate::output;

/// Responses that wait: more than a host has containers that something is done about at once.
const QUEUE: usize = 1_024;

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

/// What makes responses on this host; none where nothing does.
///
/// This is where crate `respond` is joined: a closure over an opened `Responder`, whose `act` takes
/// what an [`Order`] has.
pub(super) fn responder() -> Option<Act> {
    None
}

/// The loop's end.
pub(super) struct React {
    orders: Option<Behind<Order>>,
    /// Of those that found no room, how many were said.
    said: u64,
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
        let orders = act.map(|act| Behind::start("react", QUEUE, work(act))).transpose()?;
        Ok(Self { orders, said: 0 })
    }

    /// Whether there is anybody who does it.
    pub(super) fn can(&self) -> bool {
        self.orders.is_some()
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
    let Order { response, process, reason, .. } = order;
    let name = policy::guard::name(*response);
    match done {
        Ok(what) => format!("{name} (pid {}; {reason}): {what}", process.pid),
        Err(why) => format!("could not {name} (pid {}; {reason}): {why}", process.pid),
    }
}
