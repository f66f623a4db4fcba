//! What a profile is of: not one container, but all that run the same.
//!
//! Of a pod it is namespace, workload and the container's name in it; of Docker Compose project and
//! service; else the image's repository. A tag or digest is no part of it: the next version of the
//! same image is held against what the former did. A container of which none is known has no profile.

use core::fmt;

use model::ImageRef;
use model::event::{Container, RunningImage};

use crate::guard::workload as of_pod;

/// Longer names are those of nobody: Kubernetes' have 253 characters at most, repositories 255.
pub(super) const NAME_CHARS_MAX: usize = 1_024;

pub(super) const CONTAINER: &str = "io.kubernetes.container.name";
pub(super) const PROJECT: &str = "com.docker.compose.project";
pub(super) const SERVICE: &str = "com.docker.compose.service";

/// The name of a workload: `kubernetes:shop/api/server`, `compose:shop/api`,
/// `image:docker.io/library/nginx`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Workload(String);

impl Workload {
    /// None where too little is known.
    pub fn of(container: &Container) -> Option<Self> {
        if !container.described {
            return None;
        }
        let label = |name: &str| container.labels.get(name).map(String::as_str);
        let text = if let Some(pod) = &container.pod {
            let name = label(CONTAINER).or(container.name.as_deref())?;
            format!("kubernetes:{}/{}/{name}", pod.namespace, of_pod(&pod.name))
        } else if let (Some(project), Some(service)) = (label(PROJECT), label(SERVICE)) {
            format!("compose:{project}/{service}")
        } else {
            format!("image:{}", repository(container.image.as_ref()?)?)
        };
        text.parse().ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// In full, without tag and digest; that of an image without a name is its digest.
fn repository(image: &RunningImage) -> Option<String> {
    let spelt = if image.repository.is_empty() { &image.reference } else { &image.repository };
    if spelt.is_empty() || spelt.starts_with("sha256:") {
        return image.id.clone().or_else(|| image.digest.clone());
    }
    match spelt.parse::<ImageRef>() {
        Ok(parsed) => Some(format!("{}/{}", parsed.registry(), parsed.repository())),
        Err(_) => Some(spelt.clone()),
    }
}

impl core::str::FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').unwrap_or_default();
        if !matches!(kind, "kubernetes" | "compose" | "image") || name.is_empty() {
            return Err(format!(
                "`{text}` is no workload: `kubernetes:…`, `compose:…` or `image:…`"
            ));
        }
        if text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control) {
            return Err(
                "a workload's name has up to 1024 characters, and none of control".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use model::event::Pod;

    use super::*;

    #[test]
    fn what_a_container_is_of() {
        let image = |reference: &str, repository: &str| RunningImage {
            reference: reference.to_owned(),
            repository: repository.to_owned(),
            id: Some("sha256:c0ffee".to_owned()),
            ..RunningImage::default()
        };
        let of = |container: &Container| Workload::of(container).map(|it| it.to_string());
        let mut container = Container { described: true, ..Container::default() };
        assert_eq!(of(&container), None);
        container.image = Some(image("nginx:1.27", "nginx"));
        assert_eq!(of(&container).unwrap(), "image:docker.io/library/nginx");
        container.image = Some(image("sha256:c0ffee", ""));
        assert_eq!(of(&container).unwrap(), "image:sha256:c0ffee");
        let mut label = |name: &str, value: &str| {
            container.labels.insert(name.to_owned(), value.to_owned());
        };
        label(PROJECT, "shop");
        label(SERVICE, "api");
        label(CONTAINER, "server");
        assert_eq!(of(&container).unwrap(), "compose:shop/api");
        let (name, namespace) = ("api-7d9f8b6c5d-x2x4z".to_owned(), "shop".to_owned());
        container.pod = Some(Pod { name, namespace, ..Pod::default() });
        assert_eq!(of(&container).unwrap(), "kubernetes:shop/api/server");
        container.described = false;
        assert_eq!(of(&container), None);
    }
}
