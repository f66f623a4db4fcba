//! What `containers/storage` (Podman, CRI-O, Buildah) writes down of its containers and images: names
//! and digests, for hosts where Podman's socket does not run, which is how it is installed.
//!
//! Lists of everything there is, read anew for each container that begins.

use model::event::{Container, RunningImage};
use serde::Deserialize;

use super::image;

/// How its folders begin, by the file system that layers are on.
pub(super) const DRIVERS: [&str; 4] = ["overlay", "vfs", "btrfs", "zfs"];
/// A container takes some 700 bytes: 20 000 of them. Beyond, containers have no names.
pub(super) const BYTES_MAX: u64 = 16 << 20;

/// Of `containers.json`, as far as we use it.
#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    image: String,
    /// A JSON text of the program that made it.
    #[serde(default)]
    metadata: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Metadata {
    image_name: String,
    image_id: String,
}

/// Of `images.json`.
#[derive(Deserialize)]
struct Image {
    id: String,
    #[serde(default)]
    digest: String,
}

/// Gives the container `id` its name and its image, if the list has them and nobody said before.
pub(super) fn name(container: &mut Container, list: &[u8], id: &str) {
    let Ok(listed) = serde_json::from_slice::<Vec<Listed>>(list) else { return };
    let Some(listed) = listed.into_iter().find(|it| it.id == id) else { return };
    let metadata: Metadata = serde_json::from_str(&listed.metadata).unwrap_or_default();
    if container.image.is_none() {
        let Metadata { image_name, image_id } = metadata;
        let id = if image_id.is_empty() { listed.image } else { image_id };
        container.image = image_of(&image_name, &id);
    }
    container.name = container.name.take().or_else(|| listed.names.into_iter().next());
}

/// Gives the container's image its digest, if the list has it.
pub(super) fn give_digest(container: &mut Container, list: &[u8]) {
    let Some(image) = container.image.as_mut().filter(|image| image.digest.is_none()) else {
        return;
    };
    let Some(id) = image.id.as_deref().and_then(|id| id.strip_prefix("sha256:")) else { return };
    let Ok(images) = serde_json::from_slice::<Vec<Image>>(list) else { return };
    let digest = images.into_iter().find(|it| it.id == id).map(|it| it.digest);
    image.digest = digest.filter(|digest| !digest.is_empty());
}

/// Pods' first containers, and those of a folder, are of no image.
fn image_of(name: &str, id: &str) -> Option<RunningImage> {
    let is_any = !(name.is_empty() && id.is_empty());
    is_any.then(|| image::running_image(name, Some(id)))
}

/// What a fuzzer gives in the place of the lists.
pub(super) fn fuzz(bytes: &[u8]) {
    let mut container = Container::default();
    name(&mut container, bytes, "");
    give_digest(&mut container, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Podman 4.3 writes them.
    const CONTAINERS: &str = r#"[
        {"id": "0a", "names": ["other"], "image": "1b", "layer": "2c", "metadata": "no JSON"},
        {"id": "0b", "names": ["web"], "image": "1b", "layer": "2d", "flags": {"MountLabel": ""},
         "metadata": "{\"image-name\":\"localhost/shop:1\",\"image-id\":\"1b\",\"name\":\"web\"}"},
        {"id": "0c"}
    ]"#;
    const IMAGES: &str =
        r#"[{"id": "1a"}, {"id": "1b", "digest": "sha256:2b", "names": ["localhost/shop:1"]}]"#;

    fn of(id: &str) -> Container {
        let mut container = Container::default();
        name(&mut container, CONTAINERS.as_bytes(), id);
        give_digest(&mut container, IMAGES.as_bytes());
        container
    }

    #[test]
    fn containers_have_the_names_that_the_lists_give_them() {
        let web = of("0b");
        let image = web.image.unwrap();
        assert_eq!(web.name.as_deref(), Some("web"));
        assert_eq!((&*image.repository, image.tag.as_deref()), ("localhost/shop", Some("1")));
        assert_eq!(image.id.as_deref(), Some("sha256:1b"));
        assert_eq!(image.digest.as_deref(), Some("sha256:2b"));
        let other = of("0a");
        assert_eq!(other.name.as_deref(), Some("other"));
        assert_eq!(other.image.unwrap().digest.as_deref(), Some("sha256:2b"));
        assert_eq!([of("0c"), of("0d")], [Container::default(), Container::default()]);
    }

    #[test]
    fn what_a_bundle_said_stays() {
        let named = Container { name: Some("first".to_owned()), ..Container::default() };
        let mut container = named.clone();
        for list in [&b"null"[..], b"[{}]", b"\xff", b"[{\"id\":\"0b\"}]"] {
            name(&mut container, list, "0b");
            give_digest(&mut container, list);
        }
        assert_eq!(container, named);
    }
}
