//! `context`: the processes of a case, and the container that they are in.

use std::collections::BTreeMap;

use detect::yaml::Node;

use crate::MARK;
use crate::case::{Program, Wanted};
use crate::form::{Form, Mistakes};

/// Ancestors that an event carries, and one.
const PROCESSES_MAX: usize = 33;

const KEYS: [&str; 7] = ["exePath", "args", "exe", "name", "env", "user", "capabilities"];

pub(super) fn read(
    node: &Node,
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> (Option<Wanted>, Vec<Program>) {
    let Some(mut form) = Form::of(node, about, &["processes", "container"], mistakes) else {
        return (None, Vec::new());
    };
    let (items, container) = (form.items("processes"), form.get("container"));
    if items.len() > PROCESSES_MAX {
        form.mistake(node, format!("more than {PROCESSES_MAX} processes"));
    }
    let mut processes = Vec::new();
    for (number, item) in items.iter().take(PROCESSES_MAX).enumerate() {
        let Some(program) = program(item, &KEYS, about, mistakes) else { continue };
        if program.capabilities.is_some() && number + 1 < items.len() {
            mistakes.at(item, about, "only the last process can be given `capabilities`");
        }
        processes.push(program);
    }
    (container.and_then(|node| Wanted::read(node, about, mistakes)), processes)
}

/// A process, of the chain or a resource.
pub(super) fn program(
    node: &Node,
    keys: &[&str],
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<Program> {
    let mut form = Form::of(node, about, keys, mistakes)?;
    let path = form.text("exePath");
    if path.as_ref().is_some_and(|path| !path.starts_with('/') || path.ends_with('/')) {
        form.mistake(node, "`exePath` is not the absolute path of a file");
    }
    let name = form.text("name");
    if name.as_ref().is_some_and(|name| name.is_empty() || name.contains('/') || name == "..") {
        form.mistake(node, "`name` is not the name of a file");
    }
    let capabilities = form.text("capabilities");
    if let Some(Err(why)) = capabilities.as_deref().map(crate::actor::capability_mask) {
        form.mistake(node, why);
    }
    Some(Program {
        path,
        arguments: form.text("args").map(|text| words(&text)).unwrap_or_default(),
        zeroth: form.text("exe"),
        name,
        environment: environment(&mut form),
        user: form.text("user"),
        capabilities,
    })
}

pub(super) fn environment(form: &mut Form<'_, '_, '_>) -> BTreeMap<String, String> {
    let environment = form.texts("env");
    let is_wrong = |name: &String| name.is_empty() || name.contains('=') || name == MARK;
    if let Some(name) = environment.keys().find(|name| is_wrong(name)) {
        form.mistake(form.node, format!("`{name}` cannot be a variable here"));
    }
    environment
}

/// Words with spaces between; what is in quotes is one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '"' | '\'')
            .then(|| rest.get(1..)?.split_once(first))
            .flatten()
            .filter(|(word, _)| !word.is_empty());
        let (word, after) =
            quoted.unwrap_or_else(|| rest.split_once(char::is_whitespace).unwrap_or((rest, "")));
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_is_in_quotes_is_one_word() {
        assert_eq!(words(" -c  'a b' \"c d\" e "), ["-c", "a b", "c d", "e"]);
        assert_eq!(words("it's \"open"), ["it's", "\"open"]);
        assert!(words("  ").is_empty());
    }
}
