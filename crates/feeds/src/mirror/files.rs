//! A mirror that is a folder of static files behind a URL.

use std::io::Read;

use advisories::Store;

use super::kept;
use crate::failure::Cause;
use crate::hosts::Patience;
use crate::http::{Answer, Body, Http};

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
        let answer = self.http.get_exact(&url, limit, None, self.patience);
        match answer.map_err(|cause| cause.of(&url))? {
            Answer::Body(body) => whole(body, &url),
            Answer::Unchanged => Err(without_body(&url)),
        }
    }

    /// The same of a short text, which need not come again as long as it did not change.
    pub(super) fn get_kept(&self, file: &str, limit: u64, store: &Store) -> Result<Vec<u8>, Cause> {
        let url = self.url(file);
        let kept = kept::load(store, file, &url, limit);
        let known = kept.as_ref().map(|kept| &kept.origin);
        let answer = self.http.get_exact(&url, limit, known, self.patience);
        match (answer.map_err(|cause| cause.of(&url))?, kept) {
            (Answer::Body(body), _) => {
                let origin = body.origin.clone();
                let bytes = whole(body, &url)?;
                kept::save(store, file, &origin, &bytes);
                Ok(bytes)
            }
            (Answer::Unchanged, Some(kept)) => Ok(kept.body.into_bytes()),
            (Answer::Unchanged, None) => Err(without_body(&url)),
        }
    }
}

fn whole(mut fetched: Body, url: &str) -> Result<Vec<u8>, Cause> {
    let mut bytes = Vec::new();
    let read = fetched.file.read_to_end(&mut bytes);
    read.map_err(|error| Cause::local(error.to_string()).of(url))?;
    Ok(bytes)
}

fn without_body(url: &str) -> Cause {
    Cause::network("the server answered without a body").of(url)
}
