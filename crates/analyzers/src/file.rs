//! What an analyzer is: a format that turns the bytes of one file into facts.
//!
//! The next format is one new file under `os/` (or a folder beside it) and one line in `list.rs`.
//! An analyzer must never look at another file, keep state, or decide what its facts mean for the
//! image: layers are laid over each other later, in `squash.rs`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::malware::Seen;
use crate::{FileFacts, Scratch, Select, Signatures};

/// One file of a layer.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Where the file was selected, relative to the root, without a leading slash. A file that was
    /// reached through links keeps the path by which it was looked for.
    pub path: &'a str,
    /// The whole content.
    pub bytes: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// What the user brought to look for malware with.
    pub signatures: Option<&'a Signatures>,
    /// What was looked at for malware before it.
    pub(crate) seen: &'a Seen,
    /// When to end.
    pub(crate) until: &'a Until,
    /// Where what is unpacked goes if it is too large for memory.
    pub(crate) scratch: &'a Scratch,
}

/// Says when work is to end, and is asked in loops that one file can make long. What is left out then is a
/// problem.
#[derive(Clone, Default)]
pub struct Until(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

/// For work that ends by itself.
pub(crate) static NEVER: Until = Until(None);

impl Until {
    /// Until `is_stopped` says so.
    pub fn new(is_stopped: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_stopped)))
    }

    /// Whether it is time to end.
    pub fn has_come(&self) -> bool {
        self.0.as_ref().is_some_and(|is_stopped| is_stopped())
    }
}

impl fmt::Debug for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Until").field(&self.has_come()).finish()
    }
}

impl<'a> File<'a> {
    /// The content as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'a, str> {
        // The check alone is much faster than the repair, and almost always enough.
        match str::from_utf8(self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(self.bytes),
        }
    }

    /// The last component of the path.
    pub fn name(&self) -> &'a str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }
}

/// What is looked for besides packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    Secrets,
    Malware,
    /// What is known of what others published, for secrets and malware.
    Published,
    Misconfigurations,
    /// Misconfigurations in files that build and run images: in a directory of sources.
    Sources,
}

/// The checks of a scan; packages are always looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checks {
    pub secrets: bool,
    pub malware: bool,
    pub misconfigurations: bool,
    /// In an image nobody builds from what lies there.
    pub sources: bool,
}

impl Checks {
    /// How many sets of checks there are.
    pub(crate) const SETS: usize = 16;

    /// Every set of checks.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::SETS).map(|number| Self {
            secrets: number & 1 != 0,
            malware: number & 2 != 0,
            misconfigurations: number & 4 != 0,
            sources: number & 8 != 0,
        })
    }

    /// The number of this set, below [`Self::SETS`].
    pub(crate) fn number(self) -> usize {
        usize::from(self.secrets)
            | usize::from(self.malware) << 1
            | usize::from(self.misconfigurations) << 2
            | usize::from(self.sources) << 3
    }

    /// Whether an analyzer of this check is needed; None is for packages.
    pub(crate) fn include(self, check: Option<Check>) -> bool {
        match check {
            None => true,
            Some(Check::Secrets) => self.secrets,
            Some(Check::Malware) => self.malware,
            Some(Check::Published) => self.secrets || self.malware,
            Some(Check::Misconfigurations) => self.misconfigurations,
            Some(Check::Sources) => self.sources,
        }
    }
}

/// One format.
pub trait Analyzer: Sync {
    /// Unique; also the name of its folder in `testdata` and of its line in `docs/analyzers.md`.
    fn name(&self) -> &'static str;

    /// Raised by one whenever the same bytes give other facts than before: cached layers are then
    /// analyzed anew.
    fn version(&self) -> u32;

    /// What tells the data of `content/` that it works by from any other; None if it has none.
    fn content(&self) -> Option<blake3::Hash> {
        None
    }

    /// The check it serves; None if it looks for packages, which is always done.
    fn check(&self) -> Option<Check> {
        None
    }

    /// Which files it wants.
    fn selects(&self) -> &'static [Select];

    /// Whether it wants a file that begins so ([`model::HEAD_BYTES`] of it, or all). None: whatever
    /// it begins with. What no analyzer wants is not read any further, however large it is.
    fn wants(&self) -> Option<fn(head: &[u8]) -> bool> {
        None
    }

    /// The largest file it takes, in bytes; a larger one is a Problem and is not read.
    fn max_bytes(&self) -> u64;

    /// Whether what it takes of memory does not grow with the file: it looks at the bytes where they are. Of the
    /// others one at a time has a large file.
    fn reads_in_place(&self) -> bool {
        false
    }

    /// Reads one file. What cannot be read becomes a Problem among the facts; what could be read
    /// stays there beside it.
    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts);
}
