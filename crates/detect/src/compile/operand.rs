//! What has a value at each event: fields, and functions of them.

use std::borrow::Cow;

use base64::Engine as _;
use indicators::Lists;
use model::event::{Call, Event};

use super::Lacking;
use super::options::Options;
use crate::audit::Record;
use crate::field::{Argument, Extract, Field, Kind, OfCall, Shape};
use crate::fields;
use crate::value::Value;

/// A field or a function.
#[derive(Debug)]
pub(crate) struct Operand {
    /// How it is written, which is also what it is: two of the same text are the same.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Field { field: &'static Field, argument: Argument },
    Text(Vec<u8>),
    List(Vec<Operand>),
    Lower(Box<Operand>),
    Upper(Box<Operand>),
    Base64(Box<Operand>),
    Basename(Box<Operand>),
    Length(Box<Operand>),
    Join { separator: Box<Operand>, list: Box<Operand> },
    Concatenate(Vec<Operand>),
    Options { arguments: Box<Operand>, options: Options, wanted: Option<u8> },
}

/// What is judged.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// With the lists that it is held against.
    Event(&'a Event, &'a Lists),
    Record(&'a Record),
}

impl Operand {
    pub(crate) fn get<'a>(&'a self, subject: Subject<'a>) -> Value<'a> {
        match &self.what {
            What::Field { field, argument } => match (field.extract, subject) {
                (Extract::Event(extract), Subject::Event(event, _)) => extract(event, argument),
                (Extract::Lists { find, .. }, Subject::Event(event, lists)) => find(event, lists),
                (Extract::Record(extract), Subject::Record(record)) => extract(record, argument),
                _ => Value::Absent,
            },
            What::Text(text) => Value::text(text),
            What::List(operands) => {
                Value::list(operands.iter().flat_map(|it| flat(it.get(subject))))
            }
            What::Lower(of) => each(of.get(subject), |text| Some(text.to_ascii_lowercase())),
            What::Upper(of) => each(of.get(subject), |text| Some(text.to_ascii_uppercase())),
            What::Base64(of) => each(of.get(subject), |text| {
                base64::engine::general_purpose::STANDARD.decode(text).ok()
            }),
            What::Basename(of) => each(of.get(subject), |text| Some(basename(text).to_vec())),
            What::Length(of) => match of.get(subject) {
                Value::Absent if of.shape == Shape::List => 0usize.into(),
                Value::Absent => Value::Absent,
                Value::List(values) => values.len().into(),
                Value::Text(text) => text.len().into(),
                Value::Bool(_) | Value::Number(_) | Value::Address(_) => Value::Absent,
            },
            What::Join { separator, list } => {
                let (separator, list) = (separator.get(subject), list.get(subject));
                let (Value::Text(separator), false) = (separator, list.is_absent()) else {
                    return Value::Absent;
                };
                let texts: Vec<_> = flat(list).into_iter().filter_map(bytes).collect();
                Value::made(texts.join(&*separator))
            }
            What::Concatenate(operands) => {
                let texts = operands.iter().map(|operand| bytes(operand.get(subject)));
                let texts: Option<Vec<_>> = texts.collect();
                texts.map_or(Value::Absent, |texts| Value::made(texts.concat()))
            }
            What::Options { arguments, options, wanted } => {
                let arguments: Vec<_> =
                    flat(arguments.get(subject)).into_iter().filter_map(bytes).collect();
                let arguments: Vec<&[u8]> = arguments.iter().map(|it| &**it).collect();
                read_options(options, &arguments, *wanted)
            }
        }
    }

    /// Its value, where every event of such a call has the same; of events that are no calls, where
    /// all have.
    pub(crate) fn known(&self, call: Option<Call>) -> Option<Value<'static>> {
        if self.lacking(call).is_some() {
            return Some(Value::Absent);
        }
        match &self.what {
            What::Field { field: Field { of_call: OfCall::Name, .. }, .. } => {
                call.map(|call| call.name().into())
            }
            What::Field { field: Field { of_call: OfCall::Always(text), .. }, .. } => {
                Some((*text).into())
            }
            _ => None,
        }
    }

    /// Whether nothing in the lists could give it a value.
    pub(crate) fn is_never_of(&self, lists: &Lists) -> bool {
        match &self.what {
            What::Field { field, .. } => {
                matches!(field.extract, Extract::Lists { are_there, .. } if !are_there(lists))
            }
            _ => false,
        }
    }

    /// The field for want of which it has no value at any such event.
    pub(crate) fn lacking(&self, call: Option<Call>) -> Option<Lacking> {
        let told = |why| Some(Lacking { field: self.name.clone(), why });
        match &self.what {
            What::Field { field, argument } => match (field.extract, field.of_call, call) {
                (Extract::Never(why), _, _) => told(why),
                (_, OfCall::Has(has), Some(call)) if !has(call, argument) => {
                    told("such calls do not have it")
                }
                _ => None,
            },
            What::Text(_) | What::List(_) => None,
            What::Concatenate(operands) => operands.iter().find_map(|it| it.lacking(call)),
            What::Lower(of) | What::Upper(of) | What::Base64(of) | What::Basename(of) => {
                of.lacking(call)
            }
            // Of a set that is not there, the length is known.
            What::Length(of) if of.shape == Shape::List => None,
            What::Length(of) => of.lacking(call),
            What::Join { separator, list } => {
                separator.lacking(call).or_else(|| list.lacking(call))
            }
            What::Options { arguments, .. } => arguments.lacking(call),
        }
    }

    /// Whether only events with questions for names have a value. No function takes such a field.
    pub(crate) fn is_of_questions(&self) -> bool {
        matches!(self.what, What::Field { field, .. } if fields::is_of_questions(field))
    }

    /// How much it costs, roughly: values are kept, so the first one of an event pays.
    pub(crate) fn cost(&self) -> u32 {
        match &self.what {
            What::Text(_) => 0,
            What::Field { .. } if matches!(self.shape, Shape::Any | Shape::List) => 8,
            What::Field { field, .. } if matches!(field.extract, Extract::Lists { .. }) => 8,
            What::Field { field, .. } if field.name.ends_with("cmdline") => 4,
            What::Field { .. } => 1,
            _ => 10,
        }
    }
}

/// The texts of a value made to others; what cannot be made is absent.
fn each<'a>(value: Value<'a>, make: fn(&[u8]) -> Option<Vec<u8>>) -> Value<'a> {
    match value {
        Value::Text(text) => make(&text).map_or(Value::Absent, Value::made),
        Value::List(values) => {
            let made = values.into_iter().map(|value| each(value, make));
            Value::list(made.filter(|value| !value.is_absent()))
        }
        _ => Value::Absent,
    }
}

fn flat(value: Value<'_>) -> Vec<Value<'_>> {
    match value {
        Value::List(values) => values,
        Value::Absent => Vec::new(),
        value => vec![value],
    }
}

fn bytes(value: Value<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Text(text) => Some(text),
        value => value.shown().map(|shown| Cow::Owned(shown.into_owned().into_bytes())),
    }
}

fn basename(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn read_options(options: &Options, arguments: &[&[u8]], wanted: Option<u8>) -> Value<'static> {
    let read = options.read(arguments);
    let Some(wanted) = wanted else {
        let all = read.into_iter().flat_map(|(option, value)| {
            std::iter::once(Value::made([option])).chain(value.map(Value::made))
        });
        return Value::list(all);
    };
    let last = read.into_iter().rev().find(|(option, _)| *option == wanted);
    match last {
        Some((_, Some(value))) => Value::made(value),
        Some((option, None)) => Value::made([option]),
        None => Value::Absent,
    }
}
