//! Templates of the user's own (minijinja), filled with the JSON report.
//!
//! What a template sees is what `docs/report.schema.json` describes. A template is read before the
//! scan begins, so that a mistake costs no scan. It cannot read files or include others, and both
//! its steps and its output are bounded.

use std::fmt;
use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use crate::{Report, csv, json, markdown, printable};

/// What a template may do, in the engine's own unit: a step of its machine, or 64 bytes made, of
/// values and of output: all that it makes, kept or not, is within 128 MB, and twice that while a text
/// grows. Rows of five fields of 20 000 findings fit.
const FUEL: u64 = 2_000_000;
/// Longer output is a loop that was not meant.
const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// No template that a person wrote is longer.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;

/// A template that is well-formed.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    name: String,
}

/// Why a template cannot be used or filled, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct TemplateError {
    name: String,
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
    message: String,
}

impl Template {
    /// Reads a template. The extension in its name (`.html`, `.xml`, `.json`) decides how values
    /// are escaped; other files escape nothing.
    pub fn parse(name: &str, source: &str) -> Result<Self, TemplateError> {
        let wrong = |message: String| TemplateError { name: name.to_owned(), place: None, message };
        if source.len() > SOURCE_BYTES_MAX {
            return Err(wrong(format!("longer than {SOURCE_BYTES_MAX} bytes")));
        }
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_fuel(Some(FUEL));
        // A misspelt field is a mistake, not an empty string.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.add_filter("csv", |text: Value| csv::cell(&shown(&text)));
        environment.add_filter("code", |text: Value| markdown::code(&shown(&text)));
        environment.add_filter("printable", |text: Value| printable(&shown(&text)).into_owned());
        environment.add_filter("rank", rank);
        environment
            .add_template_owned(name.to_owned(), source.to_owned())
            .map_err(|error| TemplateError::of(name, source, &error))?;
        Ok(Self { environment, name: name.to_owned() })
    }

    /// What it was read under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The template filled with a report. What it takes in memory is bounded as far as the engine
    /// counts: not for lists that it joins with `+`, nor for what a filter makes before it is done.
    pub fn render(&self, report: &Report) -> Result<String, TemplateError> {
        let template = self.environment.get_template(&self.name);
        let template = template.map_err(|error| TemplateError::of(&self.name, "", &error))?;
        let context = Value::from(Serde(json::document(report)));
        let mut output = Bounded(Vec::new());
        template
            .render_captured_to(context, &mut output)
            .map_err(|error| TemplateError::of(&self.name, template.source(), &error))?;
        String::from_utf8(output.0).map_err(|_not_text| TemplateError {
            name: self.name.clone(),
            place: None,
            message: "makes something that is no text".to_owned(),
        })
    }
}

/// A value as a filter takes it: nothing where there is nothing.
fn shown(value: &Value) -> String {
    if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() }
}

/// A severity as a number to sort and compare by: 5 is critical, 0 unknown.
fn rank(severity: &str) -> Result<usize, minijinja::Error> {
    let worst_first = model::Severity::ALL.iter().rev();
    worst_first.map(|it| it.name()).position(|name| name == severity).ok_or_else(|| {
        minijinja::Error::new(ErrorKind::InvalidOperation, format!("`{severity}` is no severity"))
    })
}

impl TemplateError {
    fn of(name: &str, source: &str, error: &minijinja::Error) -> Self {
        let begin = error.range().map(|range| range.start);
        let place = begin.and_then(|begin| source.get(..begin)).map(place_after);
        let place = place.or_else(|| error.line().map(|line| (line, 1)));
        let message = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => format!("does more than {FUEL} steps"),
            (ErrorKind::WriteFailure, _) => format!("makes more than {OUTPUT_BYTES_MAX} bytes"),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        Self { name: name.to_owned(), place, message }
    }
}

/// Line and column of what stands behind a text, both from 1.
fn place_after(text: &str) -> (usize, usize) {
    let line = text.rsplit('\n').next().unwrap_or_default();
    (text.matches('\n').count() + 1, line.chars().count() + 1)
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, place, message } = self;
        match place {
            Some((line, column)) => {
                write!(f, "template `{name}`, line {line}, column {column}: {message}")
            }
            None => write!(f, "template `{name}`: {message}"),
        }
    }
}

impl std::error::Error for TemplateError {}

/// Takes what a template writes, up to a limit.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
