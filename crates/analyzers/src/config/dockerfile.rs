//! The analyzer `dockerfile`: Dockerfiles and Containerfiles (docs.docker.com, "Dockerfile
//! reference"), instruction by instruction and stage by stage.
//!
//! Of several stages the last becomes the image, with what the stages that it is built upon set.

mod lines;
mod stage;

use model::ProblemKind;

use self::lines::Instruction;
use self::stage::Stages;
use super::step::Step;
use super::thing::{On, Thing};
use super::yaml;
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

pub(crate) use self::stage::Stage;

/// The analyzer `dockerfile`.
pub(crate) struct Dockerfile;

/// Instructions of one file; the longest seen have some 300.
const INSTRUCTIONS_MAX: usize = 4000;

/// What is named like a Dockerfile and is none.
const OTHERS: [&str; 8] =
    [".dockerignore", ".md", ".txt", ".j2", ".erb", ".tmpl", ".tpl", ".template"];

impl Analyzer for Dockerfile {
    fn name(&self) -> &'static str {
        "dockerfile"
    }

    fn version(&self) -> u32 {
        5
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Sources)
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "Dockerfile*" },
                Select::Anywhere { directory: "*", name: "Containerfile*" },
                Select::Anywhere { directory: "*", name: "*.dockerfile" },
                Select::Anywhere { directory: "*", name: "*.Dockerfile" },
                Select::Anywhere { directory: "*", name: "*.containerfile" },
                // Where there is no `Dockerfile`, BuildKit reads `dockerfile`.
                Select::Anywhere { directory: "*", name: "dockerfile*" },
                Select::Anywhere { directory: "*", name: "containerfile*" },
                Select::Anywhere { directory: "*", name: "DOCKERFILE*" },
                Select::Anywhere { directory: "*", name: "*.Containerfile" },
                Select::Anywhere { directory: "*", name: "*.DOCKERFILE" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // Scripts within take some 100 KiB at most.
        1 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if OTHERS.iter().any(|end| file.name().ends_with(end)) {
            return;
        }
        let text = yaml::text(file);
        let lines::Instructions { all: mut instructions, unended } = lines::instructions(&text);
        if !instructions.iter().any(|it| it.name == "FROM") {
            let what = "no Dockerfile: it has no `FROM`";
            return facts.problem(ProblemKind::Notice, what);
        }
        if let Some((line, end)) = unended {
            let message = format!(
                "line {line}: the here-document `{end}` never ends; what follows it is read as instructions"
            );
            facts.problem(ProblemKind::Damaged, message);
        }
        if instructions.len() > INSTRUCTIONS_MAX {
            let message = format!("more than {INSTRUCTIONS_MAX} instructions; the rest is unread");
            facts.problem(ProblemKind::LimitReached, message);
            instructions.truncate(INSTRUCTIONS_MAX);
        }
        for thing in things(&instructions) {
            facts.thing(thing);
        }
    }
}

/// Every instruction, and every stage.
fn things(instructions: &[Instruction]) -> Vec<Thing> {
    let mut stages = Stages::default();
    let mut steps = Vec::new();
    for instruction in instructions {
        let step = Step::new(&instruction.name, &instruction.text);
        stages.take(instruction.line, &step);
        let later = step.later(&instruction.text);
        for mut step in [Some(step), later].into_iter().flatten() {
            if step.instruction == "RUN" {
                step.variables = stages.names();
            }
            steps.push((stages.number(), instruction.line, step));
        }
    }
    let last = stages.number();
    let stages = stages.finish();
    let mut things = Vec::new();
    for (number, line, mut step) in steps {
        step.in_final_stage = number == last;
        let thing = Thing::new(On::Dockerfile, line, &step.shown(), &step).cut(step.is_cut);
        let name = number.checked_sub(1).and_then(|at| stages.get(at)).map(Stage::title);
        things.push(thing.named(name.filter(|_| last > 1).unwrap_or_default()));
    }
    for stage in &stages {
        let resource = if last > 1 { stage.title() } else { String::new() };
        let shown = format!("FROM {}", stage.base);
        things.push(Thing::new(On::Stage, stage.line, &shown, stage).named(resource));
    }
    things
}
