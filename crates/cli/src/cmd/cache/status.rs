//! `lazaret cache status`: how much room the cache takes.

use std::fmt::Write as _;

use jiff::Timestamp;
use scan::cache::{Usage, usage};

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::{age, count, size};

pub(crate) fn run(global: &Global) -> Result<ExitCode, UserError> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `{}`: {error}", global.cache_dir.display());
        UserError::new(ExitCode::Failed, message)
    };
    let Usage { layers, images, bytes, oldest } = usage(&global.cache_dir).map_err(failed)?;
    let mut text = format!(
        "{} and {} in {}, {} of at most {}\n",
        count(layers, "layer"),
        count(images, "image"),
        global.cache_dir.display(),
        size(bytes),
        size(global.cache_limit)
    );
    if let Some(oldest) = oldest.and_then(|oldest| Timestamp::try_from(oldest).ok()) {
        let age = age(oldest, global.now);
        writeln!(text, "not used for longest: {age}").expect("writing to a String cannot fail");
    }
    output::write(None, &text)?;
    Ok(ExitCode::Done)
}
