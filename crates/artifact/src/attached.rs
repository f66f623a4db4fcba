//! What others attached to an image: documents in manifests that refer to it (OCI distribution spec
//! 1.1, "Listing Referrers", and its tag schema), and those that cosign puts under tags made from
//! the image's digest. What is attached to the index that the image was chosen from is attached to
//! every image in it.
//!
//! A source says how it is asked ([`Ask`]); where to look and what to take stands here. Nothing is
//! interpreted and no signature is verified: whoever may write beside an image can attach to it.
//! What cannot be read is a notice, for without an attachment more is reported, not less.

use std::collections::BTreeSet;

use model::{Digest, Problem, ProblemKind};
use ureq::http::Uri;

use crate::OpenError;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor, Document};

/// How many manifests that refer to an image are read. A pipeline attaches a handful; one that does
/// so every night to the same image has months.
const REFERRERS_MAX: usize = 128;
/// Pages of a list that are followed, so that one that leads back to itself ends.
const PAGES_MAX: usize = 16;
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
    /// The digest of the manifest or index that it was found with.
    pub subject: Digest,
    pub bytes: Vec<u8>,
}

/// What is asked of a source.
pub(crate) enum Ask<'a> {
    /// A page of an index that lists manifests which refer to this one, among others perhaps: the
    /// first, or where the one before it led.
    Referrers(&'a Digest, Option<&'a Uri>),
    /// The manifest or index under a tag.
    Tag(&'a str),
    /// A manifest or blob.
    Content(&'a Descriptor, u64),
}

/// What a source has.
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) next: Next,
}

/// How a list goes on.
pub(crate) enum Next {
    /// This was all of it.
    End,
    At(Uri),
    /// It should, at a place that is none.
    Nowhere,
}

impl Answer {
    /// All there is.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self { bytes, next: Next::End }
    }
}

/// Answers with bytes; None if there are none.
pub(crate) type Source<'a> = dyn FnMut(Ask<'_>) -> Result<Option<Answer>, OpenError> + 'a;

/// Everything that is attached to the image with the first of these manifests and indexes, or to
/// the others, from which it was chosen.
pub(crate) fn collect(
    subjects: &[Digest],
    source: &mut Source<'_>,
) -> (Vec<Attachment>, Vec<Problem>) {
    let mut search = Search {
        subjects,
        source,
        listed: Vec::new(),
        seen: BTreeSet::new(),
        left: ALL_BYTES_MAX,
        found: Vec::new(),
        problems: Vec::new(),
    };
    subjects.iter().for_each(|subject| search.list(subject));
    search.referrers();
    for subject in subjects {
        COSIGN_ENDS.iter().for_each(|end| search.tagged(subject, end));
    }
    let Search { found, problems, .. } = search;
    (found, problems)
}

struct Search<'a, 'b> {
    subjects: &'a [Digest],
    source: &'a mut Source<'b>,
    /// What may refer to any of the subjects, each once: as many as are read, and one more.
    listed: Vec<Descriptor>,
    seen: BTreeSet<Digest>,
    /// Bytes that may still be read.
    left: u64,
    found: Vec<Attachment>,
    problems: Vec<Problem>,
}

