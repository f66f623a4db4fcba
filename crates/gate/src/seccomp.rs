//! Whether a seccomp profile filters anything.

use crate::tree::Tree;

/// What lets a call through.
const LETS_THROUGH: [&str; 2] = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"];

/// Whether it keeps nobody from any call but those that it names: a profile that allows by default is
/// none, and neither is one that cannot be read.
pub(crate) fn is_open(profile: &Tree) -> bool {
    let action = profile.get("defaultAction").and_then(Tree::text).unwrap_or_default();
    action.is_empty() || LETS_THROUGH.contains(&action)
}
