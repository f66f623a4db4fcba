//! What a builder wrote down of a step: which instruction, with what, given which arguments.
//!
//! Docker's builders agree on no form (`/bin/sh -c #(nop) CMD …`, `RUN |1 A=b /bin/sh -c … #
//! buildkit`); others write a Dockerfile's line, a shell command, or something of their own, which
//! is taken for a command.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use model::{ConfigPlace, ImageConfig};
use regex::Regex;

use super::list;
use super::setting;
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

/// What stands before a command that a shell is to run: `/bin/bash -euo pipefail -c `.
static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    let shell = r"(?:^| )(?:/\S*/)?(?:ba|da|a|k|z)?sh(?: -\w+| pipefail)*? -\w*c ";
    Regex::new(shell).expect("a test compiles it")
});

/// An option of `RUN`.
static RUN_OPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("(?:^| )--(?:mount|network|security|device)=").expect("a test compiles it")
});

/// A step, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) instruction: String,
    pub(crate) arguments: String,
    /// `NAME=value` each.
    pub(crate) build_arguments: Vec<String>,
    /// Recorded by BuildKit, which leaves some options out.
    pub(crate) is_by_buildkit: bool,
}

/// Takes the record of a step apart.
pub(crate) fn parse(created_by: &str) -> Parsed {
    let text = created_by.trim();
    let (text, is_by_buildkit) =
        text.strip_suffix("# buildkit").map_or((text, false), |text| (text.trim_end(), true));
    let (mut instruction, mut rest) = instruction(text).unwrap_or(("RUN", text));
    let mut build_arguments = Vec::new();
    let mut flags = "";
    if instruction == "RUN" {
        // Builders differ in whether options stand before the arguments or behind them.
        (flags, rest) = options(rest);
        (build_arguments, rest) = given(rest);
        if flags.is_empty() {
            (flags, rest) = options(rest);
        }
        if let Some(command) = behind_shell(rest) {
            rest = command.trim_start();
            // "No operation": the classic builder's way to say that no shell ran.
            if let Some(line) = rest.strip_prefix("#(nop)") {
                (instruction, rest) = self::instruction(line.trim_start()).unwrap_or(("", line));
            }
        }
    }
    let arguments = match instruction {
        "CMD" | "ENTRYPOINT" | "RUN" => as_written(rest).unwrap_or_else(|| rest.to_owned()),
        "HEALTHCHECK" => health(rest).unwrap_or_else(|| rest.to_owned()),
        _ => rest.to_owned(),
    };
    Parsed {
        instruction: instruction.to_owned(),
        arguments: format!("{flags}{arguments}"),
        build_arguments,
        is_by_buildkit,
    }
}

/// A list as a Dockerfile has it: builders leave the commas out.
fn as_written(text: &str) -> Option<String> {
    serde_json::to_string(&list::texts(text)?).ok()
}

/// What builders write of a `HEALTHCHECK`: `&{["CMD-SHELL" "curl x"] "30s" …}`.
fn health(text: &str) -> Option<String> {
    let test = text.strip_prefix("&{").filter(|test| test.starts_with('['))?;
    let words: Vec<String> = list::at(test, 0).elements.into_iter().map(|it| it.text).collect();
    match words.split_first()? {
        (kind, [command, ..]) if kind == "CMD-SHELL" => Some(format!("CMD {command}")),
        (kind, words) if kind == "CMD" => {
            Some(format!("CMD {}", serde_json::to_string(words).ok()?))
        }
        (kind, _) => Some(kind.clone()),
    }
}

