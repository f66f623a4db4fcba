//! Which proxy leads to a host: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
//!
//! There is no standard; these are the rules of curl and Go, where they agree: the lower-case
//! name first, a port or a network may follow a `NO_PROXY` entry, a domain stands for itself and
//! what is below it, and nothing on this machine is ever asked for through a proxy.

use std::net::IpAddr;

use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use super::host;
use crate::error::OpenErrorKind;
use crate::{Environment, OpenError};

/// How a host is reached.
#[derive(Debug)]
pub(super) enum Route {
    Direct,
    /// By way of a proxy that is asked to `CONNECT` and then sees nothing.
    Tunnel(Proxy),
    /// By way of a proxy that is asked for the whole URL: what plain HTTP is meant to do, for many
    /// proxies tunnel to the ports of TLS only (RFC 9112, section 3.2.2).
    Forward(Proxy),
    /// By way of a proxy that speaks SOCKS, whatever is spoken with the host.
    Socks(Proxy),
}

/// The way to `url`. The error never shows the proxy's credentials.
pub(super) fn route(environment: &Environment, url: &Uri) -> Result<Route, OpenError> {
    let names = match url.scheme_str() {
        Some("https") => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some(name) = names.into_iter().find(|name| environment.get(name).is_some()) else {
        return Ok(Route::Direct);
    };
    let exceptions = environment.get("no_proxy").or_else(|| environment.get("NO_PROXY"));
    if is_excepted(exceptions.unwrap_or_default(), url) {
        return Ok(Route::Direct);
    }
    let broken = |_| {
        let message = format!("`{name}` is not the address of a proxy for `{}`", host(url));
        OpenError::new(OpenErrorKind::Usage, message)
            .hint("want http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT")
    };
    let address = environment.get(name).unwrap_or_default();
    // Whether it is the proxy that looks names up curl and Go do not agree; engines are Go's, and
    // nobody else should hear of what is asked for.
    let proxy = match address.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks5") => {
            Proxy::new(&format!("socks5h://{rest}"))
        }
        _ => Proxy::new(address),
    };
    let proxy = proxy.map_err(broken)?;
    Ok(match (url.scheme_str(), proxy.protocol()) {
        (Some("http"), ProxyProtocol::Http) => Route::Forward(proxy),
        (_, ProxyProtocol::Http | ProxyProtocol::Https) => Route::Tunnel(proxy),
        // What is left is a kind of SOCKS: it must never be taken for a tunnel, which such a proxy
        // is passed by on.
        _ => Route::Socks(proxy),
    })
}

fn is_excepted(exceptions: &str, url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let usual = if url.scheme_str() == Some("https") { 443 } else { 80 };
    let port = url.port_u16().unwrap_or(usual);
    exceptions
        .split(',')
        .map(|exception| exception.trim().to_ascii_lowercase())
        .any(|exception| matches(&exception, &host, address, port))
}

fn matches(exception: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if exception == "*" {
        return true;
    }
    if let Some(address) = address {
        let bare = exception.trim_start_matches('[').trim_end_matches(']');
        if let Some((network, bits)) = bare.split_once('/') {
            let network = network.parse().ok().zip(bits.parse().ok());
            return network.is_some_and(|(network, bits)| contains(network, bits, address));
        }
        if bare.parse() == Ok(address) {
            return true;
        }
    }
    let (name, wanted) = match exception.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') => (name, digits.parse().ok()),
        _ => (exception, Some(port)),
    };
    let name = name.trim_start_matches('*').trim_start_matches('.');
    let below = host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.is_empty() && below && wanted == Some(port)
}

/// Whether `address` is in the network of the first `bits` bits of `network`.
fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    // A shift by the full width is an overflow, and right: every address is in a network of 0 bits.
    let rest = |bits_of: u128| bits_of.checked_shr(width - bits.min(width)).unwrap_or(0);
    bits <= width && rest(network) == rest(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_as_curl_and_go_read_them() {
        let cases = [
            ("", "https://r.example/", false),
            ("*", "https://r.example/", true),
            ("r.example", "https://r.example/", true),
            ("r.example", "https://a.r.example/", true),
            ("r.example", "https://bar.example/", false),
            (".example", "https://r.example/", true),
            ("*.example", "https://r.example/", true),
            ("a, R.Example ,b", "https://r.EXAMPLE./", true),
            ("r.example:5000", "https://r.example/", false),
            ("r.example:5000", "http://r.example:5000/", true),
            ("r.example:443", "https://r.example/", true),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("0.0.0.0/0", "https://11.1.2.3/", true),
            ("10.0.0.0/99", "https://10.0.0.0/", false),
            ("fd00::/8", "https://[fd00::1]:5000/", true),
            ("fd00::1", "https://[fd00::1]/", true),
            ("", "http://localhost:5000/", true),
            ("", "http://127.0.0.1:5000/", true),
            ("", "http://[::1]:5000/", true),
            (",,", "https://r.example/", false),
        ];
        for (exceptions, url, expected) in cases {
            let parsed = url.parse().expect("a URL");
            assert_eq!(is_excepted(exceptions, &parsed), expected, "{exceptions} {url}");
        }
    }

    #[test]
    fn the_scheme_chooses_the_proxy() {
        let environment = Environment::default()
            .with("HTTP_PROXY", "http://plain.example:3128")
            .with("HTTPS_PROXY", "http://user:pw@tls.example:3128")
            .with("https_proxy", "http://lower.example:3128");
        let way = |url: &str| {
            let url = url.parse().expect("a URL");
            match route(&environment, &url).expect("valid") {
                Route::Direct => "direct".to_owned(),
                Route::Tunnel(proxy) => format!("tunnel by {}", proxy.host()),
                Route::Forward(proxy) => format!("forwarded by {}", proxy.host()),
                Route::Socks(proxy) => format!("by SOCKS of {}", proxy.host()),
            }
        };
        assert_eq!(way("https://r.example/"), "tunnel by lower.example");
        assert_eq!(way("http://r.example/"), "forwarded by plain.example");
        assert_eq!(way("http://localhost/"), "direct");

        let broken = Environment::default().with("HTTPS_PROXY", "gopher://user:hunter2@x");
        let url = "https://r.example/".parse().expect("a URL");
        let error = route(&broken, &url).expect_err("not a proxy we know");
        assert_eq!(
            error.to_string(),
            "`HTTPS_PROXY` is not the address of a proxy for `r.example`"
        );
    }
}
