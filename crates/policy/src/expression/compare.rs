//! Which values can be held against each other, and what comes of it.

use std::cmp::Ordering;

use model::Severity;

use super::node::{Comparison, Node};
use crate::suggest;
use crate::value::{Type, Value, day};

/// A comparison of two checked expressions; what is wrong with it and a hint, if it cannot hold.
pub(super) fn settle(
    comparison: Comparison,
    [left, right]: [(Node, Type); 2],
) -> Result<Node, (String, Option<String>)> {
    match (left, right) {
        ((node, _), (Node::Constant(Value::Null), _))
        | ((Node::Constant(Value::Null), _), (node, _)) => is_null(comparison, node),
        ((left, a), (right, b)) => {
            let (right, b) = adapt(right, b, a)?;
            let (left, a) = adapt(left, a, b)?;
            check(comparison, a, b)?;
            Ok(Node::Compare(comparison, Box::new([left, right])))
        }
    }
}

fn is_null(comparison: Comparison, node: Node) -> Result<Node, (String, Option<String>)> {
    let is_null = Node::IsNull(Box::new(node));
    match comparison {
        Comparison::Equal => Ok(is_null),
        Comparison::NotEqual => Ok(Node::Not(Box::new(is_null))),
        _ => Err(("null is neither more nor less than anything".to_owned(), None)),
    }
}

/// A text in quotes where the other side is something that can be written so.
fn adapt(node: Node, kind: Type, other: Type) -> Result<(Node, Type), (String, Option<String>)> {
    let Node::Constant(Value::Owned(text)) = &node else { return Ok((node, kind)) };
    match other {
        Type::Severity => match text.parse::<Severity>() {
            Ok(severity) if severity != Severity::Unknown => {
                Ok((Node::Constant(Value::Severity(severity)), Type::Severity))
            }
            _ => {
                let words = Severity::ALL.into_iter().map(Severity::name);
                let words = words.filter(|word| *word != "unknown");
                Err((format!("`{text}` is no severity"), Some(suggest::hint(text, words))))
            }
        },
        Type::Date => match day(text).filter(|_| text.len() == 10) {
            Some(date) => Ok((Node::Constant(Value::Date(date)), Type::Date)),
            None => Err((format!("`{text}` is no date (YYYY-MM-DD)"), None)),
        },
        Type::Word(words) if !words.contains(&text.as_str()) => {
            let hint = suggest::hint(text, words.iter().copied());
            Err((format!("it is never `{text}`"), Some(hint)))
        }
        _ => Ok((node, kind)),
    }
}

fn check(comparison: Comparison, left: Type, right: Type) -> Result<(), (String, Option<String>)> {
    let is_text = |kind| matches!(kind, Type::Text | Type::Word(_));
    match (left, right) {
        (Type::Number, Type::Number)
        | (Type::Severity, Type::Severity)
        | (Type::Date, Type::Date) => Ok(()),
        (Type::Bool, Type::Bool) if comparison.is_order() => {
            Err(("true and false are neither more nor less".to_owned(), None))
        }
        (Type::Bool, Type::Bool) => Ok(()),
        (left, right) if is_text(left) && is_text(right) => {
            if comparison.is_order() {
                let hint =
                    "versions are ordered as their ecosystem does, which a policy does not know";
                return Err(("texts are neither more nor less".to_owned(), Some(hint.to_owned())));
            }
            Ok(())
        }
        (left, right) => Err((format!("{left} is compared with {right}"), None)),
    }
}

/// Whether a comparison holds; None where one side is not known.
pub(super) fn holds(comparison: Comparison, left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    let order = match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b)?,
        (Value::Severity(a), Value::Severity(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (a, b) => a.as_text()?.cmp(b.as_text()?),
    };
    Some(match comparison {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::NotEqual => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
        Comparison::GreaterOrEqual => order != Ordering::Less,
    })
}
