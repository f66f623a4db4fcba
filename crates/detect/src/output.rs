//! What a rule tells of an event: a text with values in it.

use std::sync::Arc;

use crate::compile::{CompileError, Compiler, Names, Operand, Subject};
use crate::field::Shape;
use crate::filter;
use crate::source::Source;
use crate::value::Value;

/// Shown where there is no value.
const UNKNOWN: &str = "<NA>";

/// Once the mark for what every output about a container should tell, which they all do now.
const CONTAINER_INFO: &str = "%container.info";

/// What outputs about system calls tell besides what they say they do, as Falco's do.
const OF_CONTAINERS: &str = " container_id=%container.id container_name=%container.name \
     container_image_repository=%container.image.repository \
     container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name k8s_ns_name=%k8s.ns.name";

#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value(Arc<Operand>),
}

/// A text with its values, and the values apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) text: String,
    /// In the order of the text, each once.
    pub(crate) fields: Vec<(String, serde_json::Value)>,
}

impl Output {
    /// The output of a rule, with what all outputs about its source tell.
    pub(crate) fn of_rule(
        compiler: &mut Compiler<'_>,
        source: Source,
        text: &str,
    ) -> Result<Self, CompileError> {
        let own = Self::new(compiler, text.trim_end())?;
        match source {
            Source::Syscall => {
                let more = Self::new(compiler, OF_CONTAINERS)?;
                Ok(Self { text: own.text.clone(), ..own.joined(more) })
            }
            Source::K8sAudit => Ok(own),
        }
    }

    /// A text that belongs to no rule.
    pub(crate) fn alone(source: Source, text: &str) -> Result<Self, CompileError> {
        Self::new(&mut Compiler::new(source, &Names::default()), text)
    }

    fn new(compiler: &mut Compiler<'_>, text: &str) -> Result<Self, CompileError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(after) = rest.strip_prefix(CONTAINER_INFO)
                && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            {
                at += CONTAINER_INFO.len();
                continue;
            }
            let mut chars = rest.chars();
            match (chars.next(), chars.next()) {
                (Some('%'), Some('%')) => {
                    literal.push('%');
                    at += 2;
                }
                (Some('%'), Some(c)) if c.is_ascii_alphabetic() => {
                    let (operand, bytes) = field(compiler, rest, at)?;
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                    parts.push(Part::Value(operand));
                    at += 1 + bytes;
                }
                (Some(c), _) => {
                    literal.push(c);
                    at += c.len_utf8();
                }
                (None, _) => break,
            }
        }
        parts.push(Part::Text(literal));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { text: text.to_owned(), parts })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn joined(mut self, more: Self) -> Self {
        self.parts.extend(more.parts);
        self
    }

    /// This, a space, and more.
    pub(crate) fn then(mut self, more: Self) -> Self {
        self.parts.push(Part::Text(" ".to_owned()));
        self.text.extend([" ", &more.text]);
        self.joined(more)
    }

    pub(crate) fn tell(&self, subject: Subject<'_>) -> Told {
        let mut told = Told { text: String::new(), fields: Vec::new() };
        for part in &self.parts {
            match part {
                Part::Text(text) => told.text.push_str(text),
                Part::Value(operand) => {
                    let value = operand.get(subject);
                    told.text.push_str(&shown(operand, &value));
                    if !told.fields.iter().any(|(name, _)| *name == operand.name) {
                        told.fields.push((operand.name.clone(), json(operand, &value)));
                    }
                }
            }
        }
        told
    }
}

/// The field after a percent sign, and how many bytes its name has.
fn field(
    compiler: &mut Compiler<'_>,
    rest: &str,
    at: usize,
) -> Result<(Arc<Operand>, usize), CompileError> {
    let name = rest.get(1..).unwrap_or_default();
    let (operand, bytes) = filter::operand(name).map_err(|error| {
        let mut told = CompileError::new(at + 1 + error.at, error.message);
        told.hint = error.hint.or_else(|| Some("a percent sign is written `%%`".to_owned()));
        told
    })?;
    let operand = compiler.operand(&operand);
    operand
        .map(|operand| (operand, bytes))
        .map_err(|error| CompileError { at: at + 1 + error.at, ..error })
}

fn shown(operand: &Operand, value: &Value<'_>) -> String {
    match value {
        // Falco shows sets in parentheses.
        Value::List(values) if operand.shape == Shape::List => {
            let texts: Vec<_> = values.iter().filter_map(Value::shown).collect();
            format!("({})", texts.join(","))
        }
        value => value.shown().map_or_else(|| UNKNOWN.to_owned(), Into::into),
    }
}

fn json(operand: &Operand, value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Absent => serde_json::Value::Null,
        Value::Bool(it) => (*it).into(),
        Value::Number(number) => (*number).into(),
        Value::List(values) if operand.shape == Shape::List => {
            values.iter().map(|value| json(operand, value)).collect()
        }
        value => shown(operand, value).into(),
    }
}
