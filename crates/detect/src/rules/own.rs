//! Rules in our own form: who writes one says why, how bad it is, and shows it firing.
//!
//! ```yaml
//! - id: shell-with-terminal
//!   title: A shell with a terminal in a container
//!   why: Somebody works in a container by hand.
//!   scope: container
//!   condition: evt.type in (execve, execveat) and proc.name in (shells) and proc.tty != 0
//!   severity: medium
//!   attack: [T1059.004]
//!   output: "shell | command=%proc.cmdline parent=%proc.pname"
//!   fixtures: {fires: [shell.lzr], silent: [script.lzr]}
//! ```
//!
//! They stand in the same files as Falco's, share lists and macros with them, and are changed as
//! those are: by a later item `rule: <id>` with `override`.

use model::Priority;

use super::exception;
use super::item::{Form, RuleItem};
use super::read::{Item, Mistake, Read};
use super::rule::{Action, Fixtures, Scope};
use super::written::Written;
use crate::source::Source;
use crate::suggest;
use crate::yaml::Content;

pub(super) const KEYS: &[&str] = &[
    "id",
    "title",
    "why",
    "condition",
    "severity",
    "attack",
    "tags",
    "scope",
    "source",
    "exceptions",
    "output",
    "action",
    "fixtures",
    "enabled",
];

const SCOPES: &[(&str, Scope)] =
    &[("anywhere", Scope::Anywhere), ("container", Scope::Container), ("host", Scope::Host)];

const ACTIONS: &[(&str, Action)] = &[("alert", Action::Alert), ("block", Action::Block)];

/// Told of what a rule without `output` found, after its title.
const OUTPUT: &str = "command=%proc.cmdline parent=%proc.pname user=%user.name";

pub(super) fn define(read: &mut Read, item: Item<'_>) -> Result<(), Mistake> {
    let Item { file, node, name } = item;
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        let message = "an id consists of small letters, digits and hyphens";
        return Err(read.mistake(item, node, message));
    }
    let title = read.text(item, "title")?.scalar().unwrap_or_default().trim().to_owned();
    let source = match node.get("source") {
        None => Source::Syscall.name().to_owned(),
        Some(source) => source.scalar().unwrap_or_default().to_owned(),
    };
    let scope = choice(read, item, "scope", SCOPES)?.unwrap_or_default();
    if scope != Scope::Anywhere && source != Source::Syscall.name() {
        let node = node.get("scope").unwrap_or(node);
        let message = format!("events of the source `{source}` are of no host and no container");
        return Err(read.mistake(item, node, message));
    }
    let mut condition = Written::default();
    condition.push(file, read.text(item, "condition")?);
    let mut output = Written::default();
    match node.get("output") {
        Some(_) => output.push(file, read.text(item, "output")?),
        None if source == Source::Syscall.name() => {
            output.push_made(file, node, &format!("{} | {OUTPUT}", title.replace('%', "%%")));
        }
        None => output.push_made(file, node, &title.replace('%', "%%")),
    }
    let severity = choice(read, item, "severity", Priority::SEVERITIES)?;
    let Some(priority) = severity else {
        return Err(read.mistake(item, node, "`severity` is missing"));
    };
    let rule = RuleItem {
        name: name.to_owned(),
        place: read.place(file, node),
        source,
        description: read.text(item, "why")?.scalar().unwrap_or_default().trim().to_owned(),
        condition,
        output,
        priority,
        tags: read.texts(item, "tags")?.into_iter().collect(),
        enabled: read.truth(item, "enabled")?.unwrap_or(true),
        exceptions: exception::read(read, item, false)?,
        warns_of_types: true,
        skipped_if_unknown: false,
        form: Form {
            title: Some(title),
            attack: attack(read, item)?,
            scope,
            action: choice(read, item, "action", ACTIONS)?.unwrap_or_default(),
            fixtures: fixtures(read, item)?,
        },
    };
    read.doubt_second(item, read.rules.get(name).map(|it| it.place.clone()));
    read.rules.define(name, rule);
    Ok(())
}

/// One of several words; None where nothing is said.
fn choice<T: Copy>(
    read: &Read,
    item: Item<'_>,
    key: &str,
    choices: &[(&str, T)],
) -> Result<Option<T>, Mistake> {
    let Some(node) = item.node.get(key) else { return Ok(None) };
    let written = node.scalar().unwrap_or_default();
    if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == written) {
        return Ok(Some(*choice));
    }
    let words = || choices.iter().map(|(word, _)| *word);
    let hint = suggest::hint(written, words())
        .unwrap_or_else(|| format!("there are {}", words().collect::<Vec<_>>().join(", ")));
    let message = format!("`{written}` is no {key}");
    Err(read.mistake(item, node, message).hint(Some(hint)))
}

/// Techniques of ATT&CK: `T1059`, `T1059.004`.
fn attack(read: &Read, item: Item<'_>) -> Result<Vec<String>, Mistake> {
    let techniques = read.texts(item, "attack")?;
    match techniques.iter().find(|it| !is_technique(it)) {
        None => Ok(techniques),
        Some(wrong) => {
            let node = item.node.get("attack").unwrap_or(item.node);
            let message = format!("`{wrong}` is no technique like `T1059.004`");
            Err(read.mistake(item, node, message))
        }
    }
}

pub(super) fn is_technique(text: &str) -> bool {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((technique, part)) => digits(technique, 4) && digits(part, 3),
        None => digits(rest, 4),
    }
}

const FIXTURES: &[&str] = &["fires", "silent", "block_list", "allow_list"];

fn fixtures(read: &Read, item: Item<'_>) -> Result<Fixtures, Mistake> {
    let Some(node) = item.node.get("fixtures") else { return Ok(Fixtures::default()) };
    let Content::Map(entries) = &node.content else {
        return Err(read.mistake(item, node, "`fixtures` is a map of `fires` and `silent`"));
    };
    let wrong =
        entries.iter().find(|(key, _)| !key.scalar().is_some_and(|it| FIXTURES.contains(&it)));
    if let Some((key, _)) = wrong {
        let message = "not `fires`, `silent`, `block_list` or `allow_list`";
        return Err(read.mistake(item, key, message));
    }
    let inner = Item { node, ..item };
    let list = |key: &str| match node.get(key) {
        Some(_) => Ok(Some(read.text(inner, key)?.scalar().unwrap_or_default().to_owned())),
        None => Ok(None),
    };
    Ok(Fixtures {
        fires: read.texts(inner, "fires")?,
        silent: read.texts(inner, "silent")?,
        block_list: list("block_list")?,
        allow_list: list("allow_list")?,
    })
}
