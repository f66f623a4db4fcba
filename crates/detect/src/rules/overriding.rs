//! Changes to what an earlier file defines: `override`, and `append: true` as it was once written.

use std::collections::BTreeSet;

use super::exception;
use super::read::{Item, Mistake, Read};
use crate::suggest;
use crate::yaml::Content;

pub(super) const APPENDABLE_OF_RULES: &[&str] =
    &["condition", "output", "desc", "tags", "exceptions"];

pub(super) const REPLACEABLE_OF_RULES: &[&str] = &[
    "condition",
    "output",
    "desc",
    "priority",
    "capture",
    "capture_duration",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
];

/// Which keys of an item change which way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    appended: BTreeSet<String>,
    replaced: BTreeSet<String>,
}

impl Overrides {
    pub(super) fn appends(&self, key: &str) -> bool {
        self.appended.contains(key)
    }

    fn replaces(&self, key: &str) -> bool {
        self.replaced.contains(key)
    }
}

pub(super) fn read(
    read: &mut Read,
    item: Item<'_>,
    appendable: &[&str],
    replaceable: &[&str],
) -> Result<Overrides, Mistake> {
    let appends = read.truth(item, "append")?.unwrap_or(false);
    let Some(node) = item.node.get("override").filter(|node| !node.is_nothing()) else {
        // What `append` could append was fixed.
        let keys = ["items", "condition", "exceptions"];
        let keys = keys.into_iter().filter(|key| item.node.get(key).is_some());
        let appended = keys.filter(|_| appends).map(str::to_owned).collect::<BTreeSet<_>>();
        if appends && appended.is_empty() {
            let message = "`append` with nothing that can be appended";
            return Err(read.mistake(item, item.node, message));
        }
        return Ok(Overrides { appended, ..Overrides::default() });
    };
    if appends {
        return Err(read.mistake(item, node, "`append` and `override` say the same twice"));
    }
    let Content::Map(entries) = &node.content else {
        return Err(read.mistake(item, node, "`override` is not a map of keys"));
    };
    let mut overrides = Overrides::default();
    for (key, how) in entries {
        let name = key.scalar().unwrap_or_default();
        let how = match how.scalar() {
            Some("append") => (appendable, &mut overrides.appended, "appended to"),
            Some("replace") => (replaceable, &mut overrides.replaced, "replaced"),
            _ => return Err(read.mistake(item, how, "neither `append` nor `replace`")),
        };
        let (allowed, keys, told) = how;
        if !allowed.contains(&name) {
            let hint = suggest::hint(name, allowed.iter().copied());
            let message = format!("`{name}` cannot be {told}");
            return Err(read.mistake(item, key, message).hint(hint));
        }
        if item.node.get(name).is_none() {
            let message = format!("`{name}` is to be {told}, and is not there");
            return Err(read.mistake(item, key, message));
        }
        keys.insert(name.to_owned());
    }
    let both = appendable.iter().chain(replaceable);
    let unsaid = both.into_iter().find(|key| {
        item.node.get(key).is_some() && !overrides.appends(key) && !overrides.replaces(key)
    });
    if let Some(node) = unsaid.and_then(|key| item.node.get(key)) {
        let message = "`override` does not say whether this is appended or replaced";
        return Err(read.mistake(item, node, message));
    }
    Ok(overrides)
}

/// Changes a rule that is there.
pub(super) fn change_rule(
    read: &mut Read,
    item: Item<'_>,
    overrides: &Overrides,
) -> Result<(), Mistake> {
    let appended = match overrides.appends("exceptions") {
        true => exception::read(read, item, true)?,
        false => Vec::new(),
    };
    let replaced = match overrides.replaces("exceptions") {
        true => Some(exception::read(read, item, false)?),
        false => None,
    };
    let tags = read.texts(item, "tags")?;
    let text = |key: &str| match overrides.appends(key) || overrides.replaces(key) {
        true => read.text(item, key).map(Some),
        false => Ok(None),
    };
    let (condition, output, description) = (text("condition")?, text("output")?, text("desc")?);
    let priority = match overrides.replaces("priority") {
        true => Some(read.priority(item)?),
        false => None,
    };
    let truth = |key: &str| read.truth(item, key);
    let (enabled, warns) = (truth("enabled")?, truth("warn_evttypes")?);
    let skipped = truth("skip-if-unknown-filter")?;
    let source = item.node.get("source").and_then(|source| source.scalar()).map(str::to_owned);
    // What may be wrong is asked first: an override with a mistake changes nothing.
    let Some(rule) = read.rules.get(item.name) else {
        return Err(read.nothing_earlier(item, "rule", read.rules.names()));
    };
    if source.is_some_and(|source| source != rule.source) {
        return Err(read.mistake(item, item.node, "about another source"));
    }
    exception::check_appended(read, item, &rule.exceptions, &appended)?;
    let Some(rule) = read.rules.get_mut(item.name) else { return Ok(()) };
    for (key, node, written) in
        [("condition", condition, &mut rule.condition), ("output", output, &mut rule.output)]
    {
        let Some(node) = node else { continue };
        if overrides.replaces(key) {
            *written = super::written::Written::default();
        } else {
            written.push_text(" ");
        }
        written.push(item.file, node);
    }
    if let Some(text) = description.and_then(|node| node.scalar()) {
        match overrides.replaces("desc") {
            true => text.trim().clone_into(&mut rule.description),
            false => rule.description.extend([" ", text.trim()]),
        }
    }
    if overrides.replaces("tags") {
        rule.tags.clear();
    }
    if overrides.replaces("tags") || overrides.appends("tags") {
        rule.tags.extend(tags);
    }
    rule.priority = priority.unwrap_or(rule.priority);
    rule.enabled = enabled.unwrap_or(rule.enabled);
    rule.warns_of_types = warns.unwrap_or(rule.warns_of_types);
    rule.skipped_if_unknown = skipped.unwrap_or(rule.skipped_if_unknown);
    if let Some(exceptions) = replaced {
        rule.exceptions = exceptions;
    }
    exception::append(&mut rule.exceptions, appended);
    Ok(())
}
