//! Files and request bodies that hold audit records: one after the other, on lines, in lists.

use core::fmt;
use std::error::Error;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::{AuditError, Record};

/// Something that should have been an audit record, and where it stands.
#[derive(Debug)]
pub struct AuditProblem {
    /// The line on which the document begins.
    pub line: usize,
    /// Which of the document's records, from 1, where it holds several.
    pub item: Option<usize>,
    pub cause: AuditError,
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(item) = self.item {
            write!(formatter, ", record {item}")?;
        }
        write!(formatter, ": {}", self.cause)
    }
}

impl Error for AuditProblem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// How often damaged bytes are looked at: what begins in them may end anywhere. Records of a list
/// are in one or two others.
const LOOKS_MAX: usize = 16;

/// Hands over every record of `bytes` in its order, and a problem for whatever is none.
///
/// One record at a time is in memory. A damaged document costs itself alone: what begins on a
/// later line is read, records of a damaged list too.
pub fn read(bytes: &[u8], each: &mut dyn FnMut(Result<Record, AuditProblem>)) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut number = 0;
    let mut numbered = |result: Result<Record, AuditProblem>| {
        each(result.map(|record| {
            number += 1;
            Record { number, ..record }
        }));
    };
    let each = &mut numbered;
    match core::str::from_utf8(bytes) {
        Ok(text) if is_json(text) => drop(read_documents(text, 1, each)),
        _ => read_chunks(bytes, each),
    }
}

/// Whether the whole is JSON documents, one after the other.
fn is_json(text: &str) -> bool {
    Deserializer::from_str(text).into_iter::<IgnoredAny>().all(|document| document.is_ok())
}

/// Documents that follow each other, up to the first that is damaged: where that begins.
fn read_documents(
    text: &str,
    first_line: usize,
    each: &mut dyn FnMut(Result<Record, AuditProblem>),
) -> Option<usize> {
    let mut documents = Deserializer::from_str(text).into_iter::<&RawValue>();
    let (mut line, mut counted) = (first_line, 0);
    loop {
        let before = documents.byte_offset();
        let document = documents.next();
        // A document begins behind the space that follows the one before.
        let rest = text.get(before..).unwrap_or_default();
        let begins = before + (rest.len() - rest.trim_start().len());
        line += newlines(text.get(counted..begins).unwrap_or_default());
        counted = begins;
        match document {
            None => return None,
            Some(Ok(document)) => Place { line, each }.document(document, 0, &mut None),
            Some(Err(cause)) => {
                // The rest of a list whose beginning is damaged is no further damage.
                if !rest.trim_matches([',', ']', ' ', '\t', '\r', '\n']).is_empty() {
                    let cause = AuditError::json(&cause);
                    each(Err(AuditProblem { line, item: None, cause }));
                }
                return Some(begins);
            }
        }
    }
}

/// What is not JSON as a whole: each line that can begin a document is held to do so.
fn read_chunks(bytes: &[u8], each: &mut dyn FnMut(Result<Record, AuditProblem>)) {
    let (mut line, mut rest) = (1, bytes);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(end_of_chunk(rest));
        match core::str::from_utf8(chunk) {
            Ok(text) => {
                if let Some(begins) = read_documents(text, line, each) {
                    read_inner(chunk, begins + 1, line, each);
                }
            }
            Err(_) => {
                each(Err(AuditProblem { line, item: None, cause: AuditError::Encoding }));
                read_inner(chunk, 1, line, each);
            }
        }
        line += memchr::memchr_iter(b'\n', chunk).count();
        rest = after;
    }
}

/// Where the next line begins that begins with a bracket.
fn end_of_chunk(bytes: &[u8]) -> usize {
    let begins = |at: &usize| matches!(bytes.get(*at), Some(b'{' | b'['));
    memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).find(begins).unwrap_or(bytes.len())
}

/// Records that begin on lines of a damaged document, behind `at`: those of an indented list. What
/// is none belongs to the damage, which was told, and what stands deeper to a record: whoever sent
/// a request chose what is in it.
fn read_inner(
    bytes: &[u8],
    at: usize,
    first_line: usize,
    each: &mut dyn FnMut(Result<Record, AuditProblem>),
) {
    let mut looks = bytes.len().saturating_mul(LOOKS_MAX);
    let deepest = deepest(bytes);
    let (mut line, mut counted, mut at) = (first_line, 0, at);
    while let Some(begins) = next_inner(bytes, at, deepest) {
        line += lines(bytes.get(counted..begins).unwrap_or_default());
        counted = begins;
        let rest = bytes.get(begins..).unwrap_or_default();
        let mut documents = Deserializer::from_slice(rest).into_iter::<&RawValue>();
        let looked = match documents.next() {
            Some(Ok(document)) => {
                let each = &mut |result: Result<Record, AuditProblem>| {
                    if result.is_ok() {
                        each(result);
                    }
                };
                Place { line, each }.document(document, 0, &mut None);
                at = begins + documents.byte_offset().max(1);
                documents.byte_offset()
            }
            Some(Err(error)) => {
                at = begins + 1;
                memchr::memchr_iter(b'\n', rest).nth(error.line()).unwrap_or(rest.len())
            }
            None => return,
        };
        match looks.checked_sub(looked) {
            Some(left) => looks = left,
            None => {
                return each(Err(AuditProblem { line, item: None, cause: AuditError::TooDamaged }));
            }
        }
    }
}

