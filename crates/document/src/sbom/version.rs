//! Which versions of the formats of bills are read: what a bill says of its own form.
//!
//! Of a version within a known line everything stands where it always did, and what it has besides is passed
//! over: it is read, and that is said. Of another line nobody knows where things stand: an empty list
//! would pass for a clean one, so that nothing is read.

use super::SbomError;

/// How long what a bill calls its version may be to be repeated.
const SHOWN_MAX: usize = 32;

/// A format of which there are versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    CycloneDx,
    Spdx,
    /// Its list of packages has stood in one place since its first version.
    Syft,
}

impl Form {
    /// What is to be said of a version; empty, where a bill gives none.
    pub(super) fn told(self, version: &str) -> Result<Option<String>, SbomError> {
        let (name, line, known, read) = match self {
            Self::CycloneDx => ("CycloneDX", "1.", 2..=6, "1.2 to 1.6 are"),
            Self::Spdx => ("SPDX", "SPDX-2.", 2..=3, "2.2 and 2.3 are"),
            Self::Syft => return Ok(None),
        };
        if version.is_empty() {
            let said = format!("it does not say of which version of {name} it is; {read} known");
            return Ok(Some(said));
        }
        let shown = version.strip_prefix("SPDX-").unwrap_or(version);
        let shown: String = shown.chars().take(SHOWN_MAX).collect();
        let minor = version.strip_prefix(line).and_then(|minor| minor.parse::<u8>().ok());
        match minor {
            Some(minor) if known.contains(&minor) => Ok(None),
            Some(_) => Ok(Some(format!(
                "it is of {name} `{shown}`, and {read} known: what that version says in other places was \
                 not read"
            ))),
            None => Err(SbomError::Version(format!("{name} `{shown}` ({read})"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_known_or_told_or_refused() {
        for (form, version, want) in [
            (Form::CycloneDx, "1.0", "told"),
            (Form::CycloneDx, "1.1", "told"),
            (Form::CycloneDx, "1.2", "known"),
            (Form::CycloneDx, "1.6", "known"),
            (Form::CycloneDx, "1.7", "told"),
            (Form::CycloneDx, "1.10", "told"),
            (Form::CycloneDx, "", "told"),
            (Form::CycloneDx, "2.0", "refused"),
            (Form::CycloneDx, "1.", "refused"),
            (Form::CycloneDx, "16", "refused"),
            (Form::Spdx, "SPDX-2.0", "told"),
            (Form::Spdx, "SPDX-2.1", "told"),
            (Form::Spdx, "SPDX-2.2", "known"),
            (Form::Spdx, "SPDX-2.3", "known"),
            (Form::Spdx, "SPDX-2.4", "told"),
            (Form::Spdx, "SPDX-1.2", "refused"),
            (Form::Spdx, "SPDX-3.0", "refused"),
            (Form::Spdx, "2.3", "refused"),
            (Form::Syft, "", "known"),
        ] {
            let outcome = match form.told(version) {
                Ok(None) => "known",
                Ok(Some(_)) => "told",
                Err(_) => "refused",
            };
            assert_eq!(outcome, want, "{form:?} {version}");
        }
        let long = Form::CycloneDx.told(&"9".repeat(1000)).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }
}
