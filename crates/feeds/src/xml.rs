//! Long XML documents read one record at a time.
//!
//! A feed of a gigabyte never stands in memory: the caller says which elements are records, each one
//! becomes a small tree, and is dropped again. It must never follow an entity or a namespace; names
//! are local names.

use std::io::{BufReader, Read};

use artifact::Stop;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::allowance::Allowance;
use crate::utf8::Utf8;
use crate::{Document, FeedError};

/// How deep elements may nest, records included. OVAL criteria reach 12.
const DEPTH_LIMIT: usize = 64;
/// What one record may take in memory: a kernel's criteria in SUSE's OVAL are some ten thousand
/// elements, which take 5 MB. A record of empty elements takes fifty times its bytes.
const RECORD_MEMORY: usize = 64 << 20;
/// What an element takes beside its texts: itself in a list with room to spare, and its name.
const ELEMENT_BYTES: usize = 2 * size_of::<Element>() + 32;
/// The same of an attribute.
const ATTRIBUTE_BYTES: usize = 2 * size_of::<(String, String)>() + 64;
/// How much of the document is read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// What to do with an element that is met outside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Look at what is inside.
    Enter,
    /// It is a record.
    Take,
    /// Pass over all of it.
    Skip,
}

/// An element with everything inside it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Without the namespace prefix.
    pub(crate) name: String,
    /// Names without prefix, values with references resolved.
    attributes: Vec<(String, String)>,
    /// All text directly inside, references resolved.
    text: String,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// The value of an attribute; empty if there is none.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The text directly inside, without surrounding space.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name; empty if there is none.
    pub(crate) fn child_text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text())
    }

    /// The children of this name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// How many bytes of memory a document is put at while it is read, if all of it is one record.
pub(crate) fn weight(bytes: &[u8]) -> usize {
    let elements = memchr::memchr_iter(b'<', bytes).count();
    let attributes = memchr::memchr_iter(b'=', bytes).count();
    let parts = elements * ELEMENT_BYTES + attributes * ATTRIBUTE_BYTES;
    bytes.len().saturating_add(parts.min(RECORD_MEMORY))
}

/// Hands every record to `take`, in order. Records before an error were handed over.
pub(crate) fn records(
    document: &Document<'_>,
    choose: &dyn Fn(&str) -> Step,
    take: &mut dyn FnMut(Element),
) -> Result<(), FeedError> {
    let mut tags = Tags::new(document);
    let mut open: Vec<String> = Vec::new();
    loop {
        match tags.next()? {
            Tag::Open(element) => match choose(&element.name) {
                Step::Enter if open.len() < DEPTH_LIMIT => open.push(element.name),
                Step::Enter => return Err(too_deep()),
                Step::Take => take(record(element, &mut tags)?),
                Step::Skip => skip(&element.name, &mut tags)?,
            },
            Tag::Empty(element) => {
                if choose(&element.name) == Step::Take {
                    take(element);
                }
            }
            Tag::Close => {
                open.pop();
            }
            Tag::Text(_) => {}
            Tag::End => match open.last() {
                Some(name) => return Err(cut_off(name)),
                None => return Ok(()),
            },
        }
    }
}

/// Why a document that nobody knows is damaged: it ends within an element or before one, or what is in
/// it is no XML. What reaches a limit of ours is not.
pub(crate) fn damage(document: &Document<'_>, stop: &Stop) -> Option<String> {
    let mut tags = Tags::new(document);
    let (mut depth, mut has_root) = (0_u64, false);
    loop {
        match tags.next_shallow() {
            _ if stop.is_stopped() => return None,
            Ok(Tag::Open(_)) => depth = depth.saturating_add(1),
            Ok(Tag::Close) => depth = depth.saturating_sub(1),
            Ok(Tag::Empty(_) | Tag::Text(_)) => {}
            Ok(Tag::End) if depth == 0 && has_root => return None,
            Ok(Tag::End) => return Some("the XML ends early".to_owned()),
            Err(error @ FeedError::Xml(_)) => return Some(error.to_string()),
            Err(_) => return None,
        }
        has_root = true;
    }
}

