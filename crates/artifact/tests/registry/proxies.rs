//! Registries that only a proxy leads to. Their names exist nowhere else, so that whatever goes
//! past the proxy fails.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use testkit::{Authority, Proxy, Tls};

use super::*;

const PLAIN: &str = "plain.test:5000";
const SECURE: &str = "secure.test";
/// `user` and `pass word`.
const LOGIN: &str = "Basic dXNlcjpwYXNzIHdvcmQ=";

/// Two registries with the same image, one of them secured, and the certificate to trust.
struct Registries {
    plain: Server,
    secure: Server,
    directory: tempfile::TempDir,
}

impl Registries {
    fn start() -> Self {
        let authority = Authority::default();
        let tls = Tls::new(&authority.identity(&[SECURE]), None);
        let content = content();
        let secure = Server::secure(&tls, move |request| content.answer(request));
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), authority.certificate).expect("a file");
        Self { plain: Server::registry(super::content()), secure, directory }
    }

    fn proxy(&self, login: Option<&str>) -> Proxy {
        let routes = [
            ("http://plain.test:5000", self.plain.host()),
            ("https://secure.test:443", self.secure.host()),
        ];
        Proxy::new(&routes, login)
    }

    fn open(&self, registry: &str, variables: &[(&str, String)]) -> Result<Image, OpenError> {
        let environment = Environment::default().with_system("/nonexistent");
        let environment = variables
            .iter()
            .fold(environment, |environment, (name, value)| environment.with(name, value));
        let registry_options = RegistryOptions {
            authorities: vec![self.directory.path().join("ca.pem")],
            insecure: vec![PLAIN.to_owned()],
            patience: PATIENCE,
        };
        let options = Options { registry: registry_options, environment, ..Options::default() };
        artifact::open(&format!("registry:{registry}/team/app:1"), &options)
    }
}

#[test]
fn proxies_tunnel_tls_and_forward_what_is_plain() {
    let registries = Registries::start();
    let proxy = registries.proxy(None);
    let address = format!("http://{}", proxy.host());
    let variables = [("HTTP_PROXY", address.clone()), ("HTTPS_PROXY", address.clone())];
    for (registry, server) in [(PLAIN, &registries.plain), (SECURE, &registries.secure)] {
        let image = registries.open(registry, &variables).expect("the proxy leads there");
        assert_whole(&read(&image));
        let requests = server.requests();
        let hosts: Vec<_> = requests.iter().filter_map(|request| request.header("host")).collect();
        assert!(!hosts.is_empty() && hosts.iter().all(|host| *host == registry), "{hosts:?}");
        let leaked = requests.iter().any(|it| it.header("proxy-authorization").is_some());
        assert!(!leaked, "{requests:?}");
    }
    let asked = proxy.asked();
    assert!(asked.contains(&"CONNECT secure.test:443 HTTP/1.1".to_owned()), "{asked:?}");
    let whole_url = "GET http://plain.test:5000/v2/team/app/manifests/1 HTTP/1.1";
    assert!(asked.contains(&whole_url.to_owned()), "{asked:?}");

    let all = [("ALL_PROXY", address)];
    assert!(registries.open(SECURE, &all).is_ok());
}

