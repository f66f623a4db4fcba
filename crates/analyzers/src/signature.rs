//! The analyzer `program-signature`: well-known programs that no package manager has put there,
//! by bytes that their releases are known to contain.
//!
//! What a program looks like is data (`content/programs`): the names of its files, and an
//! expression that has the version in it. Only a program whose file is called so is searched. Where
//! a package of the operating system owns the file, it names that owner like every other find.

mod content;

use model::{Basis, PackageKind, Source};

use self::content::{DIGEST, PROGRAMS};
use crate::program::{PROGRAM_BYTES_MAX, is_program};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `program-signature`.
pub(crate) struct ProgramSignature;

impl Analyzer for ProgramSignature {
    fn name(&self) -> &'static str {
        "program-signature"
    }

    fn version(&self) -> u32 {
        1
    }

    fn content(&self) -> Option<blake3::Hash> {
        Some(*DIGEST)
    }

    fn selects(&self) -> &'static [Select] {
        // Libraries need no right to be executed; which of these files are meant is data.
        const {
            &[
                Select::Executable,
                Select::Anywhere { directory: "*", name: "OTP_VERSION" },
                Select::Anywhere { directory: "*", name: "libcrypto.so*" },
                Select::Anywhere { directory: "*", name: "libcurl*" },
                Select::Anywhere { directory: "*", name: "libnode.so*" },
                Select::Anywhere { directory: "*", name: "libperl.so*" },
                Select::Anywhere { directory: "*", name: "libphp*" },
                Select::Anywhere { directory: "*", name: "libpython*" },
                Select::Anywhere { directory: "*", name: "libruby*" },
                Select::Anywhere { directory: "*", name: "release" },
                Select::Anywhere { directory: "wp-includes", name: "version.php" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        PROGRAM_BYTES_MAX
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        for program in PROGRAMS.iter().filter(|program| program.is_called(file.name())) {
            if !program.text && !is_program(file.bytes) {
                continue;
            }
            let Some(version) = program.version(file.bytes) else { continue };
            let mut installed = Installed::new(PackageKind::Generic, &program.name, version);
            if program.name != program.id {
                // The name under which publishers speak of it.
                let (name, version) = (program.id.to_owned(), version.to_owned());
                installed.package.source = Some(Source { name, version });
            }
            installed.package.basis = Basis::Signature;
            facts.package(installed);
        }
    }
}
