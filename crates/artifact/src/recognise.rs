//! What a tar is: an archive of images, or a root file system by itself. Its members tell, all of
//! them; what comes first is for whoever wrote it to choose, and may be there to deceive.
//!
//! Names alone tell nothing: a web application has a `manifest.json` or an `index.json` too. So
//! the documents are looked into, and no stricter than those who load images from archives do it
//! (Go's JSON: any case, the last of equal names, whatever follows the value). It must never take
//! for a file system what one of them would take for an image.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::archive::{Archive, open_file, sniff_at, unreadable};
use crate::decompress::{Compression, Decoder};
use crate::error::OpenErrorKind;
use crate::input::{FileRange, Input, Stream};
use crate::limits::MANIFEST_BYTES_MAX;
use crate::tar::{Next, Tar};
use crate::{OpenError, Options, path};

/// Members at the beginning of a compressed archive that say whether it is worth decompressing all
/// of it to find out what it is.
const TELLING_MEMBERS: usize = 16;

/// The content of these members: beyond that it is as well to go through to the end.
const TELLING_BYTES: u64 = 16 << 20;

/// The documents at the root of an archive that lead to its images.
const DOCUMENTS: [&str; 2] = ["manifest.json", "index.json"];

/// What an archive is.
pub(crate) enum Carries {
    /// Images, by Docker's `manifest.json`, or by nothing that could be read.
    Docker(Archive),
    /// Images, by an OCI layout.
    Oci(Archive),
    /// A root file system. Only its beginning was looked at if `unsure`.
    FileSystem { unsure: bool },
}

/// What the first members of an archive are like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Image,
    FileSystem,
    Unknown,
}

/// Looks at the archive at `path`, which the user calls `name`. Fails if it is no tar.
pub(crate) fn look(path: &Path, name: &str, options: &Options) -> Result<Carries, OpenError> {
    let (compression, beginning) = begin(path, name)?;
    if compression != Compression::None && beginning == Beginning::FileSystem {
        // To read all of it twice is too much for what is almost always a root file system. Should
        // it be an image all the same, that is noticed where it is read.
        return Ok(Carries::FileSystem { unsure: true });
    }
    let archive = Archive::list(path, name, options)?;
    let documents = Documents::of(&archive)?;
    if documents.docker {
        return archive.complete().map(Carries::Docker);
    }
    if documents.oci {
        return archive.complete().map(Carries::Oci);
    }
    // Cut off, or of a kind that is not supported: what is missing is said by whoever reads it.
    let is_remnant = archive.paths().next().is_some() && archive.paths().all(is_of_image);
    Ok(match is_remnant {
        true if !archive.contains(DOCUMENTS[0]) && archive.contains(DOCUMENTS[1]) => {
            Carries::Oci(archive)
        }
        true => Carries::Docker(archive),
        false => Carries::FileSystem { unsure: false },
    })
}

/// Which documents of an archive lead to images.
struct Documents {
    docker: bool,
    oci: bool,
}

impl Documents {
    fn of(archive: &Archive) -> Result<Self, OpenError> {
        let [manifest, index] = DOCUMENTS;
        let docker = match archive.beginning_of(manifest, MANIFEST_BYTES_MAX)? {
            Some(bytes) => lists_images(&bytes),
            // A member that is not read, and might be one.
            None => archive.is_unread(manifest),
        };
        let oci = match archive.beginning_of(index, MANIFEST_BYTES_MAX)? {
            Some(bytes) => is_index(&bytes, archive.contains("oci-layout")),
            None => archive.is_unread(index),
        };
        Ok(Self { docker, oci })
    }
}

/// How an archive is compressed, and what its first members are like.
fn begin(path: &Path, name: &str) -> Result<(Compression, Beginning), OpenError> {
    let failed = |error| unreadable(name, error);
    let file = Arc::new(open_file(path, name)?);
    let compression = sniff_at(&file, 0).map_err(failed)?;
    let mut range = FileRange::new(file, 0, u64::MAX).map_err(failed)?;
    let beginning = if compression == Compression::None {
        beginning(&mut range, name)
    } else {
        beginning(&mut Stream(Decoder::new(range, compression).map_err(failed)?), name)
    };
    Ok((compression, beginning?))
}

fn beginning(input: &mut dyn Input, name: &str) -> Result<Beginning, OpenError> {
    let no_tar = || {
        let message = format!("`{name}` is not an image, nor a tar of a root file system");
        OpenError::new(OpenErrorKind::NotAnImage, message)
    };
    let mut tar = Tar::new(input);
    let mut beginning = Beginning::Unknown;
    for number in 0..TELLING_MEMBERS {
        match tar.next() {
            Ok(Next::Member(member)) => {
                match path::normalize(&member.path) {
                    Ok(path) if is_of_image(&path) => return Ok(Beginning::Image),
                    Ok(path) if is_of_file_system(&path) => beginning = Beginning::FileSystem,
                    _ => {}
                }
                if tar.position().saturating_add(tar.stored()) > TELLING_BYTES {
                    break;
                }
            }
            Ok(Next::Cut) if number == 0 => return Err(no_tar()),
            Err(fault) if number == 0 => return Err(no_tar().because(fault)),
            _ => break,
        }
    }
    Ok(beginning)
}

/// Whether a member stands in archives of images, and mostly not at the root of a file system.
fn is_of_image(path: &str) -> bool {
    let top = path.split('/').next().unwrap_or_default();
    let name = top.split('.').next().unwrap_or_default();
    let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id
        || ["manifest.json", "index.json", "oci-layout", "repositories"].contains(&path)
        || path.starts_with("blobs/sha256")
        || path.starts_with("blobs/sha512")
}

