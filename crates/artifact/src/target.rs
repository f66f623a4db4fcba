//! From what a user typed to the source that has it.

use crate::error::OpenErrorKind;
use crate::{Image, OpenError, Options};

/// See [`crate::open`].
pub(crate) fn open(target: &str, _options: &Options) -> Result<Image, OpenError> {
    Err(OpenError::new(OpenErrorKind::Unsupported, format!("`{target}` has no reader yet")))
}
