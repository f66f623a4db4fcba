//! Long XML documents read one record at a time.
//!
//! A feed of a gigabyte never stands in memory as a tree: the caller says which elements are
//! records, each one becomes a small tree that borrows from the text, and is dropped again. It
//! must never follow an entity or a namespace; names are local names.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesRef, Event};

use crate::FeedError;

/// How deep elements may nest, records included. OVAL criteria reach 12.
const DEPTH_LIMIT: usize = 64;
/// How many elements one record may have: a kernel's criteria in SUSE's OVAL are some ten
/// thousand. Without a limit a record of empty elements would take thirty times its bytes.
const ELEMENTS_LIMIT: usize = 1 << 18;
/// How many attributes an element may have; OVAL and updateinfo stay below 10.
const ATTRIBUTES_LIMIT: usize = 64;

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
pub(crate) struct Element<'a> {
    /// Without the namespace prefix.
    pub(crate) name: &'a str,
    /// Names without prefix, values with references resolved.
    attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// All text directly inside, references resolved.
    text: Cow<'a, str>,
    pub(crate) children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// The value of an attribute; empty if there is none.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// Like [`Element::attribute`], for a value that outlives the element.
    pub(crate) fn take_attribute(&mut self, name: &str) -> Cow<'a, str> {
        let found = self.attributes.iter_mut().find(|(key, _)| *key == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }

    /// The text directly inside, without surrounding space.
    pub(crate) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Like [`Element::text`], for a value that outlives the element.
    pub(crate) fn take_text(&mut self) -> Cow<'a, str> {
        match std::mem::take(&mut self.text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
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

/// The document as text: UTF-8, as every feed is; what is not becomes U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

/// Hands every record to `take`, in order. Records before an error were handed over.
pub(crate) fn records<'a>(
    text: &'a str,
    choose: &dyn Fn(&str) -> Step,
    take: &mut dyn FnMut(Element<'a>),
) -> Result<(), FeedError> {
    let mut tags = Tags::new(text);
    let mut open: Vec<&'a str> = Vec::new();
    loop {
        match tags.next()? {
            Tag::Open(element) => match choose(element.name) {
                Step::Enter if open.len() < DEPTH_LIMIT => open.push(element.name),
                Step::Enter => return Err(too_deep()),
                Step::Take => take(record(element, &mut tags)?),
                Step::Skip => skip(element.name, &mut tags)?,
            },
            Tag::Empty(element) => {
                if choose(element.name) == Step::Take {
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

/// Reads on until `root` is closed.
fn record<'a>(root: Element<'a>, tags: &mut Tags<'a>) -> Result<Element<'a>, FeedError> {
    let mut open = vec![root];
    let mut elements = 1_usize;
    loop {
        let closed = match tags.next()? {
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
            Tag::End => return Err(cut_off(open.first().map_or("", |root| root.name))),
        };
        let Some(closed) = closed else { continue };
        elements += 1;
        if elements > ELEMENTS_LIMIT {
            return Err(FeedError::content(format!(
                "a `{}` has more than {ELEMENTS_LIMIT} elements",
                open.first().unwrap_or(&closed).name
            )));
        }
        match open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => return Ok(closed),
        }
    }
}

fn skip(name: &str, tags: &mut Tags<'_>) -> Result<(), FeedError> {
    let mut depth = 1_u64;
    while depth > 0 {
        match tags.next_shallow()? {
            Tag::Open(_) => depth += 1,
            Tag::Close => depth -= 1,
            Tag::Empty(_) | Tag::Text(_) => {}
            Tag::End => return Err(cut_off(name)),
        }
    }
    Ok(())
}

fn append<'a>(text: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if text.is_empty() {
        *text = more;
    } else {
        text.to_mut().push_str(&more);
    }
}

fn too_deep() -> FeedError {
    FeedError::content(format!("elements nest deeper than {DEPTH_LIMIT}"))
}

fn cut_off(name: &str) -> FeedError {
    FeedError::content(format!("cut off inside `{name}`"))
}

enum Tag<'a> {
    Open(Element<'a>),
    Empty(Element<'a>),
    Close,
    Text(Cow<'a, str>),
    End,
}

/// The events of the document, reduced to what feeds need, borrowing from the text.
struct Tags<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
}

impl<'a> Tags<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, reader: Reader::from_str(text) }
    }

    fn next(&mut self) -> Result<Tag<'a>, FeedError> {
        self.step(true)
    }

    /// Like `next`, but elements have no attributes: for passing over.
    fn next_shallow(&mut self) -> Result<Tag<'a>, FeedError> {
        self.step(false)
    }

    fn step(&mut self, attributes: bool) -> Result<Tag<'a>, FeedError> {
        loop {
            let start = self.reader.buffer_position();
            let event = self.reader.read_event()?;
            let source = || self.source(start);
            return Ok(match event {
                Event::Start(_) => Tag::Open(element(source(), attributes)?),
                Event::Empty(_) => Tag::Empty(element(source(), attributes)?),
                Event::End(_) => Tag::Close,
                Event::Text(_) => Tag::Text(Cow::Borrowed(source())),
                Event::CData(data) => Tag::Text(data.into_inner()),
                Event::GeneralRef(reference) => Tag::Text(resolve(&reference)?),
                Event::Eof => Tag::End,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            });
        }
    }

    /// The text of the event that began at `start` and was just read.
    fn source(&self, start: u64) -> &'a str {
        let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        self.text.get(position(start)..position(self.reader.buffer_position())).unwrap_or("")
    }
}

/// The element that a tag's own text opens.
fn element(tag: &str, attributes: bool) -> Result<Element<'_>, FeedError> {
    let tag = tag.strip_prefix('<').unwrap_or(tag);
    let tag = tag.strip_suffix('>').unwrap_or(tag);
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let name = tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or("");
    let mut element = Element { name: local(name), ..Element::default() };
    if !attributes {
        return Ok(element);
    }
    for attribute in Attributes::new(tag, name.len()).with_checks(false) {
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        element.attributes.push((local(attribute.key.into_inner()), value));
        if element.attributes.len() > ATTRIBUTES_LIMIT {
            let name = element.name;
            let message = format!("a `{name}` has more than {ATTRIBUTES_LIMIT} attributes");
            return Err(FeedError::content(message));
        }
    }
    Ok(element)
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn resolve<'a>(reference: &BytesRef<'_>) -> Result<Cow<'a, str>, FeedError> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(Cow::Owned(character.to_string()));
    }
    // Entities that only a DTD could define are kept as they stand: DTDs are not read.
    Ok(match resolve_predefined_entity(reference) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(format!("&{};", &**reference)),
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
        let end = records(text, &choose, &mut |item| {
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
        let many = format!("<item>{}</item>", "<a/>".repeat(ELEMENTS_LIMIT));
        assert!(titles(&many).1.is_some_and(|error| error.contains("more than 262144 elements")));
        let wide = format!("<item {}/>", "a='' ".repeat(ATTRIBUTES_LIMIT + 1));
        assert!(titles(&wide).1.is_some_and(|error| error.contains("more than 64 attributes")));
    }
}
