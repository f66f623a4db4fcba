//! `installed/vcpkg/status`: what vcpkg installed, in paragraphs like those of dpkg. Each feature of
//! a port has one of its own, which says nothing new.

use model::PackageKind;

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `vcpkg-status`.
pub(crate) struct VcpkgStatus;

impl Analyzer for VcpkgStatus {
    fn name(&self) -> &'static str {
        "vcpkg-status"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "vcpkg", name: "status" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text().replace('\r', "");
        let mut listing = Listing::new(facts);
        for paragraph in text.split("\n\n") {
            let field = |name: &str| {
                let fields = paragraph.lines().filter_map(|line| line.split_once(':'));
                let mut values = fields.filter(|(field, _)| *field == name);
                values.next().map_or("", |(_, value)| value.trim())
            };
            let is_installed = field("Status").ends_with(" installed");
            let (name, version) = (field("Package"), field("Version"));
            if !is_installed || !field("Feature").is_empty() || version.is_empty() {
                continue;
            }
            let version = match field("Port-Version") {
                "" | "0" => version.to_owned(),
                port => format!("{version}#{port}"),
            };
            let mut installed = Installed::new(PackageKind::Vcpkg, name, &version);
            field("Architecture").clone_into(&mut installed.package.architecture);
            // `zlib:x64-linux`, for a tool of the host.
            let needed = field("Depends").split(',').map(str::trim);
            installed.package.dependencies = needed
                .filter_map(|whole| whole.split([':', ' ', '[']).next())
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            listing.add(installed);
        }
    }
}
