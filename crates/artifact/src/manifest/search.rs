//! The way from an index, through indexes within it, to the one image that is meant.
//!
//! Of several images for a platform the first is taken, as runtimes do, and that there are others is
//! said. What an index does not say of its images, their configurations do, a bounded number of them.

use std::cmp::Reverse;
use std::rc::Rc;

use model::{Digest, Platform, Problem, ProblemKind};

use super::{Descriptor, Document, Fetch, check_is_image, damaged, fetch_checked, parse};
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

/// Images shown when one was chosen.
const OTHERS_SHOWN_MAX: usize = 5;

/// The way from an index to one manifest, through indexes within it.
pub(super) struct Search<'a, 'f> {
    pub(super) name: &'a str,
    pub(super) wanted: Option<&'a Platform>,
    pub(super) fetch: &'a mut Fetch<'f>,
    pub(super) indexes: usize,
}

impl Search<'_, '_> {
    /// The image for the platform that is wanted, and that there are others for it.
    pub(super) fn choose(
        &mut self,
        entries: Vec<Descriptor>,
    ) -> Result<(Listed, Option<Problem>), OpenError> {
        let mut listed = Vec::new();
        self.gather(entries, &[], &mut listed)?;
        // What is attached to an image stands beside it in a layout, and is no choice.
        if !listed.iter().all(|it| it.image.is_artifact()) {
            listed.retain(|it| !it.image.is_artifact());
        }
        let wanted = self.wanted.cloned().unwrap_or_else(Platform::host);
        match listed.as_slice() {
            // Nothing to choose from; whether the user's wish is met, the configuration tells.
            [only] if self.wanted.is_none() || only.platform.is_none() => {
                return Ok((only.clone(), None));
            }
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
            (Some(&chosen), _) => Ok((chosen.clone(), self.others_like(chosen, &candidates))),
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
            match self.platform_of(&it.image) {
                Ok(platform) => it.platform = Some(platform),
                Err(error) if error.kind() == OpenErrorKind::NotAnImage => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure
    }

    fn platform_of(&mut self, image: &Descriptor) -> Result<Platform, OpenError> {
        let bytes = fetch_checked(image, MANIFEST_BYTES_MAX, self.fetch)?;
        let Document::Manifest(manifest) = parse(self.name, &bytes)? else {
            return Err(listed_as_manifest(&image.digest));
        };
        let config = check_is_image(self.name, &manifest)?;
        let config = fetch_checked(config, CONFIG_BYTES_MAX, self.fetch)?;
        Ok(config::parse(&config)?.platform())
    }

    /// That there are other images for the same platform, which nobody would hear of. The same files
    /// once more, compressed otherwise, are none.
    fn others_like(&self, chosen: &Listed, candidates: &[&Listed]) -> Option<Problem> {
        let platform = chosen.platform.as_ref()?.normal();
        let is_other = |it: &&&Listed| {
            it.image.digest != chosen.image.digest
                && it.platform.as_ref().is_some_and(|it| it.normal() == platform)
                && it.image.annotation("io.github.containers.compression.zstd").is_none()
        };
        let mut others: Vec<&Digest> =
            candidates.iter().filter(is_other).map(|it| &it.image.digest).collect();
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

    /// Collects the image manifests in `entries`, which stand within these indexes, and in the
    /// indexes below, in their order.
    pub(super) fn gather(
        &mut self,
        entries: Vec<Descriptor>,
        within: &[Digest],
        listed: &mut Vec<Listed>,
    ) -> Result<(), OpenError> {
        let within: Rc<[Digest]> = within.into();
        for entry in entries {
            if entry.is_attestation() {
                continue;
            }
            if !entry.is_index() {
                let platform = entry.platform();
                listed.push(Listed { image: entry, within: Rc::clone(&within), platform });
                continue;
            }
            self.indexes += 1;
            if within.len() + 1 >= INDEX_DEPTH_MAX || self.indexes > INDEXES_MAX {
                return Err(damaged(format!(
                    "`{}` nests more than {INDEX_DEPTH_MAX} deep, or holds more than {INDEXES_MAX}, indexes",
                    self.name
                )));
            }
            let bytes = fetch_checked(&entry, MANIFEST_BYTES_MAX, self.fetch)?;
            let Document::Index(inner) = parse(self.name, &bytes)? else {
                return Err(damaged(format!(
                    "`{}` is listed as an index and is a manifest",
                    entry.digest
                )));
            };
            let within: Vec<Digest> =
                std::iter::once(entry.digest).chain(within.iter().cloned()).collect();
            self.gather(inner, &within, listed)?;
        }
        Ok(())
    }

    fn no_image_for(&self, wanted: &Platform, available: Vec<Platform>) -> OpenError {
        if !available.is_empty() && available.iter().all(|platform| platform.os == "windows") {
            return config::windows(self.name);
        }
        let message = format!("`{}` has no image for `{wanted}`", self.name);
        with_platforms(OpenError::new(OpenErrorKind::NotFound, message), available)
    }
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
