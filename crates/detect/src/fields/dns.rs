//! `dns.*`: the questions of a message that was sent to a server of names, or came from one.

use model::event::{Act, Call, Event, Question};

use super::listed;
use crate::field::{Field, Kind, OfCall, Shape};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    Field::event(
        "dns.names",
        Kind::Text,
        "names that are asked for, without the last dot",
        |e, _| Value::list(questions(e).iter().map(|question| (&question.name).into())),
    )
    .shape(Shape::Any)
    .of_call(OfCall::Has(|call, _| has(call))),
    Field::event(
        "dns.types",
        Kind::Number,
        "types of records that are asked for: 16 is TXT",
        |e, _| Value::list(questions(e).iter().map(|question| u32::from(question.kind).into())),
    )
    .shape(Shape::Any)
    .of_call(OfCall::Has(|call, _| has(call))),
];

/// Whether it is told of questions alone.
pub(crate) fn is_of_questions(field: &Field) -> bool {
    FIELDS.iter().any(|known| known.name == field.name) || listed::is_of_names(field)
}

pub(super) fn has(call: Call) -> bool {
    use Call as C;
    matches!(call, C::Sendto | C::Sendmsg | C::Sendmmsg | C::Write | C::Recvfrom | C::Recvmsg)
}

pub(super) fn questions(event: &Event) -> &[Question] {
    match &event.act {
        Act::Send { questions, .. } | Act::Receive { questions, .. } => questions,
        _ => &[],
    }
}
