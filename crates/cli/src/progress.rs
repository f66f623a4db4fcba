//! Progress on stderr while something takes long: a bar a layer, a bar a download.
//!
//! Shown only where somebody watches. It never carries anything that the report does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use artifact::{Progress, Silent};
use document::printable;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output;

/// A bar for every layer being read.
pub(crate) fn of_layers(show: bool) -> Arc<dyn Progress> {
    if show { Arc::new(LayerBars::default()) } else { Arc::new(Silent) }
}

/// A bar for every download, and what is being built. Where nobody watches a large download is
/// still announced, for a log; a user who wants quiet is told nothing.
pub(crate) fn of_feeds(show: bool, quiet: bool) -> Arc<dyn feeds::Progress> {
    match (show, quiet) {
        (true, _) => Arc::new(FeedBars::default()),
        (false, false) => Arc::new(Announcements),
        (false, true) => Arc::new(feeds::Silent),
    }
}

/// A line for each large download.
struct Announcements;

impl feeds::Progress for Announcements {
    fn announces(&self, url: &str, bytes: u64) {
        output::note(&announcement(url, bytes));
    }
}

fn announcement(url: &str, bytes: u64) -> String {
    format!("fetching {} MB from {url}", bytes / 1_000_000)
}

#[derive(Default)]
struct LayerBars {
    all: MultiProgress,
    running: Mutex<BTreeMap<u32, ProgressBar>>,
}

impl Progress for LayerBars {
    fn layer_begins(&self, index: u32, name: &str, total_bytes: Option<u64>) {
        let bar = self.all.add(bar(total_bytes));
        bar.set_prefix(format!("layer {index}"));
        bar.set_message(short(name));
        self.lock().insert(index, bar);
    }

    fn layer_bytes(&self, index: u32, count: u64) {
        if let Some(bar) = self.lock().get(&index) {
            bar.inc(count);
        }
    }

    fn layer_ends(&self, index: u32) {
        if let Some(bar) = self.lock().remove(&index) {
            bar.finish_and_clear();
        }
    }
}

impl LayerBars {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct FeedBars {
    all: MultiProgress,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl feeds::Progress for FeedBars {
    fn announces(&self, url: &str, bytes: u64) {
        // A line that cannot be shown is no reason to stop.
        drop(self.all.println(printable(&announcement(url, bytes))));
    }

    fn fetch_begins(&self, url: &str, bytes: Option<u64>) {
        let bar = self.all.add(bar(bytes));
        bar.set_prefix("fetching");
        bar.set_message(last_part(url));
        self.lock().insert(url.to_owned(), bar);
    }

    fn fetched(&self, url: &str, bytes: u64) {
        if let Some(bar) = self.lock().get(url) {
            bar.inc(bytes);
        }
    }

    fn fetch_ends(&self, url: &str) {
        if let Some(bar) = self.lock().remove(url) {
            bar.finish_and_clear();
        }
    }
}

impl FeedBars {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_part(url: &str) -> String {
    short(url.trim_end_matches('/').rsplit('/').next().unwrap_or(url))
}

/// A digest shortened to what tells layers apart.
fn short(name: &str) -> String {
    printable(name).chars().take(19).collect()
}

fn bar(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (
            ProgressBar::new(total),
            "{prefix:>10} {msg:19} {wide_bar} {bytes:>10} of {total_bytes:10}",
        ),
        None => (ProgressBar::new_spinner(), "{prefix:>10} {msg:19} {spinner} {bytes:>10}"),
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}
