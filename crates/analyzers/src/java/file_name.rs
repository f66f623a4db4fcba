//! What the name of a Java archive says: `commons-io-2.11.0.jar`.
//!
//! Maven names its files `artifact-version[-classifier].extension`, and all three may hold hyphens
//! and digits (`log4j-1.2-api-2.19.0`, `json-lib-2.4-jdk15`, `snake-1.0-beta-2`).

use std::collections::BTreeMap;

/// Words that are part of a version after its numbers.
const QUALIFIERS: &[&str] = &[
    "alpha",
    "android",
    "b",
    "beta",
    "build",
    "cr",
    "dev",
    "ea",
    "final",
    "ga",
    "incubating",
    "jre",
    "m",
    "milestone",
    "p",
    "pre",
    "preview",
    "r",
    "rc",
    "release",
    "rev",
    "sec",
    "snapshot",
    "sp",
];

/// Words that follow the version and tell variants of one artifact apart.
const CLASSIFIERS: &[&str] = &[
    "aarch",
    "aggregator",
    "all",
    "amd",
    "arm",
    "assembly",
    "bin",
    "boot",
    "bundle",
    "classes",
    "client",
    "debug",
    "dependencies",
    "dist",
    "exec",
    "fat",
    "full",
    "hadoop",
    "jakarta",
    "jar",
    "javadoc",
    "jdk",
    "linux",
    "mac",
    "macos",
    "min",
    "natives",
    "no_aop",
    "nodep",
    "noaop",
    "osx",
    "plain",
    "runtime",
    "shaded",
    "shadow",
    "signed",
    "sources",
    "standalone",
    "test",
    "tests",
    "uber",
    "win",
    "windows",
    "with",
    "x",
];

/// The artifact and the version in the name of an archive without its extension; the version is
/// empty if the name says none.
pub(crate) fn split(stem: &str) -> (&str, &str) {
    let mut parts = Parts::of(stem);
    let Some(mut first) = parts.starts.iter().rposition(|&at| parts.is_number(at)) else {
        return (stem, "");
    };
    if first == 0 || !parts.is_rest_known(first) {
        return (stem, "");
    }
    // `1.0-beta-2`, `1.0-20230101.120000-1`: what precedes belongs to the version too.
    while let Some(before) = first.checked_sub(1).filter(|before| *before > 0) {
        let joins = parts.starts.get(before).is_some_and(|&at| parts.is_number(at));
        let above = before.checked_sub(1).filter(|above| *above > 0);
        let qualified = parts.is_qualifier(before)
            && above
                .and_then(|above| parts.starts.get(above))
                .is_some_and(|&at| parts.is_number(at));
        match (joins, qualified, above) {
            (true, _, _) => first = before,
            (false, true, Some(above)) => first = above,
            _ => break,
        }
    }
    let start = parts.starts.get(first).copied().unwrap_or_default();
    let artifact = stem.get(..start.saturating_sub(1)).unwrap_or(stem);
    (artifact, parts.version(start))
}

/// What the purl spec's Maven type tells an archive of an artifact and version from others of it by:
/// `classifier` and `type`, from a whole file name. Nothing where that does not name them.
pub(crate) fn variant(name: &str, artifact: &str, version: &str) -> BTreeMap<String, String> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut told = Vec::new();
    if !version.is_empty() && split(stem) == (artifact, version) {
        let rest = stem.get(artifact.len().saturating_add(version.len()).saturating_add(2)..);
        told.extend(rest.filter(|rest| !rest.is_empty()).map(|rest| ("classifier", rest)));
    }
    let extension = extension.to_ascii_lowercase();
    if !matches!(extension.as_str(), "" | "jar") {
        told.push(("type", &extension));
    }
    told.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A name in parts between hyphens.
struct Parts<'a> {
    stem: &'a str,
    /// Where each part begins.
    starts: Vec<usize>,
    /// Where the last part ends that is no classifier.
    end: usize,
}

impl<'a> Parts<'a> {
    fn of(stem: &'a str) -> Self {
        let hyphens = stem.match_indices('-').map(|(at, _)| at.saturating_add(1));
        Self { stem, starts: std::iter::once(0).chain(hyphens).collect(), end: stem.len() }
    }

