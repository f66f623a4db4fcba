//! A server that each alert is posted to. It has an alert when it answers 2xx.

use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{DATE, RETRY_AFTER};
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{Carry, Outcome};
use crate::place;
use crate::trust::{Token, Trust};

/// What a server may take for one alert.
const POST_TIME: Duration = Duration::from_secs(10);
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// Who posts, as servers log it.
const USER_AGENT: &str = concat!("lazaret/", env!("CARGO_PKG_VERSION"));

/// `text_type` is what the texts are in.
pub(crate) fn open(
    url: &str,
    text_type: &'static str,
    trust: &Trust,
    token: Option<Token>,
) -> Carry {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT_TIME))
        .timeout_global(Some(POST_TIME));
    // A token in the clear is shown to its host alone.
    if !place::may_go_by_proxy(url) {
        config = config.proxy(None);
    }
    let roots: Vec<Certificate<'static>> =
        trust.certificates.iter().map(|it| Certificate::from_der(it).to_owned()).collect();
    // A machine without any authorities gets those that the library was built with.
    if !roots.is_empty() {
        let roots = RootCerts::from(roots);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    let agent: Agent = config.build().into();
    let url = url.to_owned();
    Box::new(move |letter| {
        let mut request = agent.post(&url).header("content-type", text_type);
        if let Some(Token { name, value }) = &token {
            request = request.header(name, value);
        }
        match request.send(&letter.text) {
            Ok(answer) => outcome(answer.status(), answer.headers()),
            Err(error) => Outcome::later(error),
        }
    })
}

/// What the answer means. A server that does not know us, or knows no such path, may be set right;
/// one that cannot read an alert will not read it the next time.
fn outcome(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let why = format!("it answers {status}");
    match status.as_u16() {
        200..=299 => Outcome::Taken,
        400 | 413 | 415 | 422 => Outcome::Refused(why),
        _ => {
            let text = |name| headers.get(name)?.to_str().ok();
            let after = text(RETRY_AFTER).and_then(|value| retry_after(value, text(DATE)));
            Outcome::Later { why, after }
        }
    }
}

/// Seconds, or a date, which is held against the server's own (RFC 9110, section 10.2.3).
fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok();
    let seconds = parse(value)?.timestamp().as_second() - parse(date?)?.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use testkit::{Authority, Fault, Reply, Server, Tls};

    use super::*;
    use crate::letter::Letter;

    fn letter() -> Letter {
        Letter { time: 1, severity: 4, text: "{}\n".to_owned() }
    }

    fn token() -> Option<Token> {
        Some(Token { name: "authorization".to_owned(), value: "Bearer s3cret".to_owned() })
    }

    #[test]
    fn an_alert_is_posted_with_the_token() {
        let server = Server::new(|_| Reply::new(204, ""));
        let url = format!("http://{}/alerts", server.host());
        let mut carry = open(&url, "application/json", &Trust::default(), token());
        assert_eq!(carry(&letter()), Outcome::Taken);
        let requests = server.requests();
        assert_eq!((&*requests[0].method, &*requests[0].path), ("POST", "/alerts"));
        assert_eq!(requests[0].body, "{}\n");
        assert_eq!(requests[0].header("authorization"), Some("Bearer s3cret"));
        assert_eq!(requests[0].header("content-type"), Some("application/json"));
    }

    #[test]
    fn answers_mean_taken_refused_or_later() {
        for (status, expected) in [
            (200, "taken"),
            (204, "taken"),
            (301, "later"),
            (400, "refused"),
            (401, "later"),
            (404, "later"),
            (413, "refused"),
            (429, "later"),
            (500, "later"),
            (503, "later"),
        ] {
            let reply = Reply::new(status, "no").header("retry-after", "7");
            let reply = reply.header("location", "http://127.0.0.1:1/");
            let server = Server::new(move |_| reply.clone());
            let url = format!("http://{}/", server.host());
            let outcome = open(&url, "text/plain", &Trust::default(), None)(&letter());
            let told = match &outcome {
                Outcome::Taken => "taken",
                Outcome::Refused(_) => "refused",
                Outcome::Later { after, .. } => {
                    assert_eq!(*after, Some(Duration::from_secs(7)));
                    "later"
                }
            };
            assert_eq!(told, expected, "{status}: {outcome:?}");
            assert_eq!(server.requests().len(), 1, "no redirect is followed");
        }
    }

    #[test]
    fn a_server_that_breaks_off_or_is_not_there_is_asked_later() {
        let faults = [Fault::ResetAfter(0), Fault::BreakAfter(0), Fault::Raw(b"ICAP/1.0".to_vec())];
        let mut urls = vec!["http://127.0.0.1:1/".to_owned()];
        let mut servers = Vec::new();
        for fault in faults {
            let reply = Reply::new(500, "a body").with(fault);
            let server = Server::new(move |_| reply.clone());
            urls.push(format!("http://{}/", server.host()));
            servers.push(server);
        }
        for url in urls {
            let outcome = open(&url, "text/plain", &Trust::default(), None)(&letter());
            assert!(matches!(outcome, Outcome::Later { .. }), "{url}: {outcome:?}");
        }
    }

    #[test]
    fn a_server_is_believed_with_the_authority_that_was_named() {
        let authority = Authority::default();
        let tls = Tls::new(&authority.identity(&["127.0.0.1"]), None);
        let server = Server::secure(&tls, |_| Reply::new(200, ""));
        let url = format!("https://{}/", server.host());
        let outcome = open(&url, "text/plain", &Trust::system(), token())(&letter());
        assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
        assert!(server.requests().is_empty(), "and nobody else has the token");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, &authority.certificate).unwrap();
        let trust = Trust::new(&[path]).unwrap();
        assert_eq!(open(&url, "text/plain", &trust, token())(&letter()), Outcome::Taken);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, date, expected) in [
            ("7", None, Some(7)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", now, Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", now, Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", None, None),
            ("soon", now, None),
        ] {
            assert_eq!(retry_after(value, date), expected.map(Duration::from_secs), "{value}");
        }
    }
}
