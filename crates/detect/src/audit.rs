//! Kubernetes audit: what an API server was asked for.

/// One event of an audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Counts the events of one log from 1.
    pub number: u64,
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    /// The event as it was sent: an object of the kind `Event` of `audit.k8s.io`.
    pub json: serde_json::Value,
}
