//! HTTP as registries and daemons speak it: one request, its redirects, and patience.
//!
//! [`Client::send`] is one exchange; [`Client::persist`] repeats it while that makes sense. Both
//! end within [`Timing::patience`] without a sign of life, and at once when the user says stop.
//! Connections go over TCP and TLS (`trust`, `proxy`) or to a Unix socket (`transport`). This
//! file must never send an `Authorization` header to an origin it was not meant for, follow a
//! redirect from TLS to plain HTTP, or let a secret into a message.

mod backoff;
mod body;
mod proxy;
mod transport;
mod trust;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, RustlsConnector, TcpConnector,
};

pub(crate) use self::backoff::{pauses, seed};
pub(crate) use self::body::{Body, TRICKLE_BYTES};
pub(crate) use self::trust::Trust;
use crate::error::OpenErrorKind;
use crate::{Environment, OpenError, ReadError, Stop};

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
    stop: Stop,
}

enum Reach {
    /// Any host; one agent each, since each may have certificates of its own.
    Network { trust: Trust, environment: Environment, agents: Mutex<BTreeMap<String, Agent>> },
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

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
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

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct HttpError {
    pub(crate) kind: HttpErrorKind,
    pub(crate) error: OpenError,
}

/// What the error means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpErrorKind {
    /// Asking again may help: a broken connection, silence.
    Passing,
    /// The other side does not speak TLS.
    NotTls,
    /// Nothing that time would heal.
    Lasting,
}

impl HttpError {
    fn new(kind: HttpErrorKind, error: OpenError) -> Self {
        Self { kind, error }
    }

    fn lasting(message: String) -> Self {
        Self::new(HttpErrorKind::Lasting, OpenError::new(OpenErrorKind::Network, message))
    }
}

impl From<ReadError> for HttpError {
    fn from(error: ReadError) -> Self {
        Self::new(HttpErrorKind::Lasting, error.into())
    }
}

impl From<HttpError> for OpenError {
    fn from(error: HttpError) -> Self {
        error.error
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
        let environment = environment.clone();
        let reach = Reach::Network { trust, environment, agents: Mutex::default() };
        Self { reach, timing, stop: stop.clone() }
    }

