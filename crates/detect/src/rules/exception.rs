//! Exceptions of rules: tables of values that become `and not (…)`.
//!
//! ```yaml
//! exceptions:
//!   - name: writers
//!     fields: [proc.name, fd.directory]
//!     comps: [=, startswith]
//!     values: [[vi, /tmp], [ed, /home]]
//! ```

use std::collections::HashSet;

use super::item::{Exception, OneOrMany};
use super::read::{Item, Mistake, Read};
use super::written::Written;
use crate::diagnostic::{Diagnostic, Level, Place};
use crate::filter::{self, Modifier, Operator};
use crate::suggest;
use crate::yaml::{Content, Node};

/// The exceptions that an item has. What is appended to others of their name needs no fields.
pub(super) fn read(
    read: &mut Read,
    item: Item<'_>,
    appended: bool,
) -> Result<Vec<Exception>, Mistake> {
    let Some(node) = item.node.get("exceptions").filter(|node| !node.is_nothing()) else {
        return Ok(Vec::new());
    };
    let Some(list) = node.items() else {
        return Err(read.mistake(item, node, "`exceptions` is not a list"));
    };
    let mut exceptions: Vec<Exception> = Vec::new();
    for node in list {
        let exception = one(read, item, node)?;
        if !appended && exception.fields.is_none() {
            return Err(read.mistake(item, node, "an exception without `fields`"));
        }
        if appended && exception.values.is_empty() {
            read.warn(item, node, "an exception is appended without `values`");
        }
        if exceptions.iter().any(|earlier| earlier.name == exception.name) {
            let message = format!("a second exception of the name `{}`", exception.name);
            read.warn(item, node, message);
        }
        exceptions.push(exception);
    }
    Ok(exceptions)
}

fn one(read: &mut Read, item: Item<'_>, node: &Node) -> Result<Exception, Mistake> {
    if !matches!(node.content, Content::Map(_)) {
        return Err(read.mistake(item, node, "an exception is a map of keys"));
    }
    let Some(name) = node.get("name").and_then(Node::scalar) else {
        return Err(read.mistake(item, node, "an exception without `name`"));
    };
    let fields = one_or_many(read, item, node.get("fields"))?;
    let comparisons = one_or_many(read, item, node.get("comps"))?;
    let comparisons = match (&fields, comparisons) {
        (Some(OneOrMany::Many(fields)), None) => {
            Some(OneOrMany::Many(vec!["=".to_owned(); fields.len()]))
        }
        (Some(OneOrMany::One(_)), None) => Some(OneOrMany::One("in".to_owned())),
        (_, comparisons) => comparisons,
    };
    if let (Some(fields), Some(comparisons)) = (&fields, &comparisons) {
        check(fields, comparisons)
            .map_err(|(message, hint)| read.mistake(item, node, message).hint(hint))?;
    }
    let values = match node.get("values").filter(|values| !values.is_nothing()) {
        None => Vec::new(),
        Some(values) => match values.items() {
            Some(values) => values.iter().map(|value| (item.file, value.clone())).collect(),
            None => return Err(read.mistake(item, values, "`values` is not a list")),
        },
    };
    let (name, node) = (name.to_owned(), node.clone());
    Ok(Exception { file: item.file, node, name, fields, comparisons, values })
}

fn one_or_many(
    read: &Read,
    item: Item<'_>,
    node: Option<&Node>,
) -> Result<Option<OneOrMany>, Mistake> {
    let Some(node) = node.filter(|node| !node.is_nothing()) else { return Ok(None) };
    if let Some(text) = node.scalar() {
        return Ok(Some(OneOrMany::One(text.trim().to_owned())));
    }
    let texts = node.items().map(|items| {
        items.iter().map(|item| item.scalar().map(|text| text.trim().to_owned())).collect()
    });
    match texts {
        Some(Some(texts)) => Ok(Some(OneOrMany::Many(texts))),
        _ => Err(read.mistake(item, node, "neither a text nor a list of texts")),
    }
}

/// Operators are known, and there are as many as fields.
fn check(fields: &OneOrMany, comparisons: &OneOrMany) -> Result<(), (String, Option<String>)> {
    match (fields, comparisons) {
        (OneOrMany::Many(fields), OneOrMany::Many(comparisons)) => {
            if fields.len() != comparisons.len() {
                let (fields, comparisons) = (fields.len(), comparisons.len());
                return Err((format!("{fields} fields and {comparisons} comps"), None));
            }
            let unknown = comparisons.iter().find(|it| operator(it).is_none());
            unknown.map_or(Ok(()), |it| Err(no_operator(it)))
        }
        (OneOrMany::One(_), OneOrMany::One(comparison)) => match operator(comparison) {
            None => Err(no_operator(comparison)),
            Some(true) => Ok(()),
            Some(false) => {
                let hint = "write `fields` and `comps` as lists".to_owned();
                Err((format!("`{comparison}` compares with one text"), Some(hint)))
            }
        },
        _ => Err(("of `fields` and `comps`, one is a list and one is not".to_owned(), None)),
    }
}

/// Whether it takes a list; None if there is no such operator.
fn operator(text: &str) -> Option<bool> {
    let mut words = text.split_whitespace();
    let (word, modifier) = (words.next()?, words.next());
    let operator = Operator::ALL.iter().find(|it| it.word() == word);
    // Equality has a second spelling.
    let takes_list =
        operator.map(|it| it.takes_list()).or_else(|| (word == "==").then_some(false))?;
    match modifier {
        None => Some(takes_list),
        Some(word) => Modifier::ALL.iter().any(|it| it.word() == word).then_some(true),
    }
}

