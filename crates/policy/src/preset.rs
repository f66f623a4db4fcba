//! Policies that come along: `content/policies`, one file each.

use serde::Deserialize;

use crate::policy::read;
use crate::rule::RuleFile;

/// Every preset, by the name that a policy calls it by.
pub(crate) const ALL: &[(&str, &str)] = &[
    ("baseline", include_str!("../../../content/policies/baseline.yaml")),
    ("strict", include_str!("../../../content/policies/strict.yaml")),
    ("upkeep", include_str!("../../../content/policies/upkeep.yaml")),
];

/// The part of a preset that another policy takes over. That the whole is a good policy by itself,
/// tests included, a test sees to.
#[derive(Deserialize)]
struct Preset {
    rules: Vec<RuleFile>,
}

/// The rules of a preset, without their places: they stand in no file of the user's.
pub(crate) fn rules(name: &str) -> Option<Vec<RuleFile>> {
    let (_, text) = ALL.iter().find(|(preset, _)| *preset == name)?;
    let preset: Preset = read(text).expect("a test reads the same file");
    Some(preset.rules)
}