/// Options at the beginning (`--mount=type=cache,… `), with the blank behind them, and the rest.
fn options(text: &str) -> (&str, &str) {
    let mut rest = text;
    while rest.starts_with("--") {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    text.split_at_checked(text.len().saturating_sub(rest.len())).unwrap_or(("", text))
}

/// The command before which a builder wrote the shell that runs it. A line of a Dockerfile may begin
/// so too; then its script is quoted, which what a builder writes is not.
fn behind_shell(text: &str) -> Option<&str> {
    let shell = SHELL.find(text).filter(|shell| shell.start() == 0)?;
    let (shell, command) = text.split_at_checked(shell.end())?;
    (shell.starts_with('/') || !command.trim_start().starts_with(['"', '\''])).then_some(command)
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
    // Values are not quoted: what they hold ends where the shell, or an option of `RUN`, begins.
    // Where there is neither, the last value is a word.
    let shell = SHELL.find(rest).map(|shell| shell.start());
    let option = RUN_OPTION.find(rest).map(|option| option.start());
    let end = shell.into_iter().chain(option).min().unwrap_or_else(|| behind(rest, count));
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

/// Behind the word that gives the last of `count` arguments.
fn behind(text: &str, count: usize) -> usize {
    let mut end = 0_usize;
    let mut given = 0_usize;
    for word in text.split_inclusive(' ') {
        if given >= count {
            break;
        }
        given = given.saturating_add(usize::from(word.contains('=')));
        end = end.saturating_add(word.len());
    }
    end
}

/// The steps of an image's history, each with the layer it made, and what is done in images that
/// are built upon it, of which builders that write no history tell nothing there.
pub(crate) fn things(config: &ImageConfig) -> Vec<(Option<u32>, Thing)> {
    let mut told = BTreeSet::new();
    let mut later: BTreeSet<&str> = config.on_build.iter().map(|it| it.trim()).collect();
    let mut things = Vec::new();
    for (number, recorded) in (1_u32..).zip(&config.history) {
        let parsed = parse(&recorded.created_by);
        let mut step = Step::new(&parsed.instruction, &parsed.arguments);
        step.has_all_flags = !parsed.is_by_buildkit;
        // Every command after its `ARG` is given an argument: the first is enough to tell.
        let given = parsed.build_arguments.iter().filter_map(|it| it.split_once('='));
        for (name, value) in given {
            if setting::gives_away(name, value) && told.insert(name.to_owned()) {
                step.secret_arguments.push(name.to_owned());
            }
        }
        if step.instruction == "ONBUILD" {
            later.remove(parsed.arguments.trim());
        }
        let within = step.later(&parsed.arguments);
        for step in [Some(step), within].into_iter().flatten() {
            let thing = Thing::new(On::History, number, &step.shown(), &step).cut(step.is_cut);
            things.push((recorded.layer, thing));
        }
    }
    for trigger in later {
        let Some(step) = Step::new("ONBUILD", trigger).later(trigger) else { continue };
        let thing = Thing::new(On::History, 0, &step.shown(), &step).cut(step.is_cut);
        things.push((None, Thing { place: ConfigPlace::Image, ..thing }));
    }
    things
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is recorded, the instruction, what follows it, and the build arguments.
    type Form<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

    const FORMS: &[Form<'_>] = &[
        ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]", &[]),
        (
            "CMD [\"nginx\" \"-g\" \"daemon off;\"]",
            "CMD",
            "[\"nginx\",\"-g\",\"daemon off;\"]",
            &[],
        ),
        ("/bin/sh -c #(nop)  ENTRYPOINT [\"a\" \"b\"]", "ENTRYPOINT", "[\"a\",\"b\"]", &[]),
        (
            "HEALTHCHECK &{[\"CMD-SHELL\" \"curl -k x || exit 1\"] \"30s\" \"3s\" \"0s\" \"0s\" '\\x03'}",
            "HEALTHCHECK",
            "CMD curl -k x || exit 1",
            &[],
        ),
        (
            "HEALTHCHECK &{[\"CMD\" \"curl\" \"x\"] \"30s\"}",
            "HEALTHCHECK",
            "CMD [\"curl\",\"x\"]",
            &[],
        ),
        ("HEALTHCHECK &{[\"NONE\"] \"0s\"}", "HEALTHCHECK", "NONE", &[]),
        (
            "RUN --mount=type=cache,target=/c /bin/sh -c make # buildkit",
            "RUN",
            "--mount=type=cache,target=/c make",
            &[],
        ),
        (
            "RUN --mount=type=secret,id=a |1 A=b /bin/sh -c make",
            "RUN",
            "--mount=type=secret,id=a make",
            &["A=b"],
        ),
        (
            "RUN |1 A=b c --mount=type=secret,id=a /bin/sh -c make",
            "RUN",
            "--mount=type=secret,id=a make",
            &["A=b c"],
        ),
        ("RUN |1 A=b /usr/bin/make x=y # buildkit", "RUN", "/usr/bin/make x=y", &["A=b"]),
        ("RUN |2 A=b c D= make # buildkit", "RUN", "make", &["A=b c", "D="]),
        (
            "COPY --from=build --chown=a:b /x /y # buildkit",
            "COPY",
            "--from=build --chown=a:b /x /y",
            &[],
        ),
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
        ("|1 A=b /bin/bash -euo pipefail -c curl x", "RUN", "curl x", &["A=b"]),
        ("RUN /bin/bash -euo pipefail -c curl -k x", "RUN", "curl -k x", &[]),
        ("RUN bash -c \"make x\"", "RUN", "bash -c \"make x\"", &[]),
        ("/busybox/sh -ec make # buildkit", "RUN", "make", &[]),
        ("RUN git push -c x", "RUN", "git push -c x", &[]),
        ("bazel build ...", "RUN", "bazel build ...", &[]),
        ("|x", "RUN", "|x", &[]),
        ("", "RUN", "", &[]),
    ];

    #[test]
    fn takes_every_form_apart() {
        for (text, instruction, arguments, given) in FORMS {
            let parsed = parse(text);
            assert_eq!(parsed.instruction, *instruction, "{text}");
            assert_eq!(parsed.arguments, *arguments, "{text}");
            assert_eq!(parsed.build_arguments, *given, "{text}");
        }
    }
}
