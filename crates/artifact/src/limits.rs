//! Every bound that hostile input can run into, and why it is where it is.
//!
//! Reaching one is a Problem (or an [`crate::OpenError`] for manifests and configurations), never
//! silence.

/// Manifests and indexes: what the distribution spec asks registries to accept at least, and what
/// they accept at most in practice.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// Image configurations: histories of long builds and many labels stay far below.
pub(crate) const CONFIG_BYTES_MAX: u64 = 8 << 20;

/// Layers of one image. Overlay file systems stop at some hundreds, Docker at 127.
pub(crate) const LAYERS_MAX: usize = 1000;

/// Indexes within indexes. The spec allows any; two are seen.
pub(crate) const INDEX_DEPTH_MAX: usize = 4;

/// Indexes fetched in search of one image: bounds the requests that a registry can provoke.
pub(crate) const INDEXES_MAX: usize = 32;

/// Images of one archive whose configurations are read in search of one for a platform: there are
/// not half as many platforms.
pub(crate) const CONFIGURATIONS_MAX: usize = 100;

/// Entries of one image, all layers together: what is kept of an entry must fit into memory a
/// million times. The largest images in use have some hundred thousand. Lower layers come first:
/// they hold the distribution.
pub const ENTRIES_MAX: u64 = 1_000_000;

/// A path in an archive: `PATH_MAX` on Linux. No runtime can unpack a longer one.
pub(crate) const PATH_BYTES_MAX: usize = 4096;

/// An extended header, or the map of a sparse file: as Go's reader bounds them. Extended
/// attributes of 64 KiB each are the largest things found there.
pub(crate) const EXTENSION_BYTES_MAX: u64 = 1 << 20;

/// Extended headers in a row: a name, a link's target, the records, and global ones that nobody
/// needed to repeat.
pub(crate) const EXTENSIONS_MAX: usize = 16;

/// Segments of one sparse file. Images of disks have some thousands.
pub(crate) const SPARSE_SEGMENTS_MAX: usize = 1 << 16;

/// Symbolic links of a layer followed on the way to one of its entries: what Linux follows.
pub(crate) const LINK_DEPTH_MAX: usize = 40;

/// The targets of the symbolic links of one layer that are kept for entries unpacked through them:
/// some 100 000. Of further ones it is known that they are links, in nine bytes.
pub(crate) const LINK_TARGET_BYTES_MAX: usize = 8 << 20;

/// Directories of one layer known to have symbolic links somewhere in them; beyond, an entry that
/// is unpacked through a link is uncertain.
pub(crate) const LINK_FOLDERS_MAX: usize = 100_000;

/// Bytes of paths looked at to follow such links, a layer: 256 for each of as many entries as an image
/// may have. It takes some two seconds.
pub(crate) const LINK_STEP_BYTES_MAX: u64 = 256 << 20;

/// The content of one file handed to a visitor. Databases of packages and archives of programs
/// are the largest files anybody looks into; a gigabyte of them has not been seen.
pub(crate) const CONTENT_BYTES_MAX: u64 = 1 << 30;

/// Contents held in memory at a time, all layers together; larger ones are spilled to a file.
pub(crate) const CONTENT_MEMORY: usize = 16 << 20;

/// What a layer may hold in memory even if many are read at a time: most files are smaller.
pub(crate) const CONTENT_MEMORY_MIN: usize = 1 << 20;

/// Uncompressed bytes of one layer: beyond the largest models and data sets that are shipped as
/// layers, and a bound where a source announces no length.
pub(crate) const LAYER_BYTES_MAX: u64 = 256 << 30;

/// How many times its compressed size a layer may grow before the rest is counted as growth.
/// Programs and texts shrink to a third, logs to a twentieth; deflate's best is 1 : 1032.
pub(crate) const RATIO_MAX: u64 = 50;

/// Bytes, all layers of an image together, that are not there and have to be looked at all the
/// same: what layers grow beyond `RATIO_MAX` times their compressed size, and holes of sparse
/// files. So much is read within seconds, by the slowest decompressor within some ten.
pub const GROWTH_BYTES_MAX: u64 = 1 << 30;

/// The window that every layer may ask its decompressor for: RFC 8878 wants 8 MiB supported, and
/// no level below zstd's "ultra" uses more.
pub(crate) const WINDOW_LOG: u8 = 23;

/// The window of a layer that begins with a frame of a known size: that is one of many, and later ones may have
/// what the strongest level of Go's encoder uses, by which Podman and skopeo write zstd:chunked.
pub(crate) const FRAMES_WINDOW_LOG: u8 = 25;

/// The window of the one layer at a time that may have a wide one (`zstd --long`, `--ultra`), and
/// the memory of an xz decoder: zstd's own default bound. It is what all layers read at a time have
/// together.
pub(crate) const WIDE_WINDOW_LOG: u8 = 27;

/// Problems of one kind told in full, a layer; the rest are counted.
pub(crate) const PROBLEMS_PER_KIND_MAX: u64 = 10;

/// A path or name shown in a problem.
pub(crate) const SUBJECT_CHARS_MAX: usize = 300;

/// Members of an archive that carries images: a thousand layers of a hundred images.
pub(crate) const ARCHIVE_MEMBERS_MAX: usize = 100_000;

/// The names of these members, all together: three times what a hundred thousand usual ones take.
pub(crate) const MEMBER_NAMES_BYTES_MAX: usize = 32 << 20;

/// Links from member to member of such an archive; writers make one.
pub(crate) const LINKS_MAX: usize = 8;

/// A member of a compressed archive that is kept while its members are listed, whatever it is:
/// manifests and configurations are smaller, as a rule. What begins like JSON is kept up to what
/// makes sense for those.
pub(crate) const KEPT_FILE_BYTES_MAX: u64 = 256 << 10;

/// All members kept so: the largest index, manifest and configuration fit twice.
pub(crate) const KEPT_BYTES_MAX: u64 = 32 << 20;

/// How often a compressed archive is decompressed anew for documents that could not be kept. Each
/// time takes as long as the archive is large, and a hostile one has many documents.
pub(crate) const RESTARTS_MAX: u32 = 3;

/// Directories within directories: each level of the walk holds one open.
pub(crate) const DIRECTORY_DEPTH_MAX: usize = 256;
