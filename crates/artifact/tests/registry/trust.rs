//! Registries with certificates of their own authority, and ones that want to see the client's.

use std::fs;
use std::path::Path;

use testkit::{Authority, Identity, Tls};

use super::*;

fn secure(tls: &Tls) -> Server {
    let content = content();
    Server::secure(tls, move |request| content.answer(request))
}

/// Opens the image with `etc` in place of `/etc`, and these variables.
fn open_with(server: &Server, etc: &Path, more: &[(&str, &Path)]) -> Result<Image, OpenError> {
    let environment = Environment::default().with_system(etc);
    let environment = more.iter().fold(environment, |environment, (name, value)| {
        environment.with(name, value.to_str().expect("a path of a test"))
    });
    let registry = RegistryOptions { patience: PATIENCE, ..RegistryOptions::default() };
    let options = Options { registry, environment, ..Options::default() };
    artifact::open(&format!("registry:{}/team/app:1", server.host()), &options)
}

/// Writes a file, and the directories that lead to it.
fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

#[test]
fn an_authority_is_trusted_where_it_is_named() {
    let authority = Authority::default();
    let server = secure(&Tls::new(&authority.identity(&["127.0.0.1"]), None));
    let root = tempfile::tempdir().expect("a directory");
    let nothing = Path::new("/nonexistent");

    let error = open_with(&server, nothing, &[]).err().expect("nobody knows it");
    assert_eq!(error.kind(), OpenErrorKind::Network, "{error:?}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("certs.d")), "{error:?}");

    let file = root.path().join("ca.pem");
    put(&file, &authority.certificate);
    let image = open_with(&server, nothing, &[("SSL_CERT_FILE", &file)]).expect("it is named");
    assert_whole(&read(&image));

    for program in ["docker", "containers"] {
        let etc = root.path().join(program);
        put(
            &etc.join(program).join("certs.d").join(server.host()).join("ca.crt"),
            &authority.certificate,
        );
        let opened = open_with(&server, &etc, &[]);
        assert!(opened.is_ok(), "{program}: {:?}", opened.err());
        // It is trusted for that host alone.
        let other = secure(&Tls::new(&authority.identity(&["127.0.0.1"]), None));
        assert!(open_with(&other, &etc, &[]).is_err(), "{program}");
    }

    let home = root.path().join("config");
    put(
        &home.join("containers/certs.d").join(server.host()).join("ca.crt"),
        &authority.certificate,
    );
    let opened = open_with(&server, nothing, &[("XDG_CONFIG_HOME", &home)]);
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[test]
fn a_certificate_for_another_host_is_refused_unless_nobody_is_to_look() {
    let authority = Authority::default();
    let server = secure(&Tls::new(&authority.identity(&["other.test"]), None));
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("ca.pem");
    put(&file, &authority.certificate);
    let error = open_with(&server, root.path(), &[("SSL_CERT_FILE", &file)]);
    assert_eq!(error.err().map(|error| error.kind()), Some(OpenErrorKind::Network));
    assert!(server.requests().is_empty());
    assert_whole(&scan(&server));
}

#[test]
fn a_client_shows_the_certificate_that_lies_beside() {
    let authority = Authority::default();
    let identity = authority.identity(&["127.0.0.1"]);
    let server = secure(&Tls::new(&identity, Some(&authority)));
    let root = tempfile::tempdir().expect("a directory");
    let folder = root.path().join("docker/certs.d").join(server.host());
    put(&folder.join("ca.crt"), &authority.certificate);
    let error = open_with(&server, root.path(), &[]).err().expect("it wants to see one");
    assert_eq!(error.kind(), OpenErrorKind::Network, "{error:?}");

    let Identity { certificate, key } = authority.identity(&[]);
    put(&folder.join("client.cert"), &certificate);
    let error = open_with(&server, root.path(), &[]).err().expect("there is no key");
    assert_eq!(error.kind(), OpenErrorKind::Usage, "{error:?}");
    assert!(error.to_string().contains("client.key"), "{error:?}");

    put(&folder.join("client.key"), &key);
    let image = open_with(&server, root.path(), &[]).expect("it may come in");
    assert_whole(&read(&image));
}

/// Why the image is not opened; None if it is.
fn refusal(server: &Server, named: &Path) -> Option<(OpenErrorKind, String, String)> {
    let nothing = Path::new("/nonexistent");
    let error = open_with(server, nothing, &[("SSL_CERT_FILE", named)]).err()?;
    let causes = std::iter::successors(std::error::Error::source(&error), |why| why.source());
    let told = causes.map(|why| format!(": {why}")).collect::<String>();
    let hint = error.hint_text().unwrap_or_default().to_owned();
    Some((error.kind(), format!("{error}{told}"), hint))
}

#[test]
fn a_certificate_that_is_its_own_authority_is_trusted_where_it_is_named() {
    let identity = Identity::of_itself(&["127.0.0.1"], 2020..2120);
    let server = secure(&Tls::new(&identity, None));
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("cert.pem");
    put(&file, &identity.certificate);
    let nothing = Path::new("/nonexistent");
    let image = open_with(&server, nothing, &[("SSL_CERT_FILE", &file)]).expect("it is named");
    assert_whole(&read(&image));

    let folder = root.path().join("certs");
    // Names that `openssl rehash` gives.
    put(&folder.join("0a1b2c3d.0"), &identity.certificate);
    let image = open_with(&server, nothing, &[("SSL_CERT_DIR", &folder)]).expect("it is named");
    assert_whole(&read(&image));

    put(
        &root.path().join("docker/certs.d").join(server.host()).join("ca.crt"),
        &identity.certificate,
    );
    let image = open_with(&server, root.path(), &[]).expect("it is named");
    assert_whole(&read(&image));

    let authorities = vec![file];
    let registry =
        RegistryOptions { patience: PATIENCE, authorities, ..RegistryOptions::default() };
    let environment = Environment::default().with_system(nothing);
    let options = Options { registry, environment, ..Options::default() };
    let image = artifact::open(&format!("registry:{}/team/app:1", server.host()), &options);
    assert_whole(&read(&image.expect("it is named")));
}

#[test]
fn a_certificate_is_trusted_where_it_is_named_without_its_authority() {
    let identity = Authority::default().identity(&["127.0.0.1"]);
    let server = secure(&Tls::new(&identity, None));
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("cert.pem");
    put(&file, &identity.certificate);
    assert_eq!(refusal(&server, &file), None);
}

#[test]
fn a_named_certificate_that_does_not_hold_is_refused() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("cert.pem");
    let refused = |shown: &Identity, named: &Identity, says: &str, hints: &str| {
        let server = secure(&Tls::new(shown, None));
        put(&file, &named.certificate);
        let (kind, told, hint) = refusal(&server, &file).expect("it does not hold");
        assert_eq!(kind, OpenErrorKind::Network, "{told}");
        assert!(told.contains(says), "{told}");
        assert!(hint.contains(hints), "{hint}");
        assert!(server.requests().is_empty());
    };
    let expired = Identity::of_itself(&["127.0.0.1"], 2019..2020);
    refused(&expired, &expired, "expired", "renewed");
    let early = Identity::of_itself(&["127.0.0.1"], 2119..2120);
    refused(&early, &early, "not valid yet", "clock");
    let elsewhere = Identity::of_itself(&["other.test"], 2020..2120);
    refused(&elsewhere, &elsewhere, "not valid for name", "one of the names");
    // The same names and years, another key.
    let sound = Identity::of_itself(&["127.0.0.1"], 2020..2120);
    let another = Identity::of_itself(&["127.0.0.1"], 2020..2120);
    refused(&another, &sound, "certificate", "or the certificate itself");
    // Somebody who shows it without having its key.
    let impostor = Identity { certificate: sound.certificate.clone(), key: another.key };
    refused(&impostor, &sound, "BadSignature", "or the certificate itself");
}

#[test]
fn an_expired_certificate_that_was_named_is_refused_whoever_signed_it() {
    let authority = Authority::default();
    let identity = authority.identity_until(&["127.0.0.1"], 2020);
    let server = secure(&Tls::new(&identity, None));
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("cert.pem");
    put(&file, &identity.certificate);
    let (_, told, hint) = refusal(&server, &file).expect("it is over");
    assert!(told.contains("expired"), "{told}");
    assert!(hint.contains("renewed"), "{hint}");
}
