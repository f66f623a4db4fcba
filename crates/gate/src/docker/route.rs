//! Which request it is: method and address, as the daemon's router would take them.
//!
//! Whoever asks chooses how an address is written: with any version before it, as a whole URL, with
//! `%63` for `c`, with slashes twice. The daemon decodes before it compares, and so does this.

use crate::judge::Broken;

/// The longest address that is looked at: names have 255 characters.
const URI_BYTES_MAX: usize = 64 << 10;
/// The first version of the interface in which a start takes no settings of its own.
const START_WITHOUT_SETTINGS: (u32, u32) = (1, 24);

/// What a request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Create {
        name: String,
    },
    Start {
        id: String,
    },
    /// A command in a container that runs.
    Exec {
        id: String,
    },
    Update {
        id: String,
    },
    Volume,
    /// It leads to programs that no request starts.
    Around(&'static str),
    /// It starts nothing.
    Other,
}

pub(super) fn of(method: &str, uri: &str) -> Result<Route, Broken> {
    // The daemon changes nothing for these; ours are among them, and wait for nobody.
    if matches!(method, "GET" | "HEAD" | "OPTIONS") {
        return Ok(Route::Other);
    }
    if uri.len() > URI_BYTES_MAX {
        return Err(Broken::new("the address of the request is too long"));
    }
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let path = decode(path_of(path)?)?;
    let parts = parts(&path);
    let (version, parts) = match parts.split_first() {
        Some((first, rest)) if version(first).is_some() => (version(first), rest),
        _ => (None, parts.as_slice()),
    };
    let route = match parts {
        ["containers", "create"] => Route::Create { name: name(query)? },
        ["containers", id @ .., "start" | "restart"] if !id.is_empty() => {
            if version.is_some_and(|version| version < START_WITHOUT_SETTINGS) {
                let why = "before version 1.24 a start can bring settings, which are not judged";
                return Err(Broken::new(why));
            }
            Route::Start { id: id.join("/") }
        }
        // One that may be started can give its name to another.
        ["containers", id @ .., "rename"] if !id.is_empty() => Route::Start { id: id.join("/") },
        ["containers", id @ .., "exec"] if !id.is_empty() => Route::Exec { id: id.join("/") },
        ["containers", id @ .., "update"] if !id.is_empty() => Route::Update { id: id.join("/") },
        ["volumes", "create"] => Route::Volume,
        ["services", .., "create" | "update"] | ["swarm", "init" | "join"] => {
            Route::Around("services")
        }
        ["plugins", "pull" | "create"] | ["plugins", .., "enable" | "upgrade" | "set"] => {
            Route::Around("plugins")
        }
        ["build" | "session" | "grpc"] => Route::Around("builds"),
        _ => Route::Other,
    };
    Ok(route)
}

/// The path as the daemon finds it (`url.ParseRequestURI` of Go): behind a scheme, where one stands, and
/// behind a host only where two slashes begin it.
fn path_of(uri: &str) -> Result<&str, Broken> {
    if uri.starts_with('/') {
        return Ok(uri);
    }
    let strange = || Broken::new("the address of the request is neither a path nor a URL");
    let (scheme, rest) = uri.split_once(':').ok_or_else(strange)?;
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_of_scheme) {
        return Err(strange());
    }
    match rest.strip_prefix("//") {
        Some(rest) => Ok(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")),
        None if rest.starts_with('/') => Ok(rest),
        None => Err(strange()),
    }
}

/// `v1.41`.
fn version(part: &str) -> Option<(u32, u32)> {
    let numbers = part.strip_prefix('v')?;
    let is_version = numbers.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let (major, minor) = numbers.split_once('.').unwrap_or((numbers, "0"));
    // A number that is none is older than any: it is looked at as the most dangerous one.
    let number = |text: &str| text.parse().unwrap_or(0);
    is_version.then(|| (number(major), number(minor)))
}

/// Without `//`, `.` and `..`.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// `%63` is `c`.
fn decode(text: &str) -> Result<String, Broken> {
    let broken = || Broken::new("the address of the request is not well-formed");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = digit().zip(digit()).ok_or_else(broken)?;
        bytes.push(u8::try_from(high * 16 + low).map_err(|_why| broken())?);
    }
    String::from_utf8(bytes).map_err(|_why| broken())
}

/// Of several names the daemon takes the first.
fn name(query: &str) -> Result<String, Broken> {
    let pairs = query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    for (key, value) in pairs {
        if decode(key)? == "name" {
            return decode(&value.replace('+', " "));
        }
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_daemon_reads_them() {
        let start = |id: &str| Some(Route::Start { id: id.to_owned() });
        let create = |name: &str| Some(Route::Create { name: name.to_owned() });
        let around = |way| Some(Route::Around(way));
        let table = [
            ("POST", "/v1.41/containers/create?name=shop", create("shop")),
            ("POST", "/containers/create", create("")),
            ("POST", "//v1.41//containers//create", create("")),
            ("POST", "/v1.41/%63ontainers/creat%65?x=1&name=a%20b", create("a b")),
            ("POST", "http://docker/v1.41/containers/create", create("")),
            ("POST", "http:/v1.41/containers/create", create("")),
            ("POST", "x+y:/containers/shop/start", start("shop")),
            ("POST", "x:containers/create", None),
            ("POST", "containers/create", None),
            ("POST", "1x:/containers/create", None),
            ("POST", "/v1.41/images/../containers/create", create("")),
            ("PUT", "/containers/create", create("")),
            ("POST", "/v99.99.1/containers/create", create("")),
            ("POST", "/v1.41/containers/shop/start", start("shop")),
            ("POST", "/v1.41/containers/shop/start/", start("shop")),
            ("POST", "/containers/shop/restart?t=1", start("shop")),
            ("POST", "/v1.24/containers/shop/start", start("shop")),
            ("POST", "/v1.23/containers/shop/start", None),
            ("POST", "/v1.2/containers/shop/start", None),
            ("POST", "/v1/containers/shop/start", None),
            ("POST", "/containers/%zz/start", None),
            ("POST", "/containers/%ff/start", None),
            ("POST", "/containers/%/start", None),
            ("POST", "/containers/shop/rename?name=other", start("shop")),
            ("POST", "/containers/start", Some(Route::Other)),
            ("POST", "/containers/a/exec", Some(Route::Exec { id: "a".to_owned() })),
            ("POST", "/containers/a/update", Some(Route::Update { id: "a".to_owned() })),
            ("POST", "/v1.41/volumes/create", Some(Route::Volume)),
            ("POST", "/services/create", around("services")),
            ("POST", "/services/x/update?version=1", around("services")),
            ("POST", "/swarm/init", around("services")),
            ("POST", "/plugins/pull?remote=x", around("plugins")),
            ("POST", "/plugins/a/b/enable", around("plugins")),
            ("POST", "/build?version=2", around("builds")),
            ("POST", "/session", around("builds")),
            ("POST", "/v1.41/grpc", around("builds")),
            ("GET", "/v1.23/containers/shop/start", Some(Route::Other)),
            ("POST", "/containers/shop/stop", Some(Route::Other)),
            ("POST", "", None),
        ];
        for (method, uri, expected) in table {
            assert_eq!(of(method, uri).ok(), expected, "{method} {uri}");
        }
        assert!(of("POST", &"/".repeat(URI_BYTES_MAX + 1)).is_err());
    }
}
