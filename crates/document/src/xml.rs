//! XML written line by line: elements that nest, elements that hold text.
//!
//! Whatever the text, the document stays well-formed: characters that XML 1.0 forbids become
//! U+FFFD.

use std::fmt::Write as _;

use quick_xml::escape::escape;

/// A document in the making.
pub(crate) struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    pub(crate) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), depth: 0 }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    /// An element around what `inside` writes.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        self.begin(name, attributes);
        self.text.push_str(">\n");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        self.end(name);
    }

    /// An element that holds nothing but text.
    pub(crate) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.begin(name, attributes);
        self.text.push('>');
        self.text.push_str(&escape(allowed(text)));
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
        self.text.push_str("/>\n");
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            let value = allowed(value);
            write!(self.text, " {key}=\"{}\"", escape(&value)).expect("a String takes all");
        }
    }

    fn end(&mut self, name: &str) {
        writeln!(self.text, "</{name}>").expect("a String takes all");
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
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
        let mut xml = Xml::new();
        xml.element("a", &[("b", "\"<&")], |xml| {
            xml.text("c", &[], "]]>\u{1}\u{ffff}é");
            xml.text_if_any("d", "");
        });
        let written = xml.finish();
        assert!(
            written
                .ends_with("<a b=\"&quot;&lt;&amp;\">\n  <c>]]&gt;\u{fffd}\u{fffd}é</c>\n</a>\n"),
            "{written}"
        );
    }
}
