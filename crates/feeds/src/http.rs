//! Fetching a URL into a temporary file: conditional, patient, resumable, bounded.
//!
//! A body goes to an unlinked file, so its size never becomes memory. What breaks is tried again
//! with growing pauses, from where it broke if the server can. Every wait ends when the user or the
//! time limit says so. Proxies are found and asked as for images (`artifact::agent`). This file must
//! never decide what a body is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use advisories::Origin;
use artifact::{Pace, Trust};
use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::http::{HeaderMap, Response, StatusCode, Uri};

use crate::Options;
use crate::failure::Cause;
use crate::hosts::Patience;

/// Longest body. Red Hat's archive of VEX documents, the longest, has some 300 MB.
const BODY_LIMIT: u64 = 8 << 30;
/// The pause before the second attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a server's `Retry-After` can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Redirects of one request; a loop ends here, and asking again would not help.
const REDIRECTS_MAX: usize = 10;
/// For the next bytes of an answer.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A first fetch of more than this is announced before it starts.
pub(crate) const LARGE_BYTES: u64 = 50_000_000;
/// Who asks, as servers log it.
const USER_AGENT: &str = concat!("lazaret/", env!("CARGO_PKG_VERSION"));

/// What a server gave.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What we have is what there is.
    Unchanged,
    Body(Body),
}

/// A whole body.
#[derive(Debug)]
pub(crate) struct Body {
    /// Unlinked, at its beginning.
    pub file: File,
    pub bytes: u64,
    /// The URL asked for, and the validators for next time.
    pub origin: Origin,
}

/// Agents for a run, one for each host: they keep connections.
pub(crate) struct Http<'o> {
    agents: Mutex<BTreeMap<String, Agent>>,
    trust: Trust,
    options: &'o Options,
    first_pause: Duration,
}

impl<'o> Http<'o> {
    pub(crate) fn new(options: &'o Options) -> Result<Self, Cause> {
        let environment = &options.registry.environment;
        let trust = Trust::new(environment, &options.authorities, Vec::new());
        trust.check().map_err(|error| Cause::local(error.to_string()))?;
        Ok(Self { agents: Mutex::default(), trust, options, first_pause: FIRST_PAUSE })
    }

    /// The agent for the host of `url`, made on first use, by way of its proxy; its waits are counted
    /// for that host.
    fn agent(&self, url: &Uri, pace: &Pace) -> Result<Agent, Failed> {
        let key = format!("{:?}://{:?}", url.scheme_str(), url.authority());
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .accept_encoding(AutoHeaderValue::None)
            .timeout_per_read(Some(STALL_TIMEOUT));
        let Options { registry, stop, .. } = self.options;
        let agent = artifact::agent(url, &registry.environment, &self.trust, config, stop, pace)
            .map_err(|error| Failed::for_good(Cause::network(error.to_string())))?;
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    /// Where a publisher's URL is asked for: at the mirror if there is one.
    pub(crate) fn place(&self, url: &str) -> String {
        mirrored(url, self.options.feed_mirror.as_deref())
    }

    /// Fetches `url`, from the mirror if there is one. `known` are the validators of what we have;
    /// without them the body always comes.
    pub(crate) fn get(
        &self,
        url: &str,
        known: Option<&Origin>,
        patience: Patience,
    ) -> Result<Answer, Cause> {
        let from = self.place(url);
        // The unpacker knows gzip: a feed stays packed until it is read.
        let limit = BODY_LIMIT;
        self.persist(&Asked { from: &from, url, encoding: "gzip", limit, known, patience })
    }

    /// Fetches `url` from just there, and the bytes just as they lie there: at most `limit`.
    pub(crate) fn get_exact(
        &self,
        url: &str,
        limit: u64,
        known: Option<&Origin>,
        patience: Patience,
    ) -> Result<Answer, Cause> {
        let limit = limit.min(BODY_LIMIT);
        self.persist(&Asked { from: url, url, encoding: "identity", limit, known, patience })
    }

    fn persist(&self, asked: &Asked<'_>) -> Result<Answer, Cause> {
        let hosts = &self.options.hosts;
        let host = host(asked.from);
        if let Some(why) = hosts.silence(host) {
            return Err(Cause::network(format!("`{host}` did not answer before: {why}")));
        }
        let patience = if hosts.none_answers() { Patience::Short } else { asked.patience };
        let mut transfer = Transfer::new(asked.url)?;
        let mut pause = self.first_pause;
        let (mut attempts, mut silences) = (0, 0);
        loop {
            if self.options.stop.is_stopped() {
                return Err(Cause::stopped());
            }
            attempts += 1;
            let failed = match self.attempt(asked, patience, &mut transfer) {
                Ok(received) => {
                    hosts.pace(host, patience).renew();
                    return match received {
                        Received::Unchanged => Ok(Answer::Unchanged),
                        Received::Whole => transfer.finish().map(Answer::Body),
                    };
                }
                Err(_) if self.options.stop.is_stopped() => return Err(Cause::stopped()),
                Err(failed) => failed,
            };
            silences += u32::from(failed.is_silence);
            if silences == patience.silences() || hosts.pace(host, patience).is_over() {
                hosts.was_silent(host, &failed.cause.why);
                return Err(failed.cause);
            }
            if attempts == patience.attempts() || !failed.worth_another {
                return Err(failed.cause);
            }
            self.wait(failed.retry_after.unwrap_or(pause).min(LONGEST_PAUSE));
            pause *= 2;
        }
    }

    fn attempt(
        &self,
        asked: &Asked<'_>,
        patience: Patience,
        transfer: &mut Transfer,
    ) -> Result<Received, Failed> {
        let (response, pace) = self.follow(asked, patience, transfer)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => {
                pace.renew();
                return Ok(Received::Unchanged);
            }
            StatusCode::PARTIAL_CONTENT if transfer.continues(response.headers()) => {}
            StatusCode::OK => transfer.restart(response.headers())?,
            status => return Err(Failed::from_status(status, response.headers())),
        }
        let received = self.receive(response, asked, &pace, transfer)?;
        // A thousand short answers are no stall, however little they weigh.
        pace.renew();
        Ok(received)
    }

