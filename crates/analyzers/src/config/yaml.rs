//! YAML (and JSON, which is YAML) as a tree that knows its lines.
//!
//! `tree` puts it together; here is what checks ask of it.

use std::borrow::Cow;

use crate::File;

mod scalar;
mod tree;

pub(super) use tree::{documents, each_document};

/// The largest file that is read as a whole.
pub(super) const YAML_BYTES_MAX: u64 = 4 << 20;

/// The text of a file: UTF-8, or UTF-16 with its mark, as PowerShell writes what it is told to keep.
pub(super) fn text<'f>(file: &File<'f>) -> Cow<'f, str> {
    let (bytes, is_big) = match file.bytes {
        [0xff, 0xfe, bytes @ ..] => (bytes, false),
        [0xfe, 0xff, bytes @ ..] => (bytes, true),
        _ => return file.text(),
    };
    let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied());
    let units =
        pairs.map(|pair| if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
    let characters = char::decode_utf16(units);
    Cow::Owned(characters.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

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

    /// Changes every text below, but for names of entries. Calls itself as deep as nodes nest, which
    /// has a limit.
    pub(super) fn change_texts(&mut self, change: &impl Fn(&str) -> String) {
        match &mut self.content {
            Content::Text(text) => *text = change(text),
            Content::List(items) => items.iter_mut().for_each(|item| item.change_texts(change)),
            Content::Map(entries) => {
                entries.iter_mut().for_each(|(_, node)| node.change_texts(change));
            }
            Content::Null | Content::Bool(_) | Content::Integer(_) => {}
        }
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
