//! JSON as Go reads it: keys in any case, and what stands twice.
//!
//! The Docker daemon takes `privileged` for `Privileged`, and of two such keys the later. A reader that
//! took the bytes otherwise could be shown another container than the daemon makes, so a key that stands
//! twice is refused, and names are compared as Go compares them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::judge::Broken;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    /// Whether it is zero is all that is of interest.
    Number {
        is_zero: bool,
    },
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// What stands where nothing was written.
const NOTHING: &Tree = &Tree::Null;

impl Tree {
    /// A whole text; what is behind a value makes it none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        serde_json::from_slice(bytes).map_err(|why| Broken::new(format!("it is no JSON: {why}")))
    }

    /// What stands under a name; nothing is `null`.
    pub(crate) fn get(&self, name: &str) -> Result<&Self, Broken> {
        let pairs = match self {
            Self::Null => return Ok(NOTHING),
            Self::Object(pairs) => pairs,
            _ => return Err(Broken::new(format!("what `{name}` should be in is no object"))),
        };
        let mut found = pairs.iter().filter(|(key, _)| fold(key) == fold(name));
        match (found.next(), found.next()) {
            (None, _) => Ok(NOTHING),
            (Some((_, value)), None) => Ok(value),
            (Some(_), Some(_)) => Err(Broken::new(format!("`{name}` stands twice"))),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub(crate) fn is_zero(&self) -> bool {
        matches!(self, Self::Number { is_zero: true })
    }

    /// Empty where nothing was written.
    pub(crate) fn text(&self) -> Result<&str, Broken> {
        match self {
            Self::Null => Ok(""),
            Self::Text(text) => Ok(text),
            _ => Err(Broken::new("a text is none")),
        }
    }

    pub(crate) fn flag(&self) -> Result<bool, Broken> {
        match self {
            Self::Null => Ok(false),
            Self::Bool(flag) => Ok(*flag),
            _ => Err(Broken::new("what should be true or false is neither")),
        }
    }

    pub(crate) fn list(&self) -> Result<&[Self], Broken> {
        match self {
            Self::Null => Ok(&[]),
            Self::List(list) => Ok(list),
            _ => Err(Broken::new("a list is none")),
        }
    }

    /// A list of texts, or one text alone, which Docker takes too.
    pub(crate) fn texts(&self) -> Result<Vec<&str>, Broken> {
        match self {
            Self::Text(text) => Ok(vec![text]),
            list => list.list()?.iter().map(Self::text).collect(),
        }
    }

    /// Names as they were written, with what stands under them.
    pub(crate) fn pairs(&self) -> Result<&[(String, Self)], Broken> {
        match self {
            Self::Null => Ok(&[]),
            Self::Object(pairs) => Ok(pairs),
            _ => Err(Broken::new("an object is none")),
        }
    }
}

/// Go's simple folding: `K` (Kelvin) is a k, and `ſ` an s.
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfAny)
    }
}

struct OfAny;

impl<'de> Visitor<'de> for OfAny {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number { is_zero: number == 0 })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number { is_zero: number == 0 })
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Number { is_zero: number == 0.0 })
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(Tree::Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_go_reads_them() {
        let privileged = |text: &str| {
            let tree = Tree::parse(text.as_bytes()).map_err(|why| why.to_string())?;
            let found = tree.get("HostConfig").and_then(|it| it.get("Privileged")?.flag());
            found.map_err(|why| why.to_string())
        };
        let table = [
            (r#"{"HostConfig":{"Privileged":true}}"#, Ok(true)),
            (r#"{"hostconfig":{"PRIVILEGED":true}}"#, Ok(true)),
            (r#"{"HoſtConfig":{"Privileged":true}}"#, Ok(true)),
            (r#"{"HostConfig":null}"#, Ok(false)),
            (r#"{}"#, Ok(false)),
            ("null", Ok(false)),
            (r#"{"HostConfig":{},"hostconfig":{}}"#, Err("`HostConfig` stands twice")),
            (r#"{"HostConfig":{"Privileged":1}}"#, Err("what should be true or false is neither")),
            (r#"{"HostConfig":[]}"#, Err("what `Privileged` should be in is no object")),
        ];
        for (text, expected) in table {
            assert_eq!(privileged(text), expected.map_err(str::to_owned), "{text}");
        }
        for text in ["", "{", "{} {}", "{\"a\":\"\u{0}\"}", &"[".repeat(100_000)] {
            assert!(privileged(text).is_err(), "{text:.20}");
        }
    }
}
