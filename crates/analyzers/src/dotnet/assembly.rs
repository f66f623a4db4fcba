//! A .NET assembly that nothing else speaks of: name and version by its version resource (Microsoft
//! Learn, "VS_VERSIONINFO structure"; ECMA-335 II.25 for what makes a PE file an assembly).
//!
//! Compilers write the file's name and the product's version there, and the .NET SDK takes a
//! package's version for the product's. So the name is that of the file, and may not be that of a
//! package. Where a `deps.json` stands beside or above the assembly, that says all of it, and
//! `squash.rs` leaves the assembly out.

use model::{Basis, PackageKind, ProblemKind};
use object::read::pe::{ImageNtHeaders, PeFile, ResourceDirectoryEntryData, optional_header_magic};
use object::{LittleEndian, pe};

use crate::binary::{Order, slice};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `dotnet-assembly`.
pub(crate) struct DotnetAssembly;

/// The largest assembly that is read; those of .NET itself have up to 20 MiB, and what is compiled
/// ahead of time 60.
const ASSEMBLY_BYTES_MAX: u64 = 128 << 20;

/// The blocks within a version resource that are looked at. A resource in ten languages has 150.
const BLOCKS_MAX: usize = 1024;

impl Analyzer for DotnetAssembly {
    fn name(&self) -> &'static str {
        "dotnet-assembly"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "*.dll" }] }
    }

    fn wants(&self) -> Option<fn(head: &[u8]) -> bool> {
        Some(|head| head.starts_with(b"MZ"))
    }

    fn max_bytes(&self) -> u64 {
        ASSEMBLY_BYTES_MAX
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if is_for_compilers(file.path) || !file.bytes.starts_with(b"MZ") {
            return;
        }
        let resource = match optional_header_magic(file.bytes) {
            Ok(pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC) => resource::<pe::ImageNtHeaders32>(file.bytes),
            Ok(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => resource::<pe::ImageNtHeaders64>(file.bytes),
            _ => Some(None),
        };
        let Some(resource) = resource else {
            return facts.problem(ProblemKind::Damaged, "its resources are cut off or damaged");
        };
        let Some(found) = resource.and_then(Version::read) else { return };
        let stem = file.name().strip_suffix(".dll").unwrap_or_default();
        let (name, version) = (found.name().unwrap_or(stem), found.version());
        if let Some(version) = version.filter(|_| !name.is_empty()) {
            let mut installed = Installed::new(PackageKind::Nuget, name, &version);
            installed.package.basis = Basis::FileName;
            facts.package(installed);
        }
    }
}

/// Reference assemblies, which hold no code, and the texts of other languages.
fn is_for_compilers(path: &str) -> bool {
    path.starts_with("ref/") || path.contains("/ref/") || path.ends_with(".resources.dll")
}

/// The version resource of an assembly. Some(None) for what is no assembly or has none.
fn resource<H: ImageNtHeaders>(bytes: &[u8]) -> Option<Option<&[u8]>> {
    let Ok(file) = PeFile::<H>::parse(bytes) else { return Some(None) };
    let directories = file.data_directories();
    let managed = directories.get(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    if managed.is_none() {
        return Some(None);
    }
    let sections = file.section_table();
    let Some(directory) = directories.resource_directory(bytes, &sections).ok()? else {
        return Some(None);
    };
    // By type, then name, then language; the first of each.
    let root = directory.root().ok()?;
    let is_version = |id: Option<u16>| id == Some(pe::RT_VERSION);
    let typed = root.entries.iter().find(|entry| is_version(entry.name_or_id().id()));
    let Some(typed) = typed else { return Some(None) };
    let named = typed.data(directory).ok()?.table()?;
    let spoken = named.entries.first()?.data(directory).ok()?;
    let data = match spoken {
        ResourceDirectoryEntryData::Table(table) => {
            table.entries.first()?.data(directory).ok()?.data()?
        }
        ResourceDirectoryEntryData::Data(data) => data,
    };
    let address = data.offset_to_data.get(LittleEndian);
    let size = usize::try_from(data.size.get(LittleEndian)).ok()?;
    Some(Some(sections.pe_data_at(bytes, address)?.get(..size)?))
}

/// What a version resource says, of what is of use.
#[derive(Default)]
struct Version {
    original: String,
    product: String,
    file: String,
}

impl Version {
    /// A resource is a block of blocks: `StringFileInfo` holds a table a language, each with its
    /// strings. All are read in the order in which they stand.
    fn read(resource: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        let root = Block::read(resource)?;
        let mut ahead = vec![root.children(root.value_bytes)];
        let mut count = 0_usize;
        while let Some(bytes) = ahead.pop() {
            count = count.checked_add(1).filter(|count| *count <= BLOCKS_MAX)?;
            let Some(block) = Block::read(bytes) else { continue };
            ahead.push(bytes.get(aligned(block.length)..).unwrap_or_default());
            match block.key.as_str() {
                "OriginalFilename" => found.original = block.text(),
                "ProductVersion" => found.product = block.text(),
                "FileVersion" => found.file = block.text(),
                "VarFileInfo" => {}
                _ if block.value_bytes == 0 => ahead.push(block.children(0)),
                _ => {}
            }
        }
        Some(found)
    }

    /// The name of the assembly, as the compiler was told.
    fn name(&self) -> Option<&str> {
        let name = self.original.strip_suffix(".dll")?;
        let is_name = |c: char| c.is_alphanumeric() || "._-".contains(c);
        (!name.is_empty() && name.chars().all(is_name)).then_some(name)
    }

    /// The product's, else the file's; without the commit behind it.
    fn version(&self) -> Option<String> {
        [&self.product, &self.file].into_iter().find_map(|text| {
            let version = text.split(['+', ' ', '@']).next()?;
            let (numbers, rest) = version.split_once('-').unwrap_or((version, ""));
            let parts = numbers.split('.');
            let are_numbers = parts.clone().all(|part| part.parse::<u32>().is_ok());
            let is_version = are_numbers && (2..=4).contains(&parts.count());
            // A file that nobody gave a version has this one.
            (is_version && numbers != "0.0.0.0" && rest.is_ascii()).then(|| version.to_owned())
        })
    }
}

/// Length, length of the value, kind, key in UTF-16, and behind that, each at a multiple of four,
/// the value and the blocks within.
struct Block<'a> {
    length: usize,
    /// In bytes; of a text, in characters.
    value_bytes: usize,
    key: String,
    rest: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let number = |at| Order::Little.u16(bytes, at).map(usize::from);
        let (length, value_bytes) = (number(0)?, number(2)?);
        let whole = slice(bytes, 0, length)?;
        let key = until_zero(whole.get(6..)?);
        // Units before it, its own, and the zero that ends it.
        let end = key.encode_utf16().count().checked_mul(2)?.checked_add(8)?;
        let rest = whole.get(aligned(end)..).unwrap_or_default();
        Some(Self { length, value_bytes, key, rest })
    }

    fn children(&self, value: usize) -> &'a [u8] {
        self.rest.get(aligned(value)..).unwrap_or_default()
    }

    fn text(&self) -> String {
        until_zero(self.rest).trim().to_owned()
    }
}

/// The next multiple of four.
fn aligned(offset: usize) -> usize {
    offset.checked_next_multiple_of(4).unwrap_or(usize::MAX)
}

fn until_zero(bytes: &[u8]) -> String {
    let units =
        bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