/// Reads on until `root` is closed.
fn record(root: Element, tags: &mut Tags<'_>) -> Result<Element, FeedError> {
    let mut open = vec![root];
    let mut memory = 0_usize;
    loop {
        let tag = tags.next()?;
        memory = memory.saturating_add(tag.memory());
        if memory > RECORD_MEMORY {
            let name = open.first().map_or("", |root| &root.name);
            return Err(FeedError::content(format!("a `{name}` has more parts than are read")));
        }
        let closed = match tag {
            Tag::Open(element) if open.len() < DEPTH_LIMIT => {
                open.push(element);
                None
            }
            Tag::Open(_) => return Err(too_deep()),
            Tag::Empty(element) => Some(element),
            Tag::Close => open.pop(),
            Tag::Text(more) => {
                if let Some(parent) = open.last_mut() {
                    append(&mut parent.text, more);
                }
                None
            }
            Tag::End => return Err(cut_off(open.first().map_or("", |root| &root.name))),
        };
        let Some(closed) = closed else { continue };
        match open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => return Ok(closed),
        }
    }
}

fn skip(name: &str, tags: &mut Tags<'_>) -> Result<(), FeedError> {
    let mut depth = 1_usize;
    while depth > 0 {
        match tags.next_shallow()? {
            // The parser keeps the names of all that is open.
            Tag::Open(_) if depth == DEPTH_LIMIT => return Err(too_deep()),
            Tag::Open(_) => depth += 1,
            Tag::Close => depth -= 1,
            Tag::Empty(_) | Tag::Text(_) => {}
            Tag::End => return Err(cut_off(name)),
        }
    }
    Ok(())
}

fn append(text: &mut String, more: String) {
    if text.is_empty() {
        *text = more;
    } else {
        text.push_str(&more);
    }
}

fn too_deep() -> FeedError {
    FeedError::content(format!("elements nest deeper than {DEPTH_LIMIT}"))
}

fn cut_off(name: &str) -> FeedError {
    FeedError::content(format!("cut off inside `{name}`"))
}

enum Tag {
    Open(Element),
    Empty(Element),
    Close,
    Text(String),
    End,
}

impl Tag {
    /// What it takes, at most.
    fn memory(&self) -> usize {
        match self {
            Self::Open(element) | Self::Empty(element) => {
                let values = element.attributes.iter().map(|(_, value)| value.len());
                ELEMENT_BYTES + values.map(|length| ATTRIBUTE_BYTES + length).sum::<usize>()
            }
            Self::Text(text) => 2 * text.len(),
            Self::Close | Self::End => 0,
        }
    }
}

/// The events of the document, reduced to what feeds need.
struct Tags<'a> {
    reader: Reader<BufReader<Utf8<Box<dyn Read + 'a>>>>,
    allowance: Allowance,
    event: Vec<u8>,
}

impl<'a> Tags<'a> {
    fn new(document: &Document<'a>) -> Self {
        let allowance = Allowance::new();
        let bytes: Box<dyn Read + 'a> = Box::new(allowance.reader(document.reader()));
        let reader = BufReader::with_capacity(BUFFER_BYTES, Utf8::new(bytes));
        Self { reader: Reader::from_reader(reader), allowance, event: Vec::new() }
    }

    fn next(&mut self) -> Result<Tag, FeedError> {
        self.step(true)
    }

    /// Like `next`, but elements have no attributes, and texts nothing: for passing over.
    fn next_shallow(&mut self) -> Result<Tag, FeedError> {
        self.step(false)
    }

    fn step(&mut self, deep: bool) -> Result<Tag, FeedError> {
        loop {
            // One tag or text is bounded here, a record by what it takes.
            self.allowance.renew();
            self.event.clear();
            let event = self.reader.read_event_into(&mut self.event)?;
            return Ok(match event {
                Event::Start(tag) => Tag::Open(element(&tag, deep)?),
                Event::Empty(tag) => Tag::Empty(element(&tag, deep)?),
                Event::End(_) => Tag::Close,
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if !deep => continue,
                Event::Text(text) => Tag::Text((*text).to_owned()),
                Event::CData(data) => Tag::Text(data.into_inner().into_owned()),
                Event::GeneralRef(reference) => Tag::Text(resolve(&reference)?),
                Event::Eof => Tag::End,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            });
        }
    }
}

