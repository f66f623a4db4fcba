//! What a detection is about: something that a process did, or that an API server was asked.

use model::event::Event;

/// What rules find something in.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    Event(&'a Event),
    /// Not on this machine: what an API server audited.
    Request(&'a Request),
}

/// A request as an audit record tells it, as far as scopes ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// As whom the API server knew who asked. None where the record does not say.
    pub user: Option<String>,
    /// Of the object; None where it is in none, or is no object at all.
    pub namespace: Option<String>,
    /// With what is asked of it: `pods`, `pods/exec`. None where it is no resource.
    pub resource: Option<String>,
}

impl<'a> Subject<'a> {
    pub(super) fn event(self) -> Option<&'a Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Request(_) => None,
        }
    }
}
