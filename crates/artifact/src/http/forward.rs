//! Plain HTTP by way of a proxy: the connection leads to the proxy, and the request names the whole
//! URL (RFC 9112, section 3.2.2).
//!
//! The HTTP library writes requests as servers want them; the first line is rewritten here on its
//! way out. It must never show the proxy's login to anybody else.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Proxy};

use super::{Naming, Secret, host};

/// Finds the proxy, whatever host is asked for: the proxy alone need know that one.
#[derive(Debug)]
pub(super) struct ProxyNames {
    proxy: Uri,
    names: Naming,
}

impl ProxyNames {
    pub(super) fn new(proxy: &Proxy, names: Naming) -> Self {
        Self { proxy: proxy.uri().clone(), names }
    }
}

impl Resolver for ProxyNames {
    fn resolve(
        &self,
        _uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.names.resolve(&self.proxy, config, timeout)
    }
}

/// Makes the connections before it in the chain speak to a proxy.
#[derive(Debug)]
pub(super) struct Forwarding {
    login: Option<Secret>,
}

impl Forwarding {
    pub(super) fn new(proxy: &Proxy) -> Self {
        let has_login = proxy.username().is_some() || proxy.password().is_some();
        let login = has_login.then(|| {
            let user = proxy.username().unwrap_or_default();
            let password = proxy.password().unwrap_or_default();
            Secret::new(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
        });
        Self { login }
    }
}

impl<In: Transport> Connector<In> for Forwarding {
    type Out = ForwardingTransport<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let port = details.uri.port_u16().unwrap_or(80);
        let name = details.uri.host().unwrap_or_else(|| host(details.uri));
        let mut fields = String::from("Connection: close\r\n");
        if let Some(login) = &self.login {
            fields.extend(["Proxy-Authorization: ", login.reveal(), "\r\n"]);
        }
        let (origin, fields) = (format!("http://{name}:{port}"), Secret::new(fields));
        Ok(chained.map(|inner| ForwardingTransport { inner, origin, fields, begun: false }))
    }
}

/// A connection for one request: where another would begin cannot be seen from here.
#[derive(Debug)]
pub(super) struct ForwardingTransport<T> {
    inner: T,
    /// What the URL begins with, up to its path.
    origin: String,
    /// Header fields for the proxy.
    fields: Secret,
    /// Whether the request's first line was sent.
    begun: bool,
}

impl<T: Transport> Transport for ForwardingTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if std::mem::replace(&mut self.begun, true) {
            return self.inner.transmit_output(amount, timeout);
        }
        let head = self.inner.buffers().output().get(..amount).unwrap_or_default().to_vec();
        for part in self.rewritten(&head).chunks(amount.max(1)) {
            let output = self.inner.buffers().output();
            output.get_mut(..part.len()).unwrap_or_default().copy_from_slice(part);
            self.inner.transmit_output(part.len(), timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        false
    }
}

impl<T> ForwardingTransport<T> {
    /// The beginning of a request with the URL's origin before its path, and with the fields for
    /// the proxy after its first line.
    fn rewritten(&self, head: &[u8]) -> Vec<u8> {
        let position = |bytes: &[u8], wanted: u8| bytes.iter().position(|byte| *byte == wanted);
        let method = position(head, b' ').map_or(0, |at| at + 1);
        let line = position(head, b'\n').map_or(head.len(), |at| at + 1);
        let (before, after) = head.split_at(line);
        let (method, path) = before.split_at(method);
        [method, self.origin.as_bytes(), path, self.fields.reveal().as_bytes(), after].concat()
    }
}