impl Search<'_, '_> {
    /// Reads the list of what refers to a subject, page by page.
    fn list(&mut self, subject: &Digest) {
        let tag = tag(subject, "");
        let mut place: Option<Uri> = None;
        for _ in 0..PAGES_MAX {
            let answer = match (self.source)(Ask::Referrers(subject, place.as_ref())) {
                // A registry that does not know the request leaves the list to whoever attaches.
                Ok(None) if place.is_none() => (self.source)(Ask::Tag(&tag)),
                answer => answer,
            };
            let Answer { bytes, next } = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) if place.is_none() => return,
                Ok(None) => return self.note(&tag, "a page of the list is not there"),
                Err(error) => return self.note(&tag, &error.to_string()),
            };
            match manifest::parse(&tag, &bytes) {
                Ok(Document::Index(entries)) => self.take(entries),
                Ok(Document::Manifest(_)) => return self.note(&tag, "it is no index"),
                Err(error) => return self.note(&tag, &error.to_string()),
            }
            match next {
                Next::At(next) if self.listed.len() <= REFERRERS_MAX => place = Some(next),
                Next::At(_) | Next::End => return,
                Next::Nowhere => {
                    return self.note(&tag, "the list goes on at a place that is none");
                }
            }
        }
        self.note(&tag, &format!("the list has more than {PAGES_MAX} pages; the rest is left out"));
    }

    /// Keeps no more of a page than is read: a list can be as long as whoever serves it likes.
    fn take(&mut self, entries: Vec<Descriptor>) {
        for entry in entries {
            if self.listed.len() > REFERRERS_MAX {
                return;
            }
            if self.listed.iter().all(|it| it.digest != entry.digest) {
                self.listed.push(entry.bare());
            }
        }
    }

    fn referrers(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        if listed.len() > REFERRERS_MAX {
            let message = format!("more than {REFERRERS_MAX} are listed; the rest is left out");
            self.note("referrers", &message);
        }
        for entry in listed.iter().take(REFERRERS_MAX) {
            let Some(bytes) = self.content(entry, MANIFEST_BYTES_MAX) else { continue };
            // Others than this image's are in a layout's index.
            let Ok(Document::Manifest(manifest)) =
                manifest::parse(&entry.digest.to_string(), &bytes)
            else {
                continue;
            };
            let subject = self.subjects.iter().find(|it| manifest.subject.as_ref() == Some(*it));
            if let Some(subject) = subject {
                self.documents(subject, &manifest.layers);
            }
        }
    }

    fn tagged(&mut self, subject: &Digest, end: &str) {
        let tag = tag(subject, end);
        let bytes = match (self.source)(Ask::Tag(&tag)) {
            Ok(None) => return,
            Ok(Some(answer)) => answer.bytes,
            Err(error) => return self.note(&tag, &error.to_string()),
        };
        match manifest::parse(&tag, &bytes) {
            Ok(Document::Manifest(manifest)) => self.documents(subject, &manifest.layers),
            Ok(Document::Index(_)) => self.note(&tag, "it is no manifest"),
            Err(error) => self.note(&tag, &error.to_string()),
        }
    }

    fn documents(&mut self, subject: &Digest, layers: &[Descriptor]) {
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
                subject: subject.clone(),
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
            Ok(bytes.map(|answer| answer.bytes).unwrap_or_default())
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

    fn note(&mut self, subject: &str, message: &str) {
        let message = format!("attached to the image, and not read: {message}");
        self.problems.push(Problem::new(ProblemKind::Notice, subject, message));
    }
}

/// `sha256-<hexadecimal>`, which tags may hold where digests may not.
fn tag(subject: &Digest, end: &str) -> String {
    format!("{}-{}{end}", subject.algorithm().name(), subject.hex())
}

#[cfg(test)]
mod tests {
    use model::Algorithm;
    use serde_json::json;

    use super::*;
    use crate::digest::digest_of;

    /// A page that lists these numbers as manifests.
    fn page(numbers: std::ops::Range<usize>) -> Vec<u8> {
        let entry = |number: usize| {
            let digest = digest_of(Algorithm::Sha256, &number.to_le_bytes());
            json!({ "digest": digest.to_string(), "size": 8, "annotations": { "a": "b" } })
        };
        let entries: Vec<_> = numbers.map(entry).collect();
        json!({ "schemaVersion": 2, "manifests": entries }).to_string().into_bytes()
    }

    /// The page of a number.
    type Listed = fn(usize) -> Vec<u8>;

    #[test]
    fn of_a_list_no_more_is_kept_than_is_read() {
        let subject = digest_of(Algorithm::Sha256, b"an image");
        let next = || Next::At(Uri::from_static("http://registry.example/next"));
        // What is listed from page to page, how many pages are read, how many manifests, what is said.
        let cases: [(Listed, usize, usize, &str); 4] = [
            (|_| page(0..3), PAGES_MAX, 3, "the list has more than 16 pages"),
            (|at| page(20 * at..20 * at + 30), 6, 128, "more than 128 are listed"),
            (|at| page(8 * at..8 * at + 8), PAGES_MAX, 128, "the list has more than 16 pages"),
            (|_| page(0..1000), 1, 128, "more than 128 are listed"),
        ];
        for (listed, pages, manifests, words) in cases {
            let (mut asked, mut read) = (0, 0);
            let subjects = [subject.clone()];
            let (_, problems) = collect(&subjects, &mut |ask| match ask {
                Ask::Referrers(..) => {
                    asked += 1;
                    Ok(Some(Answer { bytes: listed(asked - 1), next: next() }))
                }
                Ask::Content(..) => {
                    read += 1;
                    Ok(None)
                }
                Ask::Tag(_) => Ok(None),
            });
            let is_said = problems.iter().any(|problem| problem.message.contains(words));
            assert_eq!((asked, read, is_said), (pages, manifests, true), "{words}: {problems:?}");
        }
    }
}
