//! The way from an index, through indexes within it, to the one image that is meant.
//!
//! The image is the one that engines run (`engines`); where they do not agree, containerd is followed,
//! and what the others would run is said. Where all of them fail, what an index does not say of its
//! images their configurations do, a bounded number of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{Digest, Platform, Problem, ProblemKind};

use super::engines::{Engine, engines};
use super::{
    Descriptor, Document, Fetch, LayerKind, check_is_image, damaged, fetch_checked, parse,
};
use crate::OpenError;
use crate::config;
use crate::error::OpenErrorKind;
use crate::limits::{
    CONFIG_BYTES_MAX, CONFIGURATIONS_MAX, INDEX_DEPTH_MAX, INDEXES_MAX, MANIFEST_BYTES_MAX,
};

/// An image manifest, as an index lists it.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) image: Descriptor,
    /// The indexes on the way to it, the nearest first: shared by all that one of them lists.
    pub(super) within: Rc<[Digest]>,
    /// What it is for, where that is said.
    pub(super) platform: Option<Platform>,
}

/// An entry of an index, and, where that is an index too, what that lists.
pub(super) struct Node {
    pub(super) entry: Descriptor,
    within: Rc<[Digest]>,
    pub(super) inner: Option<Vec<Self>>,
}

/// What a manifest and its configuration say.
#[derive(Clone)]
pub(super) struct Facts {
    pub(super) config: Digest,
    pub(super) platform: Platform,
    /// Whether the configuration has the type of an image's. Not all engines look at that.
    is_typed: bool,
}

/// The image that was chosen.
pub(super) struct Choice {
    pub(super) chosen: Listed,
    /// That there are others for its platform.
    pub(super) others: Option<Problem>,
    pub(super) rivals: Vec<Rival>,
}

/// Another entry that some engines would take, or may.
pub(super) struct Rival {
    image: Digest,
    engines: Vec<String>,
    /// The digest of its configuration; else why it is not known.
    config: Result<Digest, String>,
}

/// Images shown when one was chosen.
const OTHERS_SHOWN_MAX: usize = 5;

/// The way from an index to one manifest, through indexes within it.
pub(super) struct Search<'a, 'f> {
    name: &'a str,
    wanted: Option<&'a Platform>,
    fetch: &'a mut Fetch<'f>,
    /// Indexes fetched.
    indexes: usize,
    /// What is known of manifests: None of one that is no image, or not there.
    known: BTreeMap<Digest, Option<Facts>>,
}

impl<'a, 'f> Search<'a, 'f> {
    pub(super) fn new(
        name: &'a str,
        wanted: Option<&'a Platform>,
        fetch: &'a mut Fetch<'f>,
    ) -> Self {
        Self { name, wanted, fetch, indexes: 0, known: BTreeMap::new() }
    }

    /// The image that engines run where this platform is wanted. Where none of them does, the one
    /// for it as far as configurations tell, or the only one there is.
    pub(super) fn choose(&mut self, entries: Vec<Descriptor>) -> Result<Choice, OpenError> {
        let nodes = self.gather(entries, &[])?;
        let engines = engines(self.wanted);
        let mut taken = Vec::new();
        for engine in &engines {
            if let Some(listed) = engine.choose(&nodes, self)? {
                taken.push((engine, listed));
            }
        }
        let is_fit = |engine: &Engine, it: &Listed| {
            self.wanted.is_none() || engine.is_asked_for(it.platform.as_ref())
        };
        let mut fit = taken.iter().filter(|(engine, listed)| is_fit(engine, listed));
        let followed = fit.next().map(|(_, listed)| listed.clone());
        let mut all = Vec::new();
        leaves(&nodes, &mut all);
        let all: Vec<Listed> = all.into_iter().map(Node::as_listed).collect();
        let chosen = match followed {
            Some(chosen) => chosen,
            None => self.by_configurations(all.clone())?,
        };
        let others = self.others_like(&chosen, &all);
        let rivals = self.rivals(&chosen, taken);
        Ok(Choice { chosen, others, rivals })
    }

    /// What engines take instead of the image that was chosen.
    fn rivals(&mut self, chosen: &Listed, taken: Vec<(&Engine, Listed)>) -> Vec<Rival> {
        let mut rivals: Vec<Rival> = Vec::new();
        for (engine, listed) in taken {
            let image = &listed.image.digest;
            if *image == chosen.image.digest {
                continue;
            }
            if let Some(known) = rivals.iter_mut().find(|it| it.image == *image) {
                known.engines.push(engine.name.clone());
                continue;
            }
            let config = match self.known_facts(&listed.image) {
                Ok(Some(facts)) => Ok(facts.config),
                // Whoever takes it fails.
                Ok(None) => continue,
                Err(error) => Err(error.to_string()),
            };
            rivals.push(Rival { image: image.clone(), engines: vec![engine.name.clone()], config });
        }
        rivals
    }

