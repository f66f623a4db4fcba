//! A .NET application in a single file: the host's program with everything else behind it, the
//! `deps.json` among that (github.com/dotnet/designs, "Single-file Publish: bundler").
//!
//! The host knows its bundle by a mark among its data, with the place of the bundle's header before
//! it. Files of the bundle may be compressed; the `deps.json` never is.

use memchr::memmem;
use model::ProblemKind;

use super::deps_json;
use crate::binary::{Order, slice};
use crate::program::{PROGRAM_BYTES_MAX, Program};
use crate::{Analyzer, File, FileFacts, Select};

/// SHA-256 of `.net core bundle` and a line feed.
const MARK: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
    0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];

/// The first form of the header that says where the `deps.json` is (.NET 5).
const FIRST_FORM: u32 = 2;

/// The analyzer `dotnet-bundle`.
pub(crate) struct DotnetBundle;

impl Analyzer for DotnetBundle {
    fn name(&self) -> &'static str {
        "dotnet-bundle"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Executable] }
    }

    fn max_bytes(&self) -> u64 {
        PROGRAM_BYTES_MAX
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(header) = header(file.bytes) else { return };
        if Order::Little.u32(file.bytes, header).is_some_and(|form| form < FIRST_FORM) {
            let message = "it is a .NET bundle of a form older than .NET 5";
            return facts.problem(ProblemKind::Unsupported, message);
        }
        match deps(file.bytes, header) {
            Some([]) => {}
            Some(deps) => deps_json::list(deps, facts),
            None => facts.problem(ProblemKind::Damaged, "its .NET bundle cannot be read"),
        }
    }
}

/// Where the header is; None if the program is no host, or one without a bundle.
fn header(bytes: &[u8]) -> Option<usize> {
    let data = Program::parse(bytes)?.section(&[".data", "__data"])?;
    let before = memmem::find(data, &MARK)?.checked_sub(8)?;
    usize::try_from(Order::Little.u64(data, before)?).ok().filter(|at| *at != 0)
}

/// The `deps.json`; empty if the bundle has none. Before its place stand two numbers of the form,
/// a count of files and a text after its length.
fn deps(bytes: &[u8], header: usize) -> Option<&[u8]> {
    let name = header.checked_add(12)?;
    // The name of a bundle is made of a hash and shorter than 128 bytes, so its length is one byte.
    let length = usize::from(*bytes.get(name)?);
    let place = name.checked_add(1)?.checked_add(length)?;
    let number = |at: usize| usize::try_from(Order::Little.u64(bytes, at)?).ok();
    slice(bytes, number(place)?, number(place.checked_add(8)?)?)
}