    /// The answer behind all redirects, and the pace of the host that gives it.
    fn follow(
        &self,
        asked: &Asked<'_>,
        patience: Patience,
        transfer: &Transfer,
    ) -> Result<(Response<ureq::Body>, Pace), Failed> {
        let lasting = |why: String| Failed::for_good(Cause::network(why));
        let url: Result<Uri, _> = asked.from.parse();
        let mut url = url.map_err(|error| lasting(format!("is no URL: {error}")))?;
        for _ in 0..=REDIRECTS_MAX {
            let pace = self.options.hosts.pace(authority(&url), patience);
            let agent = self.agent(&url, &pace)?;
            let mut request = agent.get(url.clone()).header("Accept-Encoding", asked.encoding);
            for (name, value) in transfer.conditions(asked.known) {
                request = request.header(name, value);
            }
            let connect = self.time_left().unwrap_or(Duration::MAX).min(patience.connect());
            let request = request
                .config()
                .timeout_resolve(Some(connect))
                .timeout_connect(Some(connect))
                .timeout_recv_response(Some(patience.answer()))
                .build();
            let waiting = pace.wait();
            let response = request.call().map_err(Failed::from_client)?;
            drop(waiting);
            self.options.hosts.answered();
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((response, pace));
            }
            let location = text(response.headers(), "location").unwrap_or_default();
            let next = artifact::join(&url, location);
            url = next.ok_or_else(|| lasting(format!("the server redirects to `{location}`")))?;
        }
        Err(lasting(format!("the server redirects more than {REDIRECTS_MAX} times")))
    }

    fn receive(
        &self,
        response: Response<ureq::Body>,
        asked: &Asked<'_>,
        pace: &Pace,
        transfer: &mut Transfer,
    ) -> Result<Received, Failed> {
        let progress = &self.options.progress;
        let length = response.body().content_length();
        if let (None, Some(length @ LARGE_BYTES..)) = (asked.known, length) {
            progress.announces(&transfer.origin.url, length);
        }
        progress.fetch_begins(&transfer.origin.url, length);
        let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let outcome = self.copy(&mut body, asked.limit, pace, transfer);
        progress.fetch_ends(&transfer.origin.url);
        outcome.map(|()| Received::Whole)
    }

    fn copy(
        &self,
        body: &mut dyn Read,
        limit: u64,
        pace: &Pace,
        transfer: &mut Transfer,
    ) -> Result<(), Failed> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if self.options.stop.is_stopped() {
                return Err(Failed::for_good(Cause::stopped()));
            }
            let waiting = pace.wait();
            let read = body.read(&mut buffer);
            drop(waiting);
            let length = match read {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failed::again(format!("the answer broke off: {error}"))),
            };
            pace.received(length as u64);
            transfer.bytes += length as u64;
            if transfer.bytes > limit {
                let message = format!("the answer is longer than {limit} bytes");
                return Err(Failed::for_good(Cause::damaged(message)));
            }
            let read = buffer.get(..length).unwrap_or_default();
            transfer.file.write_all(read).map_err(|e| Failed::for_good(storage(&e)))?;
            self.options.progress.fetched(&transfer.origin.url, length as u64);
        }
    }

    /// Until the time limit, where there is one.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.options.stop.deadline()?;
        // No time at all would mean no limit.
        Some(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
    }

    fn wait(&self, pause: Duration) {
        const STEP: Duration = Duration::from_millis(100);
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.options.stop.is_stopped() {
            std::thread::sleep(STEP.min(end.saturating_duration_since(Instant::now())));
        }
    }
}

