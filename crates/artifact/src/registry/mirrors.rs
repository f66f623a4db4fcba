//! Where an image is to be asked for: the registry itself, or mirrors before it, as
//! `registries.conf` says (containers-registries.conf(5), version 2).
//!
//! A name without a registry means what its alias says, else the one registry that
//! `unqualified-search-registries` lists, else `docker.io`, as it does to Docker. Where several are
//! listed none is asked: a search would let the first registry that answers decide which image was
//! meant. This file must never open a connection.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use model::{ImageRef, Problem, ProblemKind};
use serde::Deserialize;

use crate::Environment;

/// Configuration written by people is a few KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Drop-in files read, in the order of their names.
const FILES_MAX: usize = 200;

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
    /// Reads the user's file or else the system's, and the drop-ins beside them. A file that does
    /// not parse is left out and named in a Problem.
    pub(crate) fn load(environment: &Environment) -> (Self, Vec<Problem>) {
        let (mut registries, mut problems) = (Self::default(), Vec::new());
        for path in files(environment) {
            match read(&path) {
                Ok(more) => registries.add(more),
                Err(why) => {
                    let subject = path.display().to_string();
                    problems.push(Problem::new(ProblemKind::Notice, subject, why));
                }
            }
        }
        (registries, problems)
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
        let name = format!("{}/{}", image.registry(), image.repository());
        let fitting = self.entries.iter().filter_map(|entry| Some((entry, entry.fit(&name)?)));
        // The longest prefix is the most particular.
        let entry = fitting.max_by_key(|(entry, _)| entry.prefix().len());
        let mut endpoints = match entry {
            Some((Entry { blocked: true, .. }, _)) => return Err(Blocked { name }),
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

    /// What follows the prefix in `name`, if it begins with it: nothing, or `/` and more.
    fn fit<'a>(&self, name: &'a str) -> Option<&'a str> {
        let tail = match self.prefix().strip_prefix("*.") {
            Some(domain) => {
                let (host, _) = name.split_once('/')?;
                let subdomain = host.strip_suffix(domain)?;
                name.strip_prefix(host).filter(|_| subdomain.len() > 1 && subdomain.ends_with('.'))
            }
            None => name.strip_prefix(self.prefix()).filter(|_| !self.prefix().is_empty()),
        }?;
        (tail.is_empty() || tail.starts_with('/')).then_some(tail)
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

/// The image at `location` (a host, or a host and the beginning of a path); None where that does
/// not make a name.
fn moved(image: &ImageRef, location: &str, tail: &str, insecure: bool) -> Option<Endpoint> {
    let name = format!("{location}{tail}");
    let (host, repository) = name.split_once('/')?;
    // The grammar is that of any image name, but for the host, which may be a bare word here.
    let host_fits = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let fits = host.bytes().all(host_fits)
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let fits = fits && format!("localhost/{repository}").parse::<ImageRef>().is_ok();
    fits.then(|| Endpoint { image: image.relocated(host, repository), insecure })
}

/// The user's own file stands in for the system's; drop-ins add to either, the user's last.
fn files(environment: &Environment) -> Vec<PathBuf> {
    if let Some(explicit) = environment.path("CONTAINERS_REGISTRIES_CONF") {
        return vec![explicit];
    }
    let system = environment.system().join("containers");
    let user = environment.containers_config();
    let own = user.as_ref().map(|dir| dir.join("registries.conf")).filter(|path| path.is_file());
    let main = own.unwrap_or_else(|| system.join("registries.conf"));
    let directories = [Some(system), user].into_iter().flatten();
    let drop_ins = directories.flat_map(|dir| drop_ins(&dir.join("registries.conf.d")));
    std::iter::once(main).filter(|path| path.is_file()).chain(drop_ins).collect()
}

fn drop_ins(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .take(FILES_MAX)
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<Registries, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|why| format!("mirrors were not read: {why}"))?;
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|why| format!("mirrors were not read: {why}"))?;
    parse(&bytes)
}

/// Reads a `registries.conf` of version 2. Version 1 (`[registries.search]`) names no mirrors.
pub(crate) fn parse(bytes: &[u8]) -> Result<Registries, String> {
    let why = |why: toml::de::Error| format!("mirrors were not read: {}", why.message());
    toml::from_slice(bytes).map_err(why)
}

#[cfg(test)]
mod tests {
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
    fn drop_ins_have_the_last_word_and_broken_files_are_named() {
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
        let (registries, problems) = Registries::load(&environment);
        let image = "a.example/x:1".parse().expect("it is a name");
        let endpoints = registries.endpoints(&image, &[]).expect("it is not blocked");
        assert_eq!(endpoints, [Endpoint { image, insecure: false }]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].subject.ends_with("2.conf"), "{problems:?}");
    }
}
