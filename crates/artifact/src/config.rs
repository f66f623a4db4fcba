//! The image configuration: platform, history, diff IDs (OCI image spec, "Image Configuration";
//! Docker's `application/vnd.docker.container.image.v1+json` has the same shape).

use std::collections::BTreeMap;

use model::{Digest, HistoryStep, Layer, Platform};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::error::OpenErrorKind;
use crate::{OpenError, spelling};

/// What we use of an image configuration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ImageConfig {
    #[serde(default, deserialize_with = "null_is_default")]
    pub os: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub architecture: String,
    #[serde(default)]
    pub variant: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub created: Option<String>,
    #[serde(default, deserialize_with = "text_if_any")]
    pub author: String,
    /// Docker's.
    #[serde(default, deserialize_with = "text_if_any")]
    pub comment: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub rootfs: RootFs,
    #[serde(default, deserialize_with = "null_is_default")]
    pub history: Vec<History>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: Settings,
}

/// How the image is to run; daemons answer with the same shape.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Settings {
    #[serde(deserialize_with = "null_is_default")]
    pub user: String,
    #[serde(deserialize_with = "texts")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub cmd: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub working_dir: String,
    #[serde(deserialize_with = "null_is_default")]
    pub exposed_ports: BTreeMap<String, IgnoredAny>,
    #[serde(deserialize_with = "null_is_default")]
    pub volumes: BTreeMap<String, IgnoredAny>,
    #[serde(deserialize_with = "labels")]
    pub labels: BTreeMap<String, String>,
    pub healthcheck: Option<Healthcheck>,
    #[serde(deserialize_with = "texts")]
    pub on_build: Vec<String>,
    #[serde(deserialize_with = "texts_if_any")]
    pub shell: Vec<String>,
}

/// How to tell whether a container is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Healthcheck {
    #[serde(deserialize_with = "texts")]
    pub test: Vec<String>,
}

/// The digests of the uncompressed layers, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RootFs {
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<Digest>,
}

/// One step of the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct History {
    #[serde(default, deserialize_with = "null_is_default")]
    pub created_by: String,
    #[serde(default, deserialize_with = "text_if_any")]
    pub author: String,
    #[serde(default, deserialize_with = "text_if_any")]
    pub comment: String,
    /// Whether the step changed no file, so that it has no layer.
    #[serde(default, deserialize_with = "null_is_default")]
    pub empty_layer: bool,
}

/// Go writes an empty list as `null`, and reads it as nothing said.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// As Go reads a list of texts: `null` is an empty list, and within one an empty text.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts: Vec<Option<String>> = null_is_default(deserializer)?;
    Ok(texts.into_iter().map(Option::unwrap_or_default).collect())
}

/// The same of labels.
fn labels<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let labels: BTreeMap<String, Option<String>> = null_is_default(deserializer)?;
    Ok(labels.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
}

/// A text that an image does without: of another type it is none, and no reason to refuse the image.
fn text_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// The same of a list.
fn texts_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let texts = value.as_array().into_iter().flatten().filter_map(|it| it.as_str());
    Ok(texts.map(str::to_owned).collect())
}

/// Reads an image configuration, whose bytes have been verified where that is possible.
pub(crate) fn parse(bytes: &[u8]) -> Result<ImageConfig, OpenError> {
    let checked = spelling::check(bytes, spelling::OF_CONFIGURATIONS);
    checked.and_then(|()| serde_json::from_slice(bytes)).map_err(|error| {
        OpenError::new(OpenErrorKind::Damaged, "the image configuration does not parse")
            .because(error)
    })
}

/// The answer to a Windows image, whose layers are not what a Linux one's are.
pub(crate) fn windows(name: &str) -> OpenError {
    let message = format!("`{name}` is a Windows image, which is unsupported");
    OpenError::new(OpenErrorKind::Unsupported, message)
}

