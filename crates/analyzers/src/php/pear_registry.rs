//! What PEAR and PECL installed: one serialized record a package in `.registry`, and in
//! `.registry/.channel.<server>` for other servers than PEAR's own.

use model::{PackageKind, ProblemKind};

use super::serialized::Value;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `pear-registry`.
pub(crate) struct PearRegistry;

impl Analyzer for PearRegistry {
    fn name(&self) -> &'static str {
        "pear-registry"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: ".registry", name: "*.reg" },
                Select::Anywhere { directory: ".channel.*", name: "*.reg" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // With every file and the whole history of changes; PEAR's own has 90 KB.
        16 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let record = match Value::of(file.bytes) {
            Ok(record) => record,
            Err(error) => return facts.problem(ProblemKind::Damaged, error),
        };
        let text = |value: Option<&Value<'_>>| value.and_then(Value::text).unwrap_or_default();
        // Records of package.xml 1.0 name the package otherwise, and have one version for all.
        let name = text(record.get("name").or_else(|| record.get("package")));
        let version = record.get("version");
        let version = text(version.and_then(|version| version.get("release")).or(version));
        if name.is_empty() || version.is_empty() {
            return facts.problem(ProblemKind::Damaged, "it has no name or no version");
        }
        let mut installed = Installed::new(PackageKind::Pear, &name, &version);
        let license = record.get("license").or_else(|| record.get("release_license"));
        installed.package.license =
            text(license.and_then(|license| license.get("_content")).or(license));
        installed.package.vendor = text(record.get("channel"));
        facts.package(installed);
    }
}
