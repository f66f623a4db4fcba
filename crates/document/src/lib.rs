//! What a scan found, in the forms that people and machines read.
//!
//! A [`Report`] is put together by the caller from facts and nothing is added to it here: each
//! format is one file with one function from a report to text. Documents are deterministic; times
//! arrive in the report, serial numbers come from its content. No format may judge (a severity
//! threshold belongs to `policy`) and none may let a name from an image reach a terminal as a
//! control sequence.

pub mod attached;
mod bill;
pub mod cosign;
pub mod csv;
pub mod cyclonedx;
mod diff;
mod fault;
mod format;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod report;
pub mod sarif;
mod sbom;
pub mod spdx;
mod syft;
pub mod table;
pub mod template;
mod text;
pub mod vex;
mod xml;

pub use diff::{Diff, Order, not_compared};
pub use format::Format;
pub(crate) use model::purl;
pub use report::{DataSource, Report, Upgrade};
pub use sbom::{Sbom, SbomError};
pub use template::{Template, TemplateError};
pub use text::{columns, printable};
