//! Clients that post, and clients that are slow, greedy, many, or strangers.

use std::net::Shutdown;
use std::sync::mpsc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use testkit::{Authority, Identity};

use super::strangers::STRANGERS_MAX;
use super::*;

fn post(length: usize, more: &str) -> String {
    let json = "content-type: application/json";
    format!("POST / HTTP/1.1\r\n{json}\r\ncontent-length: {length}\r\n{more}\r\n")
}

/// Judges as the bodies say, and remembers them.
fn listener(secrecy: Secrecy) -> (Listener, mpsc::Receiver<Vec<u8>>) {
    let (tell, told) = mpsc::channel();
    let listener = Listener::start(&Address::find("127.0.0.1:0").unwrap(), secrecy, move |body| {
        tell.send(body.to_vec()).unwrap();
        match body {
            b"bad" => Answer::Malformed("it is bad".to_owned()),
            b"many" => Answer::TooLarge("too many".to_owned()),
            b"busy" => Answer::Busy,
            _ => Answer::Taken,
        }
    });
    (listener.unwrap(), told)
}

/// The status, and the whole answer.
fn answer(stream: &mut impl Read) -> (u16, String) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|it| it > 0) {
        bytes.push(byte[0]);
    }
    let mut text = String::from_utf8(bytes).unwrap();
    let value = |name: &str| text.split_once(name)?.1.lines().next()?.parse::<usize>().ok();
    let mut body = vec![0; value("content-length: ").unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    text.push_str(core::str::from_utf8(&body).unwrap());
    let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

fn ask(listener: &Listener, text: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(listener.address).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    answer(&mut socket)
}

#[test]
fn bodies_are_judged_and_answered_on_one_connection() {
    let (listener, told) = listener(Secrecy::default());
    let mut socket = TcpStream::connect(listener.address).unwrap();
    for (body, status) in [("one", 200), ("bad", 400), ("two", 200), ("busy", 429)] {
        socket.write_all(post(body.len(), "").as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        let (code, text) = answer(&mut socket);
        assert_eq!(code, status, "{text}");
        assert_eq!(told.recv().unwrap(), body.as_bytes());
        assert_eq!(text.contains("retry-after: 1"), status == 429, "{text}");
    }
    assert_eq!(ask(&listener, &(post(4, "") + "many")).0, 413);
    assert_eq!(listener.refused(), 3);
    // Who waits for a word is given it.
    let mut socket = TcpStream::connect(listener.address).unwrap();
    socket.write_all(post(5, "expect: 100-continue\r\n").as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 100);
    socket.write_all(b"three").unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    listener.close();
    assert_eq!(ask(&listener, &post(5, "")).0, 429);
}

#[test]
fn what_is_too_long_or_no_request_is_refused_before_it_is_read() {
    let (listener, told) = listener(Secrecy::default());
    assert_eq!(ask(&listener, &post(BODY_BYTES_MAX + 1, "")).0, 413);
    assert_eq!(ask(&listener, &post(usize::MAX, "")).0, 413);
    assert_eq!(ask(&listener, &post(1, &format!("a: {}\r\n", "b".repeat(20_000)))).0, 431);
    assert_eq!(ask(&listener, "GET / HTTP/1.1\r\n\r\n").0, 405);
    assert_eq!(ask(&listener, "\x16\x03\x01").0, 400);
    assert!(told.try_recv().is_err());
}

#[test]
fn what_is_held_at_once_is_bounded() {
    let (listener, _told) = listener(Secrecy::default());
    let begin = || {
        let mut socket = TcpStream::connect(listener.address).unwrap();
        socket.write_all(post(BODY_BYTES_MAX, "expect: 100-continue\r\n").as_bytes()).unwrap();
        (answer(&mut socket).0, socket)
    };
    let held: Vec<_> = (0..HELD_BYTES_MAX / BODY_BYTES_MAX).map(|_| begin()).collect();
    assert!(held.iter().all(|(status, _)| *status == 100));
    assert_eq!(begin().0, 429);
    drop(held);
    let begun = Instant::now();
    while begin().0 != 100 {
        assert!(begun.elapsed() < HEAD_TIME);
    }
}

/// A connection of a client that is known.
fn known(listener: &Listener) -> TcpStream {
    let mut socket = TcpStream::connect(listener.address).unwrap();
    socket.write_all(post(0, "").as_bytes()).unwrap();
    assert_eq!(answer(&mut socket).0, 200);
    socket
}

#[test]
fn more_connections_than_there_may_be_are_hung_up_on() {
    let (listener, _told) = listener(Secrecy::default());
    let held: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| known(&listener)).collect();
    assert_eq!(ask(&listener, &post(0, "")).0, 0);
    let begun = Instant::now();
    while listener.refused() != 1 {
        assert!(begun.elapsed() < HEAD_TIME);
    }
    drop(held);
    while ask(&listener, &post(0, "")).0 != 200 {
        assert!(begun.elapsed() < HEAD_TIME);
    }
}

#[test]
fn many_that_say_nothing_keep_nobody_out() {
    let (listener, _told) = listener(Secrecy::default());
    let mut known = known(&listener);
    let idle: Vec<TcpStream> =
        (0..CONNECTIONS_MAX).map(|_| TcpStream::connect(listener.address).unwrap()).collect();
    let begun = Instant::now();
    while listener.refused() != CONNECTIONS_MAX - STRANGERS_MAX {
        assert!(begun.elapsed() < HEAD_TIME, "{}", listener.refused());
    }
    // Who is hung up on is counted before its share is given back.
    while listener.shared.connections.load(Ordering::Relaxed) != 1 + STRANGERS_MAX {
        assert!(begun.elapsed() < HEAD_TIME);
    }
    known.write_all(post(0, "").as_bytes()).unwrap();
    assert_eq!(answer(&mut known).0, 200);
    drop(idle);
    while ask(&listener, &post(0, "")).0 != 200 {
        assert!(begun.elapsed() < HEAD_TIME);
    }
}

/// A byte a second would do for ever if each of them was given the whole time.
#[test]
fn a_client_that_dribbles_is_hung_up_on() {
    let (listener, told) = listener(Secrecy::default());
    let mut socket = TcpStream::connect(listener.address).unwrap();
    let begun = Instant::now();
    let text = post(2, "");
    let mut sent = 0;
    for byte in text.bytes().cycle() {
        if socket.write_all(&[byte]).is_err() {
            break;
        }
        sent += 1;
        assert!(begun.elapsed() < HEAD_TIME * 2, "{sent} bytes");
        thread::sleep(Duration::from_millis(700));
    }
    assert!(begun.elapsed() > HEAD_TIME / 2 && sent < text.len());
    assert!(told.try_recv().is_err());
    assert_eq!(ask(&listener, &(post(2, "") + "ok")).0, 200, "others are served");
}

#[test]
fn a_body_that_breaks_off_is_not_judged() {
    let (listener, told) = listener(Secrecy::default());
    let mut socket = TcpStream::connect(listener.address).unwrap();
    socket.write_all((post(100, "") + "half").as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(answer(&mut socket).0, 0);
    assert!(told.try_recv().is_err());
    let begun = Instant::now();
    while listener.refused() != 1 {
        assert!(begun.elapsed() < HEAD_TIME);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_without_the_token_is_nobody() {
    let secrecy = Secrecy { tls: None, token: Token::parse("s3cret") };
    let (listener, told) = listener(secrecy);
    for (header, status) in [
        ("", 401),
        ("authorization: Bearer s3cre\r\n", 401),
        ("authorization: Bearer s3cret2\r\n", 401),
        ("authorization: Bearer s3cret\r\n", 200),
    ] {
        assert_eq!(ask(&listener, &(post(2, header) + "ok")).0, status, "{header}");
    }
    assert_eq!(told.try_iter().count(), 1);
}

fn client(authority: &Authority, identity: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let Some(identity) = identity else { return builder.with_no_client_auth() };
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    builder.with_client_auth_cert(chain, key).unwrap()
}

#[test]
fn a_client_without_a_certificate_is_nobody() {
    let (ours, others) = (Authority::default(), Authority::default());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let identity = ours.identity(&["127.0.0.1"]);
    let (certificate, key) = (file("c", &identity.certificate), file("k", &identity.key));
    let clients = file("ca", &ours.certificate);
    let tls = crate::trust::server(&certificate, &key, Some(&clients)).unwrap();
    let (listener, told) = listener(Secrecy { tls: Some(tls), token: None });
    for (identity, status) in
        [(Some(ours.identity(&[])), 200), (Some(others.identity(&[])), 0), (None, 0)]
    {
        let config = Arc::new(client(&ours, identity.as_ref()));
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let socket = TcpStream::connect(listener.address).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        // Who is refused may notice while writing.
        drop(stream.write_all((post(2, "") + "ok").as_bytes()));
        assert_eq!(answer(&mut stream).0, status);
    }
    assert_eq!(told.try_iter().count(), 1);
    assert_eq!(ask(&listener, &(post(2, "") + "ok")).0, 0, "nothing is said without TLS");
    assert!(crate::trust::server(&key, &key, None).is_err());
    assert!(crate::trust::server(&certificate, &certificate, None).is_err());
    assert!(crate::trust::server(&file("n", "none"), &key, None).is_err());
}
