//! Which feed serves a stream, and from which URLs.
//!
//! The installed source stays the authority until the user imports another; where nothing is
//! installed, the first feed of the list that serves the stream speaks. URLs of the user's own go
//! before both: for the streams that he names, that come from there already, or that are not there
//! yet. They are never passed over in silence.

use advisories::{Segment, Store};

use crate::{Feed, Options, list};

/// Where the streams of one run come from.
#[derive(Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) store: &'a Store,
    pub(crate) options: &'a Options,
    /// The streams that the user named.
    pub(crate) named: &'a [String],
}

impl Places<'_> {
    /// The position in the list of the feed that a stream comes from, and its URLs; or why there are
    /// none.
    pub(crate) fn of(self, stream: &str) -> Result<(usize, Vec<String>), String> {
        let installed = self.store.segment(stream).ok().flatten();
        let source = installed.as_ref().map(|segment| segment.meta().source.clone());
        let is_source = |feed: &dyn Feed| source.as_deref() == Some(feed.source(stream));
        let feeds = || list::ALL.iter().enumerate();
        let own =
            |(_, feed): &(usize, &&dyn Feed)| self.is_own(**feed, stream, installed.as_deref());
        let first = feeds().filter(own).find(|(_, feed)| is_source(**feed));
        if let Some((index, feed)) = first.or_else(|| feeds().find(own)) {
            return Ok((index, self.own(*feed, stream)));
        }
        let mut of_source = feeds().filter(|(_, feed)| source.is_none() || is_source(**feed));
        let served = of_source.find_map(|(index, feed)| {
            let urls = feed.urls(stream);
            (!urls.is_empty()).then_some((index, urls))
        });
        served.ok_or_else(|| match source {
            Some(source) => format!("its source `{source}` is not fetched but imported"),
            None => "no source serves it".to_owned(),
        })
    }

    /// Whether the user's URLs of a feed are for a stream.
    fn is_own(self, feed: &dyn Feed, stream: &str, installed: Option<&Segment>) -> bool {
        let own = self.own(feed, stream);
        if own.is_empty() {
            return false;
        }
        let is_chosen = feed.speaks_of(stream) && self.named.iter().any(|named| named == stream);
        installed.map_or_else(
            || feed.speaks_of(stream),
            |installed| {
                let meta = installed.meta();
                // What these URLs gave may have been another feed's documents.
                let comes_from_there = meta.origins.iter().any(|it| own.contains(&it.url));
                is_chosen || comes_from_there || meta.source == feed.source(stream)
            },
        )
    }

    /// The user's URLs of a feed.
    fn own(self, feed: &dyn Feed, stream: &str) -> Vec<String> {
        let own = self.options.feed_urls.get(feed.name()).into_iter().flatten();
        own.map(|url| url.replace("{stream}", stream)).collect()
    }

    /// The sources with URLs of the user's own that none of these streams comes from.
    pub(crate) fn idle(self, streams: &[String]) -> Vec<String> {
        let busy: Vec<&str> = match self.options.db_url {
            // A mirror takes the place of every source.
            Some(_) => Vec::new(),
            None => {
                let feeds =
                    streams.iter().filter_map(|stream| list::ALL.get(self.of(stream).ok()?.0));
                feeds.map(|feed| feed.name()).collect()
            }
        };
        self.options
            .feed_urls
            .keys()
            .filter(|name| !busy.contains(&name.as_str()))
            .cloned()
            .collect()
    }
}
