//! What the daemon knows: of images, containers and volumes, by questions that change nothing.
//!
//! The daemon shows these questions to the plugin too, which lets them pass before it looks at
//! anything, so nobody waits for himself.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use policy::guard::start::Ask;
use sensor::containers::http;

use super::settings::{self, Inspected};
use crate::judge::{Broken, Wanted};
use crate::tree::Tree;

/// The daemon answers from memory; whoever waits for the gate waits for this too.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub(super) struct Daemon {
    socket: PathBuf,
}

impl Daemon {
    pub(super) fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// The digests of an image, the surest first; None where the daemon has no such image.
    pub(super) fn image(&self, name: &str) -> Result<Option<Vec<String>>, Broken> {
        // The daemon itself says what is wrong with a request without an image.
        if name.is_empty() {
            return Ok(None);
        }
        let told = self.ask(&format!("/images/{}/json", encoded(name)))?;
        told.map(|told| settings::digests_of(&told)).transpose()
    }

    /// A container that was made, as it would start.
    pub(super) fn container(&self, name: &str) -> Result<Wanted, Broken> {
        let told = self.ask(&format!("/containers/{}/json", encoded(name)))?;
        // The daemon has not, and says so itself.
        let Some(told) = told else { return Ok(Wanted::default()) };
        let Inspected { name, id, settings } = settings::of_container(&told)?;
        let image = self.image(&id)?.unwrap_or_else(|| vec![id.clone()]);
        let mut asks = settings.asks;
        for volume in &settings.volumes {
            asks.extend(self.volume(volume)?);
        }
        let labels = settings.labels;
        let container = sensor::containers::to_be(&name, &settings.image, Some(&id), labels);
        let asks = super::sorted(asks);
        Ok(Wanted { container, image: Some(image), asks, ..Wanted::default() })
    }

    /// What a volume is of the host; nothing where it is the daemon's own, or is to be made.
    pub(super) fn volume(&self, name: &str) -> Result<Vec<Ask>, Broken> {
        if name.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask(&format!("/volumes/{}", encoded(name)))? {
            Some(told) => settings::of_volume_told(&told),
            None => Ok(Vec::new()),
        }
    }

    fn ask(&self, path: &str) -> Result<Option<Tree>, Broken> {
        let answer = http::ask(&self.socket, "GET", path, PATIENCE);
        match answer.map_err(|why| Broken::new(why.to_string()))? {
            (200, body) => Tree::parse(&body).map(Some),
            // A name that is none is no thing either.
            (404 | 400, _) => Ok(None),
            (status, _) => Err(Broken::new(format!("the daemon answers {status} to `{path}`"))),
        }
    }
}

/// As part of a path: letters, digits and what names of images have; slashes stay, for the daemon
/// takes them as they are.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'@' | b'/' => {
                text.push(char::from(byte));
            }
            other => write!(text, "%{other:02X}").expect("a String takes anything"),
        }
    }
    text
}
