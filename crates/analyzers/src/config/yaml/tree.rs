//! YAML's events put together to a tree.
//!
//! Nothing here calls itself while it reads, so how deep a file nests takes no stack. Aliases are
//! copied, and count as often as they are used, so that a file of aliases to aliases ends at a
//! limit. What stands before damage is kept.

use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Tag};
use model::ProblemKind;

use super::{Content, Node, scalar};
use crate::FileFacts;

/// Nodes that are held at a time, of which each takes some 100 bytes; a container has some 40.
const NODES_MAX: usize = 128 << 10;

/// Nodes of all documents of a file that are looked at one by one; the largest bundles of operators, of 5 MB,
/// have some 300 000.
const NODES_IN_ALL_MAX: usize = 2 << 20;

/// So much text counts as a node: copies of long texts are what costs memory then.
const TEXT_OF_A_NODE: usize = 128;

/// How deep nodes stand in each other; manifests have some 15, definitions of resources some 40.
const DEPTH_MAX: usize = 64;

/// The documents of a file that have something in them; a Problem says where they end early.
pub(in crate::config) fn documents(text: &str, facts: &mut FileFacts) -> Vec<Node> {
    let mut documents = Vec::new();
    let tree = Tree { nodes_left: NODES_MAX, ..Tree::default() };
    walk(tree, text, facts, |document, _| documents.push(document));
    documents
}

/// The same, one after the other, so that no more than one is held.
pub(in crate::config) fn each_document(
    text: &str,
    facts: &mut FileFacts,
    take: impl FnMut(Node, &mut FileFacts),
) {
    let later = NODES_IN_ALL_MAX.saturating_sub(NODES_MAX);
    walk(Tree { nodes_left: NODES_MAX, later, ..Tree::default() }, text, facts, take);
}

fn walk(
    mut tree: Tree,
    text: &str,
    facts: &mut FileFacts,
    mut take: impl FnMut(Node, &mut FileFacts),
) {
    for event in Parser::new_from_str(text) {
        let (event, line) = match event {
            Ok((event, span)) => (event, span.start.line()),
            Err(error) => {
                let (line, column) =
                    (error.marker().line(), error.marker().col().saturating_add(1));
                let kind = match error.kind() {
                    // The parser bounds the brackets that it remembers.
                    ErrorKind::RecursionLimitExceeded => ProblemKind::LimitReached,
                    _ => ProblemKind::Damaged,
                };
                let message = format!("line {line}, column {column}: {}", error.info());
                facts.problem(kind, message);
                break;
            }
        };
        if let Err((kind, message)) = tree.take(event, u32::try_from(line).unwrap_or(u32::MAX)) {
            facts.problem(kind, format!("line {line}: {message}"));
            break;
        }
        if let Some(document) = tree.document.take() {
            take(document, facts);
        }
    }
}

type Trouble = (ProblemKind, String);

/// What has been read so far.
#[derive(Default)]
struct Tree {
    /// The document that has just ended.
    document: Option<Node>,
    /// Lists and maps whose end was not met yet, the outermost first.
    open: Vec<Open>,
    /// What names stand for, by the parser's number of the name.
    anchors: HashMap<usize, Node>,
    nodes_left: usize,
    /// Nodes that documents may have after this one, besides those that are left.
    later: usize,
}

/// A list or map that is being read.
struct Open {
    node: Node,
    anchor: usize,
    /// In a map: the key whose value comes next.
    key: Option<Key>,
}

