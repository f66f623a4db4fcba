//! The stream in which a daemon gives up an image: `GET /images/ID/get`, that is `docker save`.
//!
//! Layers come in an order of the daemon's own, before or after the manifest, and under names
//! that need not tell which is which (Docker before 25: `ID/layer.tar`; since: OCI blobs). So each
//! is analyzed as it comes; what its bytes hash to is its diff ID, and that says where it belongs.
//! Nothing is kept but documents of a few KiB.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use model::{Algorithm, ArtifactKind, Digest, Entry, Layer, Problem, ProblemKind, Visitor, Want};
use serde::de::IgnoredAny;

use super::Engine;
use crate::config::{self, ImageConfig};
use crate::digest::digest_of;
use crate::error::OpenErrorKind;
use crate::image::LayerRead;
use crate::input::Stream;
use crate::layer::{Outcome, Reading, read_layer};
use crate::limits::CONFIG_BYTES_MAX;
use crate::tar::{Fault, Kind, Member, Next, Tar};
use crate::{OpenError, ReadError, Stop};

/// An image that a daemon can be asked to give up.
pub(crate) struct Export {
    engine: Engine,
    id: Digest,
}

/// One thing in the stream.
enum Part<'t> {
    Document(Vec<u8>),
    /// A layer, compressed or not, and its digest where its name tells it.
    Layer(&'t mut (dyn Read + Send), u64, Option<Digest>),
}

/// What a look at a part leads to.
enum Go {
    On,
    Enough,
}

impl Export {
    pub(super) fn new(engine: Engine, id: Digest) -> Self {
        Self { engine, id }
    }

    pub(super) fn kind(&self) -> ArtifactKind {
        self.engine.kind
    }

    /// Looks for the image's configuration in the stream, for when the daemon's answers do not
    /// tell it: the one with these diff IDs.
    pub(super) fn config(
        &self,
        name: &str,
        diff_ids: &[Digest],
        stop: &Stop,
    ) -> Result<(Digest, ImageConfig), OpenError> {
        let mut found = None;
        let end = self.each(stop, &mut |part| {
            let Part::Document(bytes) = part else { return Ok(Go::On) };
            match config::parse(&bytes) {
                Ok(config) if !config.os.is_empty() && config.rootfs.diff_ids == diff_ids => {
                    found = Some((digest_of(Algorithm::Sha256, &bytes), config));
                    Ok(Go::Enough)
                }
                _ => Ok(Go::On),
            }
        })?;
        found.ok_or_else(|| {
            let message = format!("the export of `{name}` holds no configuration");
            let error = OpenError::new(OpenErrorKind::Damaged, message);
            match end {
                Some(fault) => error.because(fault),
                None => error,
            }
        })
    }

    /// Reads the layers named by index, all in one pass through the stream.
    pub(crate) fn read<V: Visitor>(
        &self,
        layers: &[Layer],
        wanted: &[u32],
        make: &(dyn Fn() -> V + Sync),
        done: &(dyn Fn(LayerRead<V>) + Sync),
        reading: &Reading<'_>,
    ) -> Result<(), ReadError> {
        let mut gathering = Gathering::new(layers, wanted, done);
        if gathering.missing.is_empty() {
            return Ok(());
        }
        let copies = gathering.copies();
        let end = self.each(&reading.options.stop, &mut |part| {
            let Part::Layer(blob, size, named) = part else { return Ok(Go::On) };
            if named.as_ref().is_some_and(|digest| gathering.is_unwanted(digest)) {
                return Ok(Go::On);
            }
            let visitors = (0..copies).map(|_| make()).collect();
            let mut visitors = Copies(visitors);
            let layer = gathering.unknown_layer(size);
            let outcome = read_layer(blob, &layer, &mut visitors, reading)?;
            gathering.add(visitors.0, outcome);
            Ok(if gathering.missing.is_empty() { Go::Enough } else { Go::On })
        })?;
        gathering.finish(end, make);
        Ok(())
    }

