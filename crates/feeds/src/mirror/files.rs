//! A mirror that is a folder of static files behind a URL.

use std::io::Read;

use crate::failure::Cause;
use crate::hosts::Patience;
use crate::http::{Answer, Http};

pub(super) struct Files<'a> {
    http: &'a Http<'a>,
    base: &'a str,
    patience: Patience,
}

impl<'a> Files<'a> {
    pub(super) fn new(http: &'a Http<'a>, base: &'a str, patience: Patience) -> Self {
        Self { http, base: base.trim_end_matches('/'), patience }
    }

    pub(super) fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.base)
    }

    /// A file as it is, of at most `limit` bytes.
    pub(super) fn get(&self, file: &str, limit: u64) -> Result<Vec<u8>, Cause> {
        let url = self.url(file);
        let answer = self.http.get_exact(&url, self.patience).map_err(|cause| cause.of(&url))?;
        let fetched = match answer {
            Answer::Body(body) => body,
            Answer::Unchanged => {
                return Err(Cause::network("the server answered without a body").of(&url));
            }
        };
        if fetched.bytes > limit {
            return Err(Cause::damaged(format!("`{url}` is longer than {limit} bytes")));
        }
        let mut bytes = Vec::new();
        let read = fetched.file.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| Cause::local(error.to_string()).of(&url))?;
        Ok(bytes)
    }
}
