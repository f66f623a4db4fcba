//! YAML (and JSON, which is YAML) as a tree that knows its lines.
//!
//! Aliases count as often as they are used, so a file of aliases to aliases ends at a limit.

use std::fmt;

use model::ProblemKind;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::FileFacts;

/// The largest file that is read; the largest manifests of operators have 2 MiB.
pub(super) const YAML_BYTES_MAX: u64 = 4 << 20;

/// Nodes of one file, of which each takes some 200 bytes; a container has some 40.
const NODES_MAX: usize = 128 << 10;

/// How deep nodes stand in each other; manifests have some 15.
const DEPTH_MAX: usize = 64;

/// A value and where it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) line: u32,
    content: Content,
}

#[derive(Clone, Debug, Default)]
enum Content {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// What stands where nothing does.
static NOTHING: Node = Node { line: 0, content: Content::Null };

/// Every document of a file; a Problem and none if it does not parse.
pub(super) fn documents(text: &str, facts: &mut FileFacts) -> Vec<Node> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 2 * NODES_MAX,
            max_nodes: NODES_MAX,
            max_depth: DEPTH_MAX,
        },
        with_snippet: false,
    };
    let parsed = serde_saphyr::from_multiple_with_options(text, options);
    parsed.unwrap_or_else(|error| {
        let is_limit = matches!(error, serde_saphyr::Error::Budget { .. });
        let error = error.to_string();
        let line = error.lines().next().unwrap_or_default();
        // Of an error within what an alias stands for only the text is left.
        let is_limit = is_limit || line.contains("budget breached");
        let kind = if is_limit { ProblemKind::LimitReached } else { ProblemKind::Damaged };
        facts.problem(kind, format!("cannot be parsed: {line}"));
        Vec::new()
    })
}

impl Node {
    /// The value under a key; nothing where there is none.
    pub(super) fn get(&self, key: &str) -> &Self {
        let found = self.entries().iter().find(|(name, _)| name == key);
        found.map_or(&NOTHING, |(_, node)| node)
    }

    /// The same, key by key.
    pub(super) fn at(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |node, key| node.get(key))
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// A scalar as text; empty for anything else.
    pub(super) fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Integer(number) => number.to_string(),
            Content::Bool(it) => it.to_string(),
            Content::Null | Content::List(_) | Content::Map(_) => String::new(),
        }
    }

    /// True or false as YAML or a template may write it; None where nothing is said.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.content {
            Content::Bool(it) => Some(*it),
            Content::Text(text) if text == "true" => Some(true),
            Content::Text(text) if text == "false" => Some(false),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.truth() == Some(true)
    }

    pub(super) fn number(&self) -> Option<i64> {
        match &self.content {
            Content::Integer(number) => Some(*number),
            Content::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The scalars of a list, or the one that stands for a list.
    pub(super) fn texts(&self) -> Vec<String> {
        match &self.content {
            Content::List(items) => items.iter().map(Self::text).collect(),
            Content::Null | Content::Map(_) => Vec::new(),
            _ => vec![self.text()],
        }
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        let line = u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX);
        Ok(Self { line, content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, it: bool) -> Result<Content, E> {
        Ok(Content::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Content, E> {
        Ok(Content::Integer(it))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Content, E> {
        Ok(i64::try_from(it).map_or_else(|_| Content::Text(it.to_string()), Content::Integer))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Content, E> {
        Ok(Content::Text(it.to_string()))
    }

    fn visit_str<E>(self, it: &str) -> Result<Content, E> {
        Ok(Content::Text(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Content, E> {
        Ok(Content::Text(it))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(Key(key)) = entries.next_key()? {
            map.push((key, entries.next_value()?));
        }
        Ok(Content::Map(map))
    }
}

/// A key, which need not be a text: ports and switches are numbers and truths.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = Content::deserialize(deserializer)?;
        Ok(Self(Node { line: 0, content }.text()))
    }
}
