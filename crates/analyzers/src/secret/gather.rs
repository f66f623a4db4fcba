//! The secrets of all layers, each with whether it is still to be seen and who publishes the file.
//!
//! What a layer above removes is still in the image for whoever unpacks the layer, so nothing is
//! dropped here.

use model::{Location, Package, Secret};

use crate::facts::Named;
use crate::owners::Owners;
use crate::view::Stack;

/// All secrets, sorted by kind and place.
pub(crate) fn secrets(stack: &Stack<'_>, packages: &[Package], has_layers: bool) -> Vec<Secret> {
    let view = stack.all();
    let mut secrets = Vec::new();
    for (index, layer) in (0_u32..).zip(stack.layers()) {
        for (path, named) in &layer.entries {
            let (Named::File(Some(facts)) | Named::Found(facts)) = named else { continue };
            if facts.secrets.is_empty() {
                continue;
            }
            let removed = !view.shows(path, facts);
            let location = Location { path: path.to_string(), layer: has_layers.then_some(index) };
            secrets.extend(facts.secrets.iter().map(|secret| Secret {
                location: location.clone(),
                removed,
                ..secret.clone()
            }));
        }
    }
    if !secrets.is_empty() {
        let owners =
            Owners::of(secrets.iter().map(|secret| secret.location.path.as_str()), packages);
        let owned: Vec<Option<String>> =
            secrets.iter().map(|secret| owners.publisher(&secret.location.path)).collect();
        for (secret, owner) in secrets.iter_mut().zip(owned) {
            secret.owner = owner;
        }
    }
    secrets.sort_unstable();
    secrets
}
