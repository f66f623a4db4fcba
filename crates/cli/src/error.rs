//! Errors as people meet them: what failed, why, what to do next, and the exit code.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use detect::printable;

use crate::exit_code::ExitCode;

/// An error that ends the run.
#[derive(Debug)]
pub(crate) struct UserError {
    code: ExitCode,
    /// A lower-case fragment, causes appended.
    message: String,
    hint: Option<String>,
}

impl UserError {
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// From an error with its chain of causes.
    pub(crate) fn from_chain(code: ExitCode, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Errors that quote their cause would say it twice.
            if !message.ends_with(&text) {
                write!(message, ": {text}").expect("writing to a String cannot fail");
            }
            cause = error.source();
        }
        Self::new(code, message)
    }

    #[must_use]
    pub(crate) fn hint(self, hint: Option<impl Into<String>>) -> Self {
        Self { hint: hint.map(Into::into).or(self.hint), ..self }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> ExitCode {
        self.code
    }

    pub(crate) fn print(&self) {
        let mut text = format!("error: {}\n", printable(&self.message));
        if let Some(hint) = &self.hint {
            writeln!(text, "hint: {}", printable(hint)).expect("writing to a String cannot fail");
        }
        // Nobody is left to be told when stderr is closed.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
}
