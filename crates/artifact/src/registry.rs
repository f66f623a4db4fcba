//! Images in a registry (OCI distribution spec 1.1, and what Docker's registries do besides).
//!
//! [`open`] asks the mirrors of the image, then its registry, for the manifest, and goes down to
//! the configuration; layers are asked for one by one when they are read, from the place that gave
//! the manifest. Where to ask stands in `mirrors`, who the user is in `credentials`, how that is
//! shown in `auth`; a `session` is the talk with one place. A registry is believed only as far as
//! digests go.

mod auth;
mod blob;
pub(crate) mod challenge;
pub(crate) mod credentials;
mod helper;
pub(crate) mod mirrors;
mod session;
mod stored;

use std::path::PathBuf;
use std::time::Duration;

use model::{ArtifactKind, Digest, ImageRef, Layer, Problem, ProblemKind};
use serde::Deserialize;

use self::blob::Blob;
use self::mirrors::{Blocked, Endpoint, Registries};
use self::session::Session;
pub use self::stored::{StoredArtifact, StoredBlob, stored};
use crate::attached::{Answer, Ask, Next};
use crate::error::OpenErrorKind;
use crate::http::join;
use crate::image::{Backend, Source};
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor, LayerKind};
use crate::{Image, OpenError, Options};

/// What we take for a manifest.
const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// Pages of tags followed, so that a list that leads back to itself ends.
const TAG_PAGES_MAX: usize = 100;
/// Tags named in a hint.
const TAGS_SHOWN: usize = 5;

/// How to talk to registries.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// PEM files with certificate authorities to be trusted besides the system's.
    pub authorities: Vec<PathBuf>,
    /// Hosts (`HOST` or `HOST:PORT`, as image names have them) whose certificates are not checked,
    /// and that may be spoken to in plain HTTP.
    pub insecure: Vec<String>,
    /// How long to wait for a sign of life, repetitions included, and in all for one image beyond
    /// what the bytes that come are worth. Mirrors have half as much before, between them.
    pub patience: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        // A pull-through cache that first fetches a manifest itself takes seconds, not minutes; and a
        // registry that stalls at every step, mirrors included, is given up within one minute.
        Self { authorities: Vec::new(), insecure: Vec::new(), patience: Duration::from_secs(40) }
    }
}

/// The place that gave an image, and what its manifest lists.
pub(crate) struct Repository {
    session: Session,
    layers: Vec<Descriptor>,
}

/// Opens the image that `name` means.
pub(crate) fn open(name: &str, options: &Options) -> Result<Image, OpenError> {
    anywhere(&meant(name, options)?, options, |endpoint, problems, options| {
        open_at(name, endpoint, problems, options)
    })
}

/// Tries the places that may have `image`, in order, until one does; `ask` is told what was
/// noticed before.
fn anywhere<T>(
    image: &ImageRef,
    options: &Options,
    ask: impl Fn(Endpoint, &[Problem], &Options) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let endpoints = endpoints(image, options)?;
    let (mut problems, mut failure) = (Vec::new(), None);
    let mirrors = endpoints.len().saturating_sub(1);
    let hurried = hurried(options, mirrors);
    for (number, endpoint) in endpoints.into_iter().enumerate() {
        let place = endpoint.image.to_string();
        let options = if number < mirrors { &hurried } else { options };
        match ask(endpoint, &problems, options) {
            Err(error) if error.kind() != OpenErrorKind::Interrupted => {
                // A mirror need not have everything, but that it failed should be seen.
                let why = format!("not taken from here: {error}");
                problems.push(Problem::new(ProblemKind::Notice, place, why));
                failure = Some(error);
            }
            outcome => return outcome,
        }
    }
    Err(failure.unwrap_or_else(|| nowhere(image)))
}

/// How to ask mirrors: none of them may take the time that the registry itself needs.
fn hurried(options: &Options, mirrors: usize) -> Options {
    let mut hurried = options.clone();
    let share = u32::try_from(mirrors.max(1)).unwrap_or(u32::MAX).saturating_mul(2);
    hurried.registry.patience = options.registry.patience / share;
    hurried
}

