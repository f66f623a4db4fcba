//! Takes the secrets out of what an image says of itself, before any of it is shown or kept.
//!
//! Builders record build arguments and whole commands, and variables and labels hold what somebody
//! put there. Whoever looks for secrets in them looks at the artifact itself.

use std::thread::{Builder, JoinHandle};

use analyzers::{redact, redact_command, redact_value, redact_words};
use model::{Artifact, ImageConfig};

/// An artifact as it may be shown, in the making while its layers are read: the expressions alone take
/// as long to be compiled as a small image takes to be looked at.
pub(crate) struct Shown {
    artifact: Artifact,
    coming: Option<JoinHandle<Artifact>>,
}

impl Shown {
    pub(crate) fn begin(artifact: &Artifact) -> Self {
        let artifact = artifact.clone();
        let own = artifact.clone();
        let coming = Builder::new().name("redact".to_owned()).spawn(move || shown(own)).ok();
        Self { artifact, coming }
    }

    /// By this thread, where none was to be had.
    pub(crate) fn finish(self) -> Artifact {
        let come = self.coming.and_then(|coming| coming.join().ok());
        come.unwrap_or_else(|| shown(self.artifact))
    }
}

fn shown(mut artifact: Artifact) -> Artifact {
    artifact.layers.iter_mut().for_each(|layer| in_place(&mut layer.created_by));
    artifact.config.iter_mut().for_each(config);
    artifact
}

fn config(config: &mut ImageConfig) {
    config.history.iter_mut().for_each(|step| in_place(&mut step.created_by));
    config.environment.iter_mut().for_each(|(name, value)| assigned(name, value));
    config.labels.iter_mut().for_each(|(name, value)| assigned(name, value));
    // A secret in a name is known by the masked one, too.
    config.labels = std::mem::take(&mut config.labels)
        .into_iter()
        .map(|(name, value)| (redact(&name), value))
        .collect();
    config.on_build.iter_mut().for_each(in_place);
    // Nobody shows them.
    config.remarks.clear();
    if let Some(test) = &mut config.healthcheck {
        *test = redact_words(test);
    }
    (config.entrypoint, config.command) = redact_command(&config.entrypoint, &config.command);
}

fn in_place(text: &mut String) {
    // Archives of root file systems have a layer that nothing made.
    if text.is_empty() {
        return;
    }
    *text = redact(text);
}

/// A value, which its name may tell to be a secret.
fn assigned(name: &str, value: &mut String) {
    *value = redact_value(name, value);
}

#[cfg(test)]
mod tests {
    use model::{ArtifactKind, HistoryStep, Layer};

    use super::*;

    #[test]
    fn what_a_command_awaits_may_stand_in_another_list() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
        let mut image = ImageConfig {
            entrypoint: words("docker-entrypoint.sh mysql"),
            command: words("-u root -phunter2"),
            healthcheck: Some(words("CMD mysqladmin ping -p hunter2")),
            ..ImageConfig::default()
        };
        config(&mut image);
        assert_eq!(image.entrypoint, words("docker-entrypoint.sh mysql"));
        assert_eq!(image.command, words("-u root -p…_7_characters"));
        let test = image.healthcheck.unwrap_or_default();
        assert_eq!(test, words("CMD mysqladmin ping -p …_7_characters"));
    }

    #[test]
    fn no_text_of_an_image_shows_a_secret() {
        let token = ["AKI", "A5JQ7RZ3TLN2PWGYD"].concat();
        let command = format!("RUN |2 ID={token} DB_PASSWORD=hunter2 /bin/sh -c make");
        let layer = Layer {
            index: 0,
            diff_id: None,
            digest: None,
            size_bytes: None,
            created_by: command.clone(),
        };
        let config = ImageConfig {
            environment: vec![
                ("PATH".into(), "/bin".into()),
                ("ID".into(), token.clone()),
                ("DB_PASSWORD".into(), "hunter2".into()),
            ],
            entrypoint: vec!["run".into(), format!("--id={token}")],
            command: vec![token.clone()],
            labels: [("org.example.id".to_owned(), token.clone()), (token.clone(), "v".to_owned())]
                .into(),
            remarks: vec![("author".to_owned(), token.clone())],
            healthcheck: Some(vec!["CMD".into(), token.clone()]),
            on_build: vec![command.clone()],
            history: vec![HistoryStep { created_by: command, layer: Some(0) }],
            ..ImageConfig::default()
        };
        let image = Artifact {
            name: "image".into(),
            kind: ArtifactKind::OciDir,
            references: Vec::new(),
            digest: None,
            manifest_digest: None,
            platform: None,
            size_bytes: None,
            created: None,
            config: Some(config),
            layers: vec![layer],
        };
        let image = Shown::begin(&image).finish();
        let shown = format!("{image:?}");
        assert!(!shown.contains(&token) && !shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.matches("AKIA…_20_characters").count(), 9, "{shown}");
        assert!(shown.contains("/bin/sh -c make") && shown.contains("(\"PATH\", \"/bin\")"));
    }
}
