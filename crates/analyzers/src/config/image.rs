//! The view of an image's configuration.

use std::collections::BTreeMap;

use model::ImageConfig;
use serde::Serialize;

use super::mask;
use super::setting;
use super::thing::{On, Thing};

/// What conditions see as `image`. Masked throughout.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Image {
    /// As it is set; empty means root.
    pub(crate) user: String,
    /// Whether processes run as uid 0.
    pub(crate) runs_as_root: bool,
    pub(crate) environment: Vec<Variable>,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) working_dir: String,
    pub(crate) ports: Vec<Port>,
    pub(crate) volumes: Vec<String>,
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether a test is set that is not `NONE`.
    pub(crate) has_healthcheck: bool,
    pub(crate) on_build: Vec<String>,
    /// Of what it runs and of its health check: commands with a secret, masked.
    pub(crate) secret_commands: Vec<String>,
    /// Labels whose values are for few.
    pub(crate) secret_labels: Vec<String>,
}

/// A variable of an environment.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Its name says that its value is for few, and it has one.
    pub(crate) gives_away: bool,
}

/// A port that is said to be listened on, or several.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Port {
    /// The first of a range.
    pub(crate) number: u32,
    /// The last; the same for one port.
    pub(crate) last: u32,
    /// In lower case.
    pub(crate) protocol: String,
}

impl Variable {
    pub(crate) fn new(name: &str, value: &str) -> Self {
        let gives_away = setting::gives_away(name, value);
        Self { name: name.to_owned(), value: mask::value(name, value), gives_away }
    }
}

impl Port {
    /// What `8080/tcp`, `53` or `8000-8010/udp` says; None for what only the build knows.
    pub(crate) fn range(text: &str) -> Option<Self> {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let number = first.trim().parse().ok()?;
        let last = last.trim().parse().ok().filter(|last| *last >= number)?;
        Some(Self { number, last, protocol: protocol.to_ascii_lowercase() })
    }
}

impl Image {
    fn of(config: &ImageConfig) -> Self {
        let (entrypoint, command) = mask::command(&config.entrypoint, &config.command);
        let secret_commands = secret_commands(config);
        let labels = config.labels.iter().filter(|(name, value)| setting::gives_away(name, value));
        let secret_labels = labels.map(|(name, _)| name.clone()).collect();
        let label = |(name, value): (&String, &String)| (name.clone(), mask::value(name, value));
        let test = config.healthcheck.as_deref().unwrap_or_default();
        Self {
            user: config.user.clone(),
            runs_as_root: is_root(&config.user),
            environment: (config.environment.iter())
                .map(|(name, value)| Variable::new(name, value))
                .collect(),
            entrypoint,
            command,
            working_dir: config.working_dir.clone(),
            ports: config.exposed_ports.iter().filter_map(|port| Port::range(port)).collect(),
            volumes: config.volumes.clone(),
            labels: config.labels.iter().map(label).collect(),
            has_healthcheck: test.first().is_some_and(|first| first != "NONE"),
            on_build: config.on_build.iter().map(|it| mask::text(it)).collect(),
            secret_commands,
            secret_labels,
        }
    }

    pub(crate) fn example() -> Self {
        Self {
            environment: vec![Variable::new("A", "b")],
            ports: vec![Port::default()],
            secret_commands: vec!["app".to_owned()],
            ..Self::default()
        }
    }
}

/// The commands of a configuration that tell a secret. Their first two parts are one command.
fn secret_commands(config: &ImageConfig) -> Vec<String> {
    let run = [config.entrypoint.as_slice(), &config.command].concat();
    // How a test is to be run is its first word.
    let test = config.healthcheck.as_deref().unwrap_or_default();
    let test = test.split_first().map_or(test, |(_, test)| test);
    [run.as_slice(), test].into_iter().filter_map(mask::told_by).collect()
}

/// Whether a `USER` is uid 0: by number, by name, or because there is none.
pub(crate) fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default().trim();
    name.is_empty() || name == "root" || name.parse() == Ok(0_u32)
}

/// The configuration as a thing.
pub(crate) fn thing(config: &ImageConfig) -> Thing {
    Thing::new(On::Image, 0, "", &Image::of(config))
}