impl ImageConfig {
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        }
    }

    /// What it says of the image rather than of its blobs.
    pub(crate) fn told(&self) -> model::ImageConfig {
        let settings = &self.config;
        let variable = |text: &String| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.to_owned())
        };
        model::ImageConfig {
            user: settings.user.clone(),
            environment: settings.env.iter().map(variable).collect(),
            entrypoint: settings.entrypoint.clone(),
            command: settings.cmd.clone(),
            working_dir: settings.working_dir.clone(),
            exposed_ports: settings.exposed_ports.keys().cloned().collect(),
            volumes: settings.volumes.keys().cloned().collect(),
            labels: settings.labels.clone(),
            healthcheck: settings.healthcheck.as_ref().map(|it| it.test.clone()),
            on_build: settings.on_build.clone(),
            history: self.steps(),
            remarks: self.remarks(),
        }
    }

    /// What people and builders wrote into other fields, where they wrote anything.
    fn remarks(&self) -> Vec<(String, String)> {
        let own = [
            ("Shell".to_owned(), self.config.shell.join(" ")),
            ("author".to_owned(), self.author.clone()),
            ("comment".to_owned(), self.comment.clone()),
        ];
        let steps = (1_u32..).zip(&self.history).flat_map(|(number, step)| {
            [
                (format!("author of step {number}"), step.author.clone()),
                (format!("comment of step {number}"), step.comment.clone()),
            ]
        });
        // BuildKit signs every step with its name.
        let says = |text: &str| !text.is_empty() && text != "buildkit.dockerfile.v0";
        own.into_iter().chain(steps).filter(|(_, text)| says(text)).collect()
    }

    /// The history, each step with the layer it made where the two fit together.
    fn steps(&self) -> Vec<HistoryStep> {
        let layers = self.history.iter().filter(|step| !step.empty_layer).count();
        let fits = layers == self.rootfs.diff_ids.len();
        let mut indices = 0..;
        let step = |step: &History| HistoryStep {
            created_by: step.created_by.clone(),
            layer: if step.empty_layer { None } else { indices.next() }.filter(|_| fits),
        };
        self.history.iter().map(step).collect()
    }

    /// Fails unless this is a configuration we can go on with: not for Windows, for the platform
    /// that was asked for (if one was), and with as many diff IDs as the manifest has layers.
    pub(crate) fn check(
        &self,
        name: &str,
        layers: usize,
        wanted: Option<&Platform>,
    ) -> Result<(), OpenError> {
        if self.os == "windows" {
            return Err(windows(name));
        }
        let platform = self.platform();
        if let Some(wanted) = wanted.filter(|wanted| !platform.satisfies(wanted)) {
            let message = format!("`{name}` has no image for `{wanted}`, only for `{platform}`");
            return Err(OpenError::new(OpenErrorKind::NotFound, message));
        }
        let diff_ids = self.rootfs.diff_ids.len();
        if diff_ids != layers {
            let message = format!(
                "the configuration of `{name}` has {diff_ids} diff IDs for {layers} layers"
            );
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        Ok(())
    }

    /// The layers, given what the source says of each blob: its digest and its bytes.
    pub(crate) fn layers(
        &self,
        blobs: impl IntoIterator<Item = (Option<Digest>, Option<u64>)>,
    ) -> Vec<Layer> {
        let mut commands: Vec<&str> = self
            .history
            .iter()
            .filter(|step| !step.empty_layer)
            .map(|step| step.created_by.as_str())
            .collect();
        if commands.len() != self.rootfs.diff_ids.len() {
            // A history that does not fit would blame the wrong commands.
            commands.clear();
        }
        let commands = commands.into_iter().chain(std::iter::repeat(""));
        (0..)
            .zip(self.rootfs.diff_ids.iter().zip(blobs).zip(commands))
            .map(|(index, ((diff_id, (digest, size_bytes)), created_by))| Layer {
                index,
                diff_id: Some(diff_id.clone()),
                digest,
                size_bytes,
                created_by: created_by.to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Docker loads such a configuration: to Go `null` says nothing, wherever it stands.
    #[test]
    fn null_says_nothing() {
        let text = r#"{"os": null, "architecture": null, "variant": null, "created": null, "rootfs": null,
            "history": [{"created_by": null, "empty_layer": null}], "config": {"User": null, "Env":
            [null, "A=1"], "Cmd": ["sh", null], "Labels": {"a": null, "b": "c"}, "Healthcheck":
            {"Test": null}, "ExposedPorts": {"80/tcp": null}, "Volumes": null}}"#;
        let config = parse(text.as_bytes()).unwrap();
        assert_eq!(config.config.env, ["", "A=1"]);
        assert_eq!(config.config.cmd, ["sh", ""]);
        assert_eq!(config.config.labels["a"], "");
        assert_eq!(config.history, [History::default()]);
        assert_eq!((config.os, config.rootfs), (String::new(), RootFs::default()));
        assert!(parse(br#"{"os": 1}"#).is_err());
    }
}
