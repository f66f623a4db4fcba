//! How an image is to run, as the JSON report shows it. Variables, commands and the build history
//! stay out: secrets stand in them.

use std::collections::BTreeMap;

use model::{ImageConfig, Secret, SecretPlace};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct ConfigJson<'a> {
    /// Empty is root.
    user: &'a str,
    exposed_ports: &'a [String],
    volumes: &'a [String],
    labels: BTreeMap<&'a str, &'a str>,
    has_healthcheck: bool,
}

impl<'a> ConfigJson<'a> {
    /// Labels in which a secret was found are left out.
    pub(super) fn of(config: &'a ImageConfig, secrets: &[Secret]) -> Self {
        let in_label = |secret: &&Secret| secret.place == SecretPlace::Label;
        let is_secret =
            |name: &str| secrets.iter().filter(in_label).any(|secret| secret.location.path == name);
        let labels = config.labels.iter().filter(|(name, _)| !is_secret(name));
        Self {
            user: &config.user,
            exposed_ports: &config.exposed_ports,
            volumes: &config.volumes,
            labels: labels.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            has_healthcheck: config.healthcheck.is_some(),
        }
    }
}
