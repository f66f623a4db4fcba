//! `proc.stdin.*` and its like: what a program began with. Only its beginning tells.

use model::event::{Act, Call, Descriptor, Event};

use super::descriptor;
use crate::field::{Argument, Field, Kind, OfCall};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    field("proc.stdin.type", "what its input is, as it begins", |event, _| kind(event, 0)),
    field("proc.stdin.name", "path, or both ends of a connection", |event, _| name(event, 0)),
    field("proc.stdin.file_kind", "of a file: regular, fifo, character …", |event, _| {
        file_kind(event, 0)
    }),
    field("proc.stdout.type", "what its output is, as it begins", |event, _| kind(event, 1)),
    field("proc.stdout.name", "path, or both ends of a connection", |event, _| name(event, 1)),
    field("proc.stdout.file_kind", "of a file: regular, fifo, character …", |event, _| {
        file_kind(event, 1)
    }),
    field("proc.stderr.type", "where its errors go, as it begins", |event, _| kind(event, 2)),
    field("proc.stderr.name", "path, or both ends of a connection", |event, _| name(event, 2)),
    field("proc.stderr.file_kind", "of a file: regular, fifo, character …", |event, _| {
        file_kind(event, 2)
    }),
];

const fn field(
    name: &'static str,
    doc: &'static str,
    extract: for<'a> fn(&'a Event, &'a Argument) -> Value<'a>,
) -> Field {
    Field::event(name, Kind::Text, doc, extract).of_call(OfCall::Has(has))
}

fn has(call: Call, _: &Argument) -> bool {
    matches!(call, Call::Execve | Call::Execveat)
}

fn stream(event: &Event, number: i32) -> Option<&Descriptor> {
    let Act::Exec { streams, .. } = &event.act else { return None };
    streams.iter().find(|stream| stream.number == number)
}

fn kind(event: &Event, number: i32) -> Value<'_> {
    stream(event, number).and_then(descriptor::kind).map(|(name, _)| name).into()
}

fn name(event: &Event, number: i32) -> Value<'_> {
    stream(event, number).map_or(Value::Absent, descriptor::name)
}

/// A pipe that has a name is a file.
fn file_kind(event: &Event, number: i32) -> Value<'_> {
    let file = stream(event, number).and_then(descriptor::file);
    file.map(|file| descriptor::file_kind(file.kind)).into()
}
