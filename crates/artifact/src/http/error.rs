//! Why there is no answer, in our words, and whether it makes sense to ask again.
//!
//! Messages must never hold what was sent: there are credentials in it.

use std::io;

use rustls::CertificateError;
use ureq::Timeout;
use ureq::http::Uri;

use super::{Timing, host};
use crate::error::OpenErrorKind;
use crate::{OpenError, ReadError};

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
    pub(super) fn lasting(error: OpenError) -> Self {
        Self { kind: HttpErrorKind::Lasting, error }
    }

    /// What the server does is against the rules.
    pub(super) fn refused(message: String) -> Self {
        Self::lasting(OpenError::new(OpenErrorKind::Network, message))
    }

    /// It has kept us waiting too long, one way or another.
    pub(super) fn tired(url: &Uri, why: io::Error) -> Self {
        let message = format!("`{}` is too slow", host(url));
        Self::lasting(OpenError::new(OpenErrorKind::Network, message).because(why))
    }

    /// Puts an error of the HTTP library into our words.
    pub(super) fn explain(timing: Timing, url: &Uri, error: ureq::Error) -> Self {
        use HttpErrorKind::{Lasting, Passing};
        let host = host(url);
        let (kind, message) = match &error {
            ureq::Error::Timeout(phase) => {
                let wait = match phase {
                    Timeout::Resolve | Timeout::Connect => timing.connect(),
                    Timeout::PerRead | Timeout::PerWrite => timing.stall(),
                    _ => timing.first_byte(),
                };
                (Passing, format!("`{host}` did not answer within {:.0} s", wait.as_secs_f32()))
            }
            ureq::Error::HostNotFound => (Lasting, format!("host `{host}` is not known")),
            ureq::Error::Io(why) if why.kind() == io::ErrorKind::InvalidData => {
                return Self::tls(host, error);
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => return Self::tls(host, error),
            ureq::Error::Io(why) if is_final(why) => (Lasting, format!("cannot reach `{host}`")),
            ureq::Error::Io(_) => (Passing, format!("cannot reach `{host}`")),
            ureq::Error::ConnectProxyFailed(why) if why.contains("407") => {
                return Self::proxy_login(url);
            }
            ureq::Error::ConnectProxyFailed(_) => {
                (Lasting, format!("the proxy does not lead to `{host}`"))
            }
            ureq::Error::Protocol(_)
            | ureq::Error::Http(_)
            | ureq::Error::LargeResponseHeader(..) => {
                (Lasting, format!("`{host}` does not answer in HTTP"))
            }
            _ => (Lasting, format!("cannot reach `{host}`")),
        };
        Self { kind, error: OpenError::new(OpenErrorKind::Network, message).because(error) }
    }

    /// The proxy wants to know who asks, or does not let that user through.
    pub(super) fn proxy_login(url: &Uri) -> Self {
        let message = format!("the proxy to `{}` wants a login, or another one", host(url));
        let hint = "put it into the proxy's address: http://USER:PASSWORD@HOST:PORT";
        Self::lasting(OpenError::new(OpenErrorKind::Network, message).hint(hint))
    }

    /// A certificate that is not trusted, or bytes that are no TLS at all.
    fn tls(host: &str, why: ureq::Error) -> Self {
        let hint = certificate_fault(&why).map(|fault| certificate_hint(host, fault));
        let message = format!("no TLS connection to `{host}`");
        let untrusted = hint.is_some() || why.to_string().contains("certificate");
        let error = OpenError::new(OpenErrorKind::Network, message).because(why);
        if untrusted {
            let other = CertificateError::UnknownIssuer;
            return Self::lasting(
                error.hint(hint.unwrap_or_else(|| certificate_hint(host, &other))),
            );
        }
        let hint = format!("plain HTTP has to be asked for: mark `{host}` as insecure");
        Self { kind: HttpErrorKind::NotTls, error: error.hint(hint) }
    }
}

/// What is wrong with the server's certificate, where that is what failed.
fn certificate_fault(error: &ureq::Error) -> Option<&CertificateError> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    match error {
        rustls::Error::InvalidCertificate(fault) => Some(fault),
        _ => None,
    }
}

/// The next step for somebody whose registry shows a certificate that is not believed.
fn certificate_hint(host: &str, fault: &CertificateError) -> String {
    use CertificateError as Fault;
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => {
            "the server's certificate has to be renewed, unless this machine's clock is wrong"
                .into()
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => {
            "the server's certificate is for later, unless this machine's clock is wrong".into()
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => format!(
            "ask for `{host}` by one of the names that its certificate is for, or have it made for \
             this one (subjectAltName)"
        ),
        _ => format!(
            "if it is to be trusted, put its certificate authority, or the certificate itself, into \
             /etc/docker/certs.d/{host}/ca.crt or name it with --ca-cert or SSL_CERT_FILE"
        ),
    }
}

impl From<ReadError> for HttpError {
    fn from(error: ReadError) -> Self {
        Self::lasting(error.into())
    }
}

impl From<HttpError> for OpenError {
    fn from(error: HttpError) -> Self {
        error.error
    }
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