    /// A client for the daemon behind a Unix socket.
    pub(crate) fn socket(path: &Path, timing: Timing, stop: &Stop) -> Self {
        let connector = ().chain(transport::Unix::new(path)).chain(transport::Polling::new(stop));
        let config = config(timing).proxy(None).build();
        let agent = Agent::with_parts(config, connector, transport::NoNames);
        Self { reach: Reach::Socket(agent), timing, stop: stop.clone() }
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
            if begun.elapsed() + pause > self.timing.patience {
                return outcome;
            }
            self.rest(pause)?;
        }
        self.send(request)
    }

    /// Waits, unless the user has had enough.
    pub(crate) fn rest(&self, pause: Duration) -> Result<(), ReadError> {
        let end = Instant::now() + pause;
        loop {
            self.stop.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(transport::POLL));
        }
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
        Err(HttpError::lasting(format!("`{host}` redirects more than {REDIRECTS_MAX} times")))
    }

    fn next_url(&self, request: &Request, response: &Response) -> Result<Uri, HttpError> {
        let from = &response.url;
        let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let refuse = |why: &str| {
            HttpError::lasting(format!("`{}` redirects {why}, which is refused", host(from)))
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
        let agent = self.agent(url)?;
        let mut builder = ureq::http::Request::builder().uri(url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(secret) = authorization {
            builder = builder.header(AUTHORIZATION, sensitive(secret)?);
        }
        let unsendable = |_| HttpError::lasting(format!("`{}` cannot be asked", host(url)));
        let answer = match &request.form {
            None => agent.run(builder.body(()).map_err(unsendable)?),
            Some(form) => {
                let builder = builder
                    .method(Method::POST)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                agent.run(builder.body(form.reveal()).map_err(unsendable)?)
            }
        };
        let (parts, body) = answer.map_err(|error| self.explain(url, error))?.into_parts();
        let body = Body::new(body.into_reader(), self.timing);
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
        let lasting = |error| HttpError::new(HttpErrorKind::Lasting, error);
        let proxy = proxy::for_url(environment, url).map_err(lasting)?;
        let mut config = config(self.timing).proxy(proxy);
        if url.scheme_str() == Some("https") {
            config = config.tls_config(trust.tls(host(url)).map_err(lasting)?);
        }
        // The polling connection lies below TLS, so that a handshake can be interrupted too.
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(transport::Polling::new(&self.stop))
                .chain(RustlsConnector::default());
        let agent = Agent::with_parts(config.build(), connector, DefaultResolver::default());
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    /// Puts an error of the HTTP library into our words.
    fn explain(&self, url: &Uri, error: ureq::Error) -> HttpError {
        use HttpErrorKind::{Lasting, NotTls, Passing};
        if let Err(interrupted) = self.stop.check() {
            return interrupted.into();
        }
        let host = host(url);
        let network = |kind, message: String| {
            HttpError::new(kind, OpenError::new(OpenErrorKind::Network, message))
        };
        let because = |mut http: HttpError, error: ureq::Error| {
            http.error = http.error.because(error);
            http
        };
        match error {
            ureq::Error::Timeout(_) => {
                let seconds = self.timing.first_byte().as_secs_f32();
                network(Passing, format!("`{host}` did not answer within {seconds:.0} s"))
            }
            ureq::Error::HostNotFound => network(Lasting, format!("host `{host}` is not known")),
            ureq::Error::Io(why) if why.kind() == io::ErrorKind::InvalidData => {
                self.explain_tls(host, why)
            }
            ureq::Error::Io(why) => {
                let kind = if is_final(&why) { Lasting } else { Passing };
                because(network(kind, format!("cannot reach `{host}`")), ureq::Error::Io(why))
            }
            ureq::Error::ConnectProxyFailed(why) => {
                network(Lasting, format!("the proxy does not lead to `{host}`: {why}"))
            }
            error @ (ureq::Error::Protocol(_)
            | ureq::Error::Http(_)
            | ureq::Error::LargeResponseHeader(..)) => {
                because(network(Lasting, format!("`{host}` does not answer in HTTP")), error)
            }
            error @ (ureq::Error::Tls(_) | ureq::Error::Rustls(_)) => {
                because(network(NotTls, format!("no TLS connection to `{host}`")), error)
            }
            error => because(network(Lasting, format!("cannot reach `{host}`")), error),
        }
    }

    /// TLS libraries report through I/O errors: a certificate that is not trusted, or bytes that
    /// are no TLS at all.
    fn explain_tls(&self, host: &str, why: io::Error) -> HttpError {
        let error =
            OpenError::new(OpenErrorKind::Network, format!("no TLS connection to `{host}`"));
        if why.to_string().contains("certificate") {
            let error = error.because(why).hint(format!(
                "if it is to be trusted, put its certificate authority into \
                 /etc/docker/certs.d/{host}/ca.crt or name it with SSL_CERT_FILE"
            ));
            return HttpError::new(HttpErrorKind::Lasting, error);
        }
        let error = error
            .because(why)
            .hint(format!("plain HTTP has to be asked for: mark `{host}` as insecure"));
        HttpError::new(HttpErrorKind::NotTls, error)
    }
}

fn config(timing: Timing) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
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
    let mut value = HeaderValue::from_str(secret.reveal())
        .map_err(|_| HttpError::lasting("a credential has characters that HTTP forbids".into()))?;
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

/// Whether there is nobody to talk to, so that asking again at once is in vain.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
    )
}

/// Host and port, for messages and for what is configured by host.
pub(crate) fn host(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

/// Scheme, host and port: what an `Authorization` header is bound to.
fn origin(url: &Uri) -> String {
    format!("{}://{}", url.scheme_str().unwrap_or_default(), host(url).to_ascii_lowercase())
}

/// Resolves a reference against the URL it came from (RFC 3986, section 5.2, without dot
/// segments, which servers resolve). None for what is not HTTP, or carries credentials.
pub(crate) fn join(base: &Uri, reference: &str) -> Option<Uri> {
    let scheme = base.scheme_str()?;
    let host = base.authority()?;
    let path = base.path();
    let text = if reference.contains("://") {
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
    let url: Uri = text.parse().ok()?;
    let fits = matches!(url.scheme_str(), Some("http" | "https"))
        && url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    fits.then_some(url)
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
