//! The name of an image as a runtime tells it → its parts.

use model::event::RunningImage;

/// The parts of `reference`: nothing is added that the runtime leaves out, so `nginx` stays
/// `nginx`. `id` is that of its configuration, where that is told.
pub(super) fn running_image(reference: &str, id: Option<&str>) -> RunningImage {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    };
    let is_bare_id = name.starts_with("sha256:");
    let (repository, tag) = if is_bare_id { ("", None) } else { (repository, tag) };
    let id = id.or_else(|| is_bare_id.then_some(name)).filter(|id| !id.is_empty());
    RunningImage {
        reference: reference.to_owned(),
        repository: repository.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
        id: id.map(with_algorithm),
    }
}

/// Podman tells digests without their algorithm.
fn with_algorithm(id: &str) -> String {
    if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_parts() {
        let cases = [
            ("nginx", "nginx", None, None),
            ("nginx:1.27", "nginx", Some("1.27"), None),
            ("docker.io/library/nginx:1.27", "docker.io/library/nginx", Some("1.27"), None),
            ("localhost:5000/shop", "localhost:5000/shop", None, None),
            ("localhost:5000/shop:2", "localhost:5000/shop", Some("2"), None),
            ("r.example/shop@sha256:ab", "r.example/shop", None, Some("sha256:ab")),
            ("r.example:1/shop:2@sha256:ab", "r.example:1/shop", Some("2"), Some("sha256:ab")),
            ("", "", None, None),
        ];
        for (reference, repository, tag, digest) in cases {
            let image = running_image(reference, None);
            let parts = (&*image.repository, image.tag.as_deref(), image.digest.as_deref());
            assert_eq!(parts, (repository, tag, digest), "{reference}");
            assert_eq!(image.reference, reference);
            assert_eq!(image.id, None);
        }
    }

    #[test]
    fn a_container_may_be_of_an_image_without_a_name() {
        let image = running_image("sha256:0a", None);
        assert_eq!((&*image.repository, image.id.as_deref()), ("", Some("sha256:0a")));
        let image = running_image("shop:1", Some("0b"));
        assert_eq!(image.id.as_deref(), Some("sha256:0b"));
    }
}
