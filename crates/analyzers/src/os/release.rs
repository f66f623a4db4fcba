//! Release files: `os-release`, and the older ones that name a distribution in a line of prose.
//!
//! This file only reads them. Which of them counts, and what family it makes, is decided in
//! `choice.rs` when all layers are known.

use model::ProblemKind;
use serde::{Deserialize, Serialize};

use crate::{Analyzer, File, FileFacts, Select};

/// Release files are short; a value that is not is cut here.
const VALUE_CHARS_MAX: usize = 256;

/// The fields that `choice.rs` asks for (os-release(5), and lsb-release's names for the same).
const KEYS: [&str; 17] = [
    "ID",
    "ID_LIKE",
    "NAME",
    "VERSION",
    "VERSION_ID",
    "VERSION_CODENAME",
    "PRETTY_NAME",
    "PLATFORM_ID",
    "UBUNTU_CODENAME",
    "DEBIAN_CODENAME",
    "RHEL_VERSION",
    "REDHAT_SUPPORT_PRODUCT",
    "REDHAT_SUPPORT_PRODUCT_VERSION",
    "CENTOS_MANTISBT_PROJECT_VERSION",
    "DISTRIB_ID",
    "DISTRIB_RELEASE",
    "DISTRIB_CODENAME",
];

/// The analyzer `os-release`.
pub(crate) struct Releases;

impl Analyzer for Releases {
    fn name(&self) -> &'static str {
        "os-release"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("etc/os-release"),
                Select::Path("usr/lib/os-release"),
                Select::In { directory: "usr/lib/os.release.d", suffix: "" },
                Select::Path("etc/lsb-release"),
                Select::Path("etc/alpine-release"),
                Select::Path("etc/debian_version"),
                Select::Path("etc/almalinux-release"),
                Select::Path("etc/rocky-release"),
                Select::Path("etc/oracle-release"),
                Select::Path("etc/centos-release"),
                Select::Path("etc/fedora-release"),
                Select::Path("etc/openEuler-release"),
                Select::Path("etc/anolis-release"),
                Select::Path("etc/opencloudos-release"),
                Select::Path("etc/photon-release"),
                Select::Path("etc/mariner-release"),
                Select::Path("etc/azurelinux-release"),
                Select::Path("etc/SuSE-release"),
                Select::Path("etc/system-release"),
                Select::Path("etc/redhat-release"),
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        1 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let has_fields = matches!(file.name(), "os-release" | "lsb-release")
            || file.path.starts_with("usr/lib/os.release.d/");
        if !has_fields {
            let line = text.lines().next().unwrap_or_default();
            facts.release(Release::Line(cut(line.trim())));
            return;
        }
        let fields = fields(&text);
        if fields.is_empty() && !text.trim().is_empty() {
            facts.problem(ProblemKind::Damaged, "no line of it is `NAME=value`");
        }
        facts.release(Release::Fields(fields));
    }
}

/// What a release file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Release {
    /// The fields of [`KEYS`] that it has.
    Fields(Vec<(String, String)>),
    /// Its first line.
    Line(String),
}

impl Release {
    /// The field's value; None where it is absent or empty.
    pub(crate) fn field(&self, key: &str) -> Option<&str> {
        let Self::Fields(fields) = self else { return None };
        let (_, value) = fields.iter().rev().find(|(name, _)| name == key)?;
        (!value.is_empty()).then_some(value)
    }

    /// Whether it says which system it is of.
    pub(crate) fn tells(&self) -> bool {
        match self {
            Self::Line(line) => !line.is_empty(),
            Self::Fields(_) => self.field("ID").is_some() || self.field("DISTRIB_ID").is_some(),
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Line(line) => line.len(),
            Self::Fields(fields) => fields.iter().fold(0, |sum: usize, (key, value)| {
                sum.saturating_add(key.len()).saturating_add(value.len())
            }),
        }
    }
}

/// The assignments of a shell-like file that are of use here. Of several to one name the last counts, as
/// for a shell that reads the file (os-release(5)).
pub(crate) fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, &str)> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        if KEYS.contains(&key) {
            fields.retain(|(known, _)| known != key);
            fields.push((key.to_owned(), value));
        }
    }
    fields.into_iter().map(|(key, value)| (key, cut(&unquote(value.trim())))).collect()
}

/// The value that a shell would assign.
fn unquote(value: &str) -> String {
    let mut unquoted = String::with_capacity(value.len());
    let mut characters = value.chars();
    let mut quote = None;
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => unquoted.extend(characters.next()),
            ('"' | '\'', None) => quote = Some(character),
            (character, Some(quoted)) if character == quoted => quote = None,
            (character, _) => unquoted.push(character),
        }
    }
    unquoted
}

fn cut(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_shell_reads_them() {
        let cases = [
            ("debian", "debian"),
            (r#""Debian GNU/Linux""#, "Debian GNU/Linux"),
            ("'it is'", "it is"),
            (r#""a \"b\" \$c""#, r#"a "b" $c"#),
            (r"'a\b'", r"a\b"),
            (r#""open"#, "open"),
            (r"end\", "end"),
            ("", ""),
        ];
        for (written, value) in cases {
            assert_eq!(unquote(written), value, "{written}");
        }
    }

    #[test]
    fn the_last_assignment_counts() {
        let text = "ID=debian\nVERSION_ID=12\nID=acme\nVERSION_ID=\n";
        let release = Release::Fields(fields(text));
        assert_eq!((release.field("ID"), release.field("VERSION_ID")), (Some("acme"), None));
    }
}
