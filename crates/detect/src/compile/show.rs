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

/// Parts of parts too, where the same word joins them.
fn lines(parts: &[Arc<Condition>], word: &'static str, text: &mut String) {
    for part in parts {
        match (&part.node, word) {
            (Node::And(inner), "and") | (Node::Or(inner), "or") => lines(inner, word, text),
            _ => {
                if !text.is_empty() {
                    text.extend(["\n", word, " "]);
                }
                write(part, word, text);
            }
        }
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

#[cfg(test)]
mod tests {
    use crate::{RuleFile, Ruleset};

    #[test]
    fn what_is_shown_means_what_was_written() {
        for (written, shown) in [
            ("proc.name = a", "proc.name = a"),
            ("not (proc.name=a or proc.pid=1)", "not (proc.name = a or proc.pid = 1)"),
            (
                "m and not m",
                "(proc.pid = 1 or proc.name exists)\nand not (proc.pid = 1 or proc.name exists)",
            ),
            ("m or proc.name = b", "proc.pid = 1\nor proc.name exists\nor proc.name = b"),
            (
                "proc.name in (l, \"c d\", '', \"q\\\"\")",
                "proc.name in (x, y, \"c d\", \"\", \"q\\\"\")",
            ),
            ("proc.name contains anyof (l)", "proc.name contains anyof (x, y)"),
            ("tolower(proc.name) = val(proc.exe)", "tolower(proc.name) = val(proc.exe)"),
            ("proc.aname[2] startswith \"system:\"", "proc.aname[2] startswith system:"),
        ] {
            let rule = |condition: &str| {
                let file = serde_json::json!([
                    { "list": "l", "items": ["x", "y"] },
                    { "macro": "m", "condition": "proc.pid = 1 or proc.name exists" },
                    { "rule": "r", "desc": "d", "condition": condition, "output": "o", "priority": "INFO" },
                ]);
                let bytes = file.to_string();
                let (rules, told) =
                    Ruleset::load(&[RuleFile { name: "t", bytes: bytes.as_bytes() }]);
                let expanded = rules.rules().first().map(|rule| rule.expanded());
                expanded.unwrap_or_else(|| panic!("{condition}: {told:?}"))
            };
            assert_eq!(rule(written), shown);
            assert_eq!(rule(shown), shown, "read again");
        }
    }

    /// Forty macros of two each stand for more than a terabyte.
    #[test]
    fn macros_that_double_are_cut_off() {
        let mut items = vec![serde_json::json!({ "macro": "m0", "condition": "proc.pid = 1" })];
        for number in 1..=40 {
            let condition = format!("m{0} and proc.pid = {number} or m{0}", number - 1);
            items
                .push(serde_json::json!({ "macro": format!("m{number}"), "condition": condition }));
        }
        items.push(serde_json::json!({ "rule": "r", "desc": "d", "condition": "m40", "output": "o", "priority": "INFO" }));
        let bytes = serde_json::Value::from(items).to_string();
        let (rules, told) = Ruleset::load(&[RuleFile { name: "t", bytes: bytes.as_bytes() }]);
        let rule = rules.rules().first().unwrap_or_else(|| panic!("{told:?}"));
        let shown = rule.expanded();
        assert!(shown.ends_with(" …") && shown.len() < 300 * 1024, "{}", shown.len());
    }
}
