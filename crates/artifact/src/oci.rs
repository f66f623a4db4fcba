//! `oci-dir:` and `oci-archive:` — an OCI image layout, in a directory or in a tar (OCI image
//! spec, "Image Layout").

use std::path::Path;

use model::{Artifact, ArtifactKind, Problem, ProblemKind};

use crate::attached::{Answer, Ask};
use crate::docker_archive::Indexed;
use crate::error::OpenErrorKind;
use crate::image::Backend;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor, Document};
use crate::store::{LocalImage, LocalLayer, Store};
use crate::{Image, OpenError, Options};

/// Opens the layout at `path`, which the user calls `name`; `wanted` is the tag (or the digest)
/// under which its index lists the image.
pub(crate) fn open(
    path: &Path,
    name: &str,
    wanted: Option<&str>,
    options: &Options,
) -> Result<Image, OpenError> {
    from_store(Store::open(path, name, options)?, name, wanted, options)
}

/// The same, once directory or archive are open.
pub(crate) fn from_store(
    store: Store,
    name: &str,
    wanted: Option<&str>,
    options: &Options,
) -> Result<Image, OpenError> {
    let Some(index) = store.read("index.json", MANIFEST_BYTES_MAX)? else {
        let message = format!("`{name}` is not an OCI layout: it has no `index.json`");
        let error = OpenError::new(OpenErrorKind::NotAnImage, message);
        return Err(match store.problem(name) {
            Some(problem) => error.because(problem.message),
            None => error,
        });
    };
    let Document::Index(index) = manifest::parse(name, &index)? else {
        let message = format!("`index.json` in `{name}` is not an index");
        return Err(OpenError::new(OpenErrorKind::Damaged, message));
    };
    let (entries, notice) = choose(name, index.clone(), wanted)?;
    let references = references(&entries);
    let mut fetch = |descriptor: &Descriptor, limit| {
        options.stop.check()?;
        store.read(&descriptor.blob_path(), limit)?.ok_or_else(|| {
            let message = format!("`{name}` lacks the blob `{}`", descriptor.digest);
            OpenError::new(OpenErrorKind::Damaged, message)
        })
    };
    let wanted = options.platform.as_ref();
    let resolved = manifest::resolve_entries(name, entries, wanted, &mut fetch)?;
    let indexed = Indexed { name, index: &index, resolved: &resolved };
    let (kind, beside) = match &store {
        Store::Directory(_) => (ArtifactKind::OciDir, None),
        Store::Archive(archive) => (ArtifactKind::OciArchive, indexed.look(archive)),
    };
    let artifact = Artifact { references, ..resolved.artifact(name, kind) };
    let notices = notice.into_iter().chain(resolved.notices);
    let problems = store.problem(name).into_iter().chain(notices).chain(beside).collect();
    let layers = resolved.layers.iter().map(layer).collect();
    let backend = Backend::Local(LocalImage { store, layers });
    let image = Image::new(artifact, Some(resolved.config), problems, backend, options);
    Ok(image.chosen_from(resolved.indexes))
}

/// The image names among what entries are called: many are called by a tag alone.
fn references(entries: &[Descriptor]) -> Vec<String> {
    let names = entries
        .iter()
        .flat_map(|entry| [entry.annotation("io.containerd.image.name"), entry.reference_name()]);
    let mut names: Vec<String> =
        names.flatten().filter(|name| name.contains(['/', ':'])).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The entries of the image that is meant. Entries under one name are one image for several
/// platforms; of several names the first is taken if none was asked for, which is worth a notice.
fn choose(
    name: &str,
    entries: Vec<Descriptor>,
    wanted: Option<&str>,
) -> Result<(Vec<Descriptor>, Option<Problem>), OpenError> {
    let mut names: Vec<String> =
        entries.iter().filter_map(|it| it.reference_name()).map(str::to_owned).collect();
    names.dedup();
    let list = names.join(", ");
    if let Some(wanted) = wanted {
        let digest = wanted.strip_prefix('@');
        let is_meant = |entry: &Descriptor| match digest {
            Some(digest) => entry.digest.to_string() == digest,
            None => entry.reference_name().is_some_and(|name| {
                name == wanted || name.strip_suffix(wanted).is_some_and(|it| it.ends_with(':'))
            }),
        };
        let chosen: Vec<Descriptor> = entries.into_iter().filter(is_meant).collect();
        if chosen.is_empty() {
            let message = format!("`{name}` holds no image `{wanted}`");
            let error = OpenError::new(OpenErrorKind::NotFound, message);
            return Err(if list.is_empty() {
                error
            } else {
                error.hint(format!("it holds {list}"))
            });
        }
        return Ok((chosen, None));
    }
    let Some(first) = names.first().filter(|_| names.len() > 1) else {
        return Ok((entries, None));
    };
    let unnamed = entries.iter().filter(|it| it.reference_name().is_none() && it.is_choice());
    let unnamed = match unnamed.count() {
        0 => String::new(),
        count => format!(", and {count} without a name"),
    };
    let count = names.len();
    let message = format!("it holds {count} images, of which `{first}` is read: {list}{unnamed}");
    let notice = Problem::new(ProblemKind::Notice, name, message);
    let is_first = |entry: &Descriptor| entry.reference_name() == Some(first);
    Ok((entries.into_iter().filter(is_first).collect(), Some(notice)))
}

/// What a layout has of what is attached to its images: its index lists everything.
pub(crate) fn answer(store: &Store, ask: &Ask<'_>) -> Result<Option<Answer>, OpenError> {
    let index = || store.read("index.json", MANIFEST_BYTES_MAX);
    match ask {
        Ask::Referrers(..) => Ok(index()?.map(Answer::whole)),
        Ask::Content(descriptor, limit) => {
            Ok(store.read(&descriptor.blob_path(), *limit)?.map(Answer::whole))
        }
        Ask::Tag(tag) => {
            let Some(bytes) = index()? else { return Ok(None) };
            let Document::Index(entries) = manifest::parse(tag, &bytes)? else { return Ok(None) };
            let entry = entries.iter().find(|entry| entry.reference_name() == Some(tag));
            let mut fetch = |it: &Descriptor, limit| {
                Ok(store.read(&it.blob_path(), limit)?.unwrap_or_default())
            };
            let fetched =
                entry.map(|entry| manifest::fetch_checked(entry, MANIFEST_BYTES_MAX, &mut fetch));
            Ok(fetched.transpose()?.map(Answer::whole))
        }
    }
}

fn layer(descriptor: &Descriptor) -> LocalLayer {
    LocalLayer {
        path: descriptor.blob_path(),
        media_type: descriptor.media_type.clone(),
        kind: descriptor.layer_kind(),
    }
}
