//! A test with `cases` is a template: `%{ item.name }` stands for what a case says.
//!
//! ```text
//! cases (vector: a value a name; matrix: every combination) → values → filled copies of the test
//! ```

use detect::yaml::{Content, Node};

use crate::form::{Form, Mistakes};

/// Cases of one file; the largest of Falco's has 360.
pub(crate) const CASES_MAX: usize = 20_000;

const OPENS: &str = "%{";

/// The values of one case, in the order in which they are written.
pub(crate) type Values<'n> = Vec<(&'n str, &'n Node)>;

/// Puts quotes around `%{ … }` where it begins a value: YAML reserves the percent sign there, and
/// suites are written as if it did not. What follows on the line is at most a comment or the rest of
/// a list, so that every node keeps its line, and all but those behind it their column.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        let mut before = String::new();
        while let Some((head, tail)) = rest.split_once(OPENS) {
            before.push_str(head);
            let begins = before.trim_end().is_empty()
                || before.trim_end().ends_with([':', '-', '[', ',']) && is_outside(&before);
            match tail.split_once('}') {
                Some((inner, after)) if begins && !inner.contains(['"', '\n']) => {
                    before.extend(["\"", OPENS, inner, "}\""]);
                    rest = after;
                }
                _ => {
                    before.push_str(OPENS);
                    rest = tail;
                }
            }
        }
        quoted.extend([&before, rest]);
    }
    quoted
}

/// Whether no quote is open after this part of a line.
fn is_outside(line: &str) -> bool {
    let count = |quote| line.chars().filter(|c| *c == quote).count();
    count('"').is_multiple_of(2) && count('\'').is_multiple_of(2)
}

/// The values of every case of a template.
pub(crate) fn cases<'n>(
    items: &'n [Node],
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Values<'n>> {
    let mut cases: Vec<Values<'n>> = Vec::new();
    for item in items {
        let Some(mut form) = Form::of(item, about, &["strategy", "values"], mistakes) else {
            continue;
        };
        let strategy = form.required("strategy");
        let Some(values) = form.get("values") else {
            form.mistake(item, "`values` is missing");
            continue;
        };
        let named = values.entries().filter_map(|(name, node)| Some((name.scalar()?, node)));
        let named: Values<'n> = named.collect();
        let made = match strategy.as_deref() {
            Some("vector") => vec![named],
            Some("matrix") => combinations(&named, &mut form),
            Some(other) => {
                form.mistake(item, format!("`{other}` is neither `vector` nor `matrix`"));
                continue;
            }
            None => continue,
        };
        if cases.len().saturating_add(made.len()) > CASES_MAX {
            mistakes.at(item, about, format!("more than {CASES_MAX} cases"));
            return cases;
        }
        cases.extend(made);
    }
    cases
}

/// Every combination, the last name turning fastest.
fn combinations<'n>(named: &Values<'n>, form: &mut Form<'n, '_, '_>) -> Vec<Values<'n>> {
    let mut made: Vec<Values<'n>> = vec![Vec::new()];
    for (name, node) in named {
        let Some(items) = node.items() else {
            form.mistake(node, format!("`{name}` of a matrix is not a list"));
            return Vec::new();
        };
        if made.len().saturating_mul(items.len()) > CASES_MAX {
            form.mistake(node, format!("more than {CASES_MAX} cases"));
            return Vec::new();
        }
        let with = |case: &Values<'n>, item| [case.clone(), vec![(*name, item)]].concat();
        made = made.iter().flat_map(|case| items.iter().map(|it| with(case, it))).collect();
    }
    made
}

/// The test itself: what is copied for each case must not hold all of them.
pub(crate) fn without_cases(test: &Node) -> Node {
    let kept = |(key, _): &&(Node, Node)| key.scalar() != Some("cases");
    let content = match &test.content {
        Content::Map(entries) => Content::Map(entries.iter().filter(kept).cloned().collect()),
        other => other.clone(),
    };
    Node { line: test.line, column: test.column, bytes: test.bytes.clone(), content }
}

/// A copy with the values in their places. Calls itself no deeper than the reader of YAML allows.
pub(crate) fn fill(
    node: &Node,
    values: &Values<'_>,
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> Node {
    let content = match &node.content {
        Content::Nothing => Content::Nothing,
        Content::List(items) => {
            Content::List(items.iter().map(|it| fill(it, values, about, mistakes)).collect())
        }
        Content::Map(entries) => {
            let filled =
                entries.iter().map(|(key, it)| (key.clone(), fill(it, values, about, mistakes)));
            Content::Map(filled.collect())
        }
        Content::Scalar(text) => match placeholder(text) {
            None => {
                if is_half_filled(text) {
                    let message =
                        format!("`{text}` is not filled: `%{{ … }}` stands for all of a value");
                    mistakes.at(node, about, message);
                }
                Content::Scalar(text.clone())
            }
            Some(name) => match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => return (*value).clone(),
                None => {
                    mistakes.at(node, about, format!("no case says what `{name}` is"));
                    Content::Nothing
                }
            },
        },
    };
    Node { line: node.line, column: node.column, bytes: node.bytes.clone(), content }
}

/// Whether something in a longer text would be filled if it stood alone. Scripts may have percent
/// signs and braces of their own.
fn is_half_filled(text: &str) -> bool {
    text.split(OPENS).skip(1).any(|rest| rest.trim_start().starts_with("item."))
}

/// The name in `%{ item.name }`.
fn placeholder(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix(OPENS)?.strip_suffix('}')?;
    inner.trim().strip_prefix("item.")
}

/// A value as a person is shown it.
pub(crate) fn shown(node: &Node) -> String {
    match &node.content {
        Content::Scalar(text) => text.clone(),
        Content::Nothing => "none".to_owned(),
        Content::List(_) => "[…]".to_owned(),
        Content::Map(_) => "{…}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_that_begins_a_value_is_quoted() {
        for (written, read) in [
            ("a: %{ item.b }\n", "a: \"%{ item.b }\"\n"),
            ("  - %{item.b} # c\n", "  - \"%{item.b}\" # c\n"),
            ("a: [%{ item.b }, %{ item.c }]\n", "a: [\"%{ item.b }\", \"%{ item.c }\"]\n"),
            ("a: \"%{ item.b }\"\n", "a: \"%{ item.b }\"\n"),
            ("a: '- %{ item.b }'\n", "a: '- %{ item.b }'\n"),
            ("a: echo %{ item.b }\n", "a: echo %{ item.b }\n"),
            ("a: %{ item.b\n", "a: %{ item.b\n"),
        ] {
            assert_eq!(quoted(written), read);
        }
    }
}
