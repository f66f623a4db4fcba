//! What is known of one layer, apart from all others; the form in which a cache stores it.
//!
//! [`FileFacts`] is what analyzers say of one file, [`LayerFacts`] the whole layer: the files that
//! matter with their facts, the links that lead to them, and, as [`PathSet`]s, which paths the
//! layer holds or removes. Nothing here knows what the layers above and below hold.

use std::collections::BTreeMap;

use model::{
    Malware, PATH_BYTES_MAX, Package, PackageKind, PathList, PathListBuilder, Problem, ProblemKind,
    SPELLED_BYTES_MAX, Secret,
};
use serde::{Deserialize, Serialize};

use crate::config::system::Mode;
use crate::config::thing::Thing;
use crate::os::release::Release;
use crate::path_set::{PathHash, PathSet};

/// Bytes of facts that one layer may hold in memory, with the names and hashes of its paths. A Debian
/// system of 3 000 packages takes some 8 MiB; a database made to fill memory stops here.
pub(crate) const FACTS_BYTES_MAX: usize = 32 << 20;

/// Problems that are listed for one file: a database full of garbage tells nothing new after that.
const PROBLEMS_MAX: usize = 16;

/// Packages of one file that are few.
const FEW: usize = 16;

/// What a fact occupies beside its texts.
const FACT_OVERHEAD: usize = 420;

/// What each text of a list occupies beside its bytes.
const TEXT_OVERHEAD: usize = 24;

/// Characters of a package's name that a problem repeats.
const SHOWN_CHARS_MAX: usize = 80;

/// What a problem of a file occupies beside its words, until it is told with the path.
const PROBLEM_OVERHEAD: usize = 128;

/// What one layer holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LayerFacts {
    /// The entries that matter, by path: selected files, and whatever other than a directory
    /// stands on the way to a selected path.
    pub(crate) entries: BTreeMap<Box<str>, Named>,
    /// What a second pass found in files because links lead to them: by the file's path, and by the path
    /// that it was looked for. A file whose content was not handed over says nothing.
    pub(crate) elsewhere: BTreeMap<Box<str>, BTreeMap<Box<str>, Box<FileFacts>>>,
    /// All directories, and the parents of all entries.
    pub(crate) directories: PathSet,
    /// All entries that are not directories.
    pub(crate) others: PathSet,
    pub(crate) whiteouts: PathSet,
    pub(crate) opaques: PathSet,
    /// Directories whose files were collected in a second pass, because links lead there.
    pub(crate) detoured: Vec<Box<str>>,
    /// The headers of entries that checks may ask for, by path.
    pub(crate) modes: BTreeMap<Box<str>, Mode>,
    /// Directories that the layer has no entry for, only entries below them: what their headers
    /// say stands in a layer below.
    pub(crate) implied: PathSet,
    /// What concerns the layer as a whole; without a layer index.
    pub(crate) problems: Vec<Problem>,
    /// Bytes that all of this was counted as when it was collected.
    pub(crate) size: usize,
}

impl LayerFacts {
    /// About how many bytes of memory it takes: the same for the same layer, wherever it is read.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Takes in what a second pass over the same layer found.
    ///
    /// That one took files for what links say they are: what the first found in them for
    /// themselves stays.
    pub fn absorb(&mut self, second: Self) {
        for (path, mut named) in second.entries {
            match (self.entries.get_mut(&path), &mut named) {
                (Some(Named::Found(before)), Named::File(Some(facts))) => {
                    facts.packages.append(&mut before.packages);
                    facts.secrets.append(&mut before.secrets);
                    facts.digest = facts.digest.or(before.digest);
                    facts.md5 = facts.md5.or(before.md5);
                    facts.things.append(&mut before.things);
                    facts.malware.append(&mut before.malware);
                    facts.unopened.append(&mut before.unopened);
                }
                // Another layer has a link there, or the content did not come again.
                (Some(Named::Found(_)), _) => continue,
                _ => {}
            }
            self.entries.insert(path, named);
        }
        for (at, likes) in second.elsewhere {
            self.elsewhere.entry(at).or_default().extend(likes);
        }
        self.detoured.extend(second.detoured);
        self.problems.extend(second.problems);
        self.size = self.size.saturating_add(second.size);
    }

    /// Whether the image may hold other packages with this layer than without it.
    pub(crate) fn changes_what_matters(&self) -> bool {
        !self.entries.is_empty() || !self.whiteouts.is_empty() || !self.opaques.is_empty()
    }
}

