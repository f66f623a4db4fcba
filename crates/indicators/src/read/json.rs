//! JSON: what it is shows by the names in it, and what is in them streams by.
//!
//! `objects` are STIX's (a bundle, or what a TAXII server sends); `Event`, `response`, `Object` and
//! `Attribute` are MISP's. Each element is cut out first and read by itself, so that one that is broken
//! costs itself alone, and a document that is cut off gives what is before the cut.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::misp::{self, Attribute};
use super::stix::Bundle;
use super::{Format, Gather};

/// The format, where there is any, and why the document ends early.
pub(super) fn read(bytes: &[u8], gather: &mut Gather) -> (Option<Format>, Option<String>) {
    let mut found = Found { gather, bundle: Bundle::default(), format: None };
    let mut damage = None;
    // One document after another, as logs and streams have them.
    let mut left = serde_json::Deserializer::from_slice(bytes);
    loop {
        if let Err(error) = (Walk { found: &mut found }).deserialize(&mut left) {
            damage = Some(error.to_string());
            break;
        }
        // A stream's end is told by asking for what follows.
        if left.end().is_ok() {
            break;
        }
    }
    let Found { gather, bundle, format } = found;
    bundle.finish(gather);
    (format, damage)
}

struct Found<'g, 'de> {
    gather: &'g mut Gather,
    bundle: Bundle<'de>,
    /// By the first name that told it.
    format: Option<Format>,
}

/// Whatever may have names in it that tell something.
struct Walk<'f, 'g, 'de> {
    found: &'f mut Found<'g, 'de>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("a STIX bundle or MISP events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { found } = self;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match &*name {
                "objects" => map.next_value_seed(Each { found, what: Part::StixObject })?,
                "Event" | "response" => map.next_value_seed(Walk { found })?,
                "Attribute" => map.next_value_seed(Each { found, what: Part::Attribute })?,
                "Object" => map.next_value_seed(Each { found, what: Part::MispObject })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { found } = self;
        while sequence.next_element_seed(Walk { found })?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Part {
    StixObject,
    Attribute,
    MispObject,
}

/// The elements of an array, or the one thing that stands in its place.
struct Each<'f, 'g, 'de> {
    found: &'f mut Found<'g, 'de>,
    what: Part,
}

impl<'de> DeserializeSeed<'de> for Each<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Each<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { found, what } = self;
        while let Some(element) = sequence.next_element::<&'de RawValue>()? {
            found.element(what, element);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { found, what } = self;
        let map = serde::de::value::MapAccessDeserializer::new(map);
        match what {
            Part::Attribute => {
                found.format.get_or_insert(Format::Misp);
                misp::attribute(&Attribute::deserialize(map)?, found.gather);
                Ok(())
            }
            Part::StixObject | Part::MispObject => Walk { found }.deserialize(map),
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct MispObject<'a> {
    #[serde(borrow, default, rename = "Attribute")]
    attributes: Vec<&'a RawValue>,
}

impl<'de> Found<'_, 'de> {
    fn element(&mut self, what: Part, element: &'de RawValue) {
        let format = match what {
            Part::StixObject => Format::Stix,
            Part::Attribute | Part::MispObject => Format::Misp,
        };
        self.format.get_or_insert(format);
        let read = match what {
            Part::StixObject => self.bundle.object(element),
            Part::Attribute => serde_json::from_str(element.get())
                .map(|attribute| misp::attribute(&attribute, self.gather)),
            // In objects there are attributes alone: whatever else is nested in them is not followed.
            Part::MispObject => {
                serde_json::from_str(element.get()).map(|object: MispObject<'de>| {
                    object.attributes.into_iter().for_each(|it| self.element(Part::Attribute, it));
                })
            }
        };
        if let Err(error) = read {
            let place = match what {
                Part::StixObject => "an object",
                Part::Attribute => "an attribute",
                Part::MispObject => "an object of attributes",
            };
            self.gather.malformed(&place, &error.to_string());
        }
    }
}