    /// The image for the platform that is wanted, by what the indexes say, or else the
    /// configurations.
    fn by_configurations(&mut self, mut listed: Vec<Listed>) -> Result<Listed, OpenError> {
        listed.retain(|it| !it.image.is_attestation());
        // What is attached to an image stands beside it in a layout, and is no choice.
        if !listed.iter().all(|it| it.image.is_artifact()) {
            listed.retain(|it| !it.image.is_artifact());
        }
        let wanted = self.wanted.cloned().unwrap_or_else(Platform::host);
        match listed.as_slice() {
            // Nothing to choose from; whether the user's wish is met, the configuration tells.
            [only] if self.wanted.is_none() || only.platform.is_none() => return Ok(only.clone()),
            _ => {}
        }
        let serves = |it: &Listed| it.platform.as_ref().is_some_and(|it| it.satisfies(&wanted));
        let failure = match listed.iter().any(serves) {
            true => None,
            false => self.ask_configurations(&mut listed),
        };
        let platforms = || listed.iter().filter_map(|it| Some((it, it.platform.clone()?)));
        let (candidates, offered): (Vec<&Listed>, Vec<Platform>) = platforms().unzip();
        let best = best_for(&wanted, offered.iter()).and_then(|best| candidates.get(best));
        match (best, failure) {
            (Some(&chosen), _) => Ok(chosen.clone()),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(self.no_image_for(&wanted, offered)),
        }
    }

