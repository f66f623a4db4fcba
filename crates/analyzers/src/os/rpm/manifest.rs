//! `container-manifest-2`: the table of packages that Azure Linux leaves in images without rpm.
//!
//! One package a line, ten columns with tabs between them: name, version-release, time of
//! installation, time of build, vendor, epoch (`(none)`), size, architecture, epoch as a number,
//! source rpm. There is no licence among them.

use model::{PackageKind, ProblemKind};

use crate::os::rpm::header;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `rpm-manifest`.
pub(crate) struct Manifest;

impl Analyzer for Manifest {
    fn name(&self) -> &'static str {
        "rpm-manifest"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Path("var/lib/rpmmanifest/container-manifest-2")] }
    }

    fn max_bytes(&self) -> u64 {
        64 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        for (number, line) in (1_usize..).zip(text.lines()) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match installed(line) {
                Some(installed) => facts.package(installed),
                None => {
                    let message = format!("line {number} does not have the ten columns");
                    facts.problem(ProblemKind::Damaged, message);
                }
            }
        }
    }
}

fn installed(line: &str) -> Option<Installed> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [name, evr, _installed, _built, vendor, _epoch, _size, architecture, epoch, source] =
        *columns
    else {
        return None;
    };
    if name.is_empty() || evr.is_empty() {
        return None;
    }
    let version = match epoch.trim_ascii() {
        "" | "0" | "(none)" => evr.to_owned(),
        epoch => format!("{epoch}:{evr}"),
    };
    let known = |text: &str| if text == "(none)" { String::new() } else { text.to_owned() };
    let mut installed = Installed::new(PackageKind::Rpm, name, &version);
    installed.package.architecture = known(architecture);
    installed.package.vendor = known(vendor);
    installed.package.source = header::source(source.trim_ascii(), name, evr);
    Some(installed)
}
