//! An entry of a layer as a reader of archives or directories presents it to whoever wants files.
//!
//! `artifact` normalises before it presents: paths are relative to the root, without `.`/`..` or
//! a leading slash; OCI's `.wh.` names and overlayfs' devices and attributes both become
//! [`EntryKind::Whiteout`] and [`EntryKind::Opaque`].

/// What kind of thing stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind<'a> {
    File,
    Directory,
    /// The target as written, not resolved.
    Symlink(&'a str),
    /// The normalised path, in the same image, whose content this entry shares.
    HardLink(&'a str),
    /// A device, socket or FIFO.
    Special,
    /// The path, and all below it, is removed from the layers beneath.
    Whiteout,
    /// All that the layers beneath have below this directory is removed.
    Opaque,
}

/// One entry, as its header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub path: &'a str,
    pub kind: EntryKind<'a>,
    /// Permission bits, setuid, setgid and sticky included.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// The bytes of the file's content; 0 for anything but a file.
    pub size: u64,
}

/// What a visitor wants of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing: the content is skipped, by seeking where the source can.
    Nothing,
    /// The whole content, handed over in one piece.
    Content,
    /// Its beginning, by which [`Visitor::head`] decides.
    Head,
}

/// How much of a content [`Want::Head`] asks for, as far as there is so much: what tells text from
/// programs, pictures and databases.
pub const HEAD_BYTES: usize = 8192;

/// Takes the entries of one layer, in the order in which the layer holds them.
///
/// For each entry [`entry`](Self::entry) is called first; where it answers [`Want::Content`] for a
/// file, [`content`](Self::content) follows with all of its bytes, unless they could not be read:
/// then the reader records a Problem and goes on. Where it answers [`Want::Head`],
/// [`head`](Self::head) is asked before.
pub trait Visitor: Send {
    /// Which layer it is about to be shown; not called where that is known only at the end.
    fn layer(&mut self, _index: u32) {}

    fn entry(&mut self, entry: &Entry<'_>) -> Want;

    /// Whether the rest of a file is wanted that begins so: [`Want::Nothing`] or [`Want::Content`].
    fn head(&mut self, _entry: &Entry<'_>, _head: &[u8]) -> Want {
        Want::Content
    }

    /// `bytes` is in memory or a private mapping; it is valid during the call only.
    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]);
}
