//! A condition as people read it: macros and lists in their places.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Condition, Node, Operand};
use crate::filter::{Literal, Operator};

/// Macros in macros stand for more than anybody reads; the longest of Falco's has 25 KiB.
const TEXT_MAX: usize = 256 * 1024;

/// The whole condition. The parts of what it is made of first stand on lines of their own.
pub(crate) fn text(condition: &Condition) -> String {
    let mut text = String::new();
    match &condition.node {
        Node::And(parts) => lines(parts, "and", &mut text),
        Node::Or(parts) => lines(parts, "or", &mut text),
        Node::Not(_) | Node::Check(_) => write(condition, "", &mut text),
    }
    if text.len() >= TEXT_MAX {
        text.push_str(" …");
    }
    text
}

fn lines(parts: &[Arc<Condition>], word: &'static str, text: &mut String) {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            text.extend(["\n", word, " "]);
        }
        write(part, word, text);
    }
}

/// A part; between others that `word` joins, what is joined by the other word has parentheses.
fn write(condition: &Condition, word: &'static str, text: &mut String) {
    if text.len() >= TEXT_MAX {
        return;
    }
    match &condition.node {
        Node::And(parts) => joined(parts, "and", word, text),
        Node::Or(parts) => joined(parts, "or", word, text),
        Node::Not(inner) => {
            text.push_str("not ");
            write(inner, "not", text);
        }
        Node::Check(check) => text.push_str(&check.text),
    }
}

fn joined(parts: &[Arc<Condition>], word: &'static str, outer: &str, text: &mut String) {
    let is_inner = !outer.is_empty() && outer != word;
    text.push_str(if is_inner { "(" } else { "" });
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            text.extend([" ", word, " "]);
        }
        write(part, word, text);
    }
    text.push_str(if is_inner { ")" } else { "" });
}

/// One question.
pub(super) fn check(left: &Operand, operator: Operator, modifier: &str, with: &str) -> String {
    let words = [left.name.as_str(), operator.word(), modifier, with];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// What is compared with.
pub(super) fn literals(literals: &[Literal], are_many: bool) -> String {
    let shown: Vec<String> = literals.iter().map(literal).collect();
    let shown = shown.join(", ");
    if are_many { format!("({shown})") } else { shown }
}

/// In quotes where it would otherwise be read as something else.
fn literal(literal: &Literal) -> String {
    let text = String::from_utf8_lossy(&literal.text);
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:*+@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The names of everything that it asks for.
pub(crate) fn fields(condition: &Arc<Condition>) -> BTreeSet<&str> {
    super::operands(condition).into_iter().map(|operand| operand.name.as_str()).collect()
}
