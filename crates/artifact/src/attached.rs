//! What others attached to an image: documents in manifests that refer to it (OCI distribution spec
//! 1.1, "Listing Referrers", and its tag schema), and those that cosign puts under tags made from
//! the image's digest.
//!
//! A source says how it is asked ([`Ask`]); where to look and what to take stands here. Nothing is
//! interpreted and no signature is verified: whoever may write beside an image can attach to it.
//! What cannot be read is a notice, for without an attachment more is reported, not less.

use std::collections::BTreeSet;

use model::{Digest, Problem, ProblemKind};

use crate::OpenError;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor, Document};

/// How many manifests that refer to an image are read. A pipeline attaches a handful; one that does
/// so every night to the same image has months.
const REFERRERS_MAX: usize = 128;
/// How many documents are read.
const DOCUMENTS_MAX: usize = 32;
/// The largest document, and all of them: the bill of an image of 10 000 packages takes 10 MiB, and
/// as the payload of an envelope a third more.
const DOCUMENT_BYTES_MAX: u64 = 32 << 20;
const ALL_BYTES_MAX: u64 = 128 << 20;
/// How cosign ends the tags of what it attaches: bills, and attestations in envelopes.
const COSIGN_ENDS: [&str; 2] = [".sbom", ".att"];
/// Signatures are no documents.
const SIGNATURE: &str = "simplesigning";

/// One document, held against its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub digest: Digest,
    pub media_type: String,
    /// The digest of the image that it was found with.
    pub subject: Digest,
    pub bytes: Vec<u8>,
}

/// What is asked of a source.
pub(crate) enum Ask<'a> {
    /// An index that lists manifests which refer to this one, among others perhaps.
    Referrers(&'a Digest),
    /// The manifest or index under a tag.
    Tag(&'a str),
    /// A manifest or blob.
    Content(&'a Descriptor, u64),
}

/// Answers with bytes; None if there are none.
pub(crate) type Source<'a> = dyn FnMut(Ask<'_>) -> Result<Option<Vec<u8>>, OpenError> + 'a;

/// Everything that is attached to the image with this manifest.
pub(crate) fn collect(
    subject: &Digest,
    source: &mut Source<'_>,
) -> (Vec<Attachment>, Vec<Problem>) {
    let mut search = Search {
        subject,
        source,
        seen: BTreeSet::new(),
        left: ALL_BYTES_MAX,
        found: Vec::new(),
        problems: Vec::new(),
    };
    search.referrers();
    COSIGN_ENDS.iter().for_each(|end| search.tagged(end));
    let Search { found, problems, .. } = search;
    (found, problems)
}

struct Search<'a, 'b> {
    subject: &'a Digest,
    source: &'a mut Source<'b>,
    seen: BTreeSet<Digest>,
    /// Bytes that may still be read.
    left: u64,
    found: Vec<Attachment>,
    problems: Vec<Problem>,
}

impl Search<'_, '_> {
    fn referrers(&mut self) {
        let tag = self.tag("");
        let listed = match (self.source)(Ask::Referrers(self.subject)) {
            // A registry that does not know the request leaves the list to whoever attaches.
            Ok(None) => (self.source)(Ask::Tag(&tag)),
            listed => listed,
        };
        let entries = match listed.map(|bytes| bytes.map(|it| manifest::parse(&tag, &it))) {
            Ok(None) => return,
            Ok(Some(Ok(Document::Index(entries)))) => entries,
            Ok(Some(Ok(Document::Manifest(_)))) => return self.note(&tag, "it is no index"),
            Ok(Some(Err(error))) | Err(error) => return self.note(&tag, &error.to_string()),
        };
        if entries.len() > REFERRERS_MAX {
            let message =
                format!("{} are listed, of which {REFERRERS_MAX} are read", entries.len());
            self.note("referrers", &message);
        }
        for entry in entries.iter().take(REFERRERS_MAX) {
            let Some(bytes) = self.content(entry, MANIFEST_BYTES_MAX) else { continue };
            // Others than this image's are in a layout's index.
            match manifest::parse(&entry.digest.to_string(), &bytes) {
                Ok(Document::Manifest(manifest))
                    if manifest.subject.as_ref() == Some(self.subject) =>
                {
                    self.documents(&manifest.layers);
                }
                _ => {}
            }
        }
    }

    fn tagged(&mut self, end: &str) {
        let tag = self.tag(end);
        let bytes = match (self.source)(Ask::Tag(&tag)) {
            Ok(None) => return,
            Ok(Some(bytes)) => bytes,
            Err(error) => return self.note(&tag, &error.to_string()),
        };
        match manifest::parse(&tag, &bytes) {
            Ok(Document::Manifest(manifest)) => self.documents(&manifest.layers),
            Ok(Document::Index(_)) => self.note(&tag, "it is no manifest"),
            Err(error) => self.note(&tag, &error.to_string()),
        }
    }

    fn documents(&mut self, layers: &[Descriptor]) {
        for layer in layers.iter().filter(|layer| !layer.media_type.contains(SIGNATURE)) {
            // The same document is often attached in both ways.
            if self.found.iter().any(|it| it.digest == layer.digest) {
                continue;
            }
            if self.found.len() >= DOCUMENTS_MAX {
                return self.note("attachments", "more than are read; the rest is left out");
            }
            let Some(bytes) = self.content(layer, DOCUMENT_BYTES_MAX) else { continue };
            self.found.push(Attachment {
                digest: layer.digest.clone(),
                media_type: layer.media_type.clone(),
                subject: self.subject.clone(),
                bytes,
            });
        }
    }

    /// What a descriptor stands for, once.
    fn content(&mut self, descriptor: &Descriptor, limit: u64) -> Option<Vec<u8>> {
        if !self.seen.insert(descriptor.digest.clone()) {
            return None;
        }
        let subject = descriptor.digest.to_string();
        let limit = limit.min(self.left);
        let mut source = |it: &Descriptor, limit: u64| {
            let bytes = (self.source)(Ask::Content(it, limit))?;
            Ok(bytes.unwrap_or_default())
        };
        match manifest::fetch_checked(descriptor, limit, &mut source) {
            Ok(bytes) => {
                self.left = self.left.saturating_sub(descriptor.size);
                Some(bytes)
            }
            Err(error) => {
                self.note(&subject, &error.to_string());
                None
            }
        }
    }

    /// `sha256-<hexadecimal>`, which tags may hold where digests may not.
    fn tag(&self, end: &str) -> String {
        format!("{}-{}{end}", self.subject.algorithm().name(), self.subject.hex())
    }

    fn note(&mut self, subject: &str, message: &str) {
        let message = format!("attached to the image, and not read: {message}");
        self.problems.push(Problem::new(ProblemKind::Notice, subject, message));
    }
}
