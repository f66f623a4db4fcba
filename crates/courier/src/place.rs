//! Places that alerts go to, as users write them.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use crate::sink::syslog::{self, Sender, Server};
use crate::sink::{Carry, file, http};
use crate::trust::{Token, Trust};

/// Where alerts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(PathBuf),
    Http(String),
    Syslog(Server),
}

/// What a sink needs to know beside its place.
#[derive(Debug)]
pub struct Reach<'a> {
    pub hostname: &'a str,
    /// Files of authorities that are believed beside the system's.
    pub authorities: &'a [PathBuf],
    pub token: Option<Token>,
    /// What the texts are: `cef`, `json`.
    pub kind: &'static str,
    /// The same in the terms of HTTP.
    pub text_type: &'static str,
}

/// Why nothing can go to a place.
#[derive(Debug, Error)]
#[error("cannot write to {place}")]
pub struct OpenError {
    pub place: String,
    #[source]
    pub cause: io::Error,
}

/// What there is, for who wrote something else.
const PLACES: &str = "file:PATH, https://HOST/PATH, http://HOST/PATH, syslog:, syslog:PATH, \
                      syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT, syslog:tls://HOST:PORT";

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no sink `{text}`: stdout, {PLACES}");
        let (scheme, rest) = text.split_once(':').ok_or_else(unknown)?;
        let kind = match scheme {
            "file" if !rest.is_empty() => Kind::File(PathBuf::from(rest)),
            "http" | "https" if rest.starts_with("//") => Kind::Http(text.to_owned()),
            // As Falco's tools write it: http:URL.
            "http" if is_url(rest) => Kind::Http(rest.to_owned()),
            "syslog" => Kind::Syslog(server(rest).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        };
        match &kind {
            Kind::Http(url) if url.contains('@') => {
                Err("a URL with a password in it is read by everybody: use a file for it"
                    .to_owned())
            }
            Kind::Http(url) if authority(url).is_empty() => Err(unknown()),
            _ => Ok(Self(kind)),
        }
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Whether what is sent to the URL may go by the environment's proxy: never what the proxy could read,
/// nor what is for this machine.
pub(crate) fn may_go_by_proxy(url: &str) -> bool {
    url.starts_with("https://") && !is_here(host(authority(url)))
}

fn is_here(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |it| it.is_loopback())
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_scheme, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// What of a URL is no secret.
fn shown(url: &str) -> String {
    let scheme = url.split_once("://").map_or("", |(scheme, _rest)| scheme);
    let whole = format!("{scheme}://{}", authority(url));
    match url.strip_prefix(&whole) {
        Some("" | "/") => url.to_owned(),
        _ => format!("{whole}/…"),
    }
}

fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn server(text: &str) -> Option<Server> {
    let Some((scheme, address)) = text.split_once("://") else {
        return match text {
            "" => Some(Server::Local(PathBuf::from(syslog::LOCAL))),
            path => path.starts_with('/').then(|| Server::Local(PathBuf::from(path))),
        };
    };
    let port = address.rsplit_once(':')?.1;
    port.parse::<u16>().ok()?;
    let address = address.to_owned();
    match scheme {
        "udp" => Some(Server::Udp(address)),
        "tcp" => Some(Server::Tcp(address)),
        "tls" => Some(Server::Tls(address)),
        _ => None,
    }
}

impl Place {
    /// As messages name it: without the path of a URL, which is often all that lets its users in.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::File(path) => format!("`{}`", path.display()),
            Kind::Http(url) => format!("`{}`", shown(url)),
            Kind::Syslog(Server::Local(path)) => format!("`{}`", path.display()),
            Kind::Syslog(Server::Udp(address)) => format!("`udp://{address}`"),
            Kind::Syslog(Server::Tcp(address)) => format!("`tcp://{address}`"),
            Kind::Syslog(Server::Tls(address)) => format!("`tls://{address}`"),
        }
    }

    /// The host that a token would be shown to, without its port.
    pub fn http_host(&self) -> Option<&str> {
        match &self.0 {
            Kind::Http(url) => Some(host(authority(url))),
            _ => None,
        }
    }

    /// Whether somebody else takes the alerts: a server, a daemon.
    pub fn is_elsewhere(&self) -> bool {
        self.file().is_none()
    }

    /// The file that alerts are added to.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::File(path) => Some(path),
            _ => None,
        }
    }

    /// The socket of a daemon on this machine.
    pub fn local_socket(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Syslog(Server::Local(path)) => Some(path),
            _ => None,
        }
    }

    /// The port of TCP that is connected to, unless a proxy is asked; None where there is none.
    pub fn port(&self) -> Option<u16> {
        let (address, usual) = match &self.0 {
            Kind::Http(url) if url.starts_with("https://") => (authority(url), Some(443)),
            Kind::Http(url) => (authority(url), Some(80)),
            Kind::Syslog(Server::Tcp(address) | Server::Tls(address)) => (address.as_str(), None),
            Kind::Syslog(Server::Local(_) | Server::Udp(_)) | Kind::File(_) => return None,
        };
        let named = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        named.or(usual)
    }

    /// Whether what is sent may go by the proxy that the environment names.
    pub fn may_go_by_proxy(&self) -> bool {
        matches!(&self.0, Kind::Http(url) if may_go_by_proxy(url))
    }

    /// Whether alerts cross a network that anybody on the way can read.
    pub fn is_in_the_clear(&self) -> bool {
        let host = match &self.0 {
            Kind::Http(url) if url.starts_with("http://") => host(authority(url)),
            Kind::Syslog(Server::Udp(address) | Server::Tcp(address)) => host(address),
            _ => return false,
        };
        !is_here(host)
    }

    /// Makes ready to carry letters there.
    pub fn open(&self, reach: Reach<'_>) -> Result<Carry, OpenError> {
        let carry = || match &self.0 {
            Kind::File(path) => file::open(path),
            Kind::Http(url) => {
                let trust = Trust::new(reach.authorities)?;
                Ok(http::open(url, reach.text_type, &trust, reach.token))
            }
            Kind::Syslog(server) => {
                let trust = match server {
                    Server::Tls(_) => Trust::new(reach.authorities)?,
                    _ => Trust::default(),
                };
                let hostname = reach.hostname.to_owned();
                let sender = Sender { hostname, process: std::process::id(), kind: reach.kind };
                syslog::open(server, sender, &trust)
            }
        };
        carry().map_err(|cause| OpenError { place: self.name(), cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_or_refused_with_what_there_is() {
        for (text, name) in [
            ("file:/tmp/a", "`/tmp/a`"),
            ("http://host:80/path", "`http://host:80/…`"),
            ("http:http://host/path", "`http://host/…`"),
            ("https://host", "`https://host`"),
            ("https://host/", "`https://host/`"),
            ("https://host?key=s3cret", "`https://host/…`"),
            ("https://s/s#s", "`https://s/…`"),
            ("syslog:", "`/dev/log`"),
            ("syslog:/run/log", "`/run/log`"),
            ("syslog:udp://host:514", "`udp://host:514`"),
            ("syslog:tcp://[::1]:601", "`tcp://[::1]:601`"),
            ("syslog:tls://host:6514", "`tls://host:6514`"),
        ] {
            assert_eq!(text.parse::<Place>().map(|it| it.name()), Ok(name.to_owned()), "{text}");
        }
        for text in [
            "",
            "file:",
            "stderr",
            "http:host",
            "http://",
            "ftp://host",
            "syslog:host",
            "syslog:tls://host",
            "syslog:tls://host:port",
            "syslog:http://host:1",
        ] {
            let error = text.parse::<Place>().unwrap_err();
            assert!(error.contains("syslog:tls://"), "{text}: {error}");
        }
        let error = "https://user:password@host/".parse::<Place>().unwrap_err();
        assert!(!error.contains("user:password"), "{error}");
    }

    #[test]
    fn a_proxy_is_shown_nothing() {
        for (url, expected) in [
            ("https://host/a", true),
            ("http://host/a", false),
            ("http://127.0.0.1:80/", false),
            ("https://127.0.0.1:443/", false),
            ("https://[::1]/", false),
            ("https://localhost/", false),
        ] {
            assert_eq!(may_go_by_proxy(url), expected, "{url}");
        }
    }

    #[test]
    fn ports_are_known() {
        for (text, port) in [
            ("http://host/a", Some(80)),
            ("https://host", Some(443)),
            ("https://host:8088/a:9", Some(8088)),
            ("https://[::1]:8088/", Some(8088)),
            ("https://[::1]/", Some(443)),
            ("syslog:tcp://host:601", Some(601)),
            ("syslog:tls://[::1]:6514", Some(6514)),
            ("syslog:udp://host:514", None),
            ("syslog:", None),
            ("file:a:7", None),
        ] {
            assert_eq!(text.parse::<Place>().unwrap().port(), port, "{text}");
        }
    }

    #[test]
    fn what_others_can_read_is_known() {
        for (text, host, is_in_the_clear) in [
            ("http://host:80/a", Some("host"), true),
            ("http://127.0.0.1:80/", Some("127.0.0.1"), false),
            ("http://[::1]:80/", Some("::1"), false),
            ("http://localhost/", Some("localhost"), false),
            ("http://localhost.example/", Some("localhost.example"), true),
            ("https://host?a=b", Some("host"), false),
            ("syslog:udp://10.0.0.1:514", None, true),
            ("syslog:tcp://[::1]:514", None, false),
            ("syslog:tls://host:514", None, false),
            ("syslog:", None, false),
            ("file:a", None, false),
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(
                (place.http_host(), place.is_in_the_clear()),
                (host, is_in_the_clear),
                "{text}"
            );
        }
    }
}
