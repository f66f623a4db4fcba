//! Alpine's minirootfs images and its security database.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::{Expected, assert_same, files, found, inventory, judges, shared, unpacked};

const DATABASE: &str = "lib/apk/db/installed";

#[test]
fn minirootfs_3_10() {
    check("images/alpine-minirootfs-3.10.9-x86_64.tar.gz", "v3.10");
}

#[test]
fn minirootfs_3_16() {
    check("images/alpine-minirootfs-3.16.9-x86_64.tar.gz", "v3.16");
}

#[test]
fn minirootfs_edge() {
    check("images/alpine-minirootfs-edge-20240923-x86_64.tar.gz", "edge");
}

fn check(image: &str, branch: &str) {
    let (Some(image), Some(feed)) = (shared(image), shared("feeds/alpine-secdb-json.tar.zst"))
    else {
        return;
    };
    let root = unpacked(&image);
    let database = std::fs::read_to_string(root.path().join(DATABASE)).expect("an apk database");
    let documents = unpacked(&feed);
    let expected = expected(&database, &documents.path().join(branch));

    let paths = [DATABASE, "etc/os-release", "etc/alpine-release", "etc/apk/repositories"];
    let found = found(&inventory(&files(root.path(), &paths)), &[feed]);
    assert_same(branch, &found, &expected);
}

fn expected(database: &str, branch: &Path) -> Expected {
    let installed = installed(database);
    let mut expected = Expected::default();
    for repository in ["main.json", "community.json"] {
        let text = std::fs::read_to_string(branch.join(repository)).expect("a document");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        for entry in document["packages"].as_array().expect("packages") {
            let origin = entry["pkg"]["name"].as_str().expect("a name");
            for (name, version, _) in installed.iter().filter(|(_, _, o)| o == origin) {
                for (id, fixed) in &fixes(&entry["pkg"]["secfixes"]) {
                    expected.held += 1;
                    if *fixed != "0" && judges::apk_is_older(version, fixed) {
                        let row = [id, name.as_str(), "fixed", fixed].map(str::to_owned);
                        expected.rows.insert(row.into());
                    }
                }
            }
        }
    }
    expected
}

/// Name, version and origin from the lines `P:`, `V:` and `o:` of each paragraph.
fn installed(database: &str) -> Vec<(String, String, String)> {
    let paragraph = |text: &str| {
        let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        let name = field("P:")?;
        Some((name.to_owned(), field("V:")?.to_owned(), field("o:").unwrap_or(name).to_owned()))
    };
    database.split("\n\n").filter_map(paragraph).collect()
}

/// The version that fixes each vulnerability: the greatest of those that list it. An entry may
/// name one vulnerability several ways; its CVE counts.
fn fixes(secfixes: &Value) -> BTreeMap<&str, &str> {
    let mut fixes: BTreeMap<&str, &str> = BTreeMap::new();
    for (version, entries) in secfixes.as_object().into_iter().flatten() {
        for entry in entries.as_array().into_iter().flatten() {
            let text = entry.as_str().expect("an entry is text");
            let names: Vec<&str> = text.split_whitespace().collect();
            let cves: Vec<&str> =
                names.iter().copied().filter(|name| name.starts_with("CVE-")).collect();
            let ids = if cves.is_empty() { names.into_iter().take(1).collect() } else { cves };
            for id in ids {
                let known = fixes.entry(id).or_insert(version);
                if *known == "0" || (version != "0" && judges::apk_is_older(known, version)) {
                    *known = version;
                }
            }
        }
    }
    fixes
}
