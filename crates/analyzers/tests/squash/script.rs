//! The language of the cases in `testdata/squash`.
//!
//! ```text
//! # why this case is there
//! layer
//!   dir etc
//!   os etc/os-release debian 12          a release file
//!   dpkg var/lib/dpkg/status a=1 b=2     a package database
//!   inhouse var/lib/dpkg/status c=1      the same, built by nobody's distribution
//!   apk lib/apk/db/installed a=1
//!   npm srv/node_modules/a/package.json a=1      taken from npm's registry
//!   secret srv/.env                      a file with a secret; what follows tells contents apart
//!   critical srv/.env                    the same, with a secret that does harm from anywhere
//!   shipped var/lib/dpkg/info/a.md5sums usr/share/a/key of a     digests of `secret`s
//!   text var/lib/dpkg/info/a.list /usr/bin/a|/usr/bin/b      any file, `|` ends a line
//!   file opt/x                           a file that nobody wants
//!   unreadable etc/os-release            a file whose content cannot be delivered
//!   symlink var/lib/rpm -> ../../usr/lib/sysimage/rpm
//!   hardlink etc/os-release -> opt/x
//!   whiteout etc
//!   opaque etc
//! expect
//!   os debian 12
//!   package a 1 layer 0 at var/lib/dpkg/status
//! ```
//! The expected lines are all that `outcome` finds, in any order. `without layers` as the first
//! line of `expect` squashes as for a plain root file system.

use md5::{Digest as _, Md5};

use crate::image::{Kind, Layer};

pub(crate) struct Script {
    pub(crate) layers: Vec<Layer>,
    pub(crate) has_layers: bool,
    pub(crate) expected: Vec<String>,
}

pub(crate) fn parse(text: &str) -> Script {
    let mut script = Script { layers: Vec::new(), has_layers: true, expected: Vec::new() };
    let mut expecting = false;
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        match line {
            "layer" => script.layers.push(Layer::new()),
            "expect" => expecting = true,
            "without layers" => script.has_layers = false,
            line if expecting => script.expected.push(line.to_owned()),
            line => script.layers.last_mut().unwrap().push(entry(line)),
        }
    }
    assert!(expecting, "no `expect`");
    script.expected.sort_unstable();
    script
}

fn entry(line: &str) -> (String, Kind) {
    let (word, rest) = line.split_once(' ').unwrap();
    let (path, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let target = || rest.strip_prefix("-> ").unwrap().to_owned();
    let kind = match word {
        "dir" => Kind::Directory,
        "os" => {
            let (id, version) = rest.split_once(' ').unwrap();
            Kind::File(format!("ID={id}\nVERSION_ID={version}\n"))
        }
        "dpkg" => Kind::File(packages(rest, |name, version| {
            paragraph("Tide Team <tide@lists.debian.org>", name, version)
        })),
        "inhouse" => Kind::File(packages(rest, |name, version| {
            paragraph("Ops <ops@example.com>", name, version)
        })),
        "secret" => Kind::File(secret(rest)),
        "critical" => {
            let key = ["xlOqSx87wyhprrgWVFXo", "pXZTAMEj83sCzOpWMJfR"].concat();
            Kind::File(format!("aws_secret_access_key = {key}\n"))
        }
        "shipped" => {
            let lines = rest.split('|').map(|line| {
                let (path, content) = line.split_once(' ').unwrap_or((line, ""));
                let digest = Md5::digest(secret(content));
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{digest}  {path}\n")
            });
            Kind::File(lines.collect())
        }
        "npm" => {
            let (name, version) = rest.split_once('=').unwrap();
            let from = format!("https://registry.npmjs.org/{name}/-/{name}-{version}.tgz");
            let (name, version) = (format!("{name:?}"), format!("{version:?}"));
            Kind::File(format!(
                r#"{{"name": {name}, "version": {version}, "_resolved": "{from}"}}"#
            ))
        }
        "apk" => Kind::File(packages(rest, |name, version| format!("P:{name}\nV:{version}\n\n"))),
        "text" => Kind::File(rest.replace('|', "\n") + "\n"),
        "file" => Kind::File("content".to_owned()),
        "unreadable" => Kind::Unreadable,
        "symlink" => Kind::Symlink(target()),
        "hardlink" => Kind::HardLink(target()),
        "whiteout" => Kind::Whiteout,
        "opaque" => Kind::Opaque,
        other => panic!("`{other}` is no word of this language"),
    };
    (path.to_owned(), kind)
}

/// A file with a secret of little harm.
fn secret(rest: &str) -> String {
    let hook = ["hooks.slack", ".com/services/TQ4VZ7MLD/BQ4VZ7MLD/aK7pQ2xV9mZ4tW8rNb5Vx1Gd"];
    format!("{}\nhook: https://{}\n", rest.replace('|', "\n"), hook.concat())
}

fn paragraph(maintainer: &str, name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nMaintainer: {maintainer}\nVersion: {version}\n\n"
    )
}

fn packages(list: &str, paragraph: impl Fn(&str, &str) -> String) -> String {
    list.split_whitespace()
        .map(|package| package.split_once('=').unwrap())
        .map(|(name, version)| paragraph(name, version))
        .collect()
}
