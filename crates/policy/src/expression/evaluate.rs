//! A checked expression asked of one thing.
//!
//! `true`, `false`, and not known follow three-valued logic: `false && unknown` is false,
//! `true || unknown` is true, `!unknown` is unknown.

use super::Outcome;
use super::compare::holds;
use super::node::{Node, Quantifier, Test};
use crate::facts::{Scene, Subject};
use crate::value::Value;

/// How many steps one evaluation may take; an expression of [`super::PARTS_MAX`] parts takes as
/// many, and loops over what an image lists multiply them. What takes more is not known.
const STEPS_MAX: usize = 100_000;

/// How many steps one verdict may take, some 0.2 s of them. Twenty rules on 500 findings take a
/// hundred thousand.
pub(crate) const VERDICT_STEPS_MAX: usize = 20_000_000;

/// So many bytes of a text are searched in a step.
const BYTES_A_STEP: usize = 256;

pub(super) fn outcome<'a>(
    node: &'a Node,
    scene: &'a Scene<'a>,
    subject: Subject<'a>,
) -> Outcome<'a> {
    let left = scene.steps_left.get();
    if left == 0 {
        return Outcome::Unknown("the end of rules that take too long together");
    }
    let mut evaluation = Evaluation { scene, subject, items: Vec::new(), steps: 0, unknown: None };
    let outcome = evaluation.of(node).as_bool();
    scene.steps_left.set(left.saturating_sub(evaluation.steps));
    match outcome {
        _ if evaluation.steps > STEPS_MAX => {
            Outcome::Unknown("the end of a loop that takes too long")
        }
        Some(true) => Outcome::Holds,
        Some(false) => Outcome::Fails,
        None => Outcome::Unknown(evaluation.unknown.unwrap_or("null")),
    }
}

struct Evaluation<'a> {
    scene: &'a Scene<'a>,
    subject: Subject<'a>,
    /// The items of the loops around, the outermost first.
    items: Vec<Value<'a>>,
    steps: usize,
    /// The first fact that was not known.
    unknown: Option<&'a str>,
}

impl<'a> Evaluation<'a> {
    fn of(&mut self, node: &'a Node) -> Value<'a> {
        self.steps += 1;
        match node {
            Node::Constant(value) => borrowed(value),
            Node::Fact(fact, called) => {
                let value = fact.read.of(self.scene, self.subject);
                if matches!(value, Value::Null | Value::Missing) {
                    self.unknown.get_or_insert(called);
                }
                value
            }
            Node::Today => Value::Date(self.scene.today),
            Node::Item(depth) => self.items.get(*depth).cloned().unwrap_or(Value::Null),
            Node::Entry(map, key) => self.entry(map, key),
            Node::Not(it) => Value::bool(self.of(it).as_bool().map(|it| !it)),
            Node::Join(quantifier, pair) => {
                let [left, right] = &**pair;
                self.join(*quantifier, left, right)
            }
            Node::Compare(comparison, pair) => {
                let [left, right] = &**pair;
                let (left, right) = (self.of(left), self.of(right));
                Value::bool(holds(*comparison, &left, &right))
            }
            Node::IsNull(it) => {
                let unknown = self.unknown;
                match self.of(it) {
                    Value::Missing => Value::Null,
                    value => {
                        self.unknown = unknown;
                        Value::Bool(value == Value::Null)
                    }
                }
            }
            Node::Among(comparisons) => self.among(comparisons),
            Node::In(item, list) => self.is_in(item, list),
            Node::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                match self.of(condition).as_bool() {
                    Some(true) => self.of(then),
                    Some(false) => self.of(otherwise),
                    None => Value::Null,
                }
            }
            Node::Size(it) => size(&self.of(it)),
            Node::Lower(it) => {
                let text = self.of(it);
                text.as_text().map_or(Value::Null, |text| Value::Owned(text.to_ascii_lowercase()))
            }
            Node::Test(it, test) => self.test(it, test),
            Node::Loop { over, quantifier, body } => self.each(over, *quantifier, body),
        }
    }

