//! Layers laid over each other: written cases, and random images judged by a naive file system.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod image;
mod oracle;
mod script;

use std::path::Path;

use analyzers::{Checks, Detour, squash};
use model::{Inventory, Location};

use crate::image::Layer;

#[test]
fn every_case_gives_what_it_expects() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/squash");
    let mut count = 0;
    for case in std::fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let script = script::parse(&text);
        let found = outcome(&script.layers, script.has_layers);
        assert_eq!(found, script.expected, "{}", path.display());
        // The order of entries within a layer does not matter.
        let mut reversed = script.layers;
        reversed.iter_mut().for_each(|layer| layer.reverse());
        let found = outcome(&reversed, script.has_layers);
        assert_eq!(found, script.expected, "{} with entries reversed", path.display());
        count += 1;
    }
    assert!(count > 20);
}

/// All that can be seen of an image, a line a fact, sorted.
fn outcome(layers: &[Layer], has_layers: bool) -> Vec<String> {
    let mut facts = image::read(layers, Checks { secrets: true, ..Checks::default() });
    let sent = image::read_again(layers, &mut facts);
    let mut lines = described(&squash(&facts, has_layers));
    for (layer, detours) in sent {
        lines.extend(detours.iter().map(|detour| match detour {
            Detour::Link { at } => format!("second pass of {layer}: link {at}"),
            Detour::File { at, like } => format!("second pass of {layer}: file {at} as {like}"),
            Detour::Directory { at, like } => {
                format!("second pass of {layer}: directory {at} as {like}")
            }
        }));
    }
    lines.sort_unstable();
    lines
}

fn described(inventory: &Inventory) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(inventory.os.iter().map(|os| format!("os {} {}", os.family, os.version)));
    for package in &inventory.packages {
        let location = &package.location;
        let layer = match location.layer {
            Some(layer) => format!("layer {layer}"),
            None => "no layer".to_owned(),
        };
        let (name, version) = (&package.name, &package.version);
        lines.push(format!("package {name} {version} {layer} at {}", location.path));
        let files = package.files.to_vec();
        lines.extend(files.iter().map(|file| format!("file of {name}: {file}")));
        lines.extend(package.owner.iter().map(|owner| format!("owner of {name}: {owner}")));
        if !package.license.is_empty() {
            lines.push(format!("licence of {name}: {}", package.license));
        }
    }
    lines.extend(inventory.secrets.iter().map(|secret| {
        let Location { path, layer } = &secret.location;
        let layer = layer.map_or("no layer".to_owned(), |layer| format!("layer {layer}"));
        let removed = if secret.removed { ", removed" } else { "" };
        let publisher = secret.owner.iter().map(|owner| format!(", published by {owner}"));
        format!("secret at {path} {layer}{removed}{}", publisher.collect::<String>())
    }));
    lines.extend(inventory.repositories.iter().map(|name| format!("repository {name}")));
    lines.extend(inventory.problems.iter().map(|problem| {
        let layer = problem.layer.map_or(String::new(), |layer| format!(" in layer {layer}"));
        format!("problem {}{layer}: {}", problem.subject, problem.message)
    }));
    lines
}
