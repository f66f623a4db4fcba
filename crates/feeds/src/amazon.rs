//! Amazon Linux Security Advisories (ALAS), as its repositories' updateinfo.
//!
//! A collection is one repository: the release's own (`amazon-linux-2`), or an extra topic
//! (`amazon-linux-2---kernel-5.15`), which becomes the track `kernel-5.15`, because topics carry
//! packages of the release in other version lines. Notices list fixed binaries only.

use crate::notice::Fix;
use crate::statements::Place;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{stream, updateinfo};

const FAMILY: &str = "amazon";
const ARCHITECTURES: [&str; 2] = ["aarch64", "x86_64"];
/// Repositories of Amazon Linux 2023 beside `core` that have notices of their own.
const REPOSITORIES_2023: [&str; 2] = ["core", "kernel-livepatch"];

/// The feed of `updateinfo.xml`.
pub(crate) struct Alas;

impl Feed for Alas {
    fn name(&self) -> &'static str {
        "amazon-alas"
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml
            && sample.contains("<updates")
            && sample.contains("linux-security@amazon.com")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let host = "https://cdn.amazonlinux.com";
        let each = |path: &dyn Fn(&str) -> String| ARCHITECTURES.iter().map(|a| path(a)).collect();
        match stream::release(stream, FAMILY) {
            Some("1") => vec![
                "http://repo.us-west-2.amazonaws.com/2018.03/updates/x86_64/mirror.list".to_owned(),
            ],
            Some("2") => {
                let mut urls: Vec<String> =
                    each(&|a| format!("{host}/2/core/latest/{a}/mirror.list"));
                urls.push(format!("{host}/2/extras-catalog.json"));
                urls
            }
            Some("2023") => REPOSITORIES_2023
                .iter()
                .flat_map(|r| -> Vec<String> {
                    each(&|a| format!("{host}/al2023/{r}/mirrors/latest/{a}/mirror.list"))
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        if let Some(root) = url.strip_suffix("extras-catalog.json") {
            return Some(topics(root, body));
        }
        if url.ends_with("/mirror.list") {
            return Some(mirror(body).into_iter().collect());
        }
        updateinfo::follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        updateinfo::read(document, &mut |update| {
            let mut notice = update.notice();
            for collection in update.collections() {
                let Some((stream, track)) = repository(collection.short()) else {
                    sink.passed_over(&format!("repositories named `{}`", collection.short()));
                    continue;
                };
                for package in collection.packages() {
                    let place =
                        Place { track: track.clone(), ..Place::binary(&stream, package.name) };
                    notice.fixes.push(Fix::new(place, package.version, package.architecture));
                }
            }
            notice.put(sink);
        })
    }
}

/// The stream and track of a repository by its short name. `amazon-linux-ami` is the first Amazon
/// Linux; `amazon-linux-2022` was the preview of 2023.
fn repository(short: &str) -> Option<(String, Option<String>)> {
    let name = short.strip_prefix("amazon-linux-")?;
    let (release, topic) = match name.split_once("---") {
        Some((release, topic)) => (release, Some(topic.to_owned())),
        None => (name, None),
    };
    let release = match release {
        "ami" => "1",
        "2" | "2022" | "2023" => release,
        _ => return None,
    };
    Some((format!("{FAMILY}-{release}"), topic))
}

/// The mirror lists of all topics that Amazon Linux 2 has.
fn topics(root: &str, body: &[u8]) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Topic {
        n: String,
    }
    let mut names = Vec::new();
    // A cut-off catalog still names the topics before the cut.
    let document = Document::new(root, body);
    let _cut = crate::json::each_element(&document, "topics", &mut |topic| {
        let plain =
            |name: &String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        names.extend(topic.read().map(|topic: Topic| topic.n).ok().filter(plain));
    });
    let lists = names.iter().flat_map(|n| ARCHITECTURES.iter().map(move |a| (n, a)));
    lists.map(|(name, a)| format!("{root}extras/{name}/latest/{a}/mirror.list")).collect()
}

/// The index of the first mirror listed.
fn mirror(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let root = text.lines().map(str::trim).find(|line| line.starts_with("https://"))?;
    Some(format!("{}/repodata/repomd.xml", root.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_give_stream_and_track() {
        let cases = [
            ("amazon-linux-ami", Some("amazon-1 ")),
            ("amazon-linux-2", Some("amazon-2 ")),
            ("amazon-linux-2---kernel-5.15", Some("amazon-2 kernel-5.15")),
            ("amazon-linux-2023---nvidia", Some("amazon-2023 nvidia")),
            ("amazon-linux-9", None),
            ("fedora", None),
        ];
        for (short, expected) in cases {
            let found = repository(short).map(|(s, t)| format!("{s} {}", t.unwrap_or_default()));
            assert_eq!(found.as_deref(), expected, "{short}");
        }
    }

    #[test]
    fn pointers_lead_from_catalog_to_errata() {
        let follow = |url: &str, body: &[u8]| Alas.follow(url, body).unwrap();
        let catalog = br#"{"topics": [{"n": "docker", "inst": []}, {"n": "../x"}, {"n": 1}]}"#;
        let lists = follow("https://h/2/extras-catalog.json", catalog);
        let list = "https://h/2/extras/docker/latest/aarch64/mirror.list";
        assert_eq!((lists.len(), lists[0].as_str()), (2, list));
        let index = follow(list, b"\nhttps://h/2/extras/docker/1.0/\nhttps://i/\n");
        assert_eq!(index, ["https://h/2/extras/docker/1.0/repodata/repomd.xml"]);
        assert!(follow(list, b"ftp://h").is_empty());
    }
}
