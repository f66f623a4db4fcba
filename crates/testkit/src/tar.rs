//! Tar archives built entry by entry: well-formed by default, anything else on request.

/// Everything in a tar comes in blocks of so many bytes.
pub const BLOCK: usize = 512;

/// One header block, of the ustar format unless `magic` says otherwise (POSIX pax, "ustar
/// Interchange Format").
#[derive(Clone, Debug)]
pub struct Header {
    /// At most 100 bytes.
    pub name: Vec<u8>,
    /// The type flag: `b'0'` file, `b'1'` hard link, `b'2'` symlink, `b'5'` directory …
    pub kind: u8,
    /// At most 100 bytes.
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// Magic and version: `ustar\0` `00`, or GNU's `ustar  \0`.
    pub magic: [u8; 8],
}

impl Header {
    pub fn new(name: &str, kind: u8) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            kind,
            link: Vec::new(),
            mode: if kind == b'5' { 0o755 } else { 0o644 },
            uid: 0,
            gid: 0,
            size: 0,
            magic: *b"ustar\x0000",
        }
    }

    pub fn file(name: &str, size: u64) -> Self {
        Self { size, ..Self::new(name, b'0') }
    }

    /// The block, with its checksum right.
    pub fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put(&mut block, 0, &self.name, 100);
        put(&mut block, 100, format!("{:07o}", self.mode).as_bytes(), 8);
        put(&mut block, 108, format!("{:07o}", self.uid).as_bytes(), 8);
        put(&mut block, 116, format!("{:07o}", self.gid).as_bytes(), 8);
        put(&mut block, 124, &number(self.size), 12);
        put(&mut block, 136, b"00000000000", 12);
        block[156] = self.kind;
        put(&mut block, 157, &self.link, 100);
        put(&mut block, 257, &self.magic, 8);
        seal(&mut block);
        block
    }
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8], room: usize) {
    assert!(bytes.len() <= room, "{bytes:?} does not fit into {room} bytes of a tar header");
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Eleven octal digits, or GNU's base-256 for what they cannot hold.
fn number(value: u64) -> Vec<u8> {
    if value < 1 << 33 {
        return format!("{value:011o}").into_bytes();
    }
    [&[0x80, 0, 0, 0][..], &value.to_be_bytes()].concat()
}

/// Writes the checksum of a header block that was changed by hand.
pub(crate) fn seal(block: &mut [u8; BLOCK]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A tar archive in memory.
#[derive(Clone, Debug, Default)]
pub struct TarBuilder {
    bytes: Vec<u8>,
}

impl TarBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.entry(path, "", b'0', 0o644, content)
    }

    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(path, "", b'0', 0o755, content.as_ref())
    }

    pub fn directory(self, path: &str) -> Self {
        self.entry(&format!("{path}/"), "", b'5', 0o755, b"")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(path, target, b'2', 0o777, b"")
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(path, target, b'1', 0o644, b"")
    }

    /// A character device.
    pub fn device(self, path: &str) -> Self {
        self.entry(path, "", b'3', 0o666, b"")
    }

    /// Removes `path` from the layers beneath (OCI image spec, "Whiteouts").
    pub fn whiteout(self, path: &str) -> Self {
        let (directory, name) = path.rsplit_once('/').map_or(("", path), |(d, n)| (d, n));
        let slash = if directory.is_empty() { "" } else { "/" };
        self.file(&format!("{directory}{slash}.wh.{name}"), b"")
    }

    /// Hides what the layers beneath have in `directory`.
    pub fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), b"")
    }

    /// Extended header records that hold for the next entry.
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let body: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.header(&Header { size: body.len() as u64, ..Header::new("PaxHeaders/0", b'x') })
            .content(body.as_bytes())
    }

    /// GNU's header for a long name (`b'L'`) or link target (`b'K'`) of the next entry.
    pub fn gnu_long(self, kind: u8, text: &str) -> Self {
        let body = [text.as_bytes(), b"\0"].concat();
        let header = Header {
            size: body.len() as u64,
            magic: *b"ustar  \0",
            ..Header::new("././@LongLink", kind)
        };
        self.header(&header).content(&body)
    }

    /// A header alone; its content, if it claims any, has to follow.
    pub fn header(self, header: &Header) -> Self {
        self.raw(&header.block())
    }

    /// A header block changed by hand, with its checksum made right again.
    pub fn header_with(self, header: &Header, change: impl FnOnce(&mut [u8; BLOCK])) -> Self {
        let mut block = header.block();
        change(&mut block);
        seal(&mut block);
        self.raw(&block)
    }

    /// Content with its padding.
    pub fn content(self, bytes: &[u8]) -> Self {
        let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
        self.raw(bytes).raw(&vec![0; padding])
    }

    /// Any bytes, as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The archive with its end marker.
    pub fn finish(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).bytes
    }

    /// The archive as it is, without an end marker.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }

    fn entry(self, path: &str, link: &str, kind: u8, mode: u32, content: &[u8]) -> Self {
        let long = |text: &str| text.len() > 100;
        let mut records = Vec::new();
        if long(path) {
            records.push(("path", path));
        }
        if long(link) {
            records.push(("linkpath", link));
        }
        let builder = if records.is_empty() { self } else { self.pax(&records) };
        let short = |text: &str| text.bytes().take(100).collect::<Vec<u8>>();
        let header = Header {
            name: short(path),
            link: short(link),
            mode,
            size: content.len() as u64,
            ..Header::new("", kind)
        };
        builder.header(&header).content(content)
    }
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself (POSIX pax, "pax Extended Header").
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}