fn no_operator(text: &str) -> (String, Option<String>) {
    let hint = suggest::hint(text, Operator::ALL.iter().map(|it| it.word()));
    (format!("`{text}` is no operator"), hint)
}

/// Whether exceptions can be appended to those that a rule has.
pub(super) fn check_appended(
    read: &Read,
    item: Item<'_>,
    exceptions: &[Exception],
    appended: &[Exception],
) -> Result<(), Mistake> {
    let mut names: HashSet<&str> = exceptions.iter().map(|it| it.name.as_str()).collect();
    for exception in appended {
        let is_new = names.insert(&exception.name);
        let message = match (is_new, &exception.fields) {
            (true, None) => "no exception of this name is there, and it has no `fields`",
            (false, Some(_)) => "only values are appended to an exception that is there",
            (true, Some(_)) | (false, None) => continue,
        };
        return Err(read.mistake(item, &exception.node, message));
    }
    Ok(())
}

/// Adds values to exceptions of their name, or exceptions that are new.
pub(super) fn append(exceptions: &mut Vec<Exception>, appended: Vec<Exception>) {
    for exception in appended {
        match exceptions.iter_mut().find(|earlier| earlier.name == exception.name) {
            Some(earlier) => earlier.values.extend(exception.values),
            None => exceptions.push(exception),
        }
    }
}

/// What is wrong with the values of an exception.
pub(super) type Wrong = (usize, Node, String);

/// The condition without the cases of the exceptions.
pub(super) fn apply(condition: &Written, exceptions: &[Exception]) -> Result<Written, Wrong> {
    if exceptions.is_empty() {
        return Ok(condition.clone());
    }
    let mut whole = Written::default();
    whole.push_text("(");
    whole.extend(condition);
    whole.push_text(")");
    for exception in exceptions.iter().filter(|exception| !exception.values.is_empty()) {
        whole.push_text(" and not ");
        match (&exception.fields, &exception.comparisons) {
            (Some(OneOrMany::One(field)), Some(OneOrMany::One(comparison))) => {
                one_field(&mut whole, exception, field, comparison)?;
            }
            (Some(OneOrMany::Many(fields)), Some(OneOrMany::Many(comparisons))) => {
                many_fields(&mut whole, exception, fields, comparisons)?;
            }
            _ => {
                let message = "an exception without `fields`".to_owned();
                return Err((exception.file, exception.node.clone(), message));
            }
        }
    }
    Ok(whole)
}

fn one_field(
    whole: &mut Written,
    exception: &Exception,
    field: &str,
    comparison: &str,
) -> Result<(), Wrong> {
    whole.push_made(exception.file, &exception.node, &format!("({field} {comparison} ("));
    for (position, (file, value)) in exception.values.iter().enumerate() {
        let Some(text) = value.scalar() else {
            let message = "a list of values for one field".to_owned();
            return Err((*file, value.clone(), message));
        };
        let comma = if position > 0 { ", " } else { "" };
        whole.push_made(*file, value, &format!("{comma}{}", quoted(text)));
    }
    whole.push_text("))");
    Ok(())
}

fn many_fields(
    whole: &mut Written,
    exception: &Exception,
    fields: &[String],
    comparisons: &[String],
) -> Result<(), Wrong> {
    whole.push_text("(");
    for (position, (file, row)) in exception.values.iter().enumerate() {
        let values = row.items().unwrap_or_default();
        if values.len() != fields.len() {
            let message = format!("{} values for {} fields", values.len(), fields.len());
            return Err((*file, row.clone(), message));
        }
        whole.push_text(if position > 0 { " or (" } else { "(" });
        let checks = fields.iter().zip(comparisons).zip(values);
        for (position, ((field, comparison), value)) in checks.enumerate() {
            let and = if position > 0 { " and " } else { "" };
            let text = of_value(value, operator(comparison) == Some(true))
                .ok_or_else(|| (*file, value.clone(), "neither a text nor a list".to_owned()))?;
            whole.push_made(*file, value, &format!("{and}{field} {comparison} {text}"));
        }
        whole.push_text(")");
    }
    whole.push_text(")");
    Ok(())
}

fn of_value(value: &Node, takes_list: bool) -> Option<String> {
    match (value.scalar(), value.items()) {
        (Some(text), _) if takes_list && !text.starts_with('(') => {
            Some(format!("({})", quoted(text)))
        }
        (Some(text), _) if takes_list => Some(text.to_owned()),
        (Some(text), _) => Some(quoted(text)),
        (None, Some(items)) => {
            let texts: Option<Vec<_>> =
                items.iter().map(|item| item.scalar().map(quoted)).collect();
            texts.map(|texts| format!("({})", texts.join(", ")))
        }
        (None, None) => None,
    }
}

/// In quotes, where it would not be one text without. Quotes that are there already are left, and so
/// is a function, which is a value of the event.
pub(super) fn quoted(text: &str) -> String {
    let is_quoted = text.starts_with(['"', '\'']);
    let needs = text.is_empty()
        || text.contains(|c: char| {
            c.is_whitespace() || matches!(c, '(' | ')' | ',' | '=' | '"' | '\'')
        });
    let is_function = !text.contains(char::is_whitespace) && filter::is_function(text);
    if is_quoted || !needs || is_function {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    // A quote after a backslash never ends a text, whatever is before the backslash.
    let escaped = match escaped.strip_suffix("\\\\") {
        Some(rest) => format!("{rest}\\x5c"),
        None => escaped,
    };
    format!("\"{escaped}\"")
}

/// Told of an exception's values.
pub(super) fn mistake(place: Place, rule: &str, message: String) -> Diagnostic {
    Diagnostic::new(Level::Error, place, rule, message)
}
