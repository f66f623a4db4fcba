//! The view of one instruction, of a Dockerfile or of an image's history.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Serialize;

use super::history::INSTRUCTIONS;
use super::image::Port;
use super::mask;
use super::setting;
use super::shell::{self, Command, Commands};

/// Commands with a secret that are kept of one instruction: one is enough to tell.
const PARTS_MAX: usize = 8;

/// What locks an account where a password is awaited, and is none (shadow(5)).
static LOCKED: LazyLock<Regex> = LazyLock::new(|| {
    let locked = r#"(\s(?:-p|--password)(?:\s+|=))(?:'[*!]+x?'|"[*!]+x?"|\\?[*!]+x?)(\s|;|&|$)"#;
    Regex::new(locked).expect("a test compiles it")
});

/// A variable that is given a word.
static GIVEN: LazyLock<Regex> = LazyLock::new(|| {
    let given = r#"\b(?<name>[A-Za-z_]\w*)=(?<value>"[\w-]*"|'[\w-]*'|[\w-]+)"#;
    Regex::new(given).expect("a test compiles it")
});

/// What conditions see as `step`. Masked throughout.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Step {
    /// In capitals: `RUN`.
    pub(crate) instruction: String,
    /// All that follows the instruction and its options, continued lines joined.
    pub(crate) text: String,
    /// Options of the instruction (`--chown=…`); most builders leave them out of the history.
    pub(crate) flags: BTreeMap<String, String>,
    /// The text in words, or the elements of the form in brackets.
    pub(crate) words: Vec<String>,
    /// Written in brackets, so that no shell runs it.
    pub(crate) exec_form: bool,
    /// What a shell is to run.
    pub(crate) commands: Vec<Command>,
    /// Files that are fetched and then run, with nothing between that verifies anything, and the
    /// program whose output a shell is given to run.
    pub(crate) runs_fetched: Vec<String>,
    /// More than could be told apart.
    #[serde(skip)]
    pub(crate) is_cut: bool,
    /// Of what is to be run: commands with a secret in them, masked.
    pub(crate) secret_commands: Vec<String>,
    /// What follows `ONBUILD`: it is done in images that are built upon this one.
    pub(crate) on_build: bool,
    /// Variables and labels that the instruction sets and whose values are for few.
    pub(crate) gives_away: Vec<String>,
    /// Of a `RUN` of a Dockerfile: names that `ENV` and `ARG` give a value above, in the same stage.
    pub(crate) variables: Vec<String>,
    /// Of an `EXPOSE`.
    pub(crate) ports: Vec<Port>,
    /// Build arguments by whose names secrets are handed to the build.
    pub(crate) secret_arguments: Vec<String>,
    /// Of a Dockerfile: whether the stage it is in becomes the image. History always has.
    pub(crate) in_final_stage: bool,
    /// Whether all options are written down: of a history, BuildKit leaves out where `COPY` takes
    /// its files from, and whether `ADD` verified them.
    pub(crate) has_all_flags: bool,
}

impl Step {
    /// The view of an instruction, given all that follows its name.
    pub(crate) fn new(instruction: &str, unmasked: &str) -> Self {
        let (flags, unmasked) = options(instruction, unmasked);
        let text = masked(instruction, unmasked);
        let unlocked = without_dummies(unmasked);
        let judged = match &unlocked {
            Cow::Borrowed(_) => Cow::Borrowed(text.as_str()),
            Cow::Owned(unlocked) => Cow::Owned(masked(instruction, unlocked)),
        };
        // The command that tells of the health is an instruction within another.
        let first = judged.get(..3).filter(|it| it.eq_ignore_ascii_case("CMD"));
        let first = first.filter(|_| instruction == "HEALTHCHECK");
        let command = first.and_then(|_| judged.get(3..)).unwrap_or(&judged).trim_start();
        let elements = command.starts_with('[').then(|| serde_json::from_str(command));
        let elements: Option<Vec<String>> = elements.and_then(Result::ok);
        let is_run = matches!(instruction, "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK");
        let ports = match instruction {
            "EXPOSE" => shell::words(&text).iter().filter_map(|it| Port::range(it)).collect(),
            _ => Vec::new(),
        };
        let Commands { commands, is_cut } = match &elements {
            Some(words) if is_run => shell::of_words(words),
            None if is_run => shell::commands(command),
            _ => Commands::default(),
        };
        let (gives_away, secret_arguments) = match instruction {
            "ENV" | "ARG" | "LABEL" => telling(instruction, unmasked),
            _ => (Vec::new(), Vec::new()),
        };
        let mut runs_fetched = shell::fetched(&commands);
        runs_fetched.extend(shell::substituted(&text).filter(|_| is_run));
        let is_told = is_run && judged != unlocked;
        let secret_commands = if is_told { telling_parts(&judged) } else { Vec::new() };
        // What a here-document puts into a file names no file itself.
        let copies = matches!(instruction, "ADD" | "COPY");
        let line = if copies { text.lines().next().unwrap_or_default() } else { &text };
        let words = elements.clone().unwrap_or_else(|| shell::words(line));
        Self {
            secret_commands,
            on_build: false,
            instruction: instruction.to_owned(),
            exec_form: elements.is_some(),
            words,
            text,
            flags,
            runs_fetched,
            commands,
            is_cut,
            variables: Vec::new(),
            ports,
            gives_away,
            secret_arguments,
            in_final_stage: true,
            has_all_flags: true,
        }
    }

