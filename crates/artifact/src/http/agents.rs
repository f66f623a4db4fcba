//! Agents that reach a host the way its proxy wants it: by a tunnel for TLS, by the whole URL for plain
//! HTTP, by SOCKS for either.
//!
//! One agent is for one scheme, host and port: a redirect elsewhere needs an agent of its own, so agents
//! follow none. What is fetched beside images (feeds) takes the same way by [`agent`].

use ureq::Agent;
use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector};

use super::forward::{Forwarding, ProxyNames};
use super::proxy::{self, Route};
use super::secure::Securing;
use super::trust::Trusted;
use super::{ConfigBuilder, Dialing, Naming, Pace, Polling, Trust, host};
use crate::{Environment, OpenError, Stop};

/// An agent for the host of `url`, by way of the proxy that the environment names. Its waits end when
/// asked to, and when the host's pace is over; redirects are the caller's.
pub fn agent(
    url: &Uri,
    environment: &Environment,
    trust: &Trust,
    config: ConfigBuilder,
    stop: &Stop,
    pace: &Pace,
) -> Result<Agent, OpenError> {
    let route = proxy::route(environment, url)?;
    let trusted = match url.scheme_str() {
        Some("https") => trust.tls(host(url))?,
        _ => Trusted::default(),
    };
    let config = config.max_redirects(0).proxy(None);
    Ok(by_route(route, config, trusted, Polling::paced(stop, pace), stop))
}

pub(super) fn by_route(
    route: Route,
    config: ConfigBuilder,
    trusted: Trusted,
    polling: Polling,
    stop: &Stop,
) -> Agent {
    let securing = Securing::new(&trusted.named);
    let config = config.tls_config(trusted.tls);
    let dialing = Dialing::new(stop);
    let proxy = match route {
        Route::Direct => None,
        Route::Tunnel(proxy) => Some(proxy),
        Route::Socks(proxy) => {
            let dialing = Dialing::by_socks(stop);
            let connector = ().chain(dialing).chain(polling).chain(securing);
            let connector = connector.chain(RustlsConnector::default());
            let config = config.proxy(Some(proxy)).build();
            return Agent::with_parts(config, connector, Naming::new(stop));
        }
        Route::Forward(proxy) => {
            let forwarding = Forwarding::new(&proxy);
            let connector = ().chain(dialing).chain(polling).chain(forwarding);
            let names = ProxyNames::new(&proxy, Naming::new(stop));
            return Agent::with_parts(config.build(), connector, names);
        }
    };
    // The polling connection lies below TLS, so that a handshake can be interrupted too.
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(dialing)
            .chain(polling)
            .chain(securing)
            .chain(RustlsConnector::default());
    Agent::with_parts(config.proxy(proxy).build(), connector, Naming::new(stop))
}
