//! Whom to believe: the certificates that a TLS connection is checked against, host by host.
//!
//! The system's authorities, those the user names, and those in the `certs.d` directories of
//! Docker and Podman, which hold client certificates too (containers-certs.d(5)). It must never
//! leave a certificate unchecked unless that host was called insecure.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::error::OpenErrorKind;
use crate::{Environment, OpenError};

/// A bundle of all public authorities is 200 KiB.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Files looked at in one `certs.d` directory.
const FILES_MAX: usize = 100;

/// Where trust comes from.
#[derive(Debug)]
pub struct Trust {
    environment: Environment,
    /// PEM files with authorities that the user trusts.
    authorities: Vec<PathBuf>,
    /// Hosts (with port, if any) whose certificates are not checked.
    insecure: Vec<String>,
    /// The directory with the certificates of the one daemon we talk to.
    daemon: Option<PathBuf>,
    system: OnceLock<Vec<Certificate<'static>>>,
    /// What the environment names in place of the system's.
    chosen: OnceLock<Vec<Certificate<'static>>>,
}

/// How a connection to one host is to be secured.
#[derive(Default)]
pub(super) struct Trusted {
    pub(super) tls: TlsConfig,
    /// Certificates that the user named, so that a server may show one of them itself.
    pub(super) named: Vec<Certificate<'static>>,
}

impl Trust {
    /// The certificates of the hosts `insecure` are not checked.
    pub fn new(environment: &Environment, authorities: &[PathBuf], insecure: Vec<String>) -> Self {
        Self {
            environment: environment.clone(),
            authorities: authorities.to_vec(),
            insecure,
            daemon: None,
            system: OnceLock::new(),
            chosen: OnceLock::new(),
        }
    }

    /// Trust in a Docker daemon on the network: `ca.pem`, `cert.pem` and `key.pem` are in
    /// `directory`, and nothing else is believed.
    pub(crate) fn daemon(environment: &Environment, directory: PathBuf) -> Self {
        Self { daemon: Some(directory), ..Self::new(environment, &[], Vec::new()) }
    }

    /// Whether all that was named for every host can be read.
    pub fn check(&self) -> Result<(), OpenError> {
        self.chosen()?;
        self.authorities.iter().try_for_each(|path| certificates(path).map(drop))
    }

    /// How a connection to `host` is to be secured.
    pub(super) fn tls(&self, host: &str) -> Result<Trusted, OpenError> {
        if let Some(directory) = &self.daemon {
            let named = certificates(&directory.join("ca.pem"))?;
            let certificate = directory.join("cert.pem");
            // A daemon may well let in whoever knows it.
            let client = match certificate.exists() {
                true => Some(identity(&certificate, &directory.join("key.pem"))?),
                false => None,
            };
            let roots = RootCerts::from(named.clone());
            let tls = TlsConfig::builder().root_certs(roots).client_cert(client).build();
            return Ok(Trusted { tls, named });
        }
        let mut named = self.chosen()?.to_vec();
        for path in &self.authorities {
            named.extend(certificates(path)?);
        }
        let mut client = None;
        for directory in self.directories(host) {
            for path in files(&directory) {
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("crt") => named.extend(certificates(&path)?),
                    Some("cert") => client = Some(identity(&path, &path.with_extension("key"))?),
                    _ => {}
                }
            }
        }
        let roots = [self.system(), &named].concat();
        // A machine without any (an image from scratch) gets the authorities we were built with.
        let roots = if roots.is_empty() { RootCerts::WebPki } else { roots.into() };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .client_cert(client)
            .disable_verification(self.insecure.iter().any(|insecure| insecure == host))
            .build();
        Ok(Trusted { tls, named })
    }

    /// The system's authorities, read once; none where the environment names others.
    fn system(&self) -> &[Certificate<'static>] {
        self.system.get_or_init(|| {
            let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
            if variables.iter().any(|name| self.environment.get(name).is_some()) {
                return Vec::new();
            }
            owned(&rustls_native_certs::load_native_certs().certs)
        })
    }

    /// The authorities that the environment names in place of the system's, read once.
    fn chosen(&self) -> Result<&[Certificate<'static>], OpenError> {
        if let Some(known) = self.chosen.get() {
            return Ok(known);
        }
        let mut found = Vec::new();
        if let Some(path) = self.environment.path("SSL_CERT_FILE") {
            found.extend(certificates(&path)?);
        }
        let folders = self.environment.get("SSL_CERT_DIR").unwrap_or_default();
        for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
            // One that is absent holds none, as OpenSSL takes it.
            let read = rustls_native_certs::load_certs_from_paths(None, Some(Path::new(folder)));
            found.extend(owned(&read.certs));
        }
        Ok(self.chosen.get_or_init(|| found))
    }

    fn directories(&self, host: &str) -> Vec<PathBuf> {
        // Names from a redirect or a mirror's configuration must stay names.
        if host.starts_with('.') || host.contains('/') {
            return Vec::new();
        }
        let system = self.environment.system();
        let roots = [
            Some(system.join("docker/certs.d")),
            Some(system.join("containers/certs.d")),
            self.environment.containers_config().map(|dir| dir.join("certs.d")),
        ];
        roots.into_iter().flatten().map(|dir| dir.join(host)).collect()
    }
}

fn owned(certificates: &[CertificateDer<'_>]) -> Vec<Certificate<'static>> {
    certificates.iter().map(|it| Certificate::from_der(it).to_owned()).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().take(FILES_MAX);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, OpenError> {
    let items = read(path)?;
    let certificates = parse_pem(&items).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err(broken(path, "it holds no PEM certificate"));
    }
    Ok(certificates)
}

fn identity(certificate: &Path, key: &Path) -> Result<ClientCert, OpenError> {
    let chain = certificates(certificate)?;
    let key_bytes = read(key)?;
    let key = PrivateKey::from_pem(&key_bytes).map_err(|why| broken(key, &why.to_string()))?;
    Ok(ClientCert::new_with_certs(&chain, key))
}

fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    let size = fs::metadata(path).map_err(|why| broken(path, &why.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(broken(path, "it is too big for certificates"));
    }
    fs::read(path).map_err(|why| broken(path, &why.to_string()))
}

fn broken(path: &Path, why: &str) -> OpenError {
    let message = format!("certificates were not read from `{}`: {why}", path.display());
    OpenError::new(OpenErrorKind::Usage, message)
}
