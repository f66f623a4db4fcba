//! What containerd says of a container, over its gRPC socket: image, labels, specification.

use std::collections::BTreeMap;
use std::path::Path;

use model::event::{Container, ContainerRuntime};

use super::http::AskError;
use super::protobuf::{field, fields, string, text};
use super::{grpc, image, pod, spec};

const CONTAINER: &str = "/containerd.services.containers.v1.Containers/Get";
const IMAGE: &str = "/containerd.services.images.v1.Images/Get";
/// How a call says which namespace it speaks of.
const NAMESPACE: &str = "containerd-namespace";
/// The longest identifier that containerd lets anything have.
const NAME_LENGTH_MAX: usize = 76;

/// Asks the daemon at `socket`; None if it has no such container in that namespace.
pub(super) fn ask(socket: &Path, namespace: &str, id: &str) -> Result<Option<Container>, AskError> {
    if namespace.len() > NAME_LENGTH_MAX {
        return Ok(None);
    }
    let header = (NAMESPACE, namespace);
    let Some(answer) = grpc::call(socket, CONTAINER, header, &text(1, id))? else {
        return Ok(None);
    };
    let Some(mut container) = parse(&answer) else { return Ok(None) };
    if let Some(image) = container.image.as_mut() {
        // The container is described all the same.
        let answer = grpc::call(socket, IMAGE, header, &text(1, &image.reference)).ok().flatten();
        image.digest = answer.as_deref().and_then(digest);
    }
    Ok(Some(container))
}

/// `GetContainerResponse`: the container is field 1; in it, labels 2, image 3, and 5, a message of
/// any type, whose value (2) is the specification.
pub(crate) fn parse(answer: &[u8]) -> Option<Container> {
    let told = field(answer, 1)?;
    let specification = field(told, 5).and_then(|any| field(any, 2)).and_then(spec::parse);
    let labels = labels(told);
    let mut container = specification.unwrap_or_default();
    container.described = true;
    container.runtime = ContainerRuntime::Containerd;
    container.name = pod::name_in_pod(&labels).cloned().or(container.name);
    container.name = container.name.or_else(|| labels.get("nerdctl/name").cloned());
    if let Some(name) = string(told, 3).filter(|name| !name.is_empty()) {
        container.image = Some(image::running_image(&name, None));
    }
    container.pod = pod::pod_of(&labels).or(container.pod);
    container.labels = labels;
    Some(container)
}

/// A map is a repeated field of pairs.
fn labels(container: &[u8]) -> BTreeMap<String, String> {
    let pairs = fields(container).filter(|(number, _)| *number == 2);
    pairs
        .filter_map(|(_, pair)| Some((string(pair, 1)?, string(pair, 2).unwrap_or_default())))
        .collect()
}

/// `GetImageResponse`: the image is field 1; in it, 3 is the descriptor, whose digest is 2.
fn digest(answer: &[u8]) -> Option<String> {
    let descriptor = field(answer, 1).and_then(|image| field(image, 3))?;
    string(descriptor, 2)
}