fn open_at(
    name: &str,
    endpoint: Endpoint,
    problems: &[Problem],
    options: &Options,
) -> Result<Image, OpenError> {
    let image = endpoint.image.clone();
    let session = Session::begin(endpoint, options)?;
    let (top, claimed) = manifest(&session, &image)?;
    // A tag promises nothing, but the registry says which digest it stands for.
    let expected = image.digest().or(claimed.as_ref());
    let mut fetch = |descriptor: &Descriptor, limit| document(&session, descriptor, limit);
    let wanted = options.platform.as_ref();
    let resolved = manifest::resolve(name, &top, expected, wanted, &mut fetch)?;
    let artifact = resolved.artifact(name, ArtifactKind::Registry);
    let indexes = resolved.indexes;
    let told = problems.iter().cloned().chain(session.problems());
    let problems = told.chain(resolved.notices).collect();
    let backend = Backend::Registry(Repository { session, layers: resolved.layers });
    let image = Image::new(artifact, Some(resolved.config), problems, backend, options);
    Ok(image.chosen_from(indexes))
}

/// The document that the image's tag or digest leads to, and the digest it has by the registry's
/// account.
fn manifest(session: &Session, image: &ImageRef) -> Result<(Vec<u8>, Option<Digest>), OpenError> {
    let reference = image.manifest_reference();
    let url = session.url(&format!("manifests/{reference}"))?;
    let accept = [("accept", MANIFEST_TYPES.join(", "))];
    match session.document(&url, &accept, &reference, MANIFEST_BYTES_MAX) {
        Ok((bytes, response)) => {
            let claimed = response.header("docker-content-digest");
            Ok((bytes, claimed.and_then(|digest| digest.parse().ok())))
        }
        Err(error) if error.kind() == OpenErrorKind::NotFound => {
            Err(with_tags(error, session, image))
        }
        Err(error) => Err(error),
    }
}

/// A manifest within an index, or a configuration.
fn document(session: &Session, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, OpenError> {
    let digest = descriptor.digest.to_string();
    let is_manifest = MANIFEST_TYPES.contains(&descriptor.media_type.as_str());
    let kind = if is_manifest { "manifests" } else { "blobs" };
    let accept = if is_manifest { MANIFEST_TYPES.join(", ") } else { "*/*".to_owned() };
    let url = session.url(&format!("{kind}/{digest}"))?;
    session.document(&url, &[("accept", accept)], &digest, limit).map(|(bytes, _)| bytes)
}

impl Repository {
    /// What the place that gave the image has of what is attached to it.
    pub(crate) fn answer(&self, ask: &Ask<'_>) -> Result<Option<Answer>, OpenError> {
        let session = &self.session;
        let path = match ask {
            Ask::Referrers(digest, _) => format!("referrers/{digest}"),
            Ask::Tag(tag) => format!("manifests/{tag}"),
            Ask::Content(descriptor, limit) => {
                return document(session, descriptor, *limit).map(|it| Some(Answer::whole(it)));
            }
        };
        let url = match ask {
            Ask::Referrers(_, Some(next)) => (*next).clone(),
            _ => session.url(&path)?,
        };
        let accept = [("accept", MANIFEST_TYPES.join(", "))];
        match session.document(&url, &accept, &path, MANIFEST_BYTES_MAX) {
            Ok((bytes, response)) => {
                let next = match response.header("link").and_then(next_link) {
                    Some(link) => join(&response.url, link).map_or(Next::Nowhere, Next::At),
                    None => Next::End,
                };
                Ok(Some(Answer { bytes, next }))
            }
            Err(error) if error.kind() == OpenErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a layer is of a kind that is read at all.
    pub(crate) fn reads(&self, layer: &Layer) -> bool {
        let descriptor = usize::try_from(layer.index).ok().and_then(|i| self.layers.get(i));
        descriptor.is_some_and(|descriptor| descriptor.layer_kind() != LayerKind::Other)
    }

    /// What tells the bytes of a layer, and as what they are read, from those of other layers.
    pub(crate) fn bytes_of(&self, layer: &Layer) -> Option<String> {
        let descriptor = self.layers.get(usize::try_from(layer.index).ok()?)?;
        Some(format!("{:?} {}", descriptor.layer_kind(), descriptor.digest))
    }

    /// One layer, to be asked for when it is read.
    pub(crate) fn layer(&self, layer: &Layer) -> Result<Source<'_>, Problem> {
        let descriptor = usize::try_from(layer.index).ok().and_then(|i| self.layers.get(i));
        let Some(descriptor) = descriptor else {
            let (subject, why) =
                (format!("layer {}", layer.index), "the manifest lists no such layer");
            return Err(Problem::new(ProblemKind::Unreadable, subject, why).in_layer(layer.index));
        };
        match manifest::unread_kind(layer, descriptor.layer_kind(), &descriptor.media_type) {
            Some(problem) => Err(problem),
            None => Ok(Source::Blob(Box::new(Blob::new(&self.session, descriptor)))),
        }
    }
}

/// The tags of the repository that `name` means, as its registry lists them.
pub fn tags(name: &str, options: &Options) -> Result<Vec<String>, OpenError> {
    let image = meant(name, options)?;
    let endpoints = endpoints(&image, options)?;
    // Mirrors may know fewer tags; the registry itself comes last.
    let endpoint = endpoints.into_iter().next_back().ok_or_else(|| nowhere(&image))?;
    list_tags(&Session::begin(endpoint, options)?)
}

/// Follows the pages of a tag list ("Listing Tags", "Pagination" by RFC 5988 links).
fn list_tags(session: &Session) -> Result<Vec<String>, OpenError> {
    #[derive(Deserialize)]
    struct Page {
        tags: Option<Vec<String>>,
    }
    let mut tags = Vec::new();
    let mut next = session.url("tags/list?n=1000")?;
    for _ in 0..TAG_PAGES_MAX {
        let (bytes, response) = session.document(&next, &[], "tags/list", MANIFEST_BYTES_MAX)?;
        let page: Page = serde_json::from_slice(&bytes).map_err(|why| {
            let message = format!("the tags of `{}` do not parse", session.name());
            OpenError::new(OpenErrorKind::Network, message).because(why)
        })?;
        tags.extend(page.tags.unwrap_or_default());
        let link = response.header("link").and_then(next_link);
        let Some(url) = link.and_then(|link| join(&response.url, link)) else { break };
        next = url;
    }
    tags.sort();
    tags.dedup();
    Ok(tags)
}

/// The target of `<…>; rel="next"` in a `Link` header (RFC 8288, section 3).
fn next_link(header: &str) -> Option<&str> {
    header.split('<').skip(1).find_map(|part| {
        let (target, parameters) = part.split_once('>')?;
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let parameter = parameter.trim().replace('"', "");
            parameter.eq_ignore_ascii_case("rel=next")
        });
        is_next.then_some(target)
    })
}