enum Key {
    Named(String),
    /// `<<`, whose value's entries belong to the map itself.
    Merge,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: u32) -> Result<(), Trouble> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_merge = style == ScalarStyle::Plain && text == "<<";
                let content = match style == ScalarStyle::Plain && !is_text(tag.as_deref()) {
                    true => scalar::meaning(&text),
                    false => Content::Text(text.into_owned()),
                };
                let node = Node { line, content };
                self.charge(weight(&node))?;
                self.name(anchor, &node)?;
                self.place(node, is_merge);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(Content::List(Vec::new()), anchor, line)?
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(Content::Map(Vec::new()), anchor, line)?
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => self.copy(anchor, line)?,
            Event::DocumentEnd => {
                self.anchors.clear();
                let more = NODES_MAX.saturating_sub(self.nodes_left).min(self.later);
                self.later = self.later.saturating_sub(more);
                self.nodes_left = self.nodes_left.saturating_add(more);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, content: Content, anchor: usize, line: u32) -> Result<(), Trouble> {
        if self.open.len() >= DEPTH_MAX {
            return Err(limit(format!("more than {DEPTH_MAX} nodes stand in each other")));
        }
        self.charge(1)?;
        self.open.push(Open { node: Node { line, content }, anchor, key: None });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Trouble> {
        let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
        if let Content::Map(entries) = &mut node.content {
            keep_last(entries);
        }
        self.name(anchor, &node)?;
        self.place(node, false);
        Ok(())
    }

    /// A copy of what a name stands for.
    fn copy(&mut self, anchor: usize, line: u32) -> Result<(), Trouble> {
        let Some(named) = self.anchors.get(&anchor) else {
            let message = "an alias to what has not ended yet".to_owned();
            return Err((ProblemKind::Damaged, message));
        };
        if self.open.len().saturating_add(depth(named)) > DEPTH_MAX {
            return Err(limit(format!("more than {DEPTH_MAX} nodes stand in each other")));
        }
        let weight = weight(named);
        let copy = Node { line, ..named.clone() };
        self.charge(weight)?;
        self.place(copy, false);
        Ok(())
    }

    /// Keeps what a name stands for, where the node has one.
    fn name(&mut self, anchor: usize, node: &Node) -> Result<(), Trouble> {
        if anchor != 0 {
            self.charge(weight(node))?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    fn charge(&mut self, nodes: usize) -> Result<(), Trouble> {
        let left = self.nodes_left.checked_sub(nodes);
        self.nodes_left = left.ok_or_else(|| {
            limit(format!("more than {NODES_MAX} nodes, those of aliases included"))
        })?;
        Ok(())
    }

    /// Puts a whole node where it belongs.
    fn place(&mut self, node: Node, is_merge: bool) {
        let Some(Open { node: parent, key, .. }) = self.open.last_mut() else {
            if !node.is_nothing() {
                self.document = Some(node);
            }
            return;
        };
        match (&mut parent.content, key.take()) {
            (Content::List(items), _) => items.push(node),
            (Content::Map(entries), Some(Key::Named(key))) => entries.push((key, node)),
            (Content::Map(entries), Some(Key::Merge)) => merge(entries, node),
            (_, None) => *key = Some(if is_merge { Key::Merge } else { Key::Named(node.text()) }),
            (_, Some(_)) => {}
        }
    }
}

/// Puts the entries of one map, or of a list of maps, before those that are there, which count
/// more: of two entries the last one does, and of two maps the first one.
fn merge(entries: &mut Vec<(String, Node)>, node: Node) {
    match node.content {
        Content::Map(merged) => drop(entries.splice(0..0, merged)),
        Content::List(maps) => maps.into_iter().for_each(|map| merge(entries, map)),
        _ => {}
    }
}

/// Of entries with one key the last one counts, as it does to Kubernetes.
fn keep_last(entries: &mut Vec<(String, Node)>) {
    let mut seen = HashSet::new();
    let is_last: Vec<bool> =
        entries.iter().rev().map(|(key, _)| seen.insert(key.as_str())).collect();
    let mut is_last = is_last.into_iter().rev();
    entries.retain(|_| is_last.next().unwrap_or_default());
}

/// Whether a tag says that a scalar is a text, whatever it looks like.
fn is_text(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"))
}

fn limit(message: String) -> Trouble {
    (ProblemKind::LimitReached, message)
}

/// Nodes, long texts counting as several. Calls itself no deeper than `DEPTH_MAX`.
fn weight(node: &Node) -> usize {
    let text = |text: &str| text.len() / TEXT_OF_A_NODE;
    let below: usize = match &node.content {
        Content::Text(it) => text(it),
        Content::List(items) => items.iter().map(weight).sum(),
        Content::Map(entries) => entries.iter().flat_map(|(key, it)| [text(key), weight(it)]).sum(),
        Content::Null | Content::Bool(_) | Content::Integer(_) => 0,
    };
    below.saturating_add(1)
}

/// Lists and maps that stand in each other. Calls itself no deeper than `DEPTH_MAX`.
fn depth(node: &Node) -> usize {
    let below = match &node.content {
        Content::List(items) => items.iter().map(depth).max(),
        Content::Map(entries) => entries.iter().map(|(_, it)| depth(it)).max(),
        _ => return 0,
    };
    below.unwrap_or_default().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first document, spelled as JSON would be, and the kinds of the Problems.
    fn read(text: &str) -> (String, Vec<ProblemKind>) {
        let mut facts = FileFacts::with_room(1 << 20);
        let documents = documents(text, &mut facts);
        let spelled = documents.iter().map(spell).collect::<Vec<_>>().join(" | ");
        (spelled, facts.problems.iter().map(|(kind, _)| *kind).collect())
    }

    fn spell(node: &Node) -> String {
        let all = |parts: Vec<String>| parts.join(", ");
        match &node.content {
            Content::List(items) => format!("[{}]", all(items.iter().map(spell).collect())),
            Content::Map(entries) => {
                let entry = |(key, it): &(String, Node)| format!("{key}: {}", spell(it));
                format!("{{{}}}", all(entries.iter().map(entry).collect()))
            }
            Content::Text(text) => format!("'{text}'"),
            Content::Null => "null".to_owned(),
            Content::Bool(_) | Content::Integer(_) => node.text(),
        }
    }

    #[test]
    fn trees_are_as_they_are_written() {
        let cases = [
            ("a: 1\nb: [x, 'yes', yes]\n", "{a: 1, b: ['x', 'yes', true]}"),
            ("---\na: 1\n---\n---\nb: 2\n", "{a: 1} | {b: 2}"),
            ("? [a, b]\n: 1\n", "{: 1}"),
            ("80: x\ntrue: y\n", "{80: 'x', true: 'y'}"),
            ("a: !!str 1\nb: !reset null\n", "{a: '1', b: null}"),
            ("a: &x {k: 1}\nb: *x\n", "{a: {k: 1}, b: {k: 1}}"),
            ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n", "{a: {k: 1, l: 2}, b: {l: 2, k: 3}}"),
            ("a: {k: 3, '<<': x}\n", "{a: {k: 3, <<: 'x'}}"),
            ("{a: 1, b: 2, a: 3}", "{b: 2, a: 3}"),
            ("{\"a\": {\"b\": []}}", "{a: {b: []}}"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), (expected.to_owned(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_a_map_says_itself_counts_more_than_what_is_merged_into_it() {
        let mut facts = FileFacts::with_room(1 << 20);
        let text = "x: &x {k: 1, l: 1}\ny: &y {k: 2, m: 2}\nz: {k: 0, <<: [*x, *y]}\n\
                    w: {<<: [*x, *y]}\n";
        let documents = documents(text, &mut facts);
        let number = |map: &str, key: &str| documents[0].at(&[map, key]).number();
        assert_eq!(
            (number("z", "k"), number("z", "l"), number("z", "m")),
            (Some(0), Some(1), Some(2))
        );
        assert_eq!(number("w", "k"), Some(1));
    }

    #[test]
    fn of_documents_one_by_one_each_has_room() {
        let one = format!("---\na: [{}]\n", "x, ".repeat(NODES_MAX / 2));
        let count = |text: &str| {
            let (mut facts, mut count) = (FileFacts::with_room(1 << 20), 0);
            each_document(text, &mut facts, |_, _| count += 1);
            (count, facts.problems.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
        };
        assert_eq!(count(&one.repeat(4)), (4, Vec::new()));
        let (found, problems) = count(&one.repeat(40));
        assert_eq!((found, problems), (31, vec![ProblemKind::LimitReached]));
    }

    #[test]
    fn what_stands_before_damage_is_kept() {
        let (tree, problems) = read("a: 1\n---\nb: [\n");
        assert_eq!((tree.as_str(), problems), ("{a: 1}", vec![ProblemKind::Damaged]));
    }

    #[test]
    fn what_would_not_end_reaches_a_limit() {
        let nested = |depth| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        let wide = |items| format!("a: [{}]", "x, ".repeat(items));
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), "*a, ".repeat(100));
        let deep_alias = format!(
            "a: &a {}x{}\nb: {}*a{}",
            "[".repeat(50),
            "]".repeat(50),
            "[".repeat(50),
            "]".repeat(50)
        );
        let cases = [
            (nested(DEPTH_MAX - 1), Vec::new()),
            (nested(DEPTH_MAX), vec![ProblemKind::LimitReached]),
            (nested(200_000), vec![ProblemKind::LimitReached]),
            (wide(1000), Vec::new()),
            (wide(NODES_MAX), vec![ProblemKind::LimitReached]),
            (long, vec![ProblemKind::LimitReached]),
            (deep_alias, vec![ProblemKind::LimitReached]),
            ("a: &a [*a]".to_owned(), vec![ProblemKind::Damaged]),
        ];
        for (text, problems) in cases {
            assert_eq!(read(&text).1, problems, "{:.40}", text);
        }
    }
}
