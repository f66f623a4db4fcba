//! Misconfigurations: settings that make an attack easier than it has to be.
//!
//! A format (an image's configuration, a Dockerfile, a manifest …) becomes `Thing`s, each
//! with a view of plain fields; a check is data (`content/checks`): a condition over one kind of
//! view, and what to say where it holds. Readers know no check and checks know no format, so that
//! users' own checks are worth as much as ours, and no cached fact depends on a check.
//!
//! What is a secret is masked before it goes into a view, so no condition and no evidence can show
//! one. Conditions are bounded: what they cost on what was found is counted beforehand.

mod check;
pub(crate) mod compose;
mod condition;
mod content;
mod cost;
pub(crate) mod dockerfile;
pub(crate) mod history;
mod image;
mod judge;
pub(crate) mod kubernetes;
mod list;
pub(crate) mod mask;
mod path;
mod reference;
mod setting;
mod shell;
mod step;
pub(crate) mod system;
pub(crate) mod thing;
mod yaml;

#[cfg(test)]
mod tests;

pub use content::{CheckError, CheckSet};
pub use judge::{Judged, Scope, judge};