/// A tag that does not exist is often one mistyped.
fn with_tags(error: OpenError, session: &Session, image: &ImageRef) -> OpenError {
    let (Some(wanted), Ok(mut tags)) = (image.tag(), list_tags(session)) else { return error };
    if tags.is_empty() {
        return error;
    }
    let common = |tag: &String| tag.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
    tags.sort_by_key(|tag| std::cmp::Reverse(common(tag)));
    tags.truncate(TAGS_SHOWN);
    error.hint(format!("tags like it: {}", tags.join(", ")))
}

/// The image that `name` means where the user's `registries.conf` is in force.
fn meant(name: &str, options: &Options) -> Result<ImageRef, OpenError> {
    // What does not parse is told by its own name.
    parse(name)?;
    let registries = Registries::load(&options.environment)?;
    match registries.qualify(name) {
        Ok(full) => parse(&full),
        Err(candidates) => {
            let message =
                format!("`{name}` names no registry, and registries.conf lists several to search");
            let hint = format!("say which is meant: {}", candidates.join(", "));
            Err(OpenError::new(OpenErrorKind::Usage, message).hint(hint))
        }
    }
}

fn parse(name: &str) -> Result<ImageRef, OpenError> {
    name.parse().map_err(|why| {
        OpenError::new(OpenErrorKind::Usage, format!("`{name}` is not an image name")).because(why)
    })
}

fn endpoints(image: &ImageRef, options: &Options) -> Result<Vec<Endpoint>, OpenError> {
    if options.offline {
        let message = format!("`{}` is not asked for `{image}`: offline", image.registry());
        return Err(OpenError::new(OpenErrorKind::Network, message));
    }
    let registries = Registries::load(&options.environment)?;
    registries.endpoints(image, &options.registry.insecure).map_err(|Blocked { name }| {
        let message = format!("`{name}` is blocked by registries.conf");
        OpenError::new(OpenErrorKind::Unauthorized, message)
    })
}

fn nowhere(image: &ImageRef) -> OpenError {
    OpenError::new(OpenErrorKind::NotFound, format!("there is no place to ask for `{image}` at"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_link_says() {
        let cases = [
            (r#"</v2/a/tags/list?last=b&n=2>; rel="next""#, Some("/v2/a/tags/list?last=b&n=2")),
            (r#"<https://r.example/x>;rel=next"#, Some("https://r.example/x")),
            (r#"</first>; rel="prev", </second>; title="a"; rel="NEXT""#, Some("/second")),
            (r#"</first>; rel="last""#, None),
            ("</cut", None),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(next_link(header), expected, "{header}");
        }
    }
}
