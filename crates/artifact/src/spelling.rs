//! Keys that others read in any case.
//!
//! Go's `encoding/json`, by which runtimes and registries read these documents, takes `Layers` for
//! `layers`, and the last of both counts. A document that has such a key shows them another image than
//! it shows us, so it is refused: no writer makes one. What is named freely (labels, annotations) is
//! passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The keys of indexes, manifests and descriptors that are read.
pub(crate) const OF_MANIFESTS: &[&str] = &[
    "architecture",
    "config",
    "digest",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "platform",
    "schemaVersion",
    "size",
    "subject",
    "variant",
];

/// Those of an image's configuration that say which image it is.
pub(crate) const OF_CONFIGURATIONS: &[&str] =
    &["architecture", "diff_ids", "empty_layer", "history", "os", "rootfs", "variant"];

/// Those of Docker's list of images in an archive.
pub(crate) const OF_ARCHIVES: &[&str] = &["Config", "Layers", "RepoTags"];

/// Whose keys are anybody's.
const FREE: [&str; 5] = ["annotations", "config", "container_config", "Labels", "labels"];

/// Fails if the document has one of the keys in another case.
pub(crate) fn check(bytes: &[u8], keys: &'static [&'static str]) -> Result<(), serde_json::Error> {
    Keys(keys).deserialize(&mut serde_json::Deserializer::from_slice(bytes))
}

#[derive(Clone, Copy)]
struct Keys(&'static [&'static str]);

impl Keys {
    /// The key for which others take this one.
    fn taken_for(self, key: &str) -> Option<&'static str> {
        let is_taken = |known: &&&str| **known != key && folded(known).eq(folded(key));
        self.0.iter().find(is_taken).copied()
    }

    /// Whether what stands under it has keys of anybody's. A manifest's `config` is a descriptor.
    fn is_free(self, key: &str) -> bool {
        FREE.contains(&key) && !self.0.contains(&key)
    }
}

/// As Unicode folds it simply: two letters beyond ASCII are folded into it.
fn folded(key: &str) -> impl Iterator<Item = char> + '_ {
    key.chars().map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    })
}

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if let Some(name) = self.taken_for(&key) {
                let message = format!("it has the key `{key}`, which runtimes take for `{name}`");
                return Err(A::Error::custom(message));
            }
            match self.is_free(&key) {
                true => drop(map.next_value::<IgnoredAny>()?),
                false => map.next_value_seed(self)?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_another_case_are_refused() {
        for (document, keys, is_fine) in [
            (r#"{"layers": [], "config": {"digest": "a"}}"#, OF_MANIFESTS, true),
            (r#"{"layers": [], "Layers": []}"#, OF_MANIFESTS, false),
            (r#"{"LAYERS": []}"#, OF_MANIFESTS, false),
            ("{\"layer\u{17f}\": []}", OF_MANIFESTS, false),
            (r#"{"config": {"Digest": "a"}}"#, OF_MANIFESTS, false),
            (r#"{"manifests": [{"platform": {"OS": "linux"}}]}"#, OF_MANIFESTS, false),
            (r#"{"annotations": {"Layers": "3"}, "Author": null}"#, OF_MANIFESTS, true),
            (
                r#"{"rootfs": {"diff_ids": []}, "history": [{"empty_layer": true}]}"#,
                OF_CONFIGURATIONS,
                true,
            ),
            (r#"{"rootfs": {"diff_ids": [], "Diff_IDs": []}}"#, OF_CONFIGURATIONS, false),
            (
                r#"{"config": {"Labels": {"OS": "x"}, "OS": 1.5}, "size": -1}"#,
                OF_CONFIGURATIONS,
                true,
            ),
            (r#"[{"Config": "a", "Layers": []}]"#, OF_ARCHIVES, true),
            (r#"[{"Config": "a", "layers": []}]"#, OF_ARCHIVES, false),
        ] {
            let found = check(document.as_bytes(), keys);
            assert_eq!(found.is_ok(), is_fine, "{document}: {found:?}");
        }
    }
}
