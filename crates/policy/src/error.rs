//! What is wrong with a policy, and where.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// From 1; 0 where the mistake is in no line.
    pub line: u64,
    /// From 1.
    pub column: u64,
    /// A lower-case fragment.
    pub message: String,
    pub hint: Option<String>,
}

impl PolicyError {
    pub(crate) fn at<T>(place: &serde_saphyr::Spanned<T>, message: impl Into<String>) -> Self {
        Self {
            line: place.referenced.line(),
            column: place.referenced.column(),
            message: message.into(),
            hint: None,
        }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.message)
    }
}
