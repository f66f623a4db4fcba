//! A gem as it is installed: the specification that RubyGems writes into `specifications`, and
//! into `specifications/default` for what comes with Ruby.
//!
//! It is a Ruby program, but RubyGems writes it with literals alone, one assignment a line; those
//! are read, and nothing is evaluated. Where a hand-written one computes its version, the comment
//! that RubyGems puts on top (`# stub: name version platform …`) says it, else the file's name.

use model::{Basis, PackageKind, ProblemKind};

use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `gemspec`.
pub(crate) struct Gemspec;

#[derive(Default)]
struct Specification {
    name: String,
    version: String,
    platform: String,
    licenses: Vec<String>,
    dependencies: Vec<String>,
}

impl Analyzer for Gemspec {
    fn name(&self) -> &'static str {
        "gemspec"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "specifications", name: "*.gemspec" },
                Select::Anywhere { directory: "default", name: "*.gemspec" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // With the names of all files; the largest published have some hundred KB.
        8 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let (folder, _) = file.path.rsplit_once('/').unwrap_or_default();
        if !folder.strip_suffix("/default").unwrap_or(folder).ends_with("specifications") {
            return;
        }
        let text = file.text();
        let specification = Specification::of(&text);
        let mut basis = Basis::Record;
        let mut identity = (specification.name.as_str(), specification.version.as_str());
        if identity.0.is_empty() || identity.1.is_empty() {
            identity = stub(&text).unwrap_or_default();
        }
        if identity.0.is_empty() || identity.1.is_empty() {
            identity = of_file_name(file.name()).unwrap_or_default();
            basis = Basis::FileName;
        }
        let (name, version) = identity;
        if name.is_empty() || version.is_empty() {
            return facts.problem(ProblemKind::Damaged, "it names no gem and no version");
        }
        let mut installed = Installed::new(PackageKind::Gem, name, version);
        let package = &mut installed.package;
        package.basis = basis;
        package.architecture = specification.platform;
        package.license = specification.licenses.join(", ");
        package.dependencies = specification.dependencies;
        package.dependencies.sort_unstable();
        package.dependencies.dedup();
        facts.package(installed);
    }
}

impl Specification {
    fn of(text: &str) -> Self {
        let mut specification = Self::default();
        for line in text.lines() {
            let Some((_, statement)) = line.trim().split_once('.') else { continue };
            if let Some((field, value)) = statement.split_once(" = ") {
                specification.assign(field, value);
            } else if let Some(value) = ["add_runtime_dependency", "add_dependency"]
                .iter()
                .find_map(|verb| statement.strip_prefix(verb))
            {
                let name = literal(value.trim_start_matches(['(', ' ']));
                specification.dependencies.extend(name.map(|(name, _)| name));
            }
        }
        specification
    }

    /// The first value of each field counts.
    fn assign(&mut self, field: &str, value: &str) {
        let text = || literal(value).map(|(text, _)| text).unwrap_or_default();
        match field {
            "name" if self.name.is_empty() => self.name = text(),
            "version" if self.version.is_empty() => self.version = text(),
            "platform" if self.platform.is_empty() => self.platform = text(),
            "license" | "licenses" if self.licenses.is_empty() => {
                let mut rest = value.trim_start_matches('[');
                while let Some((license, after)) = literal(rest) {
                    self.licenses.push(license);
                    let after = after.strip_prefix(".freeze").unwrap_or(after);
                    rest = after.trim_start_matches([',', ' ']);
                }
            }
            _ => {}
        }
    }
}

/// The text of a literal at the beginning, and what follows it: `"…"`, `'…'`, `%q<…>` or another
/// bracket.
fn literal(source: &str) -> Option<(String, &str)> {
    let (end, rest) = match source.strip_prefix("%q") {
        Some(rest) => match rest.chars().next()? {
            '<' => ('>', rest.get(1..)?),
            '{' => ('}', rest.get(1..)?),
            '(' => (')', rest.get(1..)?),
            '[' => (']', rest.get(1..)?),
            _ => return None,
        },
        None => {
            let quote = source.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            (quote, source.get(1..)?)
        }
    };
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == end {
            return Some((text, rest.get(at.checked_add(end.len_utf8())?..)?));
        }
        match character {
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            character => text.push(character),
        }
    }
    None
}

/// Name and version in `# stub: name version platform …`.
fn stub(text: &str) -> Option<(&str, &str)> {
    // It stands on top, behind the encoding at most.
    let stub = text.lines().take(4).find_map(|line| line.strip_prefix("# stub: "))?;
    let mut words = stub.split(' ');
    Some((words.next()?, words.next()?))
}

/// Name and version in `name-1.0-platform.gemspec`.
fn of_file_name(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_suffix(".gemspec")?;
    let hyphens = name.match_indices('-').map(|(at, _)| at);
    let (name, rest) = hyphens.rev().find_map(|at| {
        let rest = name.get(at.saturating_add(1)..)?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some((name.get(..at)?, rest))
    })?;
    Some((name, rest.split('-').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_end_where_ruby_ends_them() {
        for (source, expected) in [
            (r#""a\"b".freeze"#, Some((r#"a"b"#, ".freeze"))),
            ("%q<rope>.freeze, []", Some(("rope", ".freeze, []"))),
            ("%q{rope}", Some(("rope", ""))),
            ("'é', 1", Some(("é", ", 1"))),
            ("\"open", None),
            ("Rope::VERSION", None),
            ("%q", None),
            ("", None),
        ] {
            let found = literal(source);
            let found = found.as_ref().map(|(text, rest)| (text.as_str(), *rest));
            assert_eq!(found, expected, "{source}");
        }
    }
}
