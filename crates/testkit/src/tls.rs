//! Certificates of a test's own authority, and connections secured with them.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::server::Connection;

const SOUND: &str = "what the test asks for can be certified";

/// A certificate authority that nobody else trusts.
pub struct Authority {
    /// Its own certificate, in PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect(SOUND);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect(SOUND);
        let certificate = params.self_signed(&key).expect(SOUND).pem();
        Self { certificate, issuer: Issuer::new(params, key) }
    }
}

impl Authority {
    /// An identity for these host names and addresses; a client's is for none.
    pub fn identity(&self, hosts: &[&str]) -> Identity {
        self.identity_until(hosts, 4000)
    }

    /// The same, valid until that year begins.
    pub fn identity_until(&self, hosts: &[&str], year: i32) -> Identity {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let key = KeyPair::generate().expect(SOUND);
        let mut params = CertificateParams::new(hosts).expect(SOUND);
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect(SOUND);
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// One that is its own authority, valid in these years (the last one excluded), as
    /// `openssl req -x509` makes it.
    pub fn of_itself(hosts: &[&str], years: Range<i32>) -> Self {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).expect(SOUND);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().expect(SOUND);
        let certificate = params.self_signed(&key).expect(SOUND);
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// How a server secures its connections.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Shows `identity`, and wants clients to show one of `clients` where that is given.
    pub fn new(identity: &Identity, clients: Option<&Authority>) -> Self {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().expect(SOUND);
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let certificate = CertificateDer::from_pem_slice(authority.certificate.as_bytes());
                roots.add(certificate.expect(SOUND)).expect(SOUND);
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect(SOUND))
            }
        };
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect(SOUND);
        // Whether they belong together is not looked at: an impostor has another's certificate.
        let key = any_supported_type(&key).expect(SOUND);
        let shown = CertifiedKey::new(vec![certificate.expect(SOUND)], key);
        Self(Arc::new(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))))
    }

    /// Secures a connection that a client made.
    pub(crate) fn accept(&self, stream: TcpStream) -> io::Result<Secured> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(Secured(Arc::new(Mutex::new(StreamOwned::new(connection, stream)))))
    }
}

/// A secured connection. Its halves take turns, which does for a request and its reply.
#[derive(Clone)]
pub(crate) struct Secured(Arc<Mutex<StreamOwned<ServerConnection, TcpStream>>>);

impl Read for Secured {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(into)
    }
}

impl Write for Secured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl Connection for Secured {
    fn halves(&self) -> io::Result<(Box<dyn Read>, Box<dyn Write>)> {
        Ok((Box::new(self.clone()), Box::new(self.clone())))
    }

    fn reset_on_close(&self) -> io::Result<()> {
        Ok(()) // no test needs it
    }
}