    /// What an `ONBUILD` does later, given what follows its name; no other instruction does.
    pub(crate) fn later(&self, unmasked: &str) -> Option<Self> {
        let text = unmasked.trim_start();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let name = name.to_ascii_uppercase();
        // Builders refuse an `ONBUILD` behind another.
        let is_one = INSTRUCTIONS.contains(&&*name) && name != "ONBUILD";
        (self.instruction == "ONBUILD" && is_one)
            .then(|| Self { on_build: true, ..Self::new(&name, rest.trim_start()) })
    }

    /// The instruction as it is shown where a check has no better evidence.
    pub(crate) fn shown(&self) -> String {
        let before = if self.on_build { "ONBUILD " } else { "" };
        // Of options that of a file's mode is what checks ask for.
        let mode = self.flags.get("chmod").filter(|_| self.instruction != "RUN");
        let mode = mode.map_or_else(String::new, |mode| format!("--chmod={mode} "));
        format!("{before}{} {mode}{}", self.instruction, self.text).trim_end().to_owned()
    }

    pub(crate) fn example() -> Self {
        let secret_commands = vec!["app".to_owned()];
        Self {
            ports: vec![Port::default()],
            secret_commands,
            ..Self::new("RUN", "apt-get install nginx")
        }
    }
}

/// A script with references in place of what is no secret where one is awaited.
fn without_dummies(unmasked: &str) -> Cow<'_, str> {
    let unlocked = LOCKED.replace_all(unmasked, "${1}$$LOCKED${2}");
    let has_dummy = |found: &Captures<'_>| {
        let part = |name: &str| found.name(name).map_or("", |it| it.as_str());
        setting::is_dummy(part("name"), part("value"))
    };
    if !GIVEN.captures_iter(&unlocked).any(|found| has_dummy(&found)) {
        return unlocked;
    }
    let replaced = GIVEN.replace_all(&unlocked, |found: &Captures<'_>| match has_dummy(found) {
        true => format!("{}=$DUMMY", found.name("name").map_or("", |it| it.as_str())),
        false => found.get(0).map_or("", |it| it.as_str()).to_owned(),
    });
    Cow::Owned(replaced.into_owned())
}

/// Of a masked script the commands that hold what a secret was replaced by.
fn telling_parts(masked: &str) -> Vec<String> {
    let parts = masked.split(['\n', ';']).flat_map(|part| part.split("&&"));
    let is_told = |part: &&str| mask::is_marked(part);
    parts.map(str::trim).filter(is_told).map(str::to_owned).take(PARTS_MAX).collect()
}

/// The arguments of an instruction, whose form may tell where a secret stands in them.
fn masked(instruction: &str, arguments: &str) -> String {
    let shown = mask::text(&format!("{instruction} {arguments}"));
    let rest = shown.strip_prefix(instruction).and_then(|rest| rest.strip_prefix(' '));
    rest.map_or_else(|| mask::text(arguments), str::to_owned)
}

/// Takes the options off: `--chown=app`, `--checksum=…`.
fn options<'t>(instruction: &str, text: &'t str) -> (BTreeMap<String, String>, &'t str) {
    let mut flags = BTreeMap::new();
    let mut rest = text.trim_start();
    let takes = matches!(instruction, "ADD" | "COPY" | "FROM" | "RUN" | "HEALTHCHECK");
    while let Some(option) = rest.strip_prefix("--").filter(|_| takes) {
        let end = option.find(char::is_whitespace).unwrap_or(option.len());
        let (option, after) = option.split_at_checked(end).unwrap_or((option, ""));
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        flags.insert(name.to_owned(), mask::text(value));
        rest = after.trim_start();
    }
    (flags, rest)
}

/// The names that tell of a secret: those that are given one, and those that await one.
fn telling(instruction: &str, text: &str) -> (Vec<String>, Vec<String>) {
    let words = shell::words(text);
    let mut pairs: Vec<(&str, &str)> =
        words.iter().map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
    // The older form of both is a name, and all that follows.
    let has_older_form = matches!(instruction, "ENV" | "LABEL");
    if has_older_form && words.first().is_some_and(|first| !first.contains('=')) {
        pairs = vec![text.trim().split_once([' ', '\t']).unwrap_or((text, ""))];
    }
    let gives_away = |(name, value): &&(&str, &str)| setting::gives_away(name, value);
    let awaits = |(name, value): &&(&str, &str)| {
        instruction == "ARG" && value.is_empty() && setting::gives_away(name, "something")
    };
    let name = |(name, _): &(&str, &str)| (*name).to_owned();
    let given = pairs.iter().filter(gives_away).map(name).collect();
    (given, pairs.iter().filter(awaits).map(name).collect())
}
