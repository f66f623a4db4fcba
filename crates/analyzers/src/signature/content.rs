//! The programs of `content/programs`, as they were compiled in.
//!
//! A program is `content/programs/<id>.toml`; the id is what Bitnami's advisories call it, whether
//! or not there are any. `name` is what it is called otherwise, `files` the names of its files with
//! `*` for anything, and `expression` has the version in the group `version` (or `other`, in an
//! alternative). `text` is set where the file is no program but says which one is beside it.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../content/programs");

/// Memory that one compiled expression may take; ours take a hundredth.
const EXPRESSION_BYTES_MAX: usize = 4 << 20;

/// The longest text that is a version.
const VERSION_BYTES_MAX: usize = 64;

/// Every program, by id.
pub(super) static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    let read = descriptions().map(|(id, description)| {
        Program::new(id, description.expect("a test reads all of the content"))
    });
    let mut programs: Vec<Program> = read.collect();
    programs.sort_by_key(|program| program.id);
    programs
});

/// What tells these programs from those of another version.
pub(super) static DIGEST: LazyLock<blake3::Hash> =
    LazyLock::new(|| crate::content::digest(&CONTENT));

/// A program and how it is known.
pub(super) struct Program {
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) text: bool,
    files: Vec<String>,
    expression: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// What the bytes are. For people.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people"))]
    why: String,
    #[serde(default)]
    name: Option<String>,
    files: Vec<String>,
    expression: String,
    #[serde(default)]
    text: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    fixtures: Vec<Fixture>,
}

/// Bytes as a release holds them, and the version they tell; empty if they only look so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
struct Fixture {
    bytes: String,
    version: String,
}

fn descriptions() -> impl Iterator<Item = (&'static str, Result<Description, String>)> {
    CONTENT.files().filter_map(|file| {
        let id = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
        let text = file.contents_utf8().ok_or_else(|| "not UTF-8".to_owned());
        Some((id, text.and_then(|text| toml::from_str(text).map_err(|error| error.to_string()))))
    })
}

impl Program {
    fn new(id: &'static str, description: Description) -> Self {
        let mut builder = RegexBuilder::new(&description.expression);
        let built = builder.unicode(false).size_limit(EXPRESSION_BYTES_MAX).build();
        Self {
            id,
            name: description.name.unwrap_or_else(|| id.to_owned()),
            text: description.text,
            files: description.files,
            expression: built.expect("a test compiles every expression of the content"),
        }
    }

    /// Whether its files are called so.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.files.iter().any(|pattern| fits(pattern, name))
    }

    /// The version that the bytes tell.
    pub(super) fn version<'b>(&self, bytes: &'b [u8]) -> Option<&'b str> {
        let captures = self.expression.captures(bytes)?;
        let version = captures.name("version").or_else(|| captures.name("other"))?;
        let version = str::from_utf8(version.as_bytes()).ok()?;
        (version.len() <= VERSION_BYTES_MAX).then_some(version)
    }
}

/// Whether a name fits a pattern in which `*` is anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_tells_its_fixtures() {
        assert!(descriptions().count() >= 20);
        for (id, description) in descriptions() {
            let description = description.unwrap_or_else(|error| panic!("{id}: {error}"));
            assert!(!description.why.is_empty() && !description.files.is_empty(), "{id}");
            let versions =
                description.fixtures.iter().filter(|fixture| !fixture.version.is_empty());
            let harmless = description.fixtures.iter().filter(|fixture| fixture.version.is_empty());
            assert!(versions.count() > 0 && harmless.count() > 0, "{id} lacks fixtures");
            let fixtures: Vec<(String, String)> = description
                .fixtures
                .iter()
                .map(|fixture| (fixture.bytes.clone(), fixture.version.clone()))
                .collect();
            let program = Program::new(id, description);
            for (bytes, version) in fixtures {
                let told = program.version(bytes.as_bytes()).unwrap_or_default();
                assert_eq!(told, version, "{id}: {bytes:?}");
            }
        }
    }

    #[test]
    fn names_fit_patterns() {
        let cases = [
            ("nginx", "nginx", true),
            ("nginx", "nginx-debug", false),
            ("python3*", "python3", true),
            ("python3*", "python3.11", true),
            ("python3*", "python2.7", false),
            ("libpython*.so*", "libpython3.11.so.1.0", true),
            ("libpython*.so*", "libpython3.11.a", false),
            ("libphp*.so", "libphp8.so", true),
            ("libphp*.so", "libphp8.so.1", false),
            ("", "x", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
