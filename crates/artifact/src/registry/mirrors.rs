//! Where an image is to be asked for: the registry itself, or mirrors before it, as
//! `registries.conf` says (containers-registries.conf(5)).
//!
//! A name without a registry means what its alias says, else the one registry that
//! `unqualified-search-registries` lists, else `docker.io`, as it does to Docker. Where several are
//! listed none is asked: a search would let the first registry that answers decide which image was
//! meant. This file must never open a connection.

mod conf;

use std::collections::BTreeMap;
use std::path::Path;

use model::ImageRef;
use serde::Deserialize;

pub(crate) use self::conf::parse;
use crate::error::OpenErrorKind;
use crate::{Environment, OpenError};

/// One place to ask for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The image under the name it has there.
    pub(crate) image: ImageRef,
    /// Whether certificates are left unchecked and plain HTTP is spoken where TLS is not.
    pub(crate) insecure: bool,
}

/// What `registries.conf` says of registries.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Registries {
    #[serde(default, rename = "registry")]
    entries: Vec<Entry>,
    /// Where names without a registry are looked for.
    #[serde(default, rename = "unqualified-search-registries")]
    unqualified: Option<Vec<String>>,
    /// Names without a registry, and what they stand for (no tags on either side).
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    /// What an image's name begins with; `location` where it is left out. `*.host` stands for
    /// any subdomain.
    #[serde(default)]
    prefix: String,
    /// What takes the prefix's place; the prefix itself where it is left out.
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default, rename = "mirror-by-digest-only")]
    mirror_by_digest_only: bool,
    #[serde(default, rename = "mirror")]
    mirrors: Vec<Mirror>,
}

#[derive(Debug, Default, Deserialize)]
struct Mirror {
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    /// `all`, `digest-only` or `tag-only`; empty means all.
    #[serde(default, rename = "pull-from-mirror")]
    pull_from_mirror: String,
}

/// Why an image is not to be asked for at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// The image's name.
    pub(crate) name: String,
}

impl Registries {
    /// Reads the user's file or else the system's, and the drop-ins beside them. One that is not
    /// understood is wrong usage: what it blocks must not be asked for.
    pub(crate) fn load(environment: &Environment) -> Result<Self, OpenError> {
        let broken = |path: &Path, why: &str| {
            let message = format!("`{}` is not understood: {why}", path.display());
            OpenError::new(OpenErrorKind::Usage, message).hint(
                "registries may be blocked or mirrored in it; CONTAINERS_REGISTRIES_CONF names \
                 another file, /dev/null none",
            )
        };
        let mut registries = Self::default();
        for path in conf::files(environment).map_err(|(path, why)| broken(&path, &why))? {
            registries.add(conf::read(&path).map_err(|why| broken(&path, &why))?);
        }
        Ok(registries)
    }

    /// A later file speaks the last word on a prefix.
    fn add(&mut self, more: Self) {
        for entry in more.entries {
            self.entries.retain(|known| known.prefix() != entry.prefix());
            self.entries.push(entry);
        }
        self.unqualified = more.unqualified.or_else(|| self.unqualified.take());
        self.aliases.extend(more.aliases);
    }

    /// The full name of what the user called `name`; it stays as it is if it names a registry, or
    /// nothing here speaks of it. Several candidates are the error.
    pub(crate) fn qualify(&self, name: &str) -> Result<String, Vec<String>> {
        let end = name.find('@').unwrap_or(name.len());
        let (path, digest) = name.split_at(end);
        let tag = path.rfind(':').filter(|colon| !path.split_at(*colon).1.contains('/'));
        let (path, tag) = path.split_at(tag.unwrap_or(path.len()));
        let host = path.split_once('/').map(|(host, _)| host);
        if host.is_some_and(|host| host.contains(['.', ':']) || host == "localhost") {
            return Ok(name.to_owned());
        }
        if let Some(alias) = self.aliases.get(path).filter(|alias| !alias.is_empty()) {
            return Ok(format!("{alias}{tag}{digest}"));
        }
        match self.unqualified.as_deref().unwrap_or_default() {
            [] => Ok(name.to_owned()),
            [one] => Ok(format!("{one}/{name}")),
            several => Err(several.iter().map(|place| format!("{place}/{name}")).collect()),
        }
    }

