//! A secret as the JSON report shows it.

use model::Secret;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct SecretJson<'a> {
    kind: &'a str,
    title: &'a str,
    severity: &'static str,
    place: &'static str,
    path: &'a str,
    line: u32,
    excerpt: &'a str,
    layer: Option<u32>,
    removed: bool,
}

impl<'a> SecretJson<'a> {
    pub(super) fn of(secret: &'a Secret) -> Self {
        Self {
            kind: &secret.kind,
            title: &secret.title,
            severity: secret.severity.name(),
            place: secret.place.name(),
            path: &secret.location.path,
            line: secret.line,
            excerpt: &secret.excerpt,
            layer: secret.location.layer,
            removed: secret.removed,
        }
    }
}
