//! How urgent it is what the guard found, on the scale that rules and policies use.

use std::fmt;

/// How urgent a rule's finding is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Informational,
    Debug,
}

impl Priority {
    pub const ALL: &[Self] = &[
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// Words of severities, and the priorities that Falco's outputs have for them.
    pub const SEVERITIES: &[(&str, Self)] = &[
        ("critical", Self::Critical),
        ("high", Self::Error),
        ("medium", Self::Warning),
        ("low", Self::Notice),
        ("info", Self::Informational),
    ];

    /// As Falco's outputs spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Alert => "Alert",
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Notice => "Notice",
            Self::Informational => "Informational",
            Self::Debug => "Debug",
        }
    }

    /// In any case; `INFO` is short for the longest.
    pub fn of_name(name: &str) -> Option<Self> {
        let is = |priority: &&Self| priority.name().eq_ignore_ascii_case(name);
        let info = name.eq_ignore_ascii_case("info").then_some(Self::Informational);
        Self::ALL.iter().find(is).copied().or(info)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
