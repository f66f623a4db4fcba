//! Images that a Docker daemon holds, through its Engine API; Podman speaks the same.
//!
//! What an image is made of comes from `inspect` and `history`. Its layers lie unpacked on the
//! daemon's disk: where that is our disk too and we may read it, they are read there, in a
//! fraction of the time that the daemon takes to pack them up; no digest can be checked that way.
//! Else, and with `--verify`, they come in one stream, the daemon's `save` (`export`). This file
//! must never ask the daemon to change anything.

mod context;
mod export;
mod history;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Artifact, ArtifactKind, Digest, Layer, Problem, ProblemKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::Uri;

use self::context::Endpoint;
pub(crate) use self::export::Export;
use crate::dir::Tree;
use crate::error::OpenErrorKind;
use crate::http::{Client, Request, Response, Timing, Trust};
use crate::image::{Backend, Source};
use crate::{Image, ImageConfig, OpenError, Options, RootFs, Settings};

/// A daemon answers questions at once, unless it is busy starting.
const PATIENCE: Duration = Duration::from_secs(30);
/// Before the first byte of an export a daemon may write all of the image to its own disk
/// (Docker before 25 does: 20 s for 2.4 GB). The caller's deadline holds all the same.
const EXPORT_PATIENCE: Duration = Duration::from_secs(3600);
/// Answers about one image; long histories and many labels stay far below.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// A daemon that speaks Docker's Engine API.
pub(crate) struct Engine {
    /// `Docker` or `Podman`, for messages.
    name: &'static str,
    kind: ArtifactKind,
    /// Where it listens, for messages.
    address: String,
    /// `http://localhost` for a socket.
    origin: String,
    questions: Client,
    exports: Client,
}

/// The image that `name` means to Docker.
pub(crate) fn open(name: &str, options: &Options) -> Result<Image, OpenError> {
    Engine::docker(options)?.open(name, options)
}

/// What `GET /images/NAME/json` says, as far as we use it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    author: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default, rename = "RootFS")]
    root_fs: InspectedLayers,
    #[serde(default)]
    graph_driver: GraphDriver,
    #[serde(default)]
    config: Option<Settings>,
}

#[derive(Default, Deserialize)]
struct InspectedLayers {
    #[serde(default, rename = "Layers")]
    layers: Option<Vec<Digest>>,
}

/// How the daemon stores what is unpacked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GraphDriver {
    #[serde(default)]
    pub(crate) data: Option<GraphData>,
}

/// Of overlayfs drivers: the directories of an image or a container.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GraphData {
    /// That of an image's top layer, or of what a container wrote.
    #[serde(default)]
    pub(crate) upper_dir: Option<PathBuf>,
    /// Those beneath, the highest first, with colons between.
    #[serde(default)]
    lower_dir: String,
}

impl GraphData {
    /// The directories of an image's layers, the lowest first, if there are so many and we may
    /// read them.
    fn layers(&self, count: usize) -> Option<Vec<Tree>> {
        let lowers = self.lowers();
        let mut roots: Vec<PathBuf> = self.upper_dir.iter().cloned().chain(lowers).collect();
        roots.reverse();
        let fits = roots.len() == count && roots.iter().all(|root| is_open_to_us(root));
        fits.then(|| Tree::layers(&roots))
    }

    /// The directories beneath, the highest first.
    pub(crate) fn lowers(&self) -> Vec<PathBuf> {
        let paths = self.lower_dir.split(':').filter(|path| !path.is_empty());
        paths.map(PathBuf::from).collect()
    }
}

/// Whether we may read all that is below: a rootless daemon's files belong to many users, so that
/// even its owner cannot, and the daemon can.
pub(crate) fn is_open_to_us(directory: &Path) -> bool {
    rustix::process::geteuid().is_root() && fs::read_dir(directory).is_ok()
}

impl Engine {
    /// The Docker daemon that the environment leads to.
    pub(crate) fn docker(options: &Options) -> Result<Self, OpenError> {
        let Endpoint { address, certificates } = context::endpoint(&options.environment)?;
        Self::at("Docker", ArtifactKind::Docker, address, certificates, options)
    }

