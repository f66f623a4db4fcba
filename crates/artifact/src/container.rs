//! `container:` — a container: the image it was made from, and on top what it wrote since.
//!
//! What it wrote is one more layer: the upper directory of its overlay, where that can be read.
//! Where it cannot (another storage driver, a daemon elsewhere, directories that were moved as a
//! whole), the daemon's flattened export of the whole file system is read instead, and a Notice
//! says that layers cannot be told apart.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{ArtifactKind, Layer, Visitor};
use serde::Deserialize;

use crate::dir::{Tree, has_moved, read_tree};
use crate::docker::{Engine, GraphDriver, is_open_to_us};
use crate::error::OpenErrorKind;
use crate::image::{Backend, LayerRead};
use crate::layer::{Reading, Role};
use crate::{Image, OpenError, Options, ReadError, containerd, podman};

/// A container's image, and the directory it writes to.
pub(crate) struct Container {
    pub(crate) image: Image,
    pub(crate) upper: Tree,
}

/// Opens the container with this ID or name. Docker is asked first, then Podman, then containerd.
pub(crate) fn open(id: &str, options: &Options) -> Result<Image, OpenError> {
    let mut failures = Vec::new();
    for engine in [Engine::docker, podman::engine] {
        match engine(options).and_then(|engine| in_engine(engine, id, options)) {
            Err(error) if passes(&error) => failures.push(error),
            outcome => return outcome,
        }
    }
    match containerd::container(id, options) {
        Ok(found) => Ok(on_top(id, found.id, found.image, found.upper, options)),
        Err(error) if passes(&error) => {
            failures.push(error);
            let said: Vec<String> = failures.iter().map(ToString::to_string).collect();
            let message = format!("there is no container `{id}`");
            Err(OpenError::new(OpenErrorKind::NotFound, message).because(said.join("; ")))
        }
        Err(error) => Err(error),
    }
}

/// Whether another engine may still know the container.
fn passes(error: &OpenError) -> bool {
    use OpenErrorKind::{Network, NotFound, Unauthorized, Unsupported};
    matches!(error.kind(), NotFound | Network | Unauthorized | Unsupported)
}

/// What `GET /containers/ID/json` says, as far as we use it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    image: String,
    #[serde(default)]
    graph_driver: GraphDriver,
}

fn in_engine(engine: Engine, id: &str, options: &Options) -> Result<Image, OpenError> {
    let inspected: Inspected = engine.container(id)?;
    let data = inspected.graph_driver.data.unwrap_or_default();
    // A daemon elsewhere may well name a directory that is here, too.
    let lowers = data.lowers();
    let upper = data.upper_dir.filter(|path| engine.is_here() && is_open_to_us(path));
    let Some(root) = upper else {
        return Ok(engine.open_flattened(id, inspected.id, options));
    };
    // What came along with a directory that was moved stands in no layer under its new name.
    if has_moved(&root, &options.stop)? {
        return Ok(engine.open_flattened(id, inspected.id, options));
    }
    let image = engine.open(&inspected.image, options)?;
    Ok(on_top(id, inspected.id, image, Tree::layer(root, lowers), options))
}

impl Container {
    /// Reads the layers named by index: those of the image, and the one on top.
    pub(crate) fn read<V: Visitor>(
        &self,
        layers: &[Layer],
        wanted: &[u32],
        make: &(dyn Fn() -> V + Sync),
        done: &(dyn Fn(LayerRead<V>) + Sync),
        reading: &Reading<'_>,
    ) -> Result<(), ReadError> {
        let entries = Mutex::new(BTreeMap::new());
        self.image.read_each(wanted, make, &|layer| {
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.insert(layer.index, layer.entries);
            drop(entries);
            done(layer);
        })?;
        if let Some(own) = layers.last().filter(|own| wanted.contains(&own.index)) {
            let mut visitor = make();
            visitor.layer(own.index);
            let entries = entries.into_inner().unwrap_or_else(PoisonError::into_inner);
            reading.count_entries(entries.values().sum());
            let outcome = read_tree(&self.upper, own, Role::Layer, &mut visitor, reading)?;
            done(LayerRead::new(own.index, visitor, outcome));
        }
        Ok(())
    }
}

/// The image with one more layer.
fn on_top(name: &str, id: String, image: Image, upper: Tree, options: &Options) -> Image {
    let mut artifact = image.artifact().clone();
    artifact.name = name.to_owned();
    artifact.kind = ArtifactKind::Container;
    artifact.layers.push(Layer {
        index: u32::try_from(artifact.layers.len()).unwrap_or(u32::MAX),
        diff_id: None,
        digest: None,
        size_bytes: None,
        created_by: format!("written by container {id}"),
    });
    let (config, problems) = (image.config().cloned(), image.problems().to_vec());
    let backend = Backend::Container(Box::new(Container { image, upper }));
    Image::new(artifact, config, problems, backend, options)
}
