//! Syslog servers that take messages, go away, stall, and are not to be believed.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::Authority;

use super::*;
use crate::trust::server;

fn sender() -> Sender {
    Sender { hostname: "h".to_owned(), process: 1, kind: "json" }
}

fn letter(text: &str) -> Letter {
    Letter { time: 0, severity: 4, text: text.to_owned() }
}

const HEAD: &str = "<84>1 1970-01-01T00:00:00.000000Z h lazaret 1 json - ";

#[test]
fn datagrams_are_a_message_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut carry = open(&Server::Local(path.clone()), sender(), &Trust::default()).unwrap();
    assert!(matches!(carry(&letter("lost")), Outcome::Later { .. }), "nobody is there");
    let daemon = UnixDatagram::bind(&path).unwrap();
    assert_eq!(carry(&letter("one")), Outcome::Taken);
    let mut buffer = [0; 65_536];
    let count = daemon.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"<84>lazaret[1]: one");
    let begun = Instant::now();
    while carry(&letter(&"x".repeat(50_000))) == Outcome::Taken {}
    assert!(begun.elapsed() < Duration::from_secs(5), "a daemon that stalls is not waited for");

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = Server::Udp(udp.local_addr().unwrap().to_string());
    let mut carry = open(&address, sender(), &Trust::default()).unwrap();
    assert_eq!(carry(&letter("two")), Outcome::Taken);
    assert_eq!(carry(&letter(&"x".repeat(100_000))), Outcome::Taken);
    let count = udp.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], format!("{HEAD}two").as_bytes());
    assert_eq!(udp.recv(&mut buffer).unwrap(), DATAGRAM_BYTES_MAX);
}

#[test]
fn a_stream_counts_octets_and_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Server::Tcp(listener.local_addr().unwrap().to_string());
    let mut carry = open(&address, sender(), &Trust::default()).unwrap();
    assert_eq!(carry(&letter("one\ntwo")), Outcome::Taken);
    assert_eq!(carry(&letter("é")), Outcome::Taken);
    let (mut first, _) = listener.accept().unwrap();
    let (length, text) = (HEAD.len(), "one two");
    let expected = format!("{} {HEAD}{text}{} {HEAD}é", length + text.len(), length + 2);
    let mut read = vec![0; expected.len()];
    first.read_exact(&mut read).unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), expected);

    drop(first);
    // The end is on its way.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(carry(&letter("three")), Outcome::Taken);
    let (mut second, _) = listener.accept().unwrap();
    drop((carry, listener));
    let mut read = String::new();
    second.read_to_string(&mut read).unwrap();
    assert!(read.ends_with("- three"), "{read}");
}

#[test]
fn a_server_is_believed_with_the_authority_that_was_named() {
    let authority = Authority::default();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let identity = authority.identity(&["127.0.0.1"]);
    let config = server(&file("c", &identity.certificate), &file("k", &identity.key), None);
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Server::Tls(listener.local_addr().unwrap().to_string());
    let serve = std::thread::spawn(move || {
        let mut read = Vec::new();
        for _ in 0..3 {
            let (socket, _) = listener.accept().unwrap();
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let mut buffer = [0; 1_000];
            // Who is not believed is hung up on.
            let count = stream.read(&mut buffer).unwrap_or(0);
            read.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
            stream.conn.send_close_notify();
            drop(stream.flush());
        }
        read
    });
    use std::io::Write;
    let mut stranger = open(&address, sender(), &Trust::default()).unwrap();
    assert!(matches!(stranger(&letter("one")), Outcome::Later { .. }));
    let trust = Trust::new(&[file("ca", &authority.certificate)]).unwrap();
    let mut carry = open(&address, sender(), &trust).unwrap();
    assert_eq!(carry(&letter("two")), Outcome::Taken);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(carry(&letter("three")), Outcome::Taken);
    let expected = |text: &str| format!("{} {HEAD}{text}", HEAD.len() + text.len());
    assert_eq!(serve.join().unwrap(), [String::new(), expected("two"), expected("three")]);
}

/// Whoever connects and reads nothing fills the buffers of the connection, no more.
#[test]
fn a_server_that_stalls_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Server::Tcp(listener.local_addr().unwrap().to_string());
    let mut carry = open(&address, sender(), &Trust::default()).unwrap();
    let begun = Instant::now();
    while carry(&letter(&"x".repeat(60_000))) == Outcome::Taken {}
    assert!(begun.elapsed() < Duration::from_secs(20));
}