    fn join(&mut self, quantifier: Quantifier, left: &'a Node, right: &'a Node) -> Value<'a> {
        let settles = quantifier == Quantifier::Any;
        let left = self.of(left).as_bool();
        if left == Some(settles) {
            return Value::Bool(settles);
        }
        match (left, self.of(right).as_bool()) {
            (_, Some(right)) if right == settles => Value::Bool(settles),
            (Some(_), Some(_)) => Value::Bool(!settles),
            _ => Value::Null,
        }
    }

    /// An absent entry is empty, not unknown: that it is not there is known.
    fn entry(&mut self, map: &'a Node, key: &'a Node) -> Value<'a> {
        let (map, key) = (self.of(map), self.of(key));
        match (map, key.as_text()) {
            (Value::Map(map), Some(key)) => Value::Text(map.get(key).map_or("", String::as_str)),
            _ => Value::Null,
        }
    }

    fn among(&mut self, comparisons: &'a [Node]) -> Value<'a> {
        let mut result = Some(false);
        for comparison in comparisons {
            match self.of(comparison).as_bool() {
                Some(true) => return Value::Bool(true),
                Some(false) => {}
                None => result = None,
            }
        }
        Value::bool(result)
    }

    fn is_in(&mut self, item: &'a Node, list: &'a Node) -> Value<'a> {
        let (item, list) = (self.of(item), self.of(list));
        let Some(text) = item.as_text() else { return Value::Null };
        match list {
            Value::List(list) => {
                self.steps += list.len();
                Value::Bool(list.iter().any(|it| it == text))
            }
            Value::Map(map) => Value::Bool(map.contains_key(text)),
            _ => Value::Null,
        }
    }

    fn test(&mut self, it: &'a Node, test: &'a Test) -> Value<'a> {
        let text = self.of(it);
        let Some(text) = text.as_text() else { return Value::Null };
        self.steps += text.len() / BYTES_A_STEP;
        Value::bool(match test {
            Test::StartsWith(part) => self.of(part).as_text().map(|part| text.starts_with(part)),
            Test::EndsWith(part) => self.of(part).as_text().map(|part| text.ends_with(part)),
            Test::Contains(part) => self.of(part).as_text().map(|part| text.contains(part)),
            Test::Matches(pattern) => Some(pattern.is_match(text)),
            Test::Glob(glob) => Some(glob.matches(text)),
        })
    }

    fn each(&mut self, over: &'a Node, quantifier: Quantifier, body: &'a Node) -> Value<'a> {
        let mut items: Box<dyn Iterator<Item = &'a str>> = match self.of(over) {
            Value::List(list) => Box::new(list.iter().map(String::as_str)),
            Value::Map(map) => Box::new(map.keys().map(String::as_str)),
            _ => return Value::Null,
        };
        let settles = quantifier == Quantifier::Any;
        let mut result = Some(!settles);
        while let Some(item) = items.next().filter(|_| self.steps <= STEPS_MAX) {
            self.items.push(Value::Text(item));
            let holds = self.of(body).as_bool();
            self.items.pop();
            match holds {
                Some(holds) if holds == settles => return Value::Bool(settles),
                Some(_) => {}
                None => result = None,
            }
        }
        Value::bool(result)
    }
}

/// A constant, without copying its text.
fn borrowed<'a>(value: &'a Value<'static>) -> Value<'a> {
    match value {
        Value::Owned(text) => Value::Text(text),
        other => other.clone(),
    }
}

fn size(value: &Value<'_>) -> Value<'static> {
    let length = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Null | Value::Missing => return Value::Null,
        other => other.as_text().map_or(0, |text| text.chars().count()),
    };
    Value::Number(f64::from(u32::try_from(length).unwrap_or(u32::MAX)))
}
