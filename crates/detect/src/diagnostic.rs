//! What is to be said of rule files: mistakes and doubts, each with its place.

use std::fmt;

/// One mistake or doubt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    pub level: Level,
    pub place: Place,
    /// The rule, macro or list that it is about; empty where it is about the file.
    pub subject: String,
    /// A lower-case fragment.
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What it is about is loaded.
    Warning,
    /// What it is about is left out.
    Error,
}

/// A place in a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: String,
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Diagnostic {
    pub fn new(
        level: Level,
        place: Place,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { level, place, subject: subject.into(), message: message.into(), hint: None }
    }

    #[must_use]
    pub fn hint(self, hint: Option<impl Into<String>>) -> Self {
        Self { hint: hint.map(Into::into), ..self }
    }
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.level.name())?;
        if !self.subject.is_empty() {
            write!(f, "`{}`: ", self.subject)?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}