/// Whether a member stands where root file systems have theirs (FHS 3.0, and what Docker's
/// containers have besides).
fn is_of_file_system(path: &str) -> bool {
    const TOPS: [&str; 19] = [
        ".dockerenv",
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "media",
        "mnt",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "srv",
        "sys",
        "usr",
        "var",
    ];
    TOPS.contains(&path.split('/').next().unwrap_or_default())
}

/// Whether something of that name can lead to images.
pub(crate) fn is_document(path: &str) -> bool {
    DOCUMENTS.contains(&path)
}

/// Whether a document of that name leads to images, in an archive that was not looked through.
pub(crate) fn leads_to_images(path: &str, bytes: &[u8]) -> bool {
    let most = usize::try_from(MANIFEST_BYTES_MAX).unwrap_or(usize::MAX);
    let bytes = bytes.get(..most).unwrap_or(bytes);
    if path == DOCUMENTS[0] { lists_images(bytes) } else { is_index(bytes, false) }
}

/// Whether these are the first bytes of a `manifest.json` of Docker's: an array whose first item
/// has a configuration. What begins so and does not parse might be one.
pub(crate) fn lists_images(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let begins = text.trim_ascii_start().strip_prefix('[').map(str::trim_ascii_start);
    if !begins.is_some_and(|rest| rest.starts_with('{')) {
        return false;
    }
    let mut seen = Seen::default();
    let parsed = Look { place: Place::List("config"), seen: &mut seen }.at(&text);
    seen.item || parsed.is_err()
}

/// Whether these are the first bytes of an OCI index: an object with a list of manifests, the first
/// of which has a digest, if no `oci-layout` beside it says what it is.
pub(crate) fn is_index(bytes: &[u8], has_layout: bool) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if !text.trim_ascii_start().starts_with('{') {
        return false;
    }
    let mut seen = Seen::default();
    let parsed = Look { place: Place::Index, seen: &mut seen }.at(&text);
    (seen.list && has_layout) || seen.item || parsed.is_err()
}

/// What was seen in a document, as far as it parses.
#[derive(Default)]
struct Seen {
    /// The list is there.
    list: bool,
    /// Its first item has the member that tells.
    item: bool,
}

/// Where in a document.
#[derive(Clone, Copy)]
enum Place {
    Index,
    /// A list of objects, which have this member.
    List(&'static str),
    Item(&'static str),
}

/// Looks at a value without taking it into memory.
struct Look<'s> {
    place: Place,
    seen: &'s mut Seen,
}

impl Look<'_> {
    fn at(self, text: &str) -> serde_json::Result<()> {
        self.deserialize(&mut serde_json::Deserializer::from_str(text))
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { place, seen } = self;
        while let Some(key) = map.next_key::<String>()? {
            match place {
                Place::Index if is_called(&key, "manifests") => {
                    map.next_value_seed(Look { place: Place::List("digest"), seen: &mut *seen })?;
                    continue;
                }
                Place::Item(name) => seen.item |= is_called(&key, name),
                _ => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { place, seen } = self;
        if let Place::List(name) = place {
            seen.list = true;
            let item = Look { place: Place::Item(name), seen };
            if list.next_element_seed(item)?.is_none() {
                return Ok(());
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _value: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whether Go takes a member's key for this name: it folds letters, of which two are not ASCII.
fn is_called(key: &str, name: &str) -> bool {
    key.replace('\u{17f}', "s").replace('\u{212a}', "k").eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_those_of_web_applications() {
        let deep = format!(r#"[{{"x":{}"#, "[".repeat(1000));
        let cases: [(&str, bool); 14] = [
            (r#"[{"Config":"a.json","RepoTags":null,"Layers":["a.tar"]}]"#, true),
            (" \n[ {\"x\":[{}],\"config\":1}] and more", true),
            (r#"[{"\u0043onfig":"a"}]"#, true),
            (r#"[{"Config":"cut off"#, true),
            (r#"[{"x":1,}]"#, true),
            (&deep, true),
            (r#"[{"\ud800":1,"Config":"a"}]"#, true),
            ("[]", false),
            ("[1,2]", false),
            (r#"[{"src":"icon.png"},{"Config":"a"}]"#, false),
            (r#"{"name":"pwa","icons":[{"config":1}]}"#, false),
            (r#"{"Config":"a"}"#, false),
            ("<html>", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(lists_images(text.as_bytes()), expected, "{text}");
        }
        assert!(lists_images(b"[{\"x\":\"\xff\",\"Config\":1}]"));
    }

    #[test]
    fn an_index_lists_manifests() {
        let cases = [
            (
                r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:0"}]}"#,
                true,
                true,
            ),
            (r#"{"MANIFEST\u017f":[{"Digest":"sha256:0"}]}"#, true, true),
            (r#"{"schemaVersion":2,"manifests":[]}"#, false, true),
            (r#"{"manifests":["a.webmanifest"]}"#, false, true),
            (r#"{"manifests":{"digest":"x"}}"#, false, false),
            (r#"{"name":"pwa","list":[{"digest":"x"}]}"#, false, false),
            ("{", true, true),
            ("[]", false, false),
            ("", false, false),
        ];
        for (text, alone, with_layout) in cases {
            let found = [false, true].map(|layout| is_index(text.as_bytes(), layout));
            assert_eq!(found, [alone, with_layout], "{text}");
        }
    }
}
