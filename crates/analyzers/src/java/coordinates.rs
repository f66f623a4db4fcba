//! What Maven calls an artifact: group, artifact and version.

/// The coordinates of an artifact; what is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

impl Coordinates {
    /// `group:artifact`, as advisories spell it; the artifact alone where the group is unknown.
    pub(super) fn name(&self) -> String {
        if self.group.is_empty() {
            return self.artifact.clone();
        }
        format!("{}:{}", self.group, self.artifact)
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.group.is_empty() && !self.artifact.is_empty() && !self.version.is_empty()
    }
}