/// The element that a tag opens.
fn element(tag: &BytesStart<'_>, attributes: bool) -> Result<Element, FeedError> {
    let name = tag.local_name().into_inner().to_owned();
    let mut element = Element { name, ..Element::default() };
    if !attributes {
        return Ok(element);
    }
    let mut memory = 0_usize;
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
        memory = memory.saturating_add(ATTRIBUTE_BYTES + value.len());
        if memory > RECORD_MEMORY {
            let message = format!("a `{}` has more attributes than are read", element.name);
            return Err(FeedError::content(message));
        }
        element.attributes.push((local(attribute.key.into_inner()).to_owned(), value));
    }
    Ok(element)
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, FeedError> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.to_string());
    }
    // Entities that only a DTD could define are kept as they stand: DTDs are not read.
    Ok(match resolve_predefined_entity(reference) {
        Some(text) => text.to_owned(),
        None => format!("&{};", &**reference),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> (Vec<String>, Option<String>) {
        let mut seen = Vec::new();
        let choose = |name: &str| match name {
            "item" => Step::Take,
            "skip" => Step::Skip,
            _ => Step::Enter,
        };
        let document = Document::new("x", text.as_bytes());
        let end = records(&document, &choose, &mut |item| {
            seen.push(format!("{}={}", item.attribute("id"), item.child_text("title")));
        });
        (seen, end.err().map(|error| error.to_string()))
    }

    #[test]
    fn records_are_taken_wherever_they_stand_and_skipped_parts_are_not_looked_at() {
        let text = r#"<?xml version="1.0"?><!DOCTYPE x><a:list xmlns:a="u"><!-- c -->
            <a:item a:id="1 &lt;"><title> A &amp; B&#33; <![CDATA[<c>]]> &own;</title></a:item>
            <skip><item id="no"/></skip><deep><item id="2"/></deep></a:list>"#;
        let expected = ["1 <=A & B! <c> &own;", "2="].map(str::to_owned).to_vec();
        assert_eq!(titles(text), (expected, None));
    }

    #[test]
    fn what_precedes_a_cut_is_kept_and_the_cut_is_said() {
        for cut in
            ["<l><item id='1'/><item", "<l><item id='1'/><item><title>x", "<l><item id='1'/>"]
        {
            let (seen, error) = titles(cut);
            assert_eq!(seen, ["1="], "{cut}");
            assert!(error.is_some(), "{cut}");
        }
    }

    #[test]
    fn limits_end_the_walk_with_a_reason() {
        let nested = "<item>".repeat(DEPTH_LIMIT + 1);
        assert!(titles(&nested).1.is_some_and(|error| error.contains("nest deeper")));
        assert!(
            titles(&"<x>".repeat(DEPTH_LIMIT + 1)).1.is_some_and(|e| e.contains("nest deeper"))
        );
        let skipped = format!("<skip>{}", "<x>".repeat(DEPTH_LIMIT));
        assert!(titles(&skipped).1.is_some_and(|error| error.contains("nest deeper")));
        let many = format!("<item>{}</item>", "<a/>".repeat(RECORD_MEMORY / ELEMENT_BYTES + 1));
        assert!(titles(&many).1.is_some_and(|error| error.contains("`item` has more parts")));
        let wide = format!("<item {}/>", "a='' ".repeat(RECORD_MEMORY / ATTRIBUTE_BYTES + 1));
        assert!(titles(&wide).1.is_some_and(|error| error.contains("more attributes")));
        let long = format!("<item>{}", "a".repeat(33 << 20));
        assert!(titles(&long).1.is_some_and(|error| error.contains("one record has more than")));
    }
}
