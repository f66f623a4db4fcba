//! What no format of bills has a field for, as named texts: CycloneDX calls them properties, SPDX
//! takes them in annotations. They are what makes a bill match as the image itself does.
//!
//! The names are a promise to strangers, listed in `docs/sbom.md`.

use std::borrow::Cow;

use model::{Layer, Problem, ProblemKind};
use serde::{Deserialize, Serialize};

/// All of ours begin so; a component that has one was written by us.
pub(crate) const PREFIX: &str = "lazaret:";

pub(crate) const ARTIFACT_KIND: &str = "lazaret:artifact:kind";
pub(crate) const ARTIFACT_MANIFEST: &str = "lazaret:artifact:manifestDigest";
pub(crate) const ARTIFACT_PLATFORM: &str = "lazaret:artifact:platform";
pub(crate) const ARTIFACT_CREATED: &str = "lazaret:artifact:created";
/// JSON, see [`write_layer`]; one for each, the lowest first.
pub(crate) const ARTIFACT_LAYER: &str = "lazaret:artifact:layer";
/// One for each.
pub(crate) const ARTIFACT_REPOSITORY: &str = "lazaret:artifact:repository";
/// JSON, see [`write_problem`]; one for each that left something unread.
pub(crate) const ARTIFACT_PROBLEM: &str = "lazaret:artifact:problem";
pub(crate) const OS_CODENAME: &str = "lazaret:os:codename";
pub(crate) const OS_DERIVED_ID: &str = "lazaret:os:derivedId";
pub(crate) const LICENSE_DECLARED: &str = "lazaret:license:declared";
pub(crate) const LOCATION_DIFF_ID: &str = "lazaret:location:diffId";
pub(crate) const LOCATION_LAYER: &str = "lazaret:location:layer";
pub(crate) const LOCATION_PATH: &str = "lazaret:location:path";
pub(crate) const PACKAGE_ARCHITECTURE: &str = "lazaret:package:architecture";
pub(crate) const PACKAGE_BASIS: &str = "lazaret:package:basis";
pub(crate) const PACKAGE_DECLARED: &str = "lazaret:package:declared";
pub(crate) const PACKAGE_DEVELOPMENT: &str = "lazaret:package:development";
pub(crate) const PACKAGE_MODULE: &str = "lazaret:package:module";
pub(crate) const PACKAGE_MODULE_BUILD: &str = "lazaret:package:moduleBuild";
pub(crate) const PACKAGE_OWNER: &str = "lazaret:package:owner";
/// JSON: the numbers that [`model::Symbols`] are kept as.
pub(crate) const PACKAGE_SYMBOLS: &str = "lazaret:package:symbols";
pub(crate) const SOURCE_NAME: &str = "lazaret:source:name";
pub(crate) const SOURCE_VERSION: &str = "lazaret:source:version";

/// A named text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Property {
    /// Of each component the same few.
    #[serde(default)]
    pub(crate) name: Cow<'static, str>,
    #[serde(default)]
    pub(crate) value: String,
}

impl Property {
    pub(crate) fn new(name: &'static str, value: impl ToString) -> Self {
        Self { name: Cow::Borrowed(name), value: value.to_string() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerText {
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    diff_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    created_by: String,
}

pub(crate) fn write_layer(layer: &Layer) -> String {
    json(&LayerText {
        index: layer.index,
        diff_id: layer.diff_id.as_ref().map(ToString::to_string),
        digest: layer.digest.as_ref().map(ToString::to_string),
        size_bytes: layer.size_bytes,
        created_by: layer.created_by.clone(),
    })
}

pub(crate) fn read_layer(text: &str) -> Option<Layer> {
    let layer: LayerText = serde_json::from_str(text).ok()?;
    Some(Layer {
        index: layer.index,
        diff_id: layer.diff_id.and_then(|it| it.parse().ok()),
        digest: layer.digest.and_then(|it| it.parse().ok()),
        size_bytes: layer.size_bytes,
        created_by: layer.created_by,
    })
}

#[derive(Serialize, Deserialize)]
struct ProblemText {
    kind: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<u32>,
    message: String,
}

pub(crate) fn write_problem(problem: &Problem) -> String {
    let Problem { kind, subject, layer, message } = problem.clone();
    json(&ProblemText { kind: kind.name().to_owned(), subject, layer, message })
}

pub(crate) fn read_problem(text: &str) -> Option<Problem> {
    let problem: ProblemText = serde_json::from_str(text).ok()?;
    let kind = CARRIED.into_iter().find(|kind| kind.name() == problem.kind)?;
    Some(Problem { kind, subject: problem.subject, layer: problem.layer, message: problem.message })
}

/// The kinds of problems that are about the artifact itself, and so true of its bill too.
pub(crate) const CARRIED: [ProblemKind; 5] = [
    ProblemKind::Damaged,
    ProblemKind::LimitReached,
    ProblemKind::Unreadable,
    ProblemKind::Refused,
    ProblemKind::Unsupported,
];

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers always serialize")
}
