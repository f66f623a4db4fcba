//! A proxy as they stand before company networks: it forwards plain HTTP that asks for a whole
//! URL, tunnels to the ports of TLS and no others, and may want a login.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A running proxy on a free port of 127.0.0.1; its threads end with the test.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// The origins it leads to, such as `https://r.example:443`, and who answers for them.
    routes: Vec<(String, String)>,
    /// The `Proxy-Authorization` that it wants.
    login: Option<String>,
    asked: Mutex<Vec<String>>,
}

impl Proxy {
    /// Leads from each of `routes` (`SCHEME://HOST:PORT`) to the server at its `HOST:PORT`.
    pub fn new(routes: &[(&str, String)], login: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let routes = routes.iter().map(|(from, to)| ((*from).to_owned(), to.clone())).collect();
        let login = login.map(str::to_owned);
        let shared = Arc::new(Shared { routes, login, asked: Mutex::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || drop(serving.serve(stream)));
            }
        });
        Self { address, shared }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The first line of every request so far.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let [first, headers @ ..] = lines.as_slice() else { return Ok(()) };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(first.clone());
        let shown = headers.iter().find_map(|line| line.strip_prefix("Proxy-Authorization: "));
        if self.login.as_deref().is_some_and(|login| shown != Some(login)) {
            return refuse(&mut client, "407 Proxy Authentication Required");
        }
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let origin = match method {
            "CONNECT" => format!("https://{target}"),
            _ => target.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"),
        };
        let Some((_, server)) = self.routes.iter().find(|(from, _)| *from == origin) else {
            return refuse(&mut client, "403 Forbidden");
        };
        let mut server = TcpStream::connect(server)?;
        if method == "CONNECT" {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        } else {
            let path = target.strip_prefix(&origin).unwrap_or_default();
            write!(server, "{method} {path} HTTP/1.1\r\n")?;
            for header in headers.iter().filter(|header| !header.starts_with("Proxy-")) {
                write!(server, "{header}\r\n")?;
            }
            server.write_all(b"\r\n")?;
        }
        let mut up = server.try_clone()?;
        thread::spawn(move || io::copy(&mut reader, &mut up));
        io::copy(&mut server, &mut client)?;
        client.shutdown(std::net::Shutdown::Both)
    }
}

fn refuse(client: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(client, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}