    /// The places to ask for `image`, in order: mirrors first, the registry itself last.
    /// `insecure` names the hosts of which the user said so on the command line.
    pub(crate) fn endpoints(
        &self,
        image: &ImageRef,
        insecure: &[String],
    ) -> Result<Vec<Endpoint>, Blocked> {
        let whole = image.to_string();
        let fitting =
            self.entries.iter().filter_map(|entry| Some((entry, entry.fit(&whole, image)?)));
        // The longest prefix is the most particular.
        let entry = fitting.max_by_key(|(entry, _)| entry.prefix().len());
        let mut endpoints = match entry {
            Some((Entry { blocked: true, .. }, _)) => {
                let name = format!("{}/{}", image.registry(), image.repository());
                return Err(Blocked { name });
            }
            Some((entry, tail)) => entry.endpoints(image, tail),
            None => vec![Endpoint { image: image.clone(), insecure: false }],
        };
        for endpoint in &mut endpoints {
            endpoint.insecure |= insecure.iter().any(|host| host == endpoint.image.registry());
        }
        Ok(endpoints)
    }
}

impl Entry {
    fn prefix(&self) -> &str {
        if self.prefix.is_empty() { &self.location } else { &self.prefix }
    }

    /// What follows the prefix in the image's name with tag and digest, if it begins with it: as
    /// Podman's library has it, nothing, a port, a path, a tag or a digest.
    fn fit<'a>(&self, whole: &'a str, image: &ImageRef) -> Option<&'a str> {
        let tail = match self.prefix().strip_prefix("*.") {
            Some(domain) => {
                let host = without_port(image.registry());
                let subdomain = host.strip_suffix(domain)?;
                let is_below = subdomain.len() > 1 && subdomain.ends_with('.');
                whole.strip_prefix(host).filter(|_| is_below)
            }
            None => whole.strip_prefix(self.prefix()).filter(|_| !self.prefix().is_empty()),
        }?;
        (tail.is_empty() || tail.starts_with(['/', ':', '@'])).then_some(tail)
    }

    fn endpoints(&self, image: &ImageRef, tail: &str) -> Vec<Endpoint> {
        let wanted = self.mirrors.iter().filter(|mirror| mirror.serves(image, self));
        let mirrors =
            wanted.filter_map(|mirror| moved(image, &mirror.location, tail, mirror.insecure));
        // A wildcard has no place of its own to stand for: the image stays where it is.
        let own = match self.location.as_str() {
            "" => Some(Endpoint { image: image.clone(), insecure: self.insecure }),
            location => moved(image, location, tail, self.insecure),
        };
        mirrors.chain(own).collect()
    }
}

impl Mirror {
    fn serves(&self, image: &ImageRef, entry: &Entry) -> bool {
        let by_digest = image.digest().is_some();
        match self.pull_from_mirror.as_str() {
            "digest-only" => by_digest,
            "tag-only" => !by_digest,
            _ => by_digest || !entry.mirror_by_digest_only,
        }
    }
}

/// A host without the port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

