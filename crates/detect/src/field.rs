//! A field: a name that rules may ask for, and how an event answers.
//!
//! Fields stand in explicit tables, one file a class (`fields/`). A table entry says all that there
//! is to know: name, type, argument, meaning, and the function that takes the value out of an event;
//! or why no event of ours has it, so that a rule that needs it can be told to be one that never
//! fires.

use indicators::Lists;
use model::event::{Call, Event};

use crate::audit::Record;
use crate::value::Value;

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub shape: Shape,
    pub argument: ArgumentKind,
    /// One line for people.
    pub doc: &'static str,
    pub extract: Extract,
    /// Whether the call decides alone what a check of the field comes to.
    pub of_call: OfCall,
}

/// What type a field's value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Number,
    Text,
    /// Text that is compared by bytes, and shown as such.
    Bytes,
    Address,
    /// Addresses that are compared with networks.
    Network,
    /// A number or a text, as the event has it.
    Any,
}

/// How many values a field has, and what is then asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    One,
    /// A check holds if it does of any of them: `proc.aname` without argument.
    Any,
    /// Either end of a connection; `!=` has to hold of both.
    Either,
    /// A set: `in` asks whether all are, `intersects` whether any is.
    List,
}

/// What may stand in brackets after a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    None,
    /// A number, counted from 0; without one, the field is about all.
    OptionalIndex,
    /// A number or a text; without one, the field is about all.
    Optional,
    /// A number or a text.
    Required,
}

/// What stood in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    None,
    Index(usize),
    Key(String),
}

/// How an event answers.
#[derive(Clone, Copy)]
pub enum Extract {
    Event(for<'a> fn(&'a Event, &'a Argument) -> Value<'a>),
    Record(for<'a> fn(&'a Record, &'a Argument) -> Value<'a>),
    /// By lists of indicators; none does where there is nothing in them that it could be of.
    Lists {
        are_there: fn(&Lists) -> bool,
        find: ListsFind,
    },
    /// None does, for this reason.
    Never(&'static str),
}

/// What is known of a field from the call alone, before there is an event.
#[derive(Clone, Copy)]
pub enum OfCall {
    /// Nothing.
    Unknown,
    /// All: its value is the call's name.
    Name,
    /// All: every event has this value.
    Always(&'static str),
    /// Whether it has a value.
    Has(fn(Call, &Argument) -> bool),
}

/// What lists say of an event.
pub type ListsFind = for<'a> fn(&'a Event, &'a Lists) -> Value<'a>;

type EventExtract = for<'a> fn(&'a Event, &'a Argument) -> Value<'a>;
type RecordExtract = for<'a> fn(&'a Record, &'a Argument) -> Value<'a>;

impl Field {
    const fn new(name: &'static str, kind: Kind, doc: &'static str, extract: Extract) -> Self {
        let (shape, argument, of_call) = (Shape::One, ArgumentKind::None, OfCall::Unknown);
        Self { name, kind, shape, argument, doc, extract, of_call }
    }

    /// A field of what a sensor sees.
    pub const fn event(
        name: &'static str,
        kind: Kind,
        doc: &'static str,
        extract: EventExtract,
    ) -> Self {
        Self::new(name, kind, doc, Extract::Event(extract))
    }

    /// A field of what an API server audits.
    pub const fn record(
        name: &'static str,
        kind: Kind,
        doc: &'static str,
        extract: RecordExtract,
    ) -> Self {
        Self::new(name, kind, doc, Extract::Record(extract))
    }

    /// A field of what lists say of an event.
    pub const fn lists(
        name: &'static str,
        doc: &'static str,
        are_there: fn(&Lists) -> bool,
        find: ListsFind,
    ) -> Self {
        Self::new(name, Kind::Text, doc, Extract::Lists { are_there, find })
    }

    /// A field that Falco has and no event of ours.
    pub const fn never(name: &'static str, kind: Kind, why: &'static str) -> Self {
        Self::new(name, kind, why, Extract::Never(why))
    }

    #[must_use]
    pub const fn shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    #[must_use]
    pub const fn argument(self, argument: ArgumentKind) -> Self {
        Self { argument, ..self }
    }

    #[must_use]
    pub const fn of_call(self, of_call: OfCall) -> Self {
        Self { of_call, ..self }
    }

    /// With an argument, what is about many is about one.
    pub(crate) fn shape_with(&self, argument: &Argument) -> Shape {
        match (self.shape, argument) {
            (Shape::Any, Argument::Index(_) | Argument::Key(_)) => Shape::One,
            (shape, _) => shape,
        }
    }
}

impl std::fmt::Debug for Extract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event(_) => f.write_str("Event"),
            Self::Record(_) => f.write_str("Record"),
            Self::Lists { .. } => f.write_str("Lists"),
            Self::Never(why) => write!(f, "Never({why})"),
        }
    }
}

impl std::fmt::Debug for OfCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Name => "Name",
            Self::Always(_) => "Always",
            Self::Has(_) => "Has",
        })
    }
}