    /// Goes through the stream. What is wrong with the stream itself is returned, for what came
    /// before it counts.
    fn each(
        &self,
        stop: &Stop,
        look: &mut dyn FnMut(Part<'_>) -> Result<Go, ReadError>,
    ) -> Result<Option<Fault>, ReadError> {
        let path = format!("/images/{}/get", self.id);
        let response = self.engine.get(&self.engine.exports, &path, &self.id.to_string())?;
        let mut stream = Stream(response.body);
        let mut tar = Tar::new(&mut stream);
        loop {
            let go = match tar.next() {
                Ok(Next::Member(member)) if member.kind == Kind::File => {
                    see(&mut tar, &member, look)
                }
                Ok(Next::Member(_)) => Ok(Ok(Go::On)),
                Ok(Next::End) => return Ok(None),
                Ok(Next::Cut) => Err(Fault::Damaged("the export ends too early", tar.position())),
                Err(fault) => Err(fault),
            };
            // A connection that was ended on purpose looks broken, too.
            stop.check()?;
            match go {
                Ok(Ok(Go::On)) => {}
                Ok(Ok(Go::Enough)) => return Ok(None),
                Ok(Err(interrupted)) => return Err(interrupted),
                Err(fault) => return Ok(Some(fault)),
            }
        }
    }
}

/// Shows one file of the stream, if it is a layer or a document.
fn see(
    tar: &mut Tar<'_>,
    member: &Member,
    look: &mut dyn FnMut(Part<'_>) -> Result<Go, ReadError>,
) -> Result<Result<Go, ReadError>, Fault> {
    let path = String::from_utf8_lossy(&member.path);
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let digest = directory.strip_prefix("blobs/");
    let digest: Option<Digest> =
        digest.and_then(|algorithm| format!("{algorithm}:{name}").parse().ok());
    // Podman names a layer after its digest, at the top.
    let podman = name.strip_suffix(".tar").filter(|_| directory.is_empty());
    if podman.is_some() || name == "layer.tar" {
        let digest = podman.and_then(|hex| format!("sha256:{hex}").parse().ok());
        return Ok(look(Part::Layer(&mut Content(tar), member.size, digest)));
    }
    if digest.is_none() {
        // What is named as a document is no layer, though `manifest.json` begins with a bracket.
        if !name.ends_with(".json") || member.size > CONFIG_BYTES_MAX {
            return Ok(Ok(Go::On));
        }
        let mut bytes = Vec::new();
        Content(tar).read_to_end(&mut bytes)?;
        return Ok(look(Part::Document(bytes)));
    }
    // An OCI blob does not say what it is. No tar that anybody made begins like JSON, but if one
    // does, and is no JSON, it is a layer all the same.
    let mut head = [0];
    let peeked = tar.read(&mut head)?;
    let rest = &mut Content(tar);
    if head != *b"{" || member.size > CONFIG_BYTES_MAX {
        let head = Cursor::new(head).take(peeked as u64);
        return Ok(look(Part::Layer(&mut head.chain(rest), member.size, digest)));
    }
    let mut bytes = head.to_vec();
    rest.read_to_end(&mut bytes)?;
    if serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() {
        return Ok(look(Part::Document(bytes)));
    }
    Ok(look(Part::Layer(&mut bytes.as_slice(), member.size, digest)))
}

/// The content of the present member of a tar.
struct Content<'t, 'i>(&'t mut Tar<'i>);

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(io::Error::other)
    }
}

/// Layers that are still to come, and where those go that have come.
struct Gathering<'a, V> {
    layers: &'a [Layer],
    /// By diff ID; images do repeat layers.
    missing: BTreeMap<Digest, Vec<u32>>,
    done: &'a (dyn Fn(LayerRead<V>) + Sync),
    /// The first layer that hashes to nothing we look for, or that broke off.
    stray: Option<(Vec<V>, Outcome)>,
    /// How many of that kind there were.
    strays: u32,
    /// Layers seen.
    seen: u32,
}

impl<'a, V> Gathering<'a, V> {
    fn new(layers: &'a [Layer], wanted: &[u32], done: &'a (dyn Fn(LayerRead<V>) + Sync)) -> Self {
        let mut missing: BTreeMap<Digest, Vec<u32>> = BTreeMap::new();
        for layer in layers.iter().filter(|layer| wanted.contains(&layer.index)) {
            if let Some(diff_id) = &layer.diff_id {
                missing.entry(diff_id.clone()).or_default().push(layer.index);
            }
        }
        Self { layers, missing, done, stray: None, strays: 0, seen: 0 }
    }