/// One request.
struct Asked<'a> {
    from: &'a str,
    /// What it is known as.
    url: &'a str,
    encoding: &'static str,
    /// Bytes that make sense.
    limit: u64,
    known: Option<&'a Origin>,
    patience: Patience,
}

/// What was received so far, over all attempts.
struct Transfer {
    file: File,
    bytes: u64,
    origin: Origin,
}

impl Transfer {
    fn new(url: &str) -> Result<Self, Cause> {
        let file = tempfile::tempfile().map_err(|error| storage(&error))?;
        Ok(Self { file, bytes: 0, origin: Origin { url: url.to_owned(), ..Origin::default() } })
    }

    /// The headers that ask only for what we lack.
    fn conditions(&self, known: Option<&Origin>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if self.bytes > 0 {
            // Without a validator what follows could belong to another version.
            let Origin { etag, last_modified, .. } = &self.origin;
            if let Some(validator) = strong(etag.as_ref()).or(last_modified.as_ref()) {
                headers.push(("Range", format!("bytes={}-", self.bytes)));
                headers.push(("If-Range", validator.clone()));
            }
        } else if let Some(Origin { etag, last_modified, .. }) = known {
            headers.extend(etag.clone().map(|etag| ("If-None-Match", etag)));
            headers.extend(last_modified.clone().map(|date| ("If-Modified-Since", date)));
        }
        headers
    }

    fn continues(&self, headers: &HeaderMap) -> bool {
        text(headers, "content-range")
            .and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok())
            .is_some_and(|start: u64| start == self.bytes && start > 0)
    }

    fn restart(&mut self, headers: &HeaderMap) -> Result<(), Failed> {
        self.bytes = 0;
        self.origin.etag = text(headers, "etag").map(str::to_owned);
        self.origin.last_modified = text(headers, "last-modified").map(str::to_owned);
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|error| Failed::for_good(storage(&error)))
    }

    fn finish(mut self) -> Result<Body, Cause> {
        self.file.seek(SeekFrom::Start(0)).map_err(|error| storage(&error))?;
        Ok(Body { file: self.file, bytes: self.bytes, origin: self.origin })
    }
}

/// Only a strong entity tag may stand in `If-Range` (RFC 9110, section 13.1.5).
fn strong(etag: Option<&String>) -> Option<&String> {
    etag.filter(|etag| !etag.starts_with("W/"))
}

/// One attempt that succeeded.
enum Received {
    Unchanged,
    Whole,
}

/// One attempt that failed.
struct Failed {
    cause: Cause,
    worth_another: bool,
    /// The host gave no answer at all.
    is_silence: bool,
    retry_after: Option<Duration>,
}

impl Failed {
    fn for_good(cause: Cause) -> Self {
        Self { cause, worth_another: false, is_silence: false, retry_after: None }
    }

    fn again(message: impl Into<String>) -> Self {
        Self { worth_another: true, ..Self::for_good(Cause::network(message)) }
    }

    fn from_client(error: ureq::Error) -> Self {
        let message = format!("no answer: {error}");
        match error {
            ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl | ureq::Error::Http(_) => {
                Self::for_good(Cause::network(message))
            }
            ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Io(_) => Self { is_silence: true, ..Self::again(message) },
            _ => Self::again(message),
        }
    }

    fn from_status(status: StatusCode, headers: &HeaderMap) -> Self {
        let message = format!("the server answered {status}");
        let passing = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
        let seconds = text(headers, "retry-after").and_then(|text| text.parse().ok());
        let cause = match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Cause::absent(message),
            _ => Cause::network(message),
        };
        Self {
            worth_another: passing,
            retry_after: seconds.map(Duration::from_secs),
            ..Self::for_good(cause)
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn storage(error: &io::Error) -> Cause {
    Cause::local(format!("cannot keep the answer in a temporary file: {error}"))
}

/// The same of one that was read.
fn authority(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

/// The host of a URL, its port included.
fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// `https://host/path` on a mirror is `<mirror>/host/path`.
fn mirrored(url: &str, mirror: Option<&str>) -> String {
    let Some(mirror) = mirror else { return url.to_owned() };
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    format!("{}/{rest}", mirror.trim_end_matches('/'))
}
