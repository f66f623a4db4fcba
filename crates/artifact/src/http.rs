//! HTTP as registries and daemons speak it: one request, its redirects, and patience.
//!
//! [`Client::send`] is one exchange; [`Client::persist`] repeats it while that makes sense. Both
//! end within [`Timing::patience`] without a sign of life, and at once when the user says stop.
//! Connections go over TCP and TLS (`trust`, `secure`, `proxy`, `forward`) or to a Unix socket (`transport`). This
//! file must never send an `Authorization` header to an origin it was not meant for, follow a
//! redirect from TLS to plain HTTP, or let a secret into a message.

mod agents;
mod aside;
mod backoff;
mod body;
mod error;
mod forward;
mod pace;
mod proxy;
mod secure;
mod transport;
mod trust;

pub use agents::agent;
pub use aside::Naming;
pub use pace::{Pace, Waiting};
pub use transport::{Dialing, Polling, PollingTransport};
pub use trust::Trust;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use ureq::unversioned::transport::Connector;

pub(crate) use self::backoff::{pauses, seed};
pub(crate) use self::body::{Body, TRICKLE_BYTES};
pub(crate) use self::error::{HttpError, HttpErrorKind};
use self::trust::Trusted;
use crate::{Environment, ReadError, Stop};

/// A blob is redirected to a storage service, which may redirect once more.
const REDIRECTS_MAX: usize = 5;
/// Redirects carry a sentence at most; reading it lets the connection be used again.
const REDIRECT_BODY_BYTES_MAX: u64 = 16 << 10;
/// Connections kept for the next request to the same host: one for each layer read in parallel.
const IDLE_CONNECTIONS: usize = 8;
/// Who asks, as servers log it.
const USER_AGENT: &str = concat!("lazaret/", env!("CARGO_PKG_VERSION"));

/// A text that must not be shown: a password, a token, an `Authorization` header.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// For a sign of life, repetitions included.
    patience: Duration,
}

impl Timing {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience }
    }

    /// For a connection, TLS included, and for a name.
    fn connect(self) -> Duration {
        self.patience / 4
    }

    /// For the answer to begin: a registry may have to ask its storage first.
    fn first_byte(self) -> Duration {
        self.patience * 2 / 3
    }

    /// For the next bytes of an answer that has begun.
    fn stall(self) -> Duration {
        self.patience / 3
    }
}

/// Sends requests, keeping connections for the next ones.
pub(crate) struct Client {
    reach: Reach,
    timing: Timing,
    /// For all that this client asks.
    pace: Pace,
    stop: Stop,
}

enum Reach {
    /// Any host; one agent each, since each may have certificates of its own.
    Network { trust: Trust, environment: Box<Environment>, agents: Mutex<BTreeMap<String, Agent>> },
    /// The one daemon behind a Unix socket, whatever host the URL names.
    Socket(Agent),
}

/// One request; redirects may repeat it elsewhere, without `authorization`.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) url: Uri,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) authorization: Option<Secret>,
    /// The body of a POST, urlencoded; without one the request is a GET.
    pub(crate) form: Option<Secret>,
}

impl Request {
    pub(crate) fn get(url: Uri) -> Self {
        Self { url, headers: Vec::new(), authorization: None, form: None }
    }
}

/// An answer whose body is still to be read.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Where it came from in the end.
    pub(crate) url: Uri,
}

impl Response {
    /// The text of a header, if it is there and printable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the server asks to be left alone (RFC 9110, section 10.2.3).
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name)?.to_str().ok();
        backoff::retry_after(text(RETRY_AFTER)?, text(DATE))
    }
}

impl Client {
    /// A client for any host on the network.
    pub(crate) fn network(
        environment: &Environment,
        trust: Trust,
        timing: Timing,
        stop: &Stop,
    ) -> Self {
        let environment = Box::new(environment.clone());
        let reach = Reach::Network { trust, environment, agents: Mutex::default() };
        Self { reach, timing, pace: Pace::new(timing.patience), stop: stop.clone() }
    }

    /// A client for the daemon behind a Unix socket.
    pub(crate) fn socket(path: &Path, timing: Timing, stop: &Stop) -> Self {
        let pace = Pace::new(timing.patience);
        let polling = transport::Polling::paced(stop, &pace);
        let connector = ().chain(transport::Unix::new(path)).chain(polling);
        let config = config(timing).proxy(None).build();
        let agent = Agent::with_parts(config, connector, transport::NoNames);
        Self { reach: Reach::Socket(agent), timing, pace, stop: stop.clone() }
    }

