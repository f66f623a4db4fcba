//! A path in the journal: a text, or its bytes where it is none.
//!
//! Whoever brings a file names it as he likes. A name that could not be written down would keep the file from
//! being put away.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(PathBuf),
    Bytes(Vec<u8>),
}

pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => serializer.serialize_str(text),
        None => path.as_os_str().as_bytes().serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<PathBuf, D::Error> {
    Ok(match Written::deserialize(source)? {
        Written::Text(path) => path,
        Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line(#[serde(with = "super")] PathBuf);

    #[test]
    fn any_path_comes_back() {
        for (path, written) in [
            (&b"/tmp/a b"[..], r#""/tmp/a b""#),
            ("/tmp/é".as_bytes(), r#""/tmp/é""#),
            (b"/\xff", "[47,255]"),
        ] {
            let line = Line(OsString::from_vec(path.to_vec()).into());
            assert_eq!(serde_json::to_string(&line).unwrap(), written);
            assert_eq!(serde_json::from_str::<Line>(written).unwrap(), line);
        }
    }
}