/// The image at `location` (a host, or a host and the beginning of a path); None where that does
/// not make a name.
fn moved(image: &ImageRef, location: &str, tail: &str, insecure: bool) -> Option<Endpoint> {
    let name = format!("{location}{tail}");
    let (host, path) = name.split_once('/')?;
    // The grammar is that of any image name, but for the host, which may be a bare word here.
    let host_fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let fits = host.bytes().all(host_fits)
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let there: ImageRef = format!("localhost/{path}").parse().ok()?;
    // Whoever moves an image by its digest gets it by its digest.
    let is_same = there.digest() == image.digest();
    (fits && is_same)
        .then(|| Endpoint { image: there.relocated(host, there.repository()), insecure })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CONF: &str = r#"
        unqualified-search-registries = ["registry.example"]
        short-name-mode = "enforcing"

        [[registry]]
        location = "docker.io"
        [[registry.mirror]]
        location = "mirror.example:5000/hub"
        insecure = true
        [[registry.mirror]]
        location = "digests.example"
        pull-from-mirror = "digest-only"

        [[registry]]
        prefix = "docker.io/secret"
        blocked = true

        [[registry]]
        prefix = "quay.example/old"
        location = "quay.example/new"

        [[registry]]
        prefix = "*.corp.example"
        insecure = true

        [[registry]]
        location = "strict.example"
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "m"
        [[registry.mirror]]
        location = "../etc"
    "#;

    fn endpoints(name: &str) -> String {
        let registries = parse(CONF.as_bytes()).expect("it is valid");
        let image = name.parse().expect("it is a name");
        match registries.endpoints(&image, &["plain.example".to_owned()]) {
            Ok(endpoints) => endpoints
                .iter()
                .map(|e| format!("{}{}", if e.insecure { "!" } else { "" }, e.image))
                .collect::<Vec<_>>()
                .join(" "),
            Err(Blocked { name }) => format!("blocked {name}"),
        }
    }

    #[test]
    fn the_longest_prefix_decides() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let cases = [
            (
                "alpine:3".to_owned(),
                "!mirror.example:5000/hub/library/alpine:3 docker.io/library/alpine:3".to_owned(),
            ),
            (
                format!("alpine@{digest}"),
                format!(
                    "!mirror.example:5000/hub/library/alpine@{digest} \
                     digests.example/library/alpine@{digest} docker.io/library/alpine@{digest}"
                ),
            ),
            ("secret/app".to_owned(), "blocked docker.io/secret/app".to_owned()),
            (
                "secretive/app".to_owned(),
                "!mirror.example:5000/hub/secretive/app:latest docker.io/secretive/app:latest"
                    .to_owned(),
            ),
            ("quay.example/old/a:1".to_owned(), "quay.example/new/a:1".to_owned()),
            ("quay.example/older/a:1".to_owned(), "quay.example/older/a:1".to_owned()),
            ("a.corp.example/x:1".to_owned(), "!a.corp.example/x:1".to_owned()),
            ("corp.example/x:1".to_owned(), "corp.example/x:1".to_owned()),
            ("evilcorp.example/x:1".to_owned(), "evilcorp.example/x:1".to_owned()),
            ("strict.example/x:1".to_owned(), "strict.example/x:1".to_owned()),
            (
                format!("strict.example/x@{digest}"),
                format!("m/x@{digest} strict.example/x@{digest}"),
            ),
            ("plain.example/x:1".to_owned(), "!plain.example/x:1".to_owned()),
        ];
        for (name, expected) in cases {
            assert_eq!(endpoints(&name), expected, "{name}");
        }
    }

    /// Prefixes end before a port, a tag and a digest, too (what Podman's library does).
    #[test]
    fn prefixes_end_before_ports_and_tags() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let by_digest = format!("r.example/x@{digest}");
        let cases = [
            ("prefix = \"r.example\"", "r.example:5000/x:1", true),
            ("location = \"r.example\"", "r.example:5000/x:1", true),
            ("prefix = \"r.example:5000\"", "r.example:5000/x:1", true),
            ("prefix = \"r.example:5000\"", "r.example/x:1", false),
            ("prefix = \"r.example:50\"", "r.example:5000/x:1", false),
            ("prefix = \"r.exam\"", "r.example/x:1", false),
            ("prefix = \"r.example/x:1\"", "r.example/x:1", true),
            ("prefix = \"r.example/x:1\"", "r.example/x:12", false),
            ("prefix = \"r.example/x\"", &by_digest, true),
            ("prefix = \"*.example\"", "r.example:5000/x:1", true),
            ("prefix = \"*.example\"", "a.r.example:5000/x:1", true),
            ("prefix = \"*.example\"", "example:5000/x:1", false),
            ("prefix = \"*.example\"", "r.example.org/x:1", false),
            ("prefix = \"*.example\"", "r.org/a.example/x:1", false),
            ("prefix = \"r.example/\"", "r.example/x:1", true),
            ("location = \"r.example/x///\"", "r.example/x:1", true),
        ];
        for (prefix, name, is_blocked) in cases {
            let conf = format!("[[registry]]\n{prefix}\nblocked = true");
            let registries = parse(conf.as_bytes()).expect("it is valid");
            let image = name.parse().expect("it is a name");
            let found = registries.endpoints(&image, &[]).is_err();
            assert_eq!(found, is_blocked, "{prefix}: {name}");
        }
        let conf = "[[registry]]\nprefix = \"old.example\"\nlocation = \"new.example/\"\ninsecure = true\n\
                    [[registry.mirror]]\nlocation = \"m.example/\"\n\
                    [[registry]]\nprefix = \"old.example/x:1\"\nlocation = \"old.example/y:2\"";
        let registries = parse(conf.as_bytes()).expect("it is valid");
        for (name, expected) in [
            ("old.example/a:1", "m.example/a:1 new.example/a:1"),
            ("old.example:5000/a:1", "m.example:5000/a:1 new.example:5000/a:1"),
            ("old.example/x:1", "old.example/y:2"),
            ("old.example/x:2", "m.example/x:2 new.example/x:2"),
        ] {
            let image = name.parse().expect("it is a name");
            let endpoints = registries.endpoints(&image, &[]).expect("it is not blocked");
            let shown: Vec<String> = endpoints.iter().map(|it| it.image.to_string()).collect();
            assert_eq!(shown.join(" "), expected, "{name}");
        }
    }

    #[test]
    fn version_1_is_read_and_what_podman_refuses_is_refused() {
        let conf = "[registries.search]\nregistries = [\"s.example/\"]\n\
                    [registries.insecure]\nregistries = [\"i.example\", \"b.example\"]\n\
                    [registries.block]\nregistries = [\"b.example\"]";
        let registries = parse(conf.as_bytes()).expect("it is valid");
        assert_eq!(registries.qualify("a"), Ok("s.example/a".to_owned()));
        let at = |name: &str| registries.endpoints(&name.parse().expect("a name"), &[]);
        assert!(at("b.example/x:1").is_err());
        assert!(at("i.example/x:1").is_ok_and(|it| it.iter().all(|it| it.insecure)));
        let entry = |text: &str| format!("[[registry]]\n{text}");
        for (text, why) in [
            (entry("location = \"https://r.example\""), "names a scheme"),
            (entry("prefix = \"*.example/x\"\nblocked = true"), "wildcard"),
            (entry("prefix = \"*.example:5000\"\nblocked = true"), "wildcard"),
            (entry("blocked = true"), "neither prefix nor location"),
            (entry("location = \"a\"\n[[registry.mirror]]\ninsecure = true"), "without a location"),
            (
                entry(
                    "location = \"a\"\n[[registry.mirror]]\nlocation = \"m\"\npull-from-mirror = \"x\"",
                ),
                "pull-from-mirror",
            ),
            (
                entry("location = \"a\"\nblocked = true\n[[registry]]\nlocation = \"a\""),
                "twice, and differently",
            ),
            (
                format!("{}\n[registries.block]\nregistries = [\"b\"]", entry("location = \"a\"")),
                "mixes",
            ),
            ("blocked = yes".to_owned(), ""),
        ] {
            let error = parse(text.as_bytes()).expect_err(&text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn names_without_a_registry_stand_for_one() {
        let conf = |list: &str| {
            let text = format!("{list}\n[aliases]\nubi = \"r.example/ubi9\"\noff = \"\"\n");
            parse(text.as_bytes()).expect("it is valid")
        };
        let none = conf("");
        let one = conf("unqualified-search-registries = [\"one.example\"]");
        let two = conf("unqualified-search-registries = [\"one.example\", \"docker.io\"]");
        let digest = format!("@sha256:{}", "a".repeat(64));
        for (name, by_none, by_one) in [
            ("alpine:3", "alpine:3", "one.example/alpine:3"),
            ("team/app", "team/app", "one.example/team/app"),
            ("off", "off", "one.example/off"),
            ("ubi:9.4", "r.example/ubi9:9.4", "r.example/ubi9:9.4"),
            ("q.example/a:1", "q.example/a:1", "q.example/a:1"),
            ("localhost/a", "localhost/a", "localhost/a"),
            ("host:5000/a", "host:5000/a", "host:5000/a"),
        ] {
            let with = |name: &str| format!("{name}{digest}");
            assert_eq!(none.qualify(name), Ok(by_none.to_owned()), "{name}");
            assert_eq!(one.qualify(name), Ok(by_one.to_owned()), "{name}");
            assert_eq!(one.qualify(&with(name)), Ok(with(by_one)), "{name}");
        }
        let both = vec!["one.example/alpine:3".to_owned(), "docker.io/alpine:3".to_owned()];
        assert_eq!(two.qualify("alpine:3"), Err(both));
        assert_eq!(two.qualify("ubi:9"), Ok("r.example/ubi9:9".to_owned()));
        assert_eq!(two.qualify("docker.io/alpine"), Ok("docker.io/alpine".to_owned()));

        let mut merged = two;
        merged.add(conf("[[registry]]\nlocation = \"x.example\""));
        assert!(merged.qualify("alpine").is_err(), "a drop-in that lists nothing changes nothing");
        merged.add(conf("unqualified-search-registries = []"));
        assert_eq!(merged.qualify("alpine"), Ok("alpine".to_owned()));
    }

    #[test]
    fn drop_ins_have_the_last_word_and_broken_files_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let containers = dir.path().join("containers");
        fs::create_dir_all(containers.join("registries.conf.d")).expect("a directory");
        let write =
            |name: &str, text: &str| fs::write(containers.join(name), text).expect("a file");
        write("registries.conf", "[[registry]]\nlocation = \"a.example\"\ninsecure = true");
        write("registries.conf.d/1.conf", "[[registry]]\nlocation = \"a.example\"");
        write("registries.conf.d/2.conf", "[[registry]\n");
        write("registries.conf.d/3.off", "[[registry]]\nlocation = \"a.example\"\nblocked = true");

        let environment = Environment::default().with_system(dir.path());
        let error = Registries::load(&environment).expect_err("one is broken");
        assert_eq!(error.kind(), OpenErrorKind::Usage);
        assert!(error.to_string().contains("registries.conf.d/2.conf` is not"), "{error}");
        write("registries.conf.d/2.conf", "");
        let registries = Registries::load(&environment).expect("all are valid");
        let image = "a.example/x:1".parse().expect("it is a name");
        let endpoints = registries.endpoints(&image, &[]).expect("it is not blocked");
        assert_eq!(endpoints, [Endpoint { image, insecure: false }]);
        let large =
            format!("{}\n[[registry]]\nlocation = \"x\"\nblocked = true", "#".repeat(1 << 20));
        write("registries.conf.d/4.conf", &large);
        let error = Registries::load(&environment).expect_err("it would be cut");
        assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
        let nowhere = environment.with("CONTAINERS_REGISTRIES_CONF", "/nonexistent");
        assert!(Registries::load(&nowhere).is_err());
    }
}
