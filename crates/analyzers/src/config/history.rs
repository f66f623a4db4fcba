//! What a builder wrote down of a step: which instruction, with what, given which arguments.
//!
//! Docker's builders agree on no form (`/bin/sh -c #(nop) CMD …`, `RUN |1 A=b /bin/sh -c … #
//! buildkit`); others write a Dockerfile's line, a shell command, or something of their own, which
//! is taken for a command.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use model::{HistoryStep, ImageConfig};
use regex::Regex;

use super::mask;
use super::step::Step;
use super::thing::{On, Thing};

/// Every instruction of a Dockerfile (docs.docker.com, "Dockerfile reference").
pub(crate) const INSTRUCTIONS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What stands before a command that a shell is to run: any shell, with any options (`SHELL`). A
/// shell without its directory is somebody's command and has a quoted word to run.
static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    let shell = r"(?:^|\s)/(?:\S*/)?(?:ba|da|a|k|z)?sh(?: -\w+| pipefail)* -\w*c ";
    Regex::new(shell).expect("a test compiles it")
});

/// A step, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) instruction: String,
    pub(crate) arguments: String,
    /// `NAME=value` each.
    pub(crate) build_arguments: Vec<String>,
}

/// Takes the record of a step apart.
pub(crate) fn parse(created_by: &str) -> Parsed {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let (mut instruction, mut rest) = instruction(text).unwrap_or(("RUN", text));
    let mut build_arguments = Vec::new();
    if instruction == "RUN" {
        (build_arguments, rest) = given(rest);
        let shell = SHELL.find(rest).filter(|shell| shell.start() == 0);
        if let Some(command) = shell.and_then(|shell| rest.get(shell.end()..)) {
            rest = command.trim_start();
            // "No operation": the classic builder's way to say that no shell ran.
            if let Some(line) = rest.strip_prefix("#(nop)") {
                (instruction, rest) = self::instruction(line.trim_start()).unwrap_or(("", line));
            }
        }
    }
    let (instruction, arguments) = (instruction.to_owned(), rest.to_owned());
    Parsed { instruction, arguments, build_arguments }
}

/// The instruction that a line begins with, and what follows it.
fn instruction(line: &str) -> Option<(&'static str, &str)> {
    let (first, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let known = INSTRUCTIONS.into_iter().find(|known| *known == first)?;
    Some((known, rest.trim_start()))
}

/// `|2 A=b C=d /bin/sh …`: the build arguments, and the command.
fn given(text: &str) -> (Vec<String>, &str) {
    let Some(counted) = text.strip_prefix('|') else { return (Vec::new(), text) };
    let Some((count, rest)) = counted.split_once(' ') else { return (Vec::new(), text) };
    let Ok(count) = count.parse::<usize>() else { return (Vec::new(), text) };
    // Values are not quoted: what they hold ends where the shell begins.
    let end = SHELL.find(rest).map_or(rest.len(), |shell| shell.start());
    let (arguments, command) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let mut given: Vec<String> = Vec::new();
    for word in arguments.split(' ').filter(|word| !word.is_empty()) {
        // What is no assignment, or one too many, belongs to the value before it.
        let is_more = !word.contains('=') || given.len() >= count;
        match given.last_mut().filter(|_| is_more) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => given.push(word.to_owned()),
        }
    }
    (given, command.trim_start())
}

/// The steps of an image's history, each with the layer it made.
pub(crate) fn things(config: &ImageConfig) -> Vec<(Option<u32>, Thing)> {
    let mut told = BTreeSet::new();
    let thing = |(number, recorded): (u32, &HistoryStep)| {
        let parsed = parse(&recorded.created_by);
        let mut step = Step::new(&parsed.instruction, &parsed.arguments);
        // Every command after its `ARG` is given an argument: the first is enough to tell.
        let given = parsed.build_arguments.iter().filter_map(|it| it.split_once('='));
        for (name, value) in given {
            if mask::gives_away(name, value) && told.insert(name.to_owned()) {
                step.secret_arguments.push(name.to_owned());
            }
        }
        let shown = format!("{} {}", step.instruction, step.text);
        (recorded.layer, Thing::new(On::History, number, shown.trim(), &step))
    };
    (1_u32..).zip(&config.history).map(thing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_form_apart() {
        let cases: &[(&str, &str, &str, &[&str])] = &[
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]", &[]),
            ("/bin/sh -c #(nop) ADD file:ab in / ", "ADD", "file:ab in /", &[]),
            ("/bin/sh -c apt-get update", "RUN", "apt-get update", &[]),
            ("RUN /bin/sh -c apk add x # buildkit", "RUN", "apk add x", &[]),
            ("ENV A=b", "ENV", "A=b", &[]),
            ("USER root", "USER", "root", &[]),
            ("|1 TOKEN=abc /bin/sh -c make", "RUN", "make", &["TOKEN=abc"]),
            (
                "RUN |2 A=b c TOKEN=x=y /bin/sh -c make # buildkit",
                "RUN",
                "make",
                &["A=b c", "TOKEN=x=y"],
            ),
            ("RUN /bin/bash -euo pipefail -c curl -k x", "RUN", "curl -k x", &[]),
            ("RUN |1 A=b /bin/bash -euo pipefail -c make", "RUN", "make", &["A=b"]),
            ("RUN /usr/bin/zsh -lc make", "RUN", "make", &[]),
            ("bazel build ...", "RUN", "bazel build ...", &[]),
            ("|x", "RUN", "|x", &[]),
            ("", "RUN", "", &[]),
        ];
        for (text, instruction, arguments, given) in cases {
            let parsed = parse(text);
            assert_eq!(parsed.instruction, *instruction, "{text}");
            assert_eq!(parsed.arguments, *arguments, "{text}");
            assert_eq!(parsed.build_arguments, *given, "{text}");
        }
    }
}
