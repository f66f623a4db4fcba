//! MISP: attributes of events, in objects or not, each a type and a value.
//!
//! Of what an attribute joins by `|`, the parts that can be looked for count: of `ip-dst|port` the
//! address, of `filename|sha256` the digest.

use std::borrow::Cow;

use serde::Deserialize;

use super::Gather;
use crate::indicator::{ALWAYS, Indicator};
use crate::left_out::Why;
use crate::text;

#[derive(Debug, Deserialize)]
pub(super) struct Attribute<'a> {
    #[serde(borrow, default)]
    uuid: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    /// Whether to detect by it. Attributes that do not say so are of lists made for that.
    to_ids: Option<Truth>,
    deleted: Option<Truth>,
}

/// Older versions write them as numbers and texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Truth {
    Bool(bool),
    Number(i64),
    Text(String),
}

impl Truth {
    fn is_true(&self) -> bool {
        match self {
            Self::Bool(it) => *it,
            Self::Number(number) => *number != 0,
            Self::Text(text) => text == "1" || text == "true",
        }
    }
}

type Parse = fn(&str) -> Option<Indicator>;

/// What a part of a type is called, and how its text is read.
const PARTS: &[(&str, Parse)] = &[
    ("domain", text::host),
    ("hostname", text::host),
    ("ip", address),
    ("ip-dst", address),
    ("ip-src", address),
    ("url", text::url),
    ("md5", text::hash),
    ("sha1", text::hash),
    ("sha256", text::hash),
];

/// Some put a port behind a colon.
fn address(text: &str) -> Option<Indicator> {
    text::network(text).or_else(|| text::socket(text))
}

pub(super) fn attribute(attribute: &Attribute<'_>, gather: &mut Gather) {
    let Attribute { uuid, kind, value, to_ids, deleted } = attribute;
    if deleted.as_ref().is_some_and(Truth::is_true) {
        return gather.leave(Why::Revoked);
    }
    if to_ids.as_ref().is_some_and(|it| !it.is_true()) {
        return gather.leave(Why::Context);
    }
    // `malware-sample` is `filename|md5` by another name.
    let kinds = if kind == "malware-sample" { "filename|md5" } else { kind };
    let place = if uuid.is_empty() { "an attribute" } else { uuid };
    let parts: Vec<(&str, Option<Parse>)> =
        kinds.split('|').map(|kind| (kind, parse(kind))).collect();
    if parts.iter().all(|(_, parse)| parse.is_none()) {
        return gather.unsupported(&place, &format!("attributes of type `{kind}`"));
    }
    let value = text::armed(value.trim());
    let mut values = value.splitn(parts.len(), '|');
    for (_, parse) in parts {
        let text = values.next().unwrap_or_default();
        if let Some(parse) = parse {
            gather.take_or_tell(parse(text), ALWAYS, &place, &value);
        }
    }
}

fn parse(kind: &str) -> Option<Parse> {
    PARTS.iter().find(|(name, _)| *name == kind).map(|(_, parse)| *parse)
}