    /// Sends the request, again if need be, until there is an answer that time would not change.
    /// What is answered when patience ends is returned as it is.
    pub(crate) fn persist(&self, request: &Request) -> Result<Response, HttpError> {
        let begun = Instant::now();
        for pause in backoff::pauses(backoff::seed()) {
            let outcome = self.send(request);
            let pause = match &outcome {
                Ok(response) if is_passing(response.status) => {
                    response.retry_after().unwrap_or(pause)
                }
                Err(HttpError { kind: HttpErrorKind::Passing, .. }) => pause,
                _ => return outcome,
            };
            // What a server asks for may be longer than time itself.
            if begun.elapsed().saturating_add(pause) > self.timing.patience {
                return outcome;
            }
            self.rest(pause)?;
        }
        self.send(request)
    }

    /// Waits, unless the user has had enough.
    pub(crate) fn rest(&self, pause: Duration) -> Result<(), ReadError> {
        let begun = Instant::now();
        let _waiting = self.pace.wait();
        loop {
            self.stop.check()?;
            let left = pause.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(transport::POLL));
        }
    }

    /// Whether asking once more is in vain.
    pub(crate) fn is_tired(&self) -> bool {
        self.pace.is_over()
    }

    pub(crate) fn patience(&self) -> Duration {
        self.timing.patience
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Sends the request once, following redirects.
    pub(crate) fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let mut url = request.url.clone();
        let mut authorization = request.authorization.as_ref();
        for _ in 0..=REDIRECTS_MAX {
            let mut response = self.exchange(request, &url, authorization)?;
            if !is_redirect(response.status) {
                return Ok(response);
            }
            let next = self.next_url(request, &response)?;
            if origin(&next) != origin(&url) {
                authorization = None;
            }
            response.body.drain(REDIRECT_BODY_BYTES_MAX);
            url = next;
        }
        let host = host(&request.url);
        Err(HttpError::refused(format!("`{host}` redirects more than {REDIRECTS_MAX} times")))
    }

    fn next_url(&self, request: &Request, response: &Response) -> Result<Uri, HttpError> {
        let from = &response.url;
        let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let refuse = |why: &str| {
            HttpError::refused(format!("`{}` redirects {why}, which is refused", host(from)))
        };
        if request.form.is_some() {
            return Err(refuse("a login"));
        }
        let next = location.and_then(|text| join(from, text)).ok_or_else(|| refuse("nowhere"))?;
        if from.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
            return Err(refuse("to plain HTTP"));
        }
        Ok(next)
    }

    fn exchange(
        &self,
        request: &Request,
        url: &Uri,
        authorization: Option<&Secret>,
    ) -> Result<Response, HttpError> {
        self.stop.check()?;
        self.pace.check().map_err(|why| HttpError::tired(url, why))?;
        let _waiting = self.pace.wait();
        let agent = self.agent(url)?;
        let mut builder = ureq::http::Request::builder().uri(url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(secret) = authorization {
            builder = builder.header(AUTHORIZATION, sensitive(secret)?);
        }
        let unsendable = |_| HttpError::refused(format!("`{}` cannot be asked", host(url)));
        let answer = match &request.form {
            None => agent.run(builder.body(()).map_err(unsendable)?),
            Some(form) => {
                let builder = builder
                    .method(Method::POST)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                agent.run(builder.body(form.reveal()).map_err(unsendable)?)
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                // A wait that was ended on purpose looks like any other that failed.
                self.stop.check()?;
                self.pace.check().map_err(|why| HttpError::tired(url, why))?;
                return Err(HttpError::explain(self.timing, url, error));
            }
        };
        if answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(HttpError::proxy_login(url));
        }
        let (parts, body) = answer.into_parts();
        let body = Body::new(body.into_reader(), self.timing, self.pace.clone());
        Ok(Response { status: parts.status, headers: parts.headers, body, url: url.clone() })
    }

    /// The agent for the host of `url`, made on first use.
    fn agent(&self, url: &Uri) -> Result<Agent, HttpError> {
        let (trust, environment, agents) = match &self.reach {
            Reach::Socket(agent) => return Ok(agent.clone()),
            Reach::Network { trust, environment, agents } => (trust, environment, agents),
        };
        let key = origin(url);
        let mut agents = agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let trusted = match url.scheme_str() {
            Some("https") => trust.tls(host(url)).map_err(HttpError::lasting)?,
            _ => Trusted::default(),
        };
        let config = config(self.timing).proxy(None);
        let route = proxy::route(environment, url).map_err(HttpError::lasting)?;
        let polling = Polling::paced(&self.stop, &self.pace);
        let agent = agents::by_route(route, config, trusted, polling, &self.stop);
        agents.insert(key, agent.clone());
        Ok(agent)
    }
}

/// How an agent is set up.
pub type ConfigBuilder = ureq::config::ConfigBuilder<ureq::typestate::AgentScope>;

fn config(timing: Timing) -> ConfigBuilder {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(USER_AGENT)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .timeout_resolve(Some(timing.connect()))
        .timeout_connect(Some(timing.connect()))
        .timeout_recv_response(Some(timing.first_byte()))
        .timeout_per_read(Some(timing.stall()))
        .timeout_per_write(Some(timing.stall()))
}

