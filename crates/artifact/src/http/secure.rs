//! TLS to hosts that may show a certificate which the user named: it is believed as it stands.
//!
//! A certificate that is its own authority (`openssl req -x509`) cannot be verified as one that an
//! authority gave to a server: it says that it is an authority. Whoever names it means that server, so
//! what is shown is compared with what was named, byte for byte, where the usual way does not lead to an
//! authority. It must never believe one that is out of date or for another host.

use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme, StreamOwned,
};
use ureq::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;

/// A link of ureq's connector chain, before its own for TLS, which leaves a secured connection as it is.
pub(super) struct Securing {
    /// Certificates that the user named; without any this link does nothing.
    named: Vec<CertificateDer<'static>>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Securing {
    pub(super) fn new(named: &[Certificate<'static>]) -> Self {
        let named = named.iter().map(|it| CertificateDer::from(it.der().to_vec())).collect();
        Self { named, config: OnceLock::new() }
    }

    /// The agent's settings, in the words of the TLS library.
    fn config(&self, settings: &TlsConfig) -> Result<Arc<ClientConfig>, Error> {
        if let Some(known) = self.config.get() {
            return Ok(Arc::clone(known));
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = Named::new(self.named.clone(), settings, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match settings.client_cert() {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let chain = client.certs().iter();
                let chain = chain.map(|it| CertificateDer::from(it.der().to_vec())).collect();
                let key = PrivateKeyDer::try_from(client.private_key().der().to_vec());
                let key = key.map_err(|_why| Error::Tls("the client's key is of no known kind"))?;
                builder.with_client_auth_cert(chain, key)?
            }
        };
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }
}

impl fmt::Debug for Securing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Securing").field("named", &self.named.len()).finish()
    }
}

impl<In: Transport> Connector<In> for Securing {
    type Out = Either<In, Secured>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(inner) = chained else { return Ok(None) };
        let settings = details.config.tls_config();
        let is_ours = !self.named.is_empty() && !settings.disable_verification();
        if !is_ours || !details.needs_tls() || inner.is_tls() {
            return Ok(Some(Either::A(inner)));
        }
        let config = self.config(settings)?;
        let host = details.uri.host().unwrap_or_default();
        // An IPv6 address stands in brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name =
            ServerName::try_from(host).map_err(|_why| Error::Tls("this is no name of a host"))?;
        let mut connection = ClientConnection::new(config, name)?;
        let mut socket =
            TransportAdapter::new(Box::new(inner) as _, Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let (input, output) =
            (details.config.input_buffer_size(), details.config.output_buffer_size());
        let buffers = LazyBuffers::new(input, output);
        let stream = StreamOwned::new(connection, socket);
        Ok(Some(Either::B(Secured { stream, buffers })))
    }
}

/// What [`Securing`] makes of a connection.
pub(super) struct Secured {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl fmt::Debug for Secured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Secured").field(&self.stream.sock.inner()).finish()
    }
}

impl Transport for Secured {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// Believes whom the authorities vouch for, and whom the user named.
#[derive(Debug)]
struct Named {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl Named {
    fn new(
        certificates: Vec<CertificateDer<'static>>,
        settings: &TlsConfig,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        if let RootCerts::Specific(known) = settings.root_certs() {
            // One of the system's that cannot be parsed vouches for nobody.
            roots.add_parsable_certificates(known.iter().map(|it| CertificateDer::from(it.der())));
        }
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let authorities = builder
            .build()
            .map_err(|_why| Error::Tls("no certificate of an authority is readable"))?;
        Ok(Self { certificates, authorities })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let vouched =
            self.authorities.verify_server_cert(shown, intermediates, host, ocsp_response, now);
        if vouched.is_ok() || !self.certificates.iter().any(|named| named == shown) {
            return vouched;
        }
        verify_server_name(&ParsedCertificate::try_from(shown)?, host)?;
        in_its_time(shown, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Whether the certificate holds now.
fn in_its_time(shown: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
    let parsed = Parsed::from_der(shown).map_err(|_why| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate().validity();
    let seconds = |since_1970: Duration| UnixTime::since_unix_epoch(since_1970);
    let not_before = seconds(validity.not_before.to_unix_duration());
    let not_after = seconds(validity.not_after.to_unix_duration());
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after });
    }
    Ok(())
}
