//! The stages of a Dockerfile: what each is built upon, and what its instructions come to.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::super::image::is_root;
use super::super::step::Step;

/// Bytes of a value that is put in for a variable; names of images and users are shorter.
const VALUE_MAX: usize = 512;

/// Variables of a stage that are known. Each stage has its own, and those of the one below it.
const VARIABLES_MAX: usize = 100;

/// Bytes of their names that a view holds, of which there is one for every `RUN`.
const NAMES_BYTES_MAX: usize = 2 << 10;

/// What conditions see as `stage`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Stage {
    pub(crate) line: u32,
    /// As `AS` calls it; empty for none.
    pub(crate) name: String,
    /// From 1.
    pub(crate) number: usize,
    /// The image, build arguments put in as far as the file gives them a value.
    pub(crate) base: String,
    /// The base is a stage above, or `scratch`, and nothing that is fetched.
    pub(crate) base_is_local: bool,
    /// What the base is called depends on the build.
    pub(crate) base_is_open: bool,
    /// Empty for none.
    pub(crate) tag: String,
    pub(crate) has_digest: bool,
    /// It becomes the image.
    pub(crate) is_final: bool,
    /// Of the last `USER`, here or in a stage below, variables put in as far as the file gives them
    /// a value; empty for none.
    pub(crate) user: String,
    /// A `USER` says so.
    pub(crate) runs_as_root: bool,
    /// Of the last `ONBUILD USER`: as whom images that are built upon this one run.
    pub(crate) later_user: String,
    pub(crate) later_as_root: bool,
    pub(crate) has_healthcheck: bool,
    pub(crate) commands: u32,
    pub(crate) entrypoints: u32,
    pub(crate) healthchecks: u32,
}

impl Stage {
    pub(crate) fn title(&self) -> String {
        match self.name.as_str() {
            "" => format!("stage {}", self.number),
            name => format!("stage {name}"),
        }
    }
}

/// The stages of a file while its instructions come in.
#[derive(Default)]
pub(super) struct Stages {
    stages: Vec<Stage>,
    /// Build arguments above the first stage, which alone `FROM` may use.
    arguments: HashMap<String, String>,
    /// What variables stand for in each stage, as far as the file tells.
    variables: Vec<HashMap<String, String>>,
    /// Of these, what an `ENV` has set in each stage: no `ARG` below it counts.
    environments: Vec<BTreeSet<String>>,
}

impl Stages {
    /// The number of the stage that instructions are in now; 0 above the first.
    pub(super) fn number(&self) -> usize {
        self.stages.len()
    }