#[test]
fn proxies_may_want_a_login() {
    let registries = Registries::start();
    let proxy = registries.proxy(Some(LOGIN));
    let with = |login: &str| {
        let address = format!("http://{login}{}", proxy.host());
        [("http_proxy", address.clone()), ("https_proxy", address)]
    };
    for registry in [PLAIN, SECURE] {
        let image = registries.open(registry, &with("user:pass%20word@")).expect("it may pass");
        assert_whole(&read(&image));
        for login in ["", "user:hunter2@"] {
            let error = registries.open(registry, &with(login)).err().expect("it may not pass");
            assert_eq!(error.kind(), OpenErrorKind::Network, "{error:?}");
            assert!(error.to_string().contains("wants a login"), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[test]
fn exceptions_go_past_the_proxy() {
    let registries = Registries::start();
    let proxy = registries.proxy(None);
    let address = format!("http://{}", proxy.host());
    let open = |registry: &str, exceptions: &str| {
        let variables = [
            ("HTTP_PROXY", address.clone()),
            ("HTTPS_PROXY", address.clone()),
            ("NO_PROXY", exceptions.to_owned()),
        ];
        registries.open(registry, &variables).map(|_| ()).map_err(|error| error.to_string())
    };
    for (registry, exceptions) in [
        (SECURE, "secure.test"),
        (SECURE, "other.test, .test"),
        (SECURE, "*"),
        (PLAIN, "plain.test:5000"),
        // Nobody answers there, and nobody asks the proxy either.
        ("127.0.0.2:9", ""),
        ("0.0.0.0:9", "0.0.0.0/8"),
    ] {
        let before = proxy.asked().len();
        let options = open(registry, exceptions);
        assert!(options.is_err(), "{registry} {exceptions}");
        assert_eq!(proxy.asked().len(), before, "{registry} {exceptions}: {options:?}");
    }
    for (registry, exceptions) in [(SECURE, "test.secure"), (SECURE, "secure.test:5000")] {
        assert_eq!(open(registry, exceptions), Ok(()), "{registry} {exceptions}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_told() {
    let registries = Registries::start();
    let variables = [("HTTPS_PROXY", "http://127.0.0.1:9".to_owned())];
    let error = registries.open(SECURE, &variables).err().expect("there is no proxy");
    assert_eq!(error.kind(), OpenErrorKind::Network, "{error:?}");
    let variables = [("HTTPS_PROXY", "http://[".to_owned())];
    let error = registries.open(SECURE, &variables).err().expect("that is no address");
    assert_eq!(error.kind(), OpenErrorKind::Usage, "{error:?}");
}

/// A proxy that speaks SOCKS 5 (RFC 1928), and wants `user` and `pass word` if asked to (RFC 1929).
struct Socks {
    host: String,
    /// The names and ports it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    fn start(registries: &Registries, wants_login: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let host = listener.local_addr().expect("it is bound").to_string();
        let routes =
            [(PLAIN, registries.plain.host()), ("secure.test:443", registries.secure.host())];
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (routes, told) = (routes.clone(), Arc::clone(&told));
                thread::spawn(move || serve_socks(stream, &routes, wants_login, &told));
            }
        });
        Self { host, asked }
    }
}

fn serve_socks(
    mut client: TcpStream,
    routes: &[(&str, String)],
    wants_login: bool,
    told: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let bytes = |client: &mut TcpStream, count: u8| {
        let mut bytes = vec![0; usize::from(count)];
        client.read_exact(&mut bytes).map(|()| bytes)
    };
    let count = bytes(&mut client, 2)?[1];
    let offered = bytes(&mut client, count)?;
    let method = if wants_login { 2 } else { 0 };
    if !offered.contains(&method) {
        return client.write_all(&[5, 0xff]);
    }
    client.write_all(&[5, method])?;
    if wants_login {
        let length = bytes(&mut client, 2)?[1];
        let user = bytes(&mut client, length)?;
        let length = bytes(&mut client, 1)?[0];
        let password = bytes(&mut client, length)?;
        let may_pass = user == b"user" && password == b"pass word";
        client.write_all(&[1, u8::from(!may_pass)])?;
    }
    let [_, _, _, 3, length] = bytes(&mut client, 5)?[..] else { return Ok(()) };
    let name = String::from_utf8_lossy(&bytes(&mut client, length)?).into_owned();
    let port = bytes(&mut client, 2)?;
    let place = format!("{name}:{}", u16::from_be_bytes([port[0], port[1]]));
    told.lock().expect("nobody panics with it").push(place.clone());
    let Some((_, server)) = routes.iter().find(|(from, _)| *from == place) else {
        return client.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    };
    let mut server = TcpStream::connect(server)?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}

#[test]
fn a_proxy_may_speak_socks() {
    let registries = Registries::start();
    for (login, wants_login) in [("", false), ("user:pass%20word@", true)] {
        let proxy = Socks::start(&registries, wants_login);
        for scheme in ["socks5", "socks5h"] {
            let variables = [("ALL_PROXY", format!("{scheme}://{login}{}", proxy.host))];
            for registry in [PLAIN, SECURE] {
                let image = registries.open(registry, &variables).expect("the proxy leads there");
                assert_whole(&read(&image));
            }
        }
        let asked = proxy.asked.lock().expect("nobody panics with it").clone();
        assert!(asked.iter().any(|it| it == PLAIN), "{asked:?}");
        assert!(asked.iter().any(|it| it == "secure.test:443"), "{asked:?}");
    }
    // Never past it: not if it refuses, is not there, or is of a kind that is not known.
    let proxy = Socks::start(&registries, true);
    for address in [
        format!("socks5://user:hunter2@{}", proxy.host),
        format!("socks5://{}", proxy.host),
        "socks5://127.0.0.1:9".to_owned(),
    ] {
        let variables = [("HTTPS_PROXY", address.clone())];
        let error = registries.open(SECURE, &variables).err().expect("it may not pass");
        assert_eq!(error.kind(), OpenErrorKind::Network, "{address}: {error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let variables = [("https_proxy", "socks6://127.0.0.1:9".to_owned())];
    let error = registries.open(SECURE, &variables).err().expect("nobody speaks it");
    assert_eq!(error.kind(), OpenErrorKind::Usage, "{error:?}");
    assert!(error.to_string().contains("`https_proxy`"), "{error:?}");
}
