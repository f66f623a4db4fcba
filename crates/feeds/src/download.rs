//! One URL that the user names in place of a file, brought here as it lies there.
//!
//! It is asked for at just that address (a mirror of feeds is for publishers), with the patience,
//! limits and proxies of every fetch. This file must never decide what came.

use std::fs::File;

use advisories::Origin;

use crate::hosts::Patience;
use crate::http::{Answer, Body, Http};
use crate::{Failure, Options};

/// What lay at a URL, in an unlinked file.
#[derive(Debug)]
pub struct Download {
    /// The URL, and what the server said for next time.
    pub origin: Origin,
    /// At its beginning.
    pub file: File,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct DownloadError {
    pub failure: Failure,
    /// A lower-case fragment that names the URL.
    pub why: String,
}

/// Whether a text is a URL that can be fetched, and no path.
pub fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Fetches a URL.
pub fn download(url: &str, options: &Options) -> Result<Download, DownloadError> {
    let answer =
        Http::new(options).and_then(|http| http.get_exact(url, u64::MAX, None, Patience::Long));
    match answer.map_err(|cause| cause.of(url)) {
        Ok(Answer::Body(Body { file, origin, .. })) => Ok(Download { origin, file }),
        Ok(Answer::Unchanged) => {
            let why = format!("`{url}`: the server answered without a body");
            Err(DownloadError { failure: Failure::Network, why })
        }
        Err(cause) => Err(DownloadError { failure: cause.failure, why: cause.why }),
    }
}