    /// How many visitors have to see each layer: one for each place that the same one has.
    fn copies(&self) -> usize {
        self.missing.values().map(Vec::len).max().unwrap_or(1)
    }

    /// Whether this is a layer of the image, and one that need not be read.
    fn is_unwanted(&self, digest: &Digest) -> bool {
        let ours = self.layers.iter().any(|layer| layer.diff_id.as_ref() == Some(digest));
        ours && !self.missing.contains_key(digest)
    }

    /// A layer that nothing is known of yet; its number is good for showing progress.
    fn unknown_layer(&mut self, size: u64) -> Layer {
        let last = u32::try_from(self.layers.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let index = self.seen.min(last);
        self.seen = self.seen.saturating_add(1);
        Layer {
            index,
            diff_id: None,
            digest: None,
            size_bytes: Some(size),
            created_by: String::new(),
        }
    }

    fn add(&mut self, visitors: Vec<V>, outcome: Outcome) {
        let indexes = outcome.diff_id.as_ref().and_then(|diff_id| self.missing.remove(diff_id));
        match indexes {
            // Those who see a layer first have the most of it, if it is too much for all of them.
            Some(indexes) => {
                for (index, visitor) in indexes.into_iter().zip(visitors) {
                    (self.done)(placed(index, visitor, &outcome, true));
                }
            }
            // Its name did not tell that nobody asked for it.
            None if outcome.diff_id.as_ref().is_some_and(|it| self.is_unwanted(it)) => {}
            None => {
                self.strays = self.strays.saturating_add(1);
                self.stray.get_or_insert((visitors, outcome));
            }
        }
    }

    /// A Problem for each layer that was not found.
    fn finish(mut self, end: Option<Fault>, make: &(dyn Fn() -> V + Sync)) {
        let why = end.map_or_else(String::new, |fault| format!(": {fault}"));
        let missing: Vec<(Digest, u32)> = std::mem::take(&mut self.missing)
            .into_iter()
            .flat_map(|(diff_id, indexes)| indexes.into_iter().map(move |i| (diff_id.clone(), i)))
            .collect();
        // One stray for one gap: a layer that broke off, or is not what its digest says.
        let is_sure = missing.len() == 1 && self.strays == 1;
        let mut stray = self.stray.filter(|_| is_sure);
        for (diff_id, index) in missing {
            let message = format!("the export does not hold it whole{why}");
            let problem = Problem::new(ProblemKind::Damaged, diff_id.to_string(), message);
            let (visitors, outcome) = match stray.take() {
                Some((visitors, mut outcome)) => {
                    outcome.problems.push(problem);
                    (visitors, outcome)
                }
                None => (Vec::new(), Outcome::missing(problem)),
            };
            let visitor = visitors.into_iter().next().unwrap_or_else(make);
            (self.done)(placed(index, visitor, &outcome, false));
        }
    }
}

fn placed<V>(index: u32, visitor: V, outcome: &Outcome, verified: bool) -> LayerRead<V> {
    let problems = outcome.problems.iter().cloned().map(|problem| problem.in_layer(index));
    LayerRead {
        index,
        visitor,
        ended: outcome.ended,
        verified,
        entries: outcome.entries,
        bytes: outcome.bytes,
        growth: outcome.growth,
        problems: problems.collect(),
        failure: None,
    }
}

/// Several visitors of the same layer.
struct Copies<V>(Vec<V>);

impl<V: Visitor> Visitor for Copies<V> {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        wanted(self.0.iter_mut().map(|visitor| visitor.entry(entry)))
    }

    fn head(&mut self, entry: &Entry<'_>, head: &[u8]) -> Want {
        wanted(self.0.iter_mut().map(|visitor| visitor.head(entry, head)))
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        for visitor in &mut self.0 {
            visitor.content(entry, bytes);
        }
    }
}

/// What several visitors want that have seen the same: they answer alike, but for those that have enough.
fn wanted(answers: impl Iterator<Item = Want>) -> Want {
    answers.fold(Want::Nothing, |wanted, answer| match answer {
        Want::Nothing => wanted,
        answer => answer,
    })
}
