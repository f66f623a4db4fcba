//! The version of Scala at the end of an artifact (`json4s-native_2.13`, `cats-core_sjs1_3`): sbt adds it
//! to what is published, and not to the title in the manifest.

/// The artifact without it.
pub(super) fn without(artifact: &str) -> &str {
    let Some((before, last)) = artifact.rsplit_once('_') else { return artifact };
    if !is_version(last) {
        return artifact;
    }
    match before.rsplit_once('_') {
        Some((name, platform)) if is_platform(platform) => name,
        _ => before,
    }
}

/// `3`, or `2.13`, or `2.9.1` as it was written long ago.
fn is_version(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "3" || text.strip_prefix("2.").is_some_and(|rest| rest.split('.').all(digits))
}

/// What other than Java runs it: `sjs1`, `native0.4`.
fn is_platform(text: &str) -> bool {
    let version = text.strip_prefix("sjs").or_else(|| text.strip_prefix("native"));
    version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_cut_off() {
        for (artifact, name) in [
            ("akka-http-core_2.13", "akka-http-core"),
            ("cats-core_3", "cats-core"),
            ("cats-core_sjs1_2.13", "cats-core"),
            ("cats-core_native0.4_3", "cats-core"),
            ("dispatch_2.9.1", "dispatch"),
            ("error_prone_annotations", "error_prone_annotations"),
            ("jul_to_slf4j_4", "jul_to_slf4j_4"),
            ("a_2.", "a_2."),
            ("_3", ""),
            ("", ""),
        ] {
            assert_eq!(without(artifact), name, "{artifact}");
        }
    }
}
