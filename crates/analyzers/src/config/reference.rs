//! What the name of an image pins, as Compose files and manifests write it.

use serde::Serialize;

/// The parts of a name that decide which image is meant tomorrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Reference {
    pub(super) name: String,
    /// Empty for none.
    pub(super) tag: String,
    pub(super) has_digest: bool,
    /// It is written with variables, so that nobody knows it before it is used.
    pub(super) is_open: bool,
}

impl Reference {
    pub(super) fn of(text: &str) -> Self {
        let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
        let last = rest.rsplit_once('/').map_or(rest, |(_, last)| last);
        let tag = last.split_once(':').map_or("", |(_, tag)| tag);
        Self {
            name: text.to_owned(),
            tag: tag.to_owned(),
            has_digest: !digest.is_empty(),
            is_open: text.contains('$') || text.contains("{{"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_tags_from_ports() {
        let cases = [
            ("nginx", "", false),
            ("nginx:1.27", "1.27", false),
            ("host:5000/nginx", "", false),
            ("host:5000/nginx:1", "1", false),
            ("nginx:1@sha256:00", "1", true),
            ("nginx@sha256:00", "", true),
        ];
        for (text, tag, has_digest) in cases {
            let reference = Reference::of(text);
            assert_eq!((&*reference.tag, reference.has_digest), (tag, has_digest), "{text}");
        }
    }
}
