//! What the image was built on.

use model::{Base, BaseChange, NewerBase};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct BaseJson<'a> {
    name: &'a str,
    digest: String,
    created: Option<&'a str>,
    layers: u32,
    newer: Option<NewerJson<'a>>,
}

#[derive(Serialize)]
struct NewerJson<'a> {
    digest: String,
    created: &'a str,
    /// Null where it is not known; so is the next.
    fixes: Option<Vec<ChangeJson<'a>>>,
    brings: Option<Vec<ChangeJson<'a>>>,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    id: &'a str,
    package: &'a str,
}

impl<'a> BaseJson<'a> {
    pub(super) fn of(base: &'a Base) -> Self {
        let Base { name, digest, created, layers, newer } = base;
        Self {
            name,
            digest: digest.to_string(),
            created: created.as_deref(),
            layers: *layers,
            newer: newer.as_ref().map(NewerJson::of),
        }
    }
}

impl<'a> NewerJson<'a> {
    fn of(newer: &'a NewerBase) -> Self {
        let NewerBase { digest, created, change } = newer;
        let list = |all: &'a [(String, String)]| {
            all.iter().map(|(id, package)| ChangeJson { id, package }).collect()
        };
        let change = change.as_ref();
        Self {
            digest: digest.to_string(),
            created,
            fixes: change.map(|BaseChange { fixes, .. }| list(fixes)),
            brings: change.map(|BaseChange { brings, .. }| list(brings)),
        }
    }
}
