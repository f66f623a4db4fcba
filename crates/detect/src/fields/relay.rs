//! `relay.*`: who stands between a connection (`fd.*`) and the input of the process.

use model::event::{Act, Call, Event, Relay};

use super::process;
use crate::field::{Argument, Field, Kind, OfCall};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    field("relay.pid", Kind::Number, "of who has the connection", |event, _| {
        of(event).map(|it| i64::from(it.carrier.pid)).into()
    }),
    field("relay.name", Kind::Text, "its kernel's name", |event, _| {
        of(event).map_or(Value::Absent, |it| (&it.carrier.name).into())
    }),
    field("relay.exepath", Kind::Text, "path of its program, links followed", |event, _| {
        of(event).map_or(Value::Absent, |it| (&it.carrier.executable.path).into())
    }),
    field(
        "relay.exepath.original",
        Kind::Text,
        "the same if nobody in the container wrote the file",
        |event, _| of(event).map_or(Value::Absent, |it| process::original(event, &it.carrier)),
    ),
    field("relay.cmdline", Kind::Text, "its name and arguments", |event, _| {
        of(event).map_or(Value::Absent, |it| process::command_line(&it.carrier))
    }),
];

/// A field that only this event has.
const fn field(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    extract: for<'e> fn(&'e Event, &Argument) -> Value<'e>,
) -> Field {
    let is_it = |call, _: &Argument| matches!(call, Call::Relay | Call::Other);
    Field::event(name, kind, doc, extract).of_call(OfCall::Has(is_it))
}

fn of(event: &Event) -> Option<&Relay> {
    match &event.act {
        Act::Relay(relay) => Some(relay),
        _ => None,
    }
}
