//! Docker's authorisation plugin: a request to the daemon → what it wants to start.
//!
//! ```text
//! dockerd → serve (socket) → Request → route → settings, daemon → Wanted
//! ```
//!
//! What starts is judged twice: when a container is made, by what the request says, so that the error
//! comes early; and when it starts, by what the daemon has made of it, which alone is the truth. A
//! request whose body the daemon does not show is not judged, and never passes for one that asks
//! for nothing.

mod daemon;
mod route;
mod serve;
pub(crate) mod settings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::event::Container;
use policy::guard::start::{Ask, AskKind};
use serde::Deserialize;

pub use self::serve::{Answer, Server};
pub(crate) use self::settings::{capability, mount, privileged};

use self::daemon::Daemon;
use self::route::Route;
use crate::judge::{Broken, Wanted};
use crate::tree::Tree;

/// A request as the daemon shows it to the plugin, before it is done.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Request {
    #[serde(rename = "RequestMethod")]
    method: String,
    #[serde(rename = "RequestUri")]
    uri: String,
    /// In Base64. Absent where it is no JSON, is longer than the daemon wants to show (1 MiB), or is
    /// said to have no length.
    #[serde(default, rename = "RequestBody")]
    body: Option<String>,
    /// Who asks, where clients show certificates.
    #[serde(default, rename = "User")]
    user: String,
    #[serde(default, rename = "RequestHeaders")]
    _headers: Option<BTreeMap<String, String>>,
}

/// Reads requests, and asks the daemon what they leave open.
#[derive(Clone, Debug)]
pub struct Reader {
    daemon: Daemon,
}

impl Request {
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        serde_json::from_slice(bytes)
            .map_err(|why| Broken::new(format!("the daemon's request makes no sense: {why}")))
    }

    /// Who asks, if the daemon knows; else empty.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What it is, for people.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }

    fn body(&self) -> Result<Tree, Broken> {
        let text = self.body.as_deref().unwrap_or_default();
        if text.is_empty() {
            let why =
                "the daemon does not show its body: longer than 1 MiB, or not said to be JSON";
            return Err(Broken::new(format!("{}: {why}", self.line())));
        }
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|why| Broken::new(format!("its body is no Base64: {why}")))?;
        Tree::parse(&bytes)
    }
}

impl Reader {
    /// `socket` is the daemon's.
    pub fn new(socket: PathBuf) -> Self {
        Self { daemon: Daemon::at(socket) }
    }

    /// What the request wants to start; None where it starts nothing.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub fn wanted(&self, request: &Request) -> Result<Option<Wanted>, Broken> {
        let route = route::of(&request.method, &request.uri)?;
        let wanted = match route {
            Route::Other => return Ok(None),
            Route::Create { name } => self.create(&name, &request.body()?)?,
            Route::Start { id } => {
                let started = self.daemon.container(&id)?;
                Wanted { deed: "start", ..started }
            }
            Route::Exec { id } => {
                let asks = settings::of_command(&request.body()?)?;
                self.in_container(&id, "run a command in", asks)?
            }
            Route::Update { id } => {
                let asks = settings::of_resources(&request.body()?)?;
                self.in_container(&id, "change", asks)?
            }
            Route::Volume => {
                let asks = settings::of_volume(&request.body()?)?;
                Wanted { deed: "make a volume", asks, ..of_nobody() }
            }
            Route::Around(way) => {
                let asks = vec![Ask::new(AskKind::Around, way)];
                Wanted { deed: "use", asks, ..of_nobody() }
            }
        };
        let is_anything = wanted.image.is_some() || !wanted.asks.is_empty();
        Ok(is_anything.then_some(wanted))
    }

    fn create(&self, name: &str, body: &Tree) -> Result<Wanted, Broken> {
        let settings = settings::of_creation(body)?;
        // An image that is not there is not started: the client pulls it, and asks again.
        let image = self.daemon.image(&settings.image)?;
        let id = image.as_ref().and_then(|digests| digests.first()).map(String::as_str);
        let container =
            sensor::containers::to_be(name, &settings.image, id, settings.labels.clone());
        let mut asks = settings.asks;
        for volume in &settings.volumes {
            asks.extend(self.daemon.volume(volume)?);
        }
        Ok(Wanted { deed: "create", container, image, asks: sorted(asks), is_early: true })
    }

    fn in_container(&self, id: &str, deed: &'static str, asks: Vec<Ask>) -> Result<Wanted, Broken> {
        if asks.is_empty() {
            return Ok(Wanted::default());
        }
        let container = self.daemon.container(id)?.container;
        Ok(Wanted { deed, container, asks, ..Wanted::default() })
    }
}

/// It has no image and no labels, which is known.
fn of_nobody() -> Wanted {
    let container = Container { described: true, ..Container::default() };
    Wanted { container, ..Wanted::default() }
}

fn sorted(mut asks: Vec<Ask>) -> Vec<Ask> {
    asks.sort();
    asks.dedup();
    asks
}

/// Everything that is read here, for fuzzing.
pub(crate) fn fuzz(bytes: &[u8]) {
    let _is_read = serve::fuzz(bytes);
    let _is_request = Request::parse(bytes).map(|it| it.body());
    let text = String::from_utf8_lossy(bytes);
    let _is_routed = route::of("POST", &text);
    let Ok(tree) = Tree::parse(bytes) else { return };
    let _is_created = settings::of_creation(&tree);
    let _is_command = settings::of_command(&tree);
    let _is_update = settings::of_resources(&tree);
    let _is_volume = settings::of_volume(&tree);
    let _is_inspected = settings::of_container(&tree);
    let _is_image = settings::digests_of(&tree);
}