    /// Reads in their configurations what images are for of which the indexes do not say it. The
    /// error is the first that is more than that one is no image.
    fn ask_configurations(&mut self, listed: &mut [Listed]) -> Option<OpenError> {
        let mut failure = None;
        let silent = listed.iter_mut().filter(|it| it.platform.is_none());
        for it in silent.take(CONFIGURATIONS_MAX) {
            match self.read_facts(&it.image) {
                Ok(facts) if facts.is_typed => it.platform = Some(facts.platform),
                Ok(_) => {}
                Err(error) if error.kind() == OpenErrorKind::NotAnImage => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure
    }

    /// What the manifest of an image and its configuration say; None if it is no image, or not to be
    /// had: no engine can run it either. The error is of the way there.
    pub(super) fn facts(&mut self, image: &Descriptor) -> Result<Option<Facts>, OpenError> {
        Ok(self.known_facts(image)?.filter(|it| it.is_typed))
    }

    /// Whether some engine could run this, whatever it is called.
    pub(super) fn may_run(&mut self, image: &Descriptor) -> Result<bool, OpenError> {
        Ok(self.known_facts(image)?.is_some())
    }

    fn known_facts(&mut self, image: &Descriptor) -> Result<Option<Facts>, OpenError> {
        if let Some(known) = self.known.get(&image.digest) {
            return Ok(known.clone());
        }
        let facts = match self.read_facts(image) {
            Ok(facts) => Some(facts),
            Err(error) if is_no_image(error.kind()) => None,
            Err(error) => return Err(error),
        };
        self.known.insert(image.digest.clone(), facts.clone());
        Ok(facts)
    }

    fn read_facts(&mut self, image: &Descriptor) -> Result<Facts, OpenError> {
        let bytes = fetch_checked(image, MANIFEST_BYTES_MAX, self.fetch)?;
        let Document::Manifest(manifest) = parse(self.name, &bytes)? else {
            return Err(listed_as_manifest(&image.digest));
        };
        let typed = check_is_image(self.name, &manifest);
        // What has a layer of an image's may be one under another name.
        let is_typed = typed.is_ok() && manifest.config.is_image_config();
        let may_be = manifest.layers.iter().any(|it| it.layer_kind() != LayerKind::Other);
        if let Err(error) = typed
            && !may_be
        {
            return Err(error);
        }
        let bytes = fetch_checked(&manifest.config, CONFIG_BYTES_MAX, self.fetch)?;
        let config = config::parse(&bytes)?;
        if !is_typed && config.rootfs.diff_ids.len() != manifest.layers.len() {
            let message = format!("`{}` is not an image", self.name);
            return Err(OpenError::new(OpenErrorKind::NotAnImage, message));
        }
        Ok(Facts { config: manifest.config.digest, platform: config.platform(), is_typed })
    }

    /// That there are other images for the same platform, which nobody would hear of. The same files
    /// once more, compressed otherwise, are none; what is another image all the same, and taken by
    /// those who prefer it, is told as a rival.
    fn others_like(&self, chosen: &Listed, all: &[Listed]) -> Option<Problem> {
        let platform = chosen.platform.as_ref()?.normal();
        let is_other = |it: &&Listed| {
            it.image.digest != chosen.image.digest
                && it.platform.as_ref().is_some_and(|it| it.normal() == platform)
                && it.image.annotation("io.github.containers.compression.zstd").is_none()
        };
        let mut others: Vec<&Digest> =
            all.iter().filter(is_other).map(|it| &it.image.digest).collect();
        others.sort_unstable();
        others.dedup();
        let count = others.len();
        let shown: Vec<String> =
            others.iter().take(OTHERS_SHOWN_MAX).map(|it| format!("@{it}")).collect();
        let message = format!(
            "it holds {} images for `{platform}`, of which `{}` is read; the others: {}",
            count + 1,
            chosen.image.digest,
            shown.join(", ")
        );
        (count > 0).then(|| Problem::new(ProblemKind::Notice, self.name, message))
    }

    /// Collects what `entries` lead to, which stand within these indexes, in their order. What is
    /// for an unknown system, as attestations are, no engine looks into.
    pub(super) fn gather(
        &mut self,
        entries: Vec<Descriptor>,
        within: &[Digest],
    ) -> Result<Vec<Node>, OpenError> {
        let shared: Rc<[Digest]> = within.into();
        let mut nodes = Vec::new();
        for entry in entries {
            let inner = match entry.is_index() && !entry.is_for_nobody() {
                true => Some(self.gather_inner(&entry, within)?),
                false => None,
            };
            nodes.push(Node { entry, within: Rc::clone(&shared), inner });
        }
        Ok(nodes)
    }

    fn gather_inner(
        &mut self,
        entry: &Descriptor,
        within: &[Digest],
    ) -> Result<Vec<Node>, OpenError> {
        self.indexes += 1;
        if within.len() + 1 >= INDEX_DEPTH_MAX || self.indexes > INDEXES_MAX {
            return Err(damaged(format!(
                "`{}` nests more than {INDEX_DEPTH_MAX} deep, or holds more than {INDEXES_MAX}, indexes",
                self.name
            )));
        }
        let bytes = fetch_checked(entry, MANIFEST_BYTES_MAX, self.fetch)?;
        let Document::Index(inner) = parse(self.name, &bytes)? else {
            let digest = &entry.digest;
            return Err(damaged(format!("`{digest}` is listed as an index and is a manifest")));
        };
        let within: Vec<Digest> =
            std::iter::once(entry.digest.clone()).chain(within.iter().cloned()).collect();
        self.gather(inner, &within)
    }

    fn no_image_for(&self, wanted: &Platform, available: Vec<Platform>) -> OpenError {
        if !available.is_empty() && available.iter().all(|platform| platform.os == "windows") {
            return config::windows(self.name);
        }
        let message = format!("`{}` has no image for `{wanted}`", self.name);
        with_platforms(OpenError::new(OpenErrorKind::NotFound, message), available)
    }
}

impl Node {
    pub(super) fn as_listed(&self) -> Listed {
        let platform = self.entry.platform();
        Listed { image: self.entry.clone(), within: Rc::clone(&self.within), platform }
    }

    /// The same with what its configuration says where the index says nothing; None if it is no
    /// image then.
    pub(super) fn listed(&self, search: &mut Search<'_, '_>) -> Result<Option<Listed>, OpenError> {
        let listed = self.as_listed();
        if listed.platform.is_some() || self.entry.platform.is_some() {
            return Ok(Some(listed));
        }
        let facts = search.facts(&self.entry)?;
        Ok(facts.map(|facts| Listed { platform: Some(facts.platform), ..listed }))
    }
}

impl Rival {
    /// That this one may run instead of the image with the configuration `read`; None if it is that
    /// image, compressed otherwise.
    pub(super) fn problem(self, name: &str, chosen: &Digest, read: &Digest) -> Option<Problem> {
        let Self { image, engines, config } = self;
        let engines = engines.join(", ");
        let message = match config {
            Ok(config) if config == *read => return None,
            Ok(_) => format!(
                "its index leads other engines to another image, `@{image}` ({engines}), than the \
                 one that was read, `{chosen}`"
            ),
            Err(why) => format!(
                "its index leads other engines to `@{image}` ({engines}), which could not be \
                 compared with what was read, `{chosen}`: {why}"
            ),
        };
        Some(Problem::new(ProblemKind::Unsupported, name, message))
    }
}

/// The manifests below, in the order of the indexes; a hostile tree is no deeper than others.
pub(super) fn leaves<'n>(nodes: &'n [Node], found: &mut Vec<&'n Node>) {
    for node in nodes {
        match &node.inner {
            Some(inner) => leaves(inner, found),
            None if node.entry.is_index() => {}
            None => found.push(node),
        }
    }
}

/// Whether what fails so is nothing that anybody could run.
fn is_no_image(kind: OpenErrorKind) -> bool {
    use OpenErrorKind::{Damaged, NotAnImage, NotFound, Unsupported};
    matches!(kind, NotAnImage | NotFound | Damaged | Unsupported)
}

/// Which of these platforms serves who wants one: the first of those that serve best.
pub(crate) fn best_for<'p>(
    wanted: &Platform,
    offered: impl Iterator<Item = &'p Platform>,
) -> Option<usize> {
    let fit = offered.enumerate().filter(|(_, it)| it.satisfies(wanted));
    // Of equals the iterator would give the last.
    fit.min_by_key(|(_, it)| Reverse(it.fitness(wanted))).map(|(index, _)| index)
}

pub(super) fn listed_as_manifest(digest: &Digest) -> OpenError {
    damaged(format!("`{digest}` is listed as a manifest and is an index"))
}

/// The error with a hint that lists the platforms there are.
pub(crate) fn with_platforms(error: OpenError, mut available: Vec<Platform>) -> OpenError {
    available.sort();
    available.dedup();
    let list: Vec<String> = available.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        return error;
    }
    error.hint(format!("choose one with --platform: {}", list.join(", ")))
}
