//! The kinds of `content/secrets`, as they were compiled in.
//!
//! A kind is `content/secrets/<id>.toml`; `docs/adding-a-secret.md` explains its fields. Fixtures
//! hold `{}` where it keeps them from being secrets themselves.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use model::Severity;
use serde::Deserialize;

use super::form;
use super::kind::{Kind, Lazy};
use super::shape::Shape;

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../content/secrets");

/// What tells these kinds from those of another version.
pub(super) fn digest() -> blake3::Hash {
    static DIGEST: LazyLock<blake3::Hash> = LazyLock::new(|| crate::content::digest(&CONTENT));
    *DIGEST
}

/// A file of the content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    pub(super) title: String,
    /// What whoever has it can do. For people; shown by the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people"))]
    pub(super) why: String,
    pub(super) severity: String,
    /// None only of what is looked for in small files of certain names as they are.
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    pub(super) expression: Option<String>,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) form: Option<String>,
    #[serde(default)]
    names: String,
    #[serde(default)]
    least: usize,
    #[serde(default)]
    besides: String,
    #[serde(default)]
    reach: Option<usize>,
    #[serde(default)]
    multiline: bool,
    #[serde(default)]
    vague: bool,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    pub(super) shape: Option<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    pub(super) fixtures: Fixtures,
}

/// Texts that hold the secret, and texts that do not although they look so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
pub(super) struct Fixtures {
    pub(super) secret: Vec<String>,
    pub(super) harmless: Vec<String>,
    /// The path of the file they are in, where that matters.
    #[serde(default)]
    pub(super) file: Option<String>,
}

/// Every kind, by id.
pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = descriptions()
        .map(|(id, description)| kind(id, description.expect("a test reads all of the content")))
        .collect();
    kinds.sort_by_key(|kind| kind.id);
    kinds
}

/// The files with their ids and texts.
#[cfg(test)]
pub(super) fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    CONTENT.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
}

/// The files with their ids.
pub(super) fn descriptions() -> impl Iterator<Item = (&'static str, Result<Description, String>)> {
    CONTENT.files().filter_map(|file| {
        let id = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
        let text = file.contents_utf8().ok_or_else(|| "not UTF-8".to_owned());
        Some((id, text.and_then(|text| toml::from_str(text).map_err(|error| error.to_string()))))
    })
}

/// The texts live as long as the program: they are part of it.
fn kind(id: &'static str, description: Description) -> Kind {
    let leak = |text: String| -> &'static str { text.leak() };
    let leak_all = |texts: Vec<String>| texts.into_iter().map(leak).collect();
    let lazy_all =
        |texts: Vec<String>| texts.into_iter().map(|text| Lazy::new(leak(text))).collect();
    let expression = match (description.expression, description.form.as_deref()) {
        (Some(expression), _) => expression,
        (None, Some("plain")) => form::plain(&description.names, description.least),
        (None, Some("within")) => form::within(&description.names, description.least),
        (None, Some(_)) => form::quoted(&description.names, description.least),
        (None, None) => {
            form::assignment(&description.keywords, &description.value.unwrap_or_default())
        }
    };
    Kind {
        id,
        title: leak(description.title),
        severity: description.severity.parse().unwrap_or(Severity::Unknown),
        keywords: leak_all(description.keywords),
        besides: leak(description.besides),
        reach: Kind::reach(description.reach),
        multiline: description.multiline,
        vague: description.vague,
        expression: Lazy::new(leak(form::behind_escapes(expression))),
        entropy: description.entropy,
        shape: description.shape.as_deref().and_then(Shape::from_name),
        files: leak_all(description.files),
        allow: lazy_all(description.allow),
        unless: lazy_all(description.unless),
    }
}
