//! `listed.*`: what block lists say of the names that are asked for and of the other side.
//!
//! What an allow list has is not listed. Entries count by the event's own time.

use indicators::{Hit, Lists};
use model::event::{Call, Event};

use super::{descriptor, dns};
use crate::field::{Field, OfCall};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    of_names(
        "listed.name",
        "entry of a block list that a name which is asked for is of",
        |e, l| name(e, l).map_or(Value::Absent, |hit| Value::made(hit.entry.into_owned())),
    ),
    of_names("listed.name.by", "block list that has that entry", |event, lists| {
        name(event, lists).map(|hit| hit.list).into()
    }),
    of_addresses("listed.address", "entry of a block list that the other side is of", |e, l| {
        address(e, l).map_or(Value::Absent, |hit| Value::made(hit.entry.into_owned()))
    }),
    of_addresses("listed.address.by", "block list that has that entry", |event, lists| {
        address(event, lists).map(|hit| hit.list).into()
    }),
];

const fn of_names(
    name: &'static str,
    doc: &'static str,
    find: for<'a> fn(&'a Event, &'a Lists) -> Value<'a>,
) -> Field {
    Field::lists(name, doc, Lists::have_names, find).of_call(OfCall::Has(|call, _| dns::has(call)))
}

const fn of_addresses(
    name: &'static str,
    doc: &'static str,
    find: for<'a> fn(&'a Event, &'a Lists) -> Value<'a>,
) -> Field {
    Field::lists(name, doc, Lists::have_addresses, find).of_call(OfCall::Has(|call, _| {
        matches!(call, Call::Connect | Call::Accept | Call::Accept4) || dns::has(call)
    }))
}

/// Whether it is told of names that are asked for.
pub(super) fn is_of_names(field: &Field) -> bool {
    field.name.starts_with("listed.name")
}

fn name<'l>(event: &Event, lists: &'l Lists) -> Option<Hit<'l>> {
    let now = seconds(event);
    dns::questions(event).iter().find_map(|question| lists.name(&question.name, now))
}

fn address<'l>(event: &Event, lists: &'l Lists) -> Option<Hit<'l>> {
    match descriptor::remote(event).0 {
        Value::Address(address) => lists.address(address, seconds(event)),
        _ => None,
    }
}

fn seconds(event: &Event) -> u32 {
    u32::try_from(event.time / 1_000_000_000).unwrap_or(u32::MAX)
}
