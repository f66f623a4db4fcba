//! YAML as a tree that knows where each of its nodes stands.
//!
//! Scalars stay texts, since in rules `yes`, `0` or `1e3` is mostly the name of something. Aliases
//! count as often as they are used, so that a file of aliases to aliases ends at a limit.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span};

/// Nodes of one file; all of Falco's rules in one have 6 000.
const NODES_MAX: usize = 256 << 10;

/// So much text counts as a node: copies of long texts are what costs memory then.
const TEXT_OF_A_NODE: usize = 128;

/// How deep nodes stand in each other; values of exceptions have 7.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// The bytes of the file that it is written with.
    pub bytes: Range<usize>,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Nothing,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Why a file is no YAML.
pub struct YamlError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Node {
    /// The value under a key. Of two entries with one key the first one counts, as it does to Falco.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| name.scalar() == Some(key)).map(|(_, node)| node)
    }

    pub fn entries(&self) -> impl Iterator<Item = (&Self, &Self)> {
        let entries: &[(Self, Self)] = match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|(key, node)| (key, node))
    }

    pub fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }
}

/// The documents of a file; what stands before damage is kept.
pub fn documents(text: &str) -> (Vec<Node>, Option<YamlError>) {
    let mut tree = Tree { text, nodes_left: NODES_MAX, ..Tree::default() };
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(read) => read,
            Err(error) => {
                let (line, column) = (error.marker().line(), error.marker().col() + 1);
                let message = match error.kind() {
                    ErrorKind::RecursionLimitExceeded => too_deep(),
                    _ => error.info().to_owned(),
                };
                return (tree.documents, Some(YamlError { line, column, message }));
            }
        };
        let (line, column) = (span.start.line(), span.start.col() + 1);
        if let Err(message) = tree.take(event, &span) {
            return (tree.documents, Some(YamlError { line, column, message }));
        }
    }
    (tree.documents, None)
}

/// What has been read so far.
#[derive(Default)]
struct Tree<'t> {
    text: &'t str,
    documents: Vec<Node>,
    /// Lists and maps whose end was not met yet, the outermost first.
    open: Vec<Open>,
    /// What names stand for, by the parser's number of the name.
    anchors: HashMap<usize, Node>,
    nodes_left: usize,
}

struct Open {
    node: Node,
    anchor: usize,
    /// In a map: the key whose value comes next.
    key: Option<Node>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_nothing = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let content = match is_nothing {
                    true => Content::Nothing,
                    false => Content::Scalar(text.into_owned()),
                };
                let node = self.node(content, span);
                self.charge(weight(&node))?;
                self.name(anchor, &node)?;
                self.place(node);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(self.node(Content::List(Vec::new()), span), anchor)?;
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(self.node(Content::Map(Vec::new()), span), anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { node, anchor, .. }) = self.open.pop() {
                    self.name(anchor, &node)?;
                    self.place(node);
                }
            }
            Event::Alias(anchor) => self.copy(anchor)?,
            Event::DocumentEnd => self.anchors.clear(),
            _ => {}
        }
        Ok(())
    }

    fn node(&self, content: Content, span: &Span) -> Node {
        let bytes = span.byte_range().unwrap_or_default();
        let bytes = bytes.start.min(self.text.len())..bytes.end.min(self.text.len());
        Node { line: span.start.line(), column: span.start.col() + 1, bytes, content }
    }

    fn open(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.charge(1)?;
        self.open.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// A copy of what a name stands for.
    fn copy(&mut self, anchor: usize) -> Result<(), String> {
        let named = self.anchors.get(&anchor);
        let named = named.ok_or_else(|| "an alias to what has not ended yet".to_owned())?;
        if self.open.len() + depth(named) > DEPTH_MAX {
            return Err(too_deep());
        }
        let (weight, copy) = (weight(named), named.clone());
        self.charge(weight)?;
        self.place(copy);
        Ok(())
    }

    fn name(&mut self, anchor: usize, node: &Node) -> Result<(), String> {
        if anchor != 0 {
            self.charge(weight(node))?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    fn charge(&mut self, nodes: usize) -> Result<(), String> {
        let left = self.nodes_left.checked_sub(nodes);
        self.nodes_left =
            left.ok_or_else(|| format!("more than {NODES_MAX} nodes, those of aliases included"))?;
        Ok(())
    }

    /// Puts a whole node where it belongs.
    fn place(&mut self, node: Node) {
        let Some(Open { node: parent, key, .. }) = self.open.last_mut() else {
            if !node.is_nothing() {
                self.documents.push(node);
            }
            return;
        };
        match (&mut parent.content, key.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(entries), Some(key)) => entries.push((key, node)),
            (_, _) => *key = Some(node),
        }
    }
}

fn too_deep() -> String {
    format!("more than {DEPTH_MAX} nodes stand in each other")
}

/// Nodes, long texts counting as several. Calls itself no deeper than `DEPTH_MAX`.
fn weight(node: &Node) -> usize {
    let below: usize = match &node.content {
        Content::Nothing => 0,
        Content::Scalar(text) => text.len() / TEXT_OF_A_NODE,
        Content::List(items) => items.iter().map(weight).sum(),
        Content::Map(entries) => entries.iter().map(|(key, it)| weight(key) + weight(it)).sum(),
    };
    below.saturating_add(1)
}

/// Lists and maps that stand in each other. Calls itself no deeper than `DEPTH_MAX`.
fn depth(node: &Node) -> usize {
    let below = match &node.content {
        Content::List(items) => items.iter().map(depth).max(),
        Content::Map(entries) => entries.iter().map(|(_, it)| depth(it)).max(),
        Content::Nothing | Content::Scalar(_) => return 0,
    };
    below.unwrap_or_default() + 1
}