    fn is_number(&self, start: usize) -> bool {
        self.stem.as_bytes().get(start).is_some_and(u8::is_ascii_digit)
    }

    fn part(&self, index: usize) -> &'a str {
        let start = self.starts.get(index).copied().unwrap_or(self.stem.len());
        let end = self.starts.get(index.saturating_add(1)).map(|next| next.saturating_sub(1));
        self.stem.get(start..end.unwrap_or(self.stem.len())).unwrap_or_default()
    }

    fn is_qualifier(&self, index: usize) -> bool {
        QUALIFIERS.contains(&word(self.part(index)).as_str())
    }

    /// Whether all parts after the number at `first` are words that may follow one. Classifiers are
    /// left out of the version.
    fn is_rest_known(&mut self, first: usize) -> bool {
        for index in first.saturating_add(1)..self.starts.len() {
            if self.is_qualifier(index) {
                continue;
            }
            if !CLASSIFIERS.contains(&word(self.part(index)).as_str()) {
                return false;
            }
            let start = self.starts.get(index).copied().unwrap_or_default();
            self.end = self.end.min(start.saturating_sub(1));
        }
        true
    }

    fn version(&self, start: usize) -> &'a str {
        let version = self.stem.get(start..self.end).unwrap_or_default();
        // `3.x` is a line of versions and none of them.
        if version.ends_with(".x") { "" } else { version }
    }
}

/// The letters that a part begins with, in lower case.
fn word(part: &str) -> String {
    let end = part.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(part.len());
    part.get(..end).unwrap_or_default().trim_end_matches('_').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_of_one_artifact_are_told_apart() {
        for (name, artifact, version, expected) in [
            ("tide-1.0.jar", "tide", "1.0", ""),
            ("tide-1.0-sources.jar", "tide", "1.0", " classifier=sources"),
            (
                "netty-2.0.61.Final-linux-x86_64.jar",
                "netty",
                "2.0.61.Final",
                " classifier=linux-x86_64",
            ),
            ("tide-1.0-exec.war", "tide", "1.0", " classifier=exec type=war"),
            ("tide.WAR", "tide", "1.0", " type=war"),
            ("other-2.0-all.jar", "tide", "1.0", ""),
            ("guava-31.1-jre.jar", "guava", "31.1-jre", ""),
            ("", "", "", ""),
        ] {
            let told = variant(name, artifact, version);
            let told: String = told.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            assert_eq!(told, expected, "{name}");
        }
    }

    #[test]
    fn names_are_split_where_the_version_begins() {
        for (stem, artifact, version) in [
            ("commons-io-2.11.0", "commons-io", "2.11.0"),
            ("commons-io", "commons-io", ""),
            ("log4j-1.2-api", "log4j-1.2-api", ""),
            ("log4j-1.2-api-2.19.0", "log4j-1.2-api", "2.19.0"),
            ("guava-31.1-jre", "guava", "31.1-jre"),
            ("snake-1.0-beta-2", "snake", "1.0-beta-2"),
            ("snake-1.0-SNAPSHOT", "snake", "1.0-SNAPSHOT"),
            ("snake-1.0-20230101.120000-1", "snake", "1.0-20230101.120000-1"),
            ("json-lib-2.4-jdk15", "json-lib", "2.4"),
            ("bcprov-jdk15on-1.70", "bcprov-jdk15on", "1.70"),
            ("netty-tcnative-2.0.61.Final-linux-x86_64", "netty-tcnative", "2.0.61.Final"),
            ("geronimo-annotation-1.3-spec", "geronimo-annotation-1.3-spec", ""),
            ("spring3-core-3.x", "spring3-core", ""),
            ("jsr305-0.1~+svn49", "jsr305", "0.1~+svn49"),
            ("app-with-dependencies", "app-with-dependencies", ""),
            ("app-1.2-jar-with-dependencies", "app", "1.2"),
            ("1.2.3", "1.2.3", ""),
            ("spark-core_2.12-3.5.0", "spark-core_2.12", "3.5.0"),
            ("a-1-b-2-c", "a-1-b-2-c", ""),
            ("", "", ""),
        ] {
            assert_eq!(split(stem), (artifact, version), "{stem}");
        }
    }
}
