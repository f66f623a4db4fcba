//! The secrets of all layers, each with whether it is still to be seen and who publishes the file.
//!
//! What a layer above removes is still in the image for whoever unpacks the layer, so nothing is
//! dropped here.

use model::{Location, Os, Secret, Severity};

use super::publisher::Publishers;
use crate::facts::{FileFacts, LayerFacts, Named};
use crate::view::Stack;

/// All secrets, sorted by kind and place.
pub(crate) fn secrets(stack: &Stack<'_>, os: Option<&Os>, has_layers: bool) -> Vec<Secret> {
    let view = stack.all();
    let mut publishers = Publishers::new();
    let mut secrets = Vec::new();
    for (index, layer) in (0_u32..).zip(stack.layers()) {
        let files = telling(layer);
        if files.is_empty() {
            continue;
        }
        let published = publishers.of_layer(stack, index, &files, os);
        for (path, facts) in files {
            let removed = !view.shows(path, facts);
            let location = Location { path: path.to_owned(), layer: has_layers.then_some(index) };
            secrets.extend(facts.secrets.iter().map(|secret| Secret {
                location: location.clone(),
                removed,
                owner: published.get(path).filter(|_| may_be_published(secret)).cloned(),
                ..secret.clone()
            }));
        }
    }
    secrets.sort_unstable();
    secrets
}

/// Whether it may be taken for one that everybody has: what does harm from anywhere is worth a
/// look even where a package seems to publish it.
fn may_be_published(secret: &Secret) -> bool {
    secret.severity <= Severity::Medium
}

/// The files of a layer that hold secrets.
fn telling(layer: &LayerFacts) -> Vec<(&str, &FileFacts)> {
    let named = layer.entries.iter().filter_map(|(path, named)| match named {
        Named::File(Some(facts)) | Named::Found(facts) => Some((&**path, &**facts)),
        _ => None,
    });
    named.filter(|(_, facts)| !facts.secrets.is_empty()).collect()
}