/// What stands at a path that matters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Named {
    /// Selected by its path. None where the content was not handed over; the reader has said why.
    File(Option<Box<FileFacts>>),
    /// Selected wherever it stands, and with something to say.
    Found(Box<FileFacts>),
    /// The target as written.
    Symlink(Box<str>),
    /// The path of the entry whose content this one shares.
    HardLink(Box<str>),
    /// A file on the way to a selected path, whose content nobody has asked for yet.
    Unwanted,
    /// A device or a socket.
    Special,
}

/// What one file says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FileFacts {
    pub(crate) packages: Vec<Installed>,
    pub(crate) release: Option<Release>,
    pub(crate) repositories: Vec<String>,
    /// The files of the one package that this file is the list of.
    pub(crate) owned: PathList,
    /// The licence that this file states for the one package it belongs to.
    pub(crate) license: String,
    /// Their locations are filled in when the layers are laid over each other.
    pub(crate) secrets: Vec<Secret>,
    /// Of the content of a file with secrets: BLAKE3.
    pub(crate) digest: Option<[u8; 32]>,
    /// What checks look at.
    pub(crate) things: Vec<Thing>,
    /// The path is where in the file it was found, as with packages; the rest as with secrets.
    pub(crate) malware: Vec<Malware>,
    /// Containers that were not opened to look for malware: what they are, and where in the file.
    pub(crate) unopened: Vec<(String, String)>,
    /// Of a file with malware or secrets, as [`Shipped`] has it.
    pub(crate) md5: Option<u64>,
    /// What the package that this file is the list of shipped.
    pub(crate) shipped: Vec<Shipped>,
    /// Folders that came from npm's registry, as this file says.
    pub(crate) downloaded: PathSet,
    /// Of an npm package's manifest: nothing in it speaks against everybody having the package.
    pub(crate) is_public: bool,
    pub(crate) problems: Vec<(ProblemKind, String)>,
    /// Bytes of facts that the layer still has room for.
    #[serde(skip)]
    room: usize,
    /// Bytes of the file's path, which each thing found in it has in the end.
    #[serde(skip)]
    place: usize,
    #[serde(skip)]
    overflowed: bool,
}

/// A file as its package shipped it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Shipped {
    pub(crate) path: PathHash,
    /// The first eight bytes of its MD5.
    pub(crate) digest: u64,
}

/// A package as a database lists it: where it stands, and which of its files, is filled in when
/// the layers are laid over each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Installed {
    pub package: Package,
    pub files: PathList,
    /// How many of its files the list is without.
    #[serde(skip)]
    pub left_out: usize,
    /// Where in the file it was found, if that holds others: the path of a jar in a war, after
    /// `!/` each time as Java writes it (`WEB-INF/lib/a.jar`).
    pub within: String,
}

impl Installed {
    /// A package of which nothing but the name and version is known.
    pub fn new(kind: PackageKind, name: &str, version: &str) -> Self {
        let package = Package::new(kind, name, version);
        Self { package, files: PathList::default(), left_out: 0, within: String::new() }
    }

    /// The same, named by a lock file or manifest and not seen installed.
    pub fn declared(kind: PackageKind, name: &str, version: &str) -> Self {
        let mut installed = Self::new(kind, name, version);
        installed.package.declared = true;
        installed
    }

    fn size(&self) -> usize {
        let package = &self.package;
        let source = package.source.as_ref();
        let source =
            source.map_or(0, |source| source.name.len().saturating_add(source.version.len()));
        [
            package.name.len(),
            package.version.len(),
            package.architecture.len(),
            source,
            package.module.as_ref().map_or(0, String::len),
            package.license.len(),
            package.vendor.len(),
            self.files.size(),
            self.within.len(),
            package.symbols.len().saturating_mul(size_of::<u32>()),
        ]
        .into_iter()
        .chain(package.dependencies.iter().map(|text| text.len().saturating_add(TEXT_OVERHEAD)))
        .chain(package.hashes.iter().map(|text| text.len().saturating_add(TEXT_OVERHEAD)))
        .chain(package.variant.iter().map(|(key, value)| {
            key.len().saturating_add(value.len()).saturating_add(2 * TEXT_OVERHEAD)
        }))
        .fold(FACT_OVERHEAD, usize::saturating_add)
    }
}

impl FileFacts {
    /// Facts that may grow by `room` bytes.
    pub(crate) fn with_room(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// The same, of a file with a path of so many bytes.
    pub(crate) fn at(self, place: usize) -> Self {
        Self { place, ..self }
    }

    /// Whether the file said anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.packages.is_empty()
            && self.release.is_none()
            && self.repositories.is_empty()
            && self.license.is_empty()
            && self.secrets.is_empty()
            && self.things.is_empty()
            && self.malware.is_empty()
            && self.unopened.is_empty()
            && self.downloaded.is_empty()
            && self.problems.is_empty()
    }

    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Whether there was no room for something.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// A list of files, which takes as many as there is room for; none once there was too little.
    pub(crate) fn path_list(&self) -> PathListBuilder {
        PathListBuilder::within(if self.overflowed { 0 } else { self.room })
    }

