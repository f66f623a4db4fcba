//! Whom connections believe, how servers and clients show who they are: certificates and tokens.
//!
//! It must never let a token into a message, nor leave a certificate unchecked.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A bundle of all public authorities is 200 KiB.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// The authorities that are believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// The system's, as far as they can be read.
    pub(crate) fn system() -> Self {
        Self { certificates: rustls_native_certs::load_native_certs().certs }
    }

    /// The system's and those in the files.
    pub(crate) fn new(files: &[PathBuf]) -> io::Result<Self> {
        let mut trust = Self::system();
        for file in files {
            trust.certificates.extend(certificates(file)?);
        }
        Ok(trust)
    }

    pub(crate) fn client(&self) -> io::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// How a server secures its connections: its certificate with those between it and an authority,
/// its key, and the authorities of whom it lets in.
pub fn server(certificate: &Path, key: &Path, clients: Option<&Path>) -> io::Result<ServerConfig> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| bad(key, &error))?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| bad(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.build().map_err(|error| bad(path, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(chain, private).map_err(|error| bad(certificate, &error))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| bad(path, &error))?;
    match found.is_empty() {
        true => Err(bad(path, &"it holds no certificate")),
        false => Ok(found),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| bad(path, &error))?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| bad(path, &error))?;
    Ok(bytes)
}

fn bad(path: &Path, why: &dyn fmt::Display) -> io::Error {
    io::Error::other(format!("`{}`: {why}", path.display()))
}

/// A header that tells a server who posts.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Token {
    /// A token by itself, which is sent as `Authorization: Bearer TOKEN`, or a whole header,
    /// `NAME: VALUE`. None for what is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_sound = |value: &str| !value.is_empty() && !value.contains(|c: char| c.is_control());
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name.trim().to_owned(), value.trim().to_owned()),
            None if text.contains(char::is_whitespace) => return None,
            None if text.is_empty() => return None,
            None => ("authorization".to_owned(), format!("Bearer {text}")),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_named = !name.is_empty() && name.chars().all(is_name);
        (is_named && is_sound(&value) && value.is_ascii()).then_some(Self { name, value })
    }

    /// Whether it is in the header that a [`Listener`](crate::Listener) looks at.
    pub fn is_authorization(&self) -> bool {
        self.name.eq_ignore_ascii_case("authorization")
    }

    /// What is in the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = String::from_utf8(read(path)?).map_err(|error| bad(path, &error))?;
        Self::parse(&text).ok_or_else(|| bad(path, &"it holds neither a token nor a header"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: …", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_word_or_a_header() {
        for (text, expected) in [
            ("abc\n", Some(("authorization", "Bearer abc"))),
            ("X-Key: abc", Some(("X-Key", "abc"))),
            ("Authorization: Splunk abc", Some(("Authorization", "Splunk abc"))),
            ("", None),
            ("two words", None),
            ("X Key: abc", None),
            ("X-Key: a\nb: c", None),
            ("X-Key: ", None),
        ] {
            let token = Token::parse(text);
            let told = token.as_ref().map(|token| (&*token.name, &*token.value));
            assert_eq!(told, expected, "{text:?}");
            let is_usual = !text.contains("X-Key");
            assert!(token.as_ref().is_none_or(|it| it.is_authorization() == is_usual), "{text:?}");
            assert!(!format!("{token:?}").contains("abc"));
        }
    }
}
