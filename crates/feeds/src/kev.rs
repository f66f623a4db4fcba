//! CISA's catalog of Known Exploited Vulnerabilities (cisa.gov/known-exploited-vulnerabilities-catalog).

use advisories::KnownExploited;
use serde::Deserialize;

use crate::sink::{Day, day};
use crate::{Covers, Document, Feed, FeedError, Sample, Sink, json, stream};

/// The catalog as a feed.
pub(crate) struct Kev;

impl Feed for Kev {
    fn name(&self) -> &'static str {
        "cisa-kev"
    }

    fn license(&self) -> &'static str {
        "CC0-1.0"
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.has_keys(&["catalogVersion", "vulnerabilities"])
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        const CATALOG: &str =
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
        if stream == stream::KEV { vec![CATALOG.to_owned()] } else { Vec::new() }
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let released = json::text_at(document, "dateReleased").unwrap_or_default();
        let today = day(&released);
        let walked =
            json::each_element(document, "vulnerabilities", &mut |entry| match entry.read() {
                Ok(entry) => read(entry, today, sink),
                Err(error) => sink.damaged("vulnerability", error),
            });
        if !released.is_empty() {
            sink.modified(stream::KEV, &released);
        }
        walked
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    date_added: String,
    due_date: Option<String>,
    known_ransomware_campaign_use: Option<String>,
}

fn read(entry: Entry, today: Day, sink: &mut Sink) {
    let Entry { cve_id, date_added, due_date, known_ransomware_campaign_use } = entry;
    let ransomware = known_ransomware_campaign_use.is_some_and(|word| word == "Known");
    let known = KnownExploited { added: date_added, due: due_date, ransomware };
    sink.known_exploited(stream::KEV, &cve_id, known, today);
}
