//! Archives that are called by group and artifact, `org.postgresql.postgresql-42.2.5.jar`: sbt's packager
//! and Quarkus name them so, lest two artifacts have one name.
//!
//! Both may hold dots, so a name alone does not tell where the one ends; something else has to agree.

use super::scala;

/// Dots that are tried. Groups have a few parts; a name of nothing but dots ends here.
const DOTS_MAX: usize = 16;

/// Group and artifact in a file's name without its version, where `agrees` knows of them.
pub(super) fn split(name: &str, agrees: impl Fn(&str, &str) -> bool) -> Option<(&str, &str)> {
    // Scala's version has a dot of its own.
    let dots = scala::without(name).match_indices('.').take(DOTS_MAX);
    let mut ways =
        dots.filter_map(|(at, _)| Some((name.get(..at)?, name.get(at.saturating_add(1)..)?)));
    ways.find(|(group, artifact)| !artifact.is_empty() && agrees(group, artifact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_where_something_agrees() {
        let known = |group: &str, artifact: &str| {
            [("org.h", "tide"), ("h", "h"), ("org.h", "tide_2.13")].contains(&(group, artifact))
        };
        for (name, expected) in [
            ("org.h.tide", Some(("org.h", "tide"))),
            ("org.h.tide_2.13", Some(("org.h", "tide_2.13"))),
            ("h.h", Some(("h", "h"))),
            ("org.h", None),
            ("tide", None),
            ("org.h.", None),
            ("", None),
        ] {
            assert_eq!(split(name, known), expected, "{name}");
        }
    }
}