fn sensitive(secret: &Secret) -> Result<HeaderValue, HttpError> {
    // The error would show the value.
    let Ok(mut value) = HeaderValue::from_str(secret.reveal()) else {
        let message = "a credential has characters that HTTP forbids".to_owned();
        return Err(HttpError::refused(message));
    };
    value.set_sensitive(true);
    Ok(value)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether the server may answer otherwise in a while.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Host and port, for messages and for what is configured by host.
pub(crate) fn host(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

/// Scheme, host and port: what an `Authorization` header is bound to.
pub(crate) fn origin(url: &Uri) -> String {
    format!("{}://{}", url.scheme_str().unwrap_or_default(), host(url).to_ascii_lowercase())
}

/// Resolves a reference against the URL it came from (RFC 3986, section 5.2). None for what is not
/// HTTP, or carries credentials.
pub fn join(base: &Uri, reference: &str) -> Option<Uri> {
    let scheme = base.scheme_str()?;
    let host = base.authority()?;
    let path = base.path();
    // A scheme stands before all else; a query may well hold another URL.
    let (beginning, _) = reference.split_once(['/', '?', '#']).unwrap_or((reference, ""));
    // Nobody sends a fragment.
    let (reference, _) = reference.split_once('#').unwrap_or((reference, ""));
    let text = if beginning.contains(':') {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{scheme}:{reference}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{host}{reference}")
    } else if reference.starts_with('?') {
        format!("{scheme}://{host}{path}{reference}")
    } else {
        let (directory, _) = path.rsplit_once('/')?;
        format!("{scheme}://{host}{directory}/{reference}")
    };
    let url: Uri = without_dots(&text).parse().ok()?;
    let fits = matches!(url.scheme_str(), Some("http" | "https"))
        && url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    fits.then_some(url)
}

/// A URL whose path has no dot segments (RFC 3986, section 5.2.4): servers and proxies may refuse
/// them, or resolve them as they like.
fn without_dots(url: &str) -> String {
    let (before, query) = match url.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (url, None),
    };
    let authority = before.find("://").and_then(|at| before.get(at + 3..)).unwrap_or(before);
    let slash = authority.find('/').unwrap_or(authority.len());
    let (root, path) = before.split_at(before.len() - authority.len() + slash);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            // What stands before the first slash is empty, and stays.
            ".." => kept.truncate((kept.len().saturating_sub(1)).max(1)),
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{root}{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_against_where_they_came_from() {
        let base: Uri = "https://r.example:5000/v2/a/tags/list?n=2".parse().expect("a URL");
        let cases = [
            ("/v2/x?last=y", Some("https://r.example:5000/v2/x?last=y")),
            ("?n=2&last=y", Some("https://r.example:5000/v2/a/tags/list?n=2&last=y")),
            ("more", Some("https://r.example:5000/v2/a/tags/more")),
            ("//cdn.example/b", Some("https://cdn.example/b")),
            ("http://cdn.example/b", Some("http://cdn.example/b")),
            (
                "/b?from=https://x.example/y",
                Some("https://r.example:5000/b?from=https://x.example/y"),
            ),
            ("?to=x://y", Some("https://r.example:5000/v2/a/tags/list?to=x://y")),
            ("b/http://x", Some("https://r.example:5000/v2/a/tags/b/http://x")),
            ("../../../../store/x?a=../b", Some("https://r.example:5000/store/x?a=../b")),
            ("./x", Some("https://r.example:5000/v2/a/tags/x")),
            ("x/.", Some("https://r.example:5000/v2/a/tags/x/")),
            ("..", Some("https://r.example:5000/v2/a/")),
            ("/a/b/../c/./d", Some("https://r.example:5000/a/c/d")),
            ("/..", Some("https://r.example:5000/")),
            ("/a//b/../c", Some("https://r.example:5000/a//c")),
            ("/a/...", Some("https://r.example:5000/a/...")),
            ("//cdn.example/a/../b", Some("https://cdn.example/b")),
            ("https://cdn.example/../b/..c", Some("https://cdn.example/b/..c")),
            ("https://cdn.example?x=/../y", Some("https://cdn.example/?x=/../y")),
            ("x#y/../z", Some("https://r.example:5000/v2/a/tags/x")),
            ("data:b", None),
            ("http:b", None),
            ("ftp://cdn.example/b", None),
            ("https://user:pw@cdn.example/b", None),
            ("https://", None),
            ("", Some("https://r.example:5000/v2/a/tags/")),
        ];
        for (reference, expected) in cases {
            let joined = join(&base, reference).map(|url| url.to_string());
            assert_eq!(joined.as_deref(), expected, "{reference}");
        }
    }
}