    /// The daemon at `address`, which is `unix://PATH` or `tcp://HOST[:PORT]`; with a directory of
    /// certificates the latter is secured.
    pub(crate) fn at(
        name: &'static str,
        kind: ArtifactKind,
        address: String,
        certificates: Option<PathBuf>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        if let Some(path) = address.strip_prefix("unix://") {
            let client = |time| Client::socket(Path::new(path), Timing::new(time), &options.stop);
            let (questions, exports) = (client(PATIENCE), client(EXPORT_PATIENCE));
            let origin = "http://localhost".to_owned();
            return Ok(Self { name, kind, address, origin, questions, exports });
        }
        if address.starts_with("ssh://") {
            let message =
                format!("{name} at `{address}` would be reached by SSH, which is not spoken");
            return Err(OpenError::new(OpenErrorKind::Unsupported, message)
                .hint("forward its socket with `ssh -L` and name that as unix://PATH"));
        }
        let Some(host) = address.strip_prefix("tcp://") else {
            let message = format!("{name} cannot be reached at `{address}`");
            return Err(OpenError::new(OpenErrorKind::Usage, message)
                .hint("want unix://PATH or tcp://HOST:PORT"));
        };
        if options.offline {
            let message = format!("{name} at `{address}` is not asked: offline");
            return Err(OpenError::new(OpenErrorKind::Network, message));
        }
        let environment = &options.environment;
        let secure = certificates.is_some();
        let (scheme, port) = if secure { ("https", 2376) } else { ("http", 2375) };
        let host = host.trim_end_matches('/');
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let port = if has_port { String::new() } else { format!(":{port}") };
        let origin = format!("{scheme}://{host}{port}");
        let client = |time| {
            let trust = Trust::daemon(environment, certificates.clone().unwrap_or_default());
            Client::network(environment, trust, Timing::new(time), &options.stop)
        };
        let (questions, exports) = (client(PATIENCE), client(EXPORT_PATIENCE));
        Ok(Self { name, kind, address, origin, questions, exports })
    }

    /// Opens the image `name`, without asking for any layer if that can be avoided.
    pub(crate) fn open(self, name: &str, options: &Options) -> Result<Image, OpenError> {
        let inspected: Inspected = self.ask(&format!("/images/{}/json", checked(name)?), name)?;
        let graph = inspected.graph_driver.data;
        let has_graph = graph.is_some();
        let diff_ids = inspected.root_fs.layers.unwrap_or_default();
        let id = inspected.id.strip_prefix("sha256:").unwrap_or(&inspected.id);
        let id: Digest = format!("sha256:{id}").parse().map_err(|why| {
            let message = format!("{} gives `{name}` no digest", self.name);
            OpenError::new(OpenErrorKind::Network, message).because(why)
        })?;
        // Podman 4 fails to list a history whose steps have no date.
        let steps = self.ask(&format!("/images/{id}/history"), name).ok();
        let here = self.is_here() && !options.verify;
        let trees = graph.filter(|_| here).and_then(|graph| graph.layers(diff_ids.len()));
        let export = Export::new(self, id.clone());
        let restored = steps.and_then(|steps| history::restore(steps, diff_ids.len()));
        let (digest, config) = match restored {
            // With a graph driver, an image's ID is the digest of its configuration.
            Some(history) if has_graph => {
                let config = ImageConfig {
                    os: inspected.os,
                    architecture: inspected.architecture,
                    variant: inspected.variant.filter(|variant| !variant.is_empty()),
                    created: inspected.created,
                    author: inspected.author,
                    comment: inspected.comment,
                    rootfs: RootFs { diff_ids },
                    history,
                    config: inspected.config.unwrap_or_default(),
                };
                (id, config)
            }
            // In containerd's store it is that of a manifest or an index.
            _ => export.config(name, &diff_ids, &options.stop)?,
        };
        config.check(name, config.rootfs.diff_ids.len(), options.platform.as_ref())?;
        let artifact = Artifact {
            name: name.to_owned(),
            kind: export.kind(),
            references: Vec::new(),
            digest: Some(digest),
            manifest_digest: None,
            platform: Some(config.platform()),
            size_bytes: inspected.size,
            created: config.created.clone(),
            config: Some(config.told()),
            layers: config.layers(std::iter::repeat((None, None))),
        };
        let backend = match trees {
            Some(trees) => Backend::Unpacked(trees),
            None => Backend::Engine(export),
        };
        Ok(Image::new(artifact, Some(config), Vec::new(), backend, options))
    }

    /// Opens the file system of the container `id` as the daemon exports it: flattened.
    pub(crate) fn open_flattened(self, name: &str, id: String, options: &Options) -> Image {
        let message = "its own files cannot be told from its image's: all are read as one layer";
        let notice = Problem::new(ProblemKind::Notice, name, message);
        let layer = Layer {
            index: 0,
            diff_id: None,
            digest: None,
            size_bytes: None,
            created_by: format!("container {id}"),
        };
        let artifact = Artifact {
            name: name.to_owned(),
            kind: ArtifactKind::Container,
            references: Vec::new(),
            digest: None,
            manifest_digest: None,
            platform: None,
            size_bytes: None,
            created: None,
            config: None,
            layers: vec![layer],
        };
        let backend = Backend::Flattened(Flattened { engine: self, id });
        Image::new(artifact, None, vec![notice], backend, options)
    }

