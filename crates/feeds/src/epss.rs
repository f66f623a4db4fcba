//! EPSS (first.org/epss): for every CVE the probability that it is exploited within 30 days.
//!
//! ```text
//! #model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000     absent before 2022
//! cve,epss,percentile                                               `percentile` since 2021-09
//! CVE-2020-5902,0.97567,0.99995
//! ```
//!
//! A file is all scores of a day. Where it gives no percentiles they are counted, for they are
//! defined by the scores: the share of CVEs that score the same or lower.

use advisories::Score;

use crate::sink::{Day, day};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, stream};

/// How every file's table begins.
const HEADER: &str = "cve,epss";
/// Most lines: there were 360,000 CVEs in August 2026, 50,000 more a year. A score takes some 300 bytes
/// while its segment is built.
const LINES_LIMIT: usize = 600_000;

/// EPSS as a feed.
pub(crate) struct Epss;

impl Feed for Epss {
    fn name(&self) -> &'static str {
        "epss"
    }

    fn license(&self) -> &'static str {
        "free with attribution (FIRST)"
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let head = sample.head();
        sample.form() == Form::Text
            && (head.starts_with(HEADER.as_bytes())
                || head.starts_with(b"#model_version:") && sample.contains("\ncve,epss"))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        match stream {
            stream::EPSS => {
                vec!["https://epss.empiricalsecurity.com/epss_scores-current.csv.gz".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// A list of lines.
    fn shows_end(&self) -> bool {
        false
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let bytes = document.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        let (lines, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        let mut counted = Vec::new();
        let mut today = 0;
        for (number, line) in lines.lines().enumerate() {
            if number == LINES_LIMIT {
                let why = format!("what follows {LINES_LIMIT} lines is not read");
                return Err(FeedError::content(why));
            }
            if let Some(remark) = line.strip_prefix('#') {
                if let Some(date) = score_date(remark) {
                    today = day(&date);
                    sink.modified(stream::EPSS, &date);
                }
            } else if !line.starts_with(HEADER) {
                match row(line) {
                    Some((cve, epss, None)) => counted.push((cve, epss)),
                    Some((cve, epss, Some(percentile))) => {
                        sink.score(stream::EPSS, cve, Score { epss, percentile }, today);
                    }
                    None => sink.damaged(line, "not a CVE, a score and a percentile"),
                }
            }
        }
        count(counted, today, sink);
        if rest.is_empty() { Ok(()) } else { Err(FeedError::content("ends within a line")) }
    }
}

fn row(line: &str) -> Option<(&str, f64, Option<f64>)> {
    let share = |text: &str| text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    let mut fields = line.split(',');
    let cve = fields.next().filter(|cve| stream::is_cve(cve))?;
    let epss = share(fields.next()?)?;
    let percentile = match fields.next() {
        Some(text) => Some(share(text)?),
        None => None,
    };
    Some((cve, epss, percentile))
}

fn count(mut rows: Vec<(&str, f64)>, today: Day, sink: &mut Sink) {
    rows.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut up_to = 0;
    for same in rows.chunk_by(|(_, a), (_, b)| a.total_cmp(b).is_eq()) {
        up_to += same.len();
        let percentile = share(up_to, rows.len());
        for (cve, epss) in same {
            sink.score(stream::EPSS, cve, Score { epss: *epss, percentile }, today);
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer CVEs than 2^52")]
    let (part, whole) = (part as f64, whole as f64);
    part / whole
}

/// `model_version:…,score_date:2026-08-16T00:00:00+0000` as RFC 3339.
fn score_date(remark: &str) -> Option<String> {
    let date = remark.split(',').find_map(|part| part.trim().strip_prefix("score_date:"))?;
    let time = date.strip_suffix("+0000").unwrap_or(date);
    Some(if time.contains('T') { format!("{time}Z") } else { format!("{time}T00:00:00Z") })
}