    pub fn package(&mut self, installed: Installed) {
        if self.spend(installed.size().saturating_add(self.place)) {
            self.left_out(installed.left_out, &installed.package.name);
            self.packages.push(installed);
        }
    }

    pub(crate) fn release(&mut self, release: Release) {
        if self.spend(release.size()) {
            self.release = Some(release);
        }
    }

    /// A repository, content set or CPE that the image's packages come from.
    pub fn repository(&mut self, name: &str) {
        if self.spend(name.len().saturating_add(FACT_OVERHEAD)) {
            self.repositories.push(name.to_owned());
        }
    }

    /// The files of the package that this file is the list of.
    pub fn owned(&mut self, files: PathListBuilder) {
        let (files, left_out) = files.finish();
        if self.spend(files.size().saturating_add(FACT_OVERHEAD)) {
            self.left_out(left_out, "it");
            self.owned = files;
        }
    }

    /// That the list of a package's files has an end.
    fn left_out(&mut self, count: usize, package: &str) {
        if count > 0 {
            let package: String = package.chars().take(SHOWN_CHARS_MAX).collect();
            let message = format!(
                "{count} files that `{package}` lists are left out: their paths are longer than \
                 {PATH_BYTES_MAX} bytes, or together more than {} MiB or the layer has room for",
                SPELLED_BYTES_MAX >> 20
            );
            self.problem(ProblemKind::LimitReached, message);
        }
    }

    /// The licence of the package that this file belongs to.
    pub fn license(&mut self, license: String) {
        if self.spend(license.len().saturating_add(FACT_OVERHEAD)) {
            self.license = license;
        }
    }

    /// A secret in the file.
    pub(crate) fn secret(&mut self, secret: Secret) {
        let place = self.place.saturating_add(FACT_OVERHEAD);
        if self.spend(secret.excerpt.len().saturating_add(place)) {
            self.secrets.push(secret);
        }
    }

    /// Something in the file that checks look at.
    pub(crate) fn thing(&mut self, thing: Thing) {
        let texts = [&thing.view, &thing.text, &thing.resource];
        let size = texts.into_iter().fold(TEXT_OVERHEAD, |sum, it| sum.saturating_add(it.len()));
        if self.spend(size) {
            self.things.push(thing);
        }
    }

    /// What the package that this file is the list of shipped.
    pub(crate) fn shipped(&mut self, shipped: Vec<Shipped>) {
        if self.spend(shipped.len().saturating_mul(size_of::<Shipped>())) {
            self.shipped = shipped;
        }
    }

    /// Folders that came from npm's registry.
    pub(crate) fn downloaded(&mut self, folders: Vec<PathHash>) {
        if self.spend(folders.len().saturating_mul(size_of::<PathHash>())) {
            self.downloaded = PathSet::new(folders);
        }
    }

    /// Malware in the file.
    pub(crate) fn malware(&mut self, malware: Malware) {
        let texts = [&malware.rule, &malware.family, &malware.title, &malware.location.path];
        let texts = texts.into_iter().map(String::len).fold(FACT_OVERHEAD, usize::saturating_add);
        if self.spend(texts.saturating_add(self.place)) {
            self.malware.push(malware);
        }
    }

    /// That a container was not opened to look for malware, if it is of such a kind.
    pub(crate) fn unopened(&mut self, kind: Option<&str>, within: &str) {
        let Some(kind) = kind else { return };
        let size = kind.len().saturating_add(within.len()).saturating_add(TEXT_OVERHEAD);
        if self.spend(size) {
            self.unopened.push((kind.to_owned(), within.to_owned()));
        }
    }

    /// What could not be read of the file; the path and layer are added later.
    pub fn problem(&mut self, kind: ProblemKind, message: impl Into<String>) {
        let message = match self.problems.len() {
            0..PROBLEMS_MAX => message.into(),
            PROBLEMS_MAX => "more such problems, which are not listed".to_owned(),
            _ => return,
        };
        if self.spend(message.len().saturating_add(PROBLEM_OVERHEAD)) {
            self.problems.push((kind, message));
        }
    }

    /// Gives back what the list of packages grew ahead where there are few: most files tell of one, for
    /// which a list takes room for four. What a long one has to spare was never touched.
    pub(crate) fn shrink(&mut self) {
        if self.packages.len() <= FEW {
            self.packages.shrink_to_fit();
        }
    }

    fn spend(&mut self, size: usize) -> bool {
        if let Some(rest) = self.room.checked_sub(size) {
            self.room = rest;
            return true;
        }
        self.overflowed = true;
        false
    }
}