    /// The variables that are known in the stage that instructions are in now.
    pub(super) fn names(&self) -> Vec<String> {
        let names: BTreeSet<&String> =
            self.variables.last().into_iter().flat_map(HashMap::keys).collect();
        let mut left = NAMES_BYTES_MAX;
        let fits = |name: &&String| {
            let rest = left.checked_sub(name.len());
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        names.into_iter().filter(fits).cloned().collect()
    }

    pub(super) fn finish(mut self) -> Vec<Stage> {
        if let Some(last) = self.stages.last_mut() {
            last.is_final = true;
        }
        self.stages
    }

    pub(super) fn take(&mut self, line: u32, step: &Step) {
        if step.instruction == "FROM" {
            return self.begin(line, step);
        }
        let Some(stage) = self.stages.last_mut() else {
            for word in step.words.iter().filter(|_| step.instruction == "ARG") {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                know(&mut self.arguments, name, value.to_owned());
            }
            return;
        };
        let variables = self.variables.last_mut().zip(self.environments.last_mut());
        let Some((variables, environment)) = variables else { return };
        match step.instruction.as_str() {
            "ARG" | "ENV" => set(step, &self.arguments, variables, environment),
            "USER" => {
                stage.user = resolve(step.words.first().map_or("", String::as_str), variables);
                stage.runs_as_root = is_root(&stage.user);
            }
            "ONBUILD" => {
                let mut words = step.words.iter();
                if words.next().is_some_and(|word| word.eq_ignore_ascii_case("USER")) {
                    stage.later_user = resolve(words.next().map_or("", String::as_str), variables);
                    stage.later_as_root = is_root(&stage.later_user);
                }
            }
            "HEALTHCHECK" => {
                stage.has_healthcheck = !step.text.trim().eq_ignore_ascii_case("none");
                stage.healthchecks = stage.healthchecks.saturating_add(1);
            }
            "CMD" => stage.commands = stage.commands.saturating_add(1),
            "ENTRYPOINT" => stage.entrypoints = stage.entrypoints.saturating_add(1),
            _ => {}
        }
    }

    fn begin(&mut self, line: u32, step: &Step) {
        let mut words = step.words.iter();
        let written = words.next().map_or("", String::as_str);
        let is_as = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = words.next().filter(|_| is_as).cloned().unwrap_or_default();
        let base = resolve(written, &self.arguments);
        let below = self.stages.iter().rposition(|it| it.name.eq_ignore_ascii_case(&base));
        let below = below.filter(|_| !base.is_empty());
        let variables = below.and_then(|below| self.variables.get(below)).cloned();
        self.variables.push(variables.unwrap_or_default());
        let environment = below.and_then(|below| self.environments.get(below)).cloned();
        self.environments.push(environment.unwrap_or_default());
        let below = below.and_then(|below| self.stages.get(below));
        let path = base.rsplit_once('/').map_or(base.as_str(), |(_, name)| name);
        let (path, digest) = path.split_once('@').unwrap_or((path, ""));
        let tag = path.split_once(':').map_or("", |(_, tag)| tag);
        let stage = Stage {
            line,
            name,
            number: self.stages.len().saturating_add(1),
            base_is_local: below.is_some() || base.eq_ignore_ascii_case("scratch"),
            base_is_open: base.contains('$'),
            tag: tag.to_owned(),
            has_digest: !digest.is_empty(),
            user: below.map(|it| it.user.clone()).unwrap_or_default(),
            runs_as_root: below.is_some_and(|it| it.runs_as_root),
            has_healthcheck: below.is_some_and(|it| it.has_healthcheck),
            base,
            ..Stage::default()
        };
        self.stages.push(stage);
    }
}

/// What an `ARG` or `ENV` sets in its stage. An argument without a value has the one that was given
/// above all stages.
fn set(
    step: &Step,
    arguments: &HashMap<String, String>,
    variables: &mut HashMap<String, String>,
    environment: &mut BTreeSet<String>,
) {
    let is_argument = step.instruction == "ARG";
    let mut words = step.words.iter();
    let mut pairs: Vec<(&str, String)> = Vec::new();
    match step.words.first() {
        // The older form of `ENV`.
        Some(name) if !is_argument && !name.contains('=') => {
            words.next();
            pairs.push((name, words.cloned().collect::<Vec<_>>().join(" ")));
        }
        _ => pairs.extend(words.map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            (name, value.to_owned())
        })),
    }
    for (name, value) in pairs {
        if is_argument && environment.contains(name) {
            continue;
        }
        let given = arguments.get(name).filter(|_| is_argument && value.is_empty());
        let value = given.cloned().unwrap_or_else(|| resolve(&value, variables));
        know(variables, name, value);
        // Of what nobody knows nothing needs to be kept.
        if !is_argument && variables.contains_key(name) {
            environment.insert(name.to_owned());
        }
    }
}

/// Remembers what a variable stands for, unless that is too much: then nobody knows.
fn know(variables: &mut HashMap<String, String>, name: &str, value: String) {
    let is_known = variables.len() < VARIABLES_MAX || variables.contains_key(name);
    if name.len() > VALUE_MAX || value.len() > VALUE_MAX || !is_known {
        variables.remove(name);
    } else {
        variables.insert(name.to_owned(), value);
    }
}

/// Puts variables in: `$NAME`, `${NAME}`, `${NAME:-default}`. What is not known stays `$NAME`.
fn resolve(text: &str, variables: &HashMap<String, String>) -> String {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$').filter(|_| resolved.len() < VALUE_MAX) {
        resolved.push_str(before);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, default, end) = match after.strip_prefix('{') {
            Some(braced) => {
                let (inner, end) = braced.split_once('}').unwrap_or((braced, ""));
                let (name, default) =
                    inner.split_once(":-").or_else(|| inner.split_once('-')).unwrap_or((inner, ""));
                (name, default, end)
            }
            None => {
                let end = after.find(|c| !fits(c)).unwrap_or(after.len());
                let (name, end) = after.split_at_checked(end).unwrap_or((after, ""));
                (name, "", end)
            }
        };
        let value = variables.get(name).map(String::as_str);
        match value.filter(|value| !value.is_empty()).unwrap_or(default) {
            "" => {
                resolved.push('$');
                resolved.push_str(name);
            }
            value => resolved.push_str(value),
        }
        rest = end;
    }
    resolved.push_str(rest);
    resolved
}