    /// Whether paths that the daemon names are paths here.
    pub(crate) fn is_here(&self) -> bool {
        self.address.starts_with("unix://")
    }

    /// What the daemon knows of a container.
    pub(crate) fn container<T: DeserializeOwned>(&self, name: &str) -> Result<T, OpenError> {
        self.ask(&format!("/containers/{}/json", checked(name)?), name)
    }

    /// Asks a question about `subject`; the answer is JSON.
    fn ask<T: DeserializeOwned>(&self, path: &str, subject: &str) -> Result<T, OpenError> {
        let mut response = self.get(&self.questions, path, subject)?;
        let bytes = response.body.all(ANSWER_BYTES_MAX).ok().flatten().unwrap_or_default();
        self.questions.stop().check()?;
        serde_json::from_slice(&bytes).map_err(|why| {
            let message = format!("{} does not answer sensibly about `{subject}`", self.name);
            OpenError::new(OpenErrorKind::Network, message).because(why)
        })
    }

    fn get(&self, client: &Client, path: &str, subject: &str) -> Result<Response, OpenError> {
        let url: Uri = format!("{}{path}", self.origin).parse().map_err(|why| {
            let message = format!("`{}` does not make a URL", self.address);
            OpenError::new(OpenErrorKind::Usage, message).because(why)
        })?;
        let mut response =
            client.send(&Request::get(url)).map_err(|http| self.unreachable(http.error))?;
        let fail = |kind, message| Err(OpenError::new(kind, message));
        match response.status.as_u16() {
            200 => Ok(response),
            404 => fail(OpenErrorKind::NotFound, format!("{} has no `{subject}`", self.name)),
            status => {
                let said = said(&mut response);
                let message = format!("{} answers {status} about `{subject}`{said}", self.name);
                fail(OpenErrorKind::Network, message)
            }
        }
    }

    /// The daemon is not there, or not for us.
    fn unreachable(&self, error: OpenError) -> OpenError {
        let cause = std::error::Error::source(&error).and_then(|cause| {
            match cause.downcast_ref::<ureq::Error>() {
                Some(ureq::Error::Io(why)) => Some(why.kind()),
                _ => None,
            }
        });
        let (name, address) = (self.name, &self.address);
        match cause {
            _ if error.kind() == OpenErrorKind::Interrupted => error,
            Some(std::io::ErrorKind::PermissionDenied) => {
                let message = format!("{name} at `{address}` does not let us in");
                OpenError::new(OpenErrorKind::Unauthorized, message)
                    .because(error)
                    .hint("run as a user who may use it")
            }
            _ => {
                let message = format!("{name} does not run at `{address}`");
                OpenError::new(OpenErrorKind::Network, message).because(error)
            }
        }
    }
}

/// A container's file system as the daemon exports it.
pub(crate) struct Flattened {
    engine: Engine,
    id: String,
}

impl Flattened {
    /// Asks for the one layer that there is.
    pub(crate) fn layer(&self) -> Result<Source<'_>, Problem> {
        let path = format!("/containers/{}/export", self.id);
        match self.engine.get(&self.engine.exports, &path, &self.id) {
            Ok(response) => Ok(Source::Blob(Box::new(response.body))),
            Err(why) => {
                Err(Problem::new(ProblemKind::Unreadable, &self.id, why.to_string()).in_layer(0))
            }
        }
    }
}

/// The name as part of a path: image names and IDs need no escaping, and nothing else is let in.
fn checked(name: &str) -> Result<&str, OpenError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
    if !name.is_empty() && name.bytes().all(fits) && !name.contains("..") {
        return Ok(name);
    }
    let shown: String = name.chars().take(100).collect();
    Err(OpenError::new(OpenErrorKind::Usage, format!("`{shown}` is not an image name")))
}

/// What the daemon says about its refusal.
fn said(response: &mut Response) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let bytes = response.body.all(64 << 10).ok().flatten().unwrap_or_default();
    match serde_json::from_slice::<Refusal>(&bytes) {
        Ok(Refusal { message }) => {
            let shown: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
            format!(": it says “{shown}”")
        }
        Err(_) => String::new(),
    }
}
