//! Secrets in the configuration of an image: its environment, its labels, the commands and build
//! arguments of its history, and whatever else holds a text: what a container runs, how its health is
//! asked for, instructions for images built upon it, authors and comments.
//!
//! Whoever may pull the image reads them with one command; unlike files they need no layer.

use std::collections::BTreeSet;

use model::{ImageConfig, Location, Problem, ProblemKind, Secret, SecretPlace};

use super::{FINDER, Hit, Missing};
use crate::config::{history, mask};

/// Bytes of one variable, label or command that are searched: certificates in labels have some
/// thousand.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Every secret in the configuration, sorted as those in files are, and what was not searched.
pub fn of_config(config: &ImageConfig) -> (Vec<Secret>, Vec<Problem>) {
    let mut gathering = Gathering::default();
    for (name, value) in &config.environment {
        gathering.assigned(SecretPlace::Environment, name, value);
    }
    for (name, value) in &config.labels {
        gathering.assigned(SecretPlace::Label, name, value);
    }
    for (number, step) in (1_u32..).zip(&config.history) {
        let parsed = history::parse(&step.created_by);
        // An instruction that sets a variable or label makes one secret and not two.
        let sets = matches!(parsed.instruction.as_str(), "ENV" | "LABEL");
        let mut text = String::new();
        for argument in &parsed.build_arguments {
            text.push_str(argument);
            text.push('\n');
        }
        text.extend([&*parsed.instruction, " ", &*parsed.arguments]);
        let (hits, missing) = gathering.search("history", &text);
        for hit in hits {
            let secret = text.get(hit.range.clone()).unwrap_or_default();
            if !(sets && gathering.assigned.contains(secret)) {
                gathering.told.insert(secret.to_owned());
                let location = Location { path: String::new(), layer: step.layer };
                gathering.add(SecretPlace::History, location, number, hit);
            }
        }
        gathering.note("history", missing);
    }
    for (field, text) in fields(config) {
        let (hits, missing) = gathering.search(&field, &text);
        for hit in hits {
            // What the history has of it was found there.
            let secret = text.get(hit.range.clone()).unwrap_or_default();
            if gathering.told.contains(secret) || gathering.assigned.contains(secret) {
                continue;
            }
            let location = Location { path: field.clone(), layer: None };
            gathering.add(SecretPlace::Configuration, location, 0, hit);
        }
        gathering.note(&field, missing);
    }
    gathering.secrets.sort_unstable();
    gathering.secrets.dedup();
    (gathering.secrets, gathering.problems)
}

/// The other fields that hold texts of people, by their names in the configuration.
fn fields(config: &ImageConfig) -> Vec<(String, String)> {
    let line = |words: &[String]| words.join(" ");
    let mut fields = vec![
        ("Entrypoint".to_owned(), line(&config.entrypoint)),
        ("Cmd".to_owned(), line(&config.command)),
        ("Healthcheck".to_owned(), line(config.healthcheck.as_deref().unwrap_or_default())),
        ("User".to_owned(), config.user.clone()),
        ("WorkingDir".to_owned(), config.working_dir.clone()),
        ("OnBuild".to_owned(), config.on_build.join("\n")),
        ("Volumes".to_owned(), config.volumes.join("\n")),
    ];
    fields.extend(config.remarks.iter().cloned());
    fields.retain(|(_, text)| !text.is_empty());
    fields
}

#[derive(Default)]
struct Gathering {
    secrets: Vec<Secret>,
    problems: Vec<Problem>,
    /// The values of variables and labels in which there are secrets.
    assigned: BTreeSet<String>,
    /// The secrets of the history.
    told: BTreeSet<String>,
}

impl Gathering {
    fn assigned(&mut self, place: SecretPlace, name: &str, value: &str) {
        let text = format!("{name}={value}");
        let (hits, missing) = self.search(name, &text);
        for hit in hits {
            let secret = text.get(hit.range.clone()).unwrap_or_default();
            self.assigned.insert(secret.to_owned());
            // The name itself may be one.
            let location = Location { path: mask::text(name), layer: None };
            self.add(place, location, 0, hit);
        }
        self.note(name, missing);
    }

    fn search(&mut self, subject: &str, text: &str) -> (Vec<Hit>, Option<Missing>) {
        let bytes = text.as_bytes();
        if bytes.len() > TEXT_BYTES_MAX {
            let message = format!("{} bytes, of which {TEXT_BYTES_MAX} are searched", bytes.len());
            self.problems.push(Problem::new(ProblemKind::LimitReached, subject, message));
        }
        FINDER.find("", bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes))
    }

    fn note(&mut self, subject: &str, missing: Option<Missing>) {
        let problem = |it: Missing| Problem::new(ProblemKind::LimitReached, subject, it.message());
        self.problems.extend(missing.map(problem));
    }

    fn add(&mut self, place: SecretPlace, location: Location, line: u32, hit: Hit) {
        self.secrets.push(Secret {
            kind: hit.kind.to_owned(),
            title: hit.title.to_owned(),
            severity: hit.severity,
            place,
            location,
            line,
            excerpt: hit.excerpt,
            removed: false,
            owner: None,
        });
    }
}
