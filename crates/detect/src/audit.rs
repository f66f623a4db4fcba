//! Kubernetes audit: what an API server was asked, by whom, and what it answered.
//!
//! ```text
//! bytes (one record, an EventList, an array, JSON lines) → read → Record → FIELDS → Value
//! ```
//!
//! Records come from files, webhooks and recordings, that is from whoever can make requests to an
//! API server: nothing here trusts their size, depth or shape. What cannot be read is an
//! [`AuditProblem`] with its line, and what stands around it is read all the same.

mod fields;
mod json;
mod list;
mod pod;
mod rbac;
mod read;
mod record;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use fields::FIELDS;
pub use list::{LIST_RECORDS_MAX, ListError, read_list};
pub use read::{AuditProblem, read};
pub use record::{AuditError, Record};
