//! XML written line by line: elements that nest, elements that hold text.
//!
//! Whatever the text, the document stays well-formed: characters that XML 1.0 forbids become
//! U+FFFD.

use std::io::{self, Write};

use quick_xml::escape::escape;

/// A document in the making.
pub(crate) struct Xml<'o> {
    out: &'o mut dyn Write,
    depth: usize,
    /// The first failure; nothing is written after it.
    outcome: io::Result<()>,
}

impl<'o> Xml<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        let mut xml = Self { out, depth: 0, outcome: Ok(()) };
        xml.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml
    }

    /// # Errors
    /// The first that the writer had.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.outcome
    }

    /// An element around what `inside` writes.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.begin(name, attributes);
        self.put(">\n");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        self.end(name);
    }

    /// An element that holds nothing but text.
    pub(crate) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.begin(name, attributes);
        self.put(">");
        self.put(&escape(allowed(text)));
        self.end(name);
    }

    /// The same where there is a text.
    pub(crate) fn text_if_any(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, &[], text);
        }
    }

    /// An element that holds nothing.
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.put("/>\n");
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.put("<");
        self.put(name);
        for (key, value) in attributes {
            self.put(&format!(" {key}=\"{}\"", escape(allowed(value))));
        }
    }

    fn end(&mut self, name: &str) {
        self.put("</");
        self.put(name);
        self.put(">\n");
    }

    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.put("  "));
    }

    fn put(&mut self, text: &str) {
        if self.outcome.is_ok() {
            self.outcome = self.out.write_all(text.as_bytes());
        }
    }
}

/// XML 1.0, production 2.
fn allowed(text: &str) -> String {
    let is_allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || c >= '\u{10000}'
    };
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_text_the_document_is_well_formed() {
        let mut written = Vec::new();
        let mut xml = Xml::new(&mut written);
        xml.element("a", &[("b", "\"<&")], |xml| {
            xml.text("c", &[], "]]>\u{1}\u{ffff}é");
            xml.text_if_any("d", "");
        });
        xml.finish().unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(
            written
                .ends_with("<a b=\"&quot;&lt;&amp;\">\n  <c>]]&gt;\u{fffd}\u{fffd}é</c>\n</a>\n"),
            "{written}"
        );
    }
}
