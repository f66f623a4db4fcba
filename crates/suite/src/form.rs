//! One map of a suite file, read key by key: what is missing, of the wrong kind or not known is a
//! mistake with its place.

use std::collections::BTreeMap;

use detect::yaml::{Content, Node};
use detect::{Diagnostic, Level, Place};

/// Mistakes of one file that are told; a file that is no suite at all has one a line.
const MISTAKES_MAX: usize = 100;

/// The mistakes of one file.
pub(crate) struct Mistakes<'f> {
    file: &'f str,
    pub(crate) told: Vec<Diagnostic>,
}

impl<'f> Mistakes<'f> {
    pub(crate) fn new(file: &'f str) -> Self {
        Self { file, told: Vec::new() }
    }

    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { file: self.file.to_owned(), line: node.line, column: node.column }
    }

    pub(crate) fn at(&mut self, node: &Node, about: &str, message: impl Into<String>) {
        let place = self.place(node);
        self.add(Diagnostic::new(Level::Error, place, about, message));
    }

    /// Cases of one template make the same mistake at the same place: it is told once.
    pub(crate) fn add(&mut self, mistake: Diagnostic) {
        let is_told =
            self.told.iter().any(|it| it.place == mistake.place && it.message == mistake.message);
        if !is_told && self.told.len() < MISTAKES_MAX {
            self.told.push(mistake);
        }
    }
}

/// A map, and what it is a part of.
pub(crate) struct Form<'n, 'm, 'f> {
    pub(crate) node: &'n Node,
    about: &'m str,
    pub(crate) mistakes: &'m mut Mistakes<'f>,
}

impl<'n, 'm, 'f> Form<'n, 'm, 'f> {
    /// None if it is no map. Keys beside `known` are mistakes.
    pub(crate) fn of(
        node: &'n Node,
        about: &'m str,
        known: &[&str],
        mistakes: &'m mut Mistakes<'f>,
    ) -> Option<Self> {
        if !matches!(node.content, Content::Map(_)) {
            mistakes.at(node, about, "this is not a map of keys");
            return None;
        }
        for (key, _) in node.entries() {
            let name = key.scalar().unwrap_or_default();
            if !known.contains(&name) {
                let place = mistakes.place(key);
                let message = format!("there is no key `{name}` here");
                let mistake = Diagnostic::new(Level::Error, place, about, message);
                mistakes.add(mistake.hint(detect::hint(name, known.iter().copied())));
            }
        }
        Some(Self { node, about, mistakes })
    }

    /// What stands under a key, unless that is nothing.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key).filter(|node| !node.is_nothing())
    }

    pub(crate) fn mistake(&mut self, node: &Node, message: impl Into<String>) {
        self.mistakes.at(node, self.about, message);
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        let node = self.get(key)?;
        let text = node.scalar().map(str::to_owned);
        if text.is_none() {
            self.mistake(node, format!("`{key}` is not a text"));
        }
        // The kernel's texts end at one.
        if text.as_ref().is_some_and(|text| text.contains('\0')) {
            self.mistake(node, format!("`{key}` has a zero byte in it"));
            return None;
        }
        text
    }

    pub(crate) fn required(&mut self, key: &str) -> Option<String> {
        if self.get(key).is_none() {
            self.mistake(self.node, format!("`{key}` is missing"));
        }
        self.text(key)
    }

    pub(crate) fn truth(&mut self, key: &str) -> bool {
        let Some(node) = self.get(key) else { return false };
        match node.scalar() {
            Some("true") => true,
            Some("false") => false,
            _ => {
                self.mistake(node, format!("`{key}` is neither `true` nor `false`"));
                false
            }
        }
    }

    pub(crate) fn items(&mut self, key: &str) -> &'n [Node] {
        let Some(node) = self.get(key) else { return &[] };
        let items = node.items();
        if items.is_none() {
            self.mistake(node, format!("`{key}` is not a list"));
        }
        items.unwrap_or_default()
    }

    /// A map of texts.
    pub(crate) fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        let Some(node) = self.get(key) else { return texts };
        if !matches!(node.content, Content::Map(_)) {
            self.mistake(node, format!("`{key}` is not a map of texts"));
        }
        for (name, value) in node.entries() {
            let text = if value.is_nothing() { Some("") } else { value.scalar() };
            match (name.scalar(), text) {
                (Some(name), Some(text)) if !name.contains('\0') && !text.contains('\0') => {
                    texts.insert(name.to_owned(), text.to_owned());
                }
                _ => self.mistake(value, format!("a value of `{key}` is not a text")),
            }
        }
        texts
    }
}