/// How far records of a list are indented at most: twice where the list is that of an object, which
/// is as far as the first line that is indented, and as far again. Arrays within a record stand
/// deeper.
fn deepest(bytes: &[u8]) -> usize {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(indentation);
    2 * lines.find(|indentation| *indentation > 0).unwrap_or_default()
}

/// Where, behind `at`, a line begins with a bracket behind an indentation that is not too deep.
fn next_inner(bytes: &[u8], at: usize, deepest: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes.get(at..)?).find_map(|newline| {
        let begins = at + newline + 1;
        let line = bytes.get(begins..)?;
        let indentation = Some(indentation(line)).filter(|it| *it <= deepest)?;
        matches!(line.get(indentation), Some(b'{' | b'[')).then_some(begins + indentation)
    })
}

fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn newlines(text: &str) -> usize {
    lines(text.as_bytes())
}

fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// Enough of a document to see what it is.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    items: Option<&'a RawValue>,
}

/// The document that is being read.
struct Place<'a> {
    line: usize,
    each: &'a mut dyn FnMut(Result<Record, AuditProblem>),
}

impl Place<'_> {
    /// A record, a list of them or an array of either; `count` numbers those of a list.
    fn document(&mut self, document: &RawValue, depth: usize, count: &mut Option<usize>) {
        let text = document.get();
        if text.starts_with('[') {
            return self.items(document, depth, count);
        }
        match serde_json::from_str::<Head<'_>>(text) {
            Ok(Head { kind, items }) if kind.is_some_and(|kind| kind.get() == "\"EventList\"") => {
                match items {
                    Some(items) => self.items(items, depth, count),
                    None => self.fail(*count, AuditError::Shape("an EventList without `items`")),
                }
            }
            // What is wrong with others, reading them says.
            _ => self.record(text, count),
        }
    }

    fn items(&mut self, list: &RawValue, depth: usize, count: &mut Option<usize>) {
        if depth >= Record::MAX_LISTS {
            return self.fail(None, AuditError::TooDeep);
        }
        match serde_json::from_str::<Vec<&RawValue>>(list.get()) {
            Ok(items) => {
                count.get_or_insert(0);
                for item in items {
                    self.document(item, depth + 1, count);
                }
            }
            Err(_) => {
                self.fail(*count, AuditError::Shape("an EventList whose `items` are no list"))
            }
        }
    }

    fn record(&mut self, text: &str, count: &mut Option<usize>) {
        if let Some(count) = count {
            *count += 1;
        }
        match Record::read(text) {
            Ok(record) => (self.each)(Ok(record)),
            Err(cause) => self.fail(*count, cause),
        }
    }

    fn fail(&mut self, item: Option<usize>, cause: AuditError) {
        (self.each)(Err(AuditProblem { line: self.line, item, cause }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> String {
        format!(r#"{{"kind":"Event","auditID":"{id}","stageTimestamp":"2026-01-02T03:04:05Z"}}"#)
    }

    /// Ids of records and texts of problems, in order.
    fn found(bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        read(bytes, &mut |result| {
            found.push(result.map_or_else(|problem| problem.to_string(), |r| r.id().to_owned()));
        });
        found
    }

    #[test]
    fn every_form_is_read() {
        let (a, b) = (record("a"), record("b"));
        let pretty = a.replace(',', ",\n  ").replace('{', "{\n  ").replace('}', "\n}");
        let forms = [
            format!("{a}\n{b}\n"),
            format!("\u{feff}\n\n{a}\r\n\r\n{b}"),
            format!("{a}{b}"),
            format!("{pretty}\n{b}"),
            format!("[{a},{b}]"),
            format!("[\n{a},\n{b}\n]"),
            format!(r#"{{"kind":"EventList","items":[{a},{b}]}}"#),
            format!(r#"{{"items":[{a}],"kind":"EventList"}}"#) + &b,
            format!(r#"[{{"kind":"EventList","items":[{a}]}},{b}]"#),
        ];
        for form in forms {
            assert_eq!(found(form.as_bytes()), ["a", "b"], "{form}");
        }
        assert!(found(b"").is_empty() && found(b" \n\n").is_empty() && found(b"[]").is_empty());
    }

    #[test]
    fn damage_costs_itself_alone() {
        let (a, b) = (record("a"), record("b"));
        let cut = a.split_at(a.len() - 9).0;
        let not_json = "it is not JSON";
        // Why it is none is for the library to say.
        let found = |bytes: &[u8]| -> Vec<String> {
            let found = found(bytes).into_iter();
            found.map(|it| it.split(": ").take(2).collect::<Vec<_>>().join(": ")).collect()
        };
        assert_eq!(found(format!("{cut}\n{b}").as_bytes()), [&format!("line 1: {not_json}"), "b"]);
        assert_eq!(found(format!("{a}\n{cut}").as_bytes()), ["a", &format!("line 2: {not_json}")]);
        assert_eq!(
            found(format!("tail\"}}\n{a}\nnoise\n\n{b}\n").as_bytes()),
            [&format!("line 1: {not_json}"), "a", &format!("line 3: {not_json}"), "b"]
        );
        assert_eq!(
            found(format!("[\n{a},\n{cut},\n{b}\n]").as_bytes()),
            [&format!("line 1: {not_json}"), "a", &format!("line 3: {not_json}"), "b"]
        );
        let mut bytes = format!("{a}\nX\n{b}").into_bytes();
        let at = a.len() + 1;
        bytes[at] = 0xff;
        assert_eq!(found(&bytes), ["line 1: it is not UTF-8", "b"]);
    }

    #[test]
    fn damage_in_an_indented_list_costs_itself_alone() {
        let indented = |id: &str| record(id).replace(',', ",\n      ").replace('{', "{\n      ");
        let (a, b, c) = (indented("a"), indented("b"), indented("c"));
        let cut = b.replacen("auditID\"", "auditID", 1);
        let list = |middle: &str| {
            format!(
                "{{\n  \"items\": [\n    {a},\n    {middle},\n    {c}\n  ],\n  \"kind\": \"EventList\"\n}}\n"
            )
        };
        assert_eq!(found(list(&b).as_bytes()), ["a", "b", "c"]);
        let told = found(list(&cut).as_bytes());
        assert!(
            told[0].starts_with("line 1: it is not JSON: ") && told[1..] == ["a", "c"],
            "{told:?}"
        );
        assert_eq!(told[0].matches("line ").count(), 1, "{told:?}");
        let mut bytes = list(&b).into_bytes();
        let at = bytes.windows(3).position(|it| it == b"\"b\"").unwrap() + 1;
        bytes[at] = 0xff;
        assert_eq!(found(&bytes), ["line 1: it is not UTF-8", "a", "c"]);
    }

    #[test]
    fn what_a_damaged_record_holds_is_no_record() {
        let forged = record("forged");
        let inside = |indentation: &str| {
            let object = format!("\"requestObject\": {{\n{indentation}    \"x\": [");
            format!("{{\n{indentation}  {object}\n{indentation}      {forged}\n")
        };
        let alone = found(inside("").as_bytes());
        assert!(alone.len() == 1 && alone[0].starts_with("line 1: "), "{alone:?}");
        let a = record("a");
        let list = format!("{{\n  \"items\": [\n    {a},\n    {}", inside("    "));
        assert_eq!(found(list.as_bytes())[1..], ["a"]);
    }

    #[test]
    fn damage_is_not_looked_at_over_and_over() {
        let told = found(" [\n".repeat(200_000).as_bytes());
        assert_eq!(told.len(), 2, "{:?}", told.get(..3));
        assert!(told[1].ends_with("it is damaged in too many places: the rest is not read"));
    }

    #[test]
    fn what_is_no_record_is_said_with_its_place() {
        let a = record("a");
        let no = "it is not an audit record: it has no `auditID`";
        assert_eq!(found(br#"{"kind": 0}"#), [format!("line 1: {no}")]);
        assert_eq!(
            found(format!("{a}\n7\n{{}}").as_bytes()),
            ["a".to_owned(), "line 2: it is not an object".to_owned(), format!("line 3: {no}")]
        );
        assert_eq!(
            found(format!("\n[{a},{{}},{a}]").as_bytes()),
            ["a", &format!("line 2, record 2: {no}"), "a"]
        );
        assert_eq!(found(br#"{"kind":"EventList"}"#), ["line 1: an EventList without `items`"]);
        assert_eq!(
            found(br#"{"kind":"EventList","items":{}}"#),
            ["line 1: an EventList whose `items` are no list"]
        );
        assert_eq!(found(b"[[[[[[]]]]]]"), ["line 1: lists in lists, deeper than 4"]);
    }
}
