//! What a feed is: the one trait that every upstream source implements, in a file of its own.
//!
//! A feed declares everything about itself (name, license, default URLs, how its documents are
//! recognized) and turns one document at a time into statements. It must never keep state between
//! documents: they are read in parallel and in any order.

use crate::{Document, Part, Sample, Sink};

/// One upstream source of advisories or of vulnerability metadata.
pub trait Feed: Sync {
    /// The name users type and reports show: lower case and dashes, `debian-tracker`.
    fn name(&self) -> &'static str;

    /// The license of the data, an SPDX expression or a few plain words; empty if the publisher
    /// states none.
    fn license(&self) -> &'static str;

    /// The name under which segments of a stream know their source: the feed's own, unless one
    /// feed reads several publishers' data.
    fn source(&self, _stream: &str) -> &'static str {
        self.name()
    }

    /// The license of a stream's data, where one feed reads several publishers' data.
    fn license_of(&self, _stream: &str) -> &'static str {
        self.license()
    }

    /// What one document of this feed says everything about; decides what an import replaces.
    fn covers(&self) -> Covers;

    /// Whether the document is this feed's. At most one feed may say so: the content decides, the
    /// file name only where the content cannot.
    fn recognizes(&self, sample: &Sample<'_>) -> bool;

    /// Where the whole of a stream is fetched from by default; empty if this feed does not serve
    /// it. Several URLs together are one stream (Alpine's `main` and `community`).
    fn urls(&self, stream: &str) -> Vec<String>;

    /// Whether documents of this feed can be about a stream: for which streams the user's own URLs may
    /// be. What its publisher does not serve as a whole says so for itself.
    fn speaks_of(&self, stream: &str) -> bool {
        !self.urls(stream).is_empty()
    }

    /// The URLs a fetched body points to, if it is only a pointer (a mirror list, a `repomd.xml`,
    /// the name of the newest archive). None: the body is a document and is to be imported.
    fn follow(&self, _url: &str, _body: &[u8]) -> Option<Vec<String>> {
        None
    }

    /// What a URL's body is beside others of its source. A source that has an archive of everything and
    /// lists of what changed since is fetched as a whole once an archive, and by its changes else.
    fn part(&self, _url: &str) -> Part {
        Part::Document
    }

    /// Whether a document shows where it ends. Of one that does not, a part that was cut at the end of
    /// a line looks like the whole: a list that is suddenly half as long is not trusted then.
    fn shows_end(&self) -> bool {
        true
    }

    /// Turns one document into statements. What was handed to `sink` before an error is kept, so
    /// a long document is read as a stream: a cut-off end costs only what lies behind the cut.
    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError>;
}

/// What one document of a feed is exhaustive about. An import into a segment of the same source
/// replaces exactly that, so that importing a part never wipes the rest. A document that names what
/// it covers ([`Sink::covers`]) replaces it in every stream, those included of which it says nothing
/// any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The whole stream (Debian's tracker, an OVAL file of a release).
    Stream,
    /// All packages of the vulnerabilities it names (one CVE a file).
    Vulnerability,
    /// All that the notices it names say (one erratum a record: OSV, updateinfo, CSAF advisories):
    /// statements that carry one of its `notices` are replaced.
    Notice,
    /// All vulnerabilities of the packages it names (Alpine's `main` beside `community`).
    Package,
}

/// Why a document could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("not the JSON this feed serves: {0}")]
    Json(#[from] serde_json::Error),
    #[error("not well-formed XML: {0}")]
    Xml(#[from] quick_xml::Error),
    /// A lower-case fragment.
    #[error("not the YAML this feed serves: {0}")]
    Yaml(String),
    /// A lower-case fragment.
    #[error("{0}")]
    Content(String),
}

impl FeedError {
    pub fn content(message: impl Into<String>) -> Self {
        Self::Content(message.into())
    }

    /// The file that a long document was put into cannot be read.
    pub(crate) fn unreadable(error: &std::io::Error) -> Self {
        Self::Content(format!("cannot be read again: {error}"))
    }
}
