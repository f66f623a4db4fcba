//! `steps`: system calls, their arguments held against the table of calls.

use std::collections::BTreeMap;

use detect::yaml::{Content, Node};

use crate::calls::{Call, Sort};
use crate::case::{Argument, Resource, Step};
use crate::constants;
use crate::form::{Form, Mistakes};

const STEPS_MAX: usize = 256;

pub(super) fn read(
    items: &[Node],
    resources: &[Resource],
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // What can be bound to so far.
    let mut shown: Vec<String> = Vec::new();
    for Resource { name, kind } in resources {
        shown.extend(kind.shows().iter().map(|field| format!("{name}.{field}")));
    }
    if let Some(node) = items.get(STEPS_MAX) {
        mistakes.at(node, about, format!("more than {STEPS_MAX} steps"));
    }
    for node in items.iter().take(STEPS_MAX) {
        let keys = ["type", "name", "syscall", "args"];
        let Some(mut form) = Form::of(node, about, &keys, mistakes) else { continue };
        let (kind, name) = (form.required("type"), form.required("name"));
        let (call, arguments) = (form.required("syscall"), form.get("args"));
        let (Some(kind), Some(name), Some(call)) = (kind, name, call) else { continue };
        if kind != "syscall" {
            form.mistake(node, format!("there is no step of the type `{kind}`"));
            continue;
        }
        let is_taken = resources.iter().map(|it| &it.name).chain(steps.iter().map(|it| &it.name));
        if is_taken.into_iter().any(|taken| *taken == name) {
            form.mistake(node, format!("something before it is called `{name}`"));
        }
        let Some(known) = Call::of_name(&call) else {
            form.mistake(node, format!("`{call}` is none of the calls that a step can make"));
            continue;
        };
        let reader = Reader { call: known, shown: &shown, about };
        let arguments = reader.arguments(node, arguments, mistakes);
        shown.push(format!("{name}.ret"));
        shown.extend(arguments.keys().map(|argument| format!("{name}.{argument}")));
        steps.push(Step { name, call, arguments });
    }
    steps
}

struct Reader<'r> {
    call: &'static Call,
    shown: &'r [String],
    about: &'r str,
}

impl Reader<'_> {
    fn arguments(
        &self,
        step: &Node,
        node: Option<&Node>,
        mistakes: &mut Mistakes<'_>,
    ) -> BTreeMap<String, Argument> {
        let known = self.call.arguments();
        let mut arguments = BTreeMap::new();
        for (key, value) in node.map(flat).unwrap_or_default() {
            let Some((_, sort, _)) = known.iter().find(|(name, ..)| *name == key) else {
                let message = format!("`{}` has no argument `{key}`", self.call.name);
                mistakes.at(value, self.about, message);
                continue;
            };
            match self.argument(value, *sort) {
                Ok(argument) => drop(arguments.insert(key, argument)),
                Err(message) => mistakes.at(value, self.about, message),
            }
        }
        for (name, _, is_required) in &known {
            if *is_required
                && !arguments.contains_key(name)
                && node.is_none_or(|it| it.get(name).is_none())
            {
                let message = format!("`{}` needs the argument `{name}`", self.call.name);
                mistakes.at(node.unwrap_or(step), self.about, message);
            }
        }
        arguments
    }

    fn argument(&self, node: &Node, sort: Sort) -> Result<Argument, String> {
        let text = if node.is_nothing() { Some("") } else { node.scalar() };
        let text = text.ok_or("this is neither a text nor a number")?;
        if let Some(bound) = text.trim().strip_prefix("${").and_then(|it| it.strip_suffix('}')) {
            let bound = bound.trim();
            return match self.shown.iter().any(|shown| shown == bound) {
                true => Ok(Argument::Bound(bound.to_owned())),
                false => Err(format!("nothing before it shows `{bound}`")),
            };
        }
        match sort {
            Sort::Number => constants::number(text).map(Argument::Number),
            Sort::Text if text.contains('\0') => Err("this has a zero byte in it".to_owned()),
            Sort::Text => Ok(Argument::Text(text.to_owned())),
        }
    }
}

/// A map's scalars, those of maps in it under `outer.inner`.
fn flat(node: &Node) -> Vec<(String, &Node)> {
    let mut flat = Vec::new();
    for (key, value) in node.entries() {
        let key = key.scalar().unwrap_or_default();
        match &value.content {
            Content::Map(entries) => flat.extend(entries.iter().map(|(inner, value)| {
                (format!("{key}.{}", inner.scalar().unwrap_or_default()), value)
            })),
            _ => flat.push((key.to_owned(), value)),
        }
    }
    flat
}
