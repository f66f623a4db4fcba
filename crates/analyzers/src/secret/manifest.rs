//! Secrets in Secrets of Kubernetes, whose values are in Base64: `data: {password: aHVu…}`.
//!
//! Each value is decoded and searched under its name, and found at its line. What is found in the
//! text itself at that line is the same once more, guessed from the name of the field.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use regex::bytes::Regex;

use super::{FINDER, HITS_MAX, Hit, Missing};

/// Bytes of values that are decoded, of one file: etcd takes no larger Secret, and a file has few.
const ENCODED_BYTES_MAX: usize = 8 << 20;

static KIND: LazyLock<Regex> = LazyLock::new(|| {
    let kind = r#"["']?kind["']?\s*:\s*["']?Secret["']?\s*(?:[,}#\n]|$)"#;
    Regex::new(kind).expect("a test compiles it")
});

static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"["']?(?<name>[A-Za-z0-9_.-]{1,253})["']?[ \t]*:\s*["']?(?<value>[A-Za-z0-9+/]{8,}={0,2})["']?[ \t\r]*(?:[,}#\n]|$)"#;
    Regex::new(value).expect("a test compiles it")
});

/// Puts what the values of Secrets hold in the place of what was found at their lines; says what was
/// not looked at.
pub(super) fn add(text: &[u8], hits: &mut Vec<Hit>) -> Option<Missing> {
    // Most files are no such thing, and this is the fastest way to know.
    memmem::find(text, b"Secret")?;
    if !KIND.is_match(text) {
        return None;
    }
    let mut missing = None;
    let mut room = ENCODED_BYTES_MAX;
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1_u32);
    for captures in VALUE.captures_iter(text) {
        let (Some(name), Some(value)) = (captures.name("name"), captures.name("value")) else {
            continue;
        };
        let passed = text.get(at..value.start()).unwrap_or_default();
        let count = memchr::memchr_iter(b'\n', passed).count();
        line = line.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        at = value.start();
        let Some(rest) = room.checked_sub(value.len()) else {
            missing = Some(Missing::Effort);
            break;
        };
        room = rest;
        let decoded = STANDARD.decode(value.as_bytes()).ok();
        let Some(decoded) = decoded.and_then(|it| String::from_utf8(it).ok()) else { continue };
        let name = String::from_utf8_lossy(name.as_bytes());
        let (inner, more) = FINDER.find(&name, format!("{name}={decoded}").as_bytes());
        missing = missing.or(more);
        found.extend(inner.into_iter().map(|hit| Hit { line, range: value.range(), ..hit }));
        if found.len() > HITS_MAX {
            missing = Some(Missing::Secrets);
            break;
        }
    }
    let is_within = |hit: &Hit| {
        let near = found.partition_point(|inner| inner.range.end <= hit.range.start);
        found.get(near).is_some_and(|inner| inner.range.start < hit.range.end)
    };
    hits.retain(|hit| !is_within(hit));
    hits.append(&mut found);
    hits.sort_by_key(|hit| hit.range.start);
    if hits.len() > HITS_MAX {
        hits.truncate(HITS_MAX);
        missing = Some(Missing::Secrets);
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        STANDARD.encode(text.replace("{}", ""))
    }

    #[test]
    fn values_of_secrets_are_decoded() {
        let id = encoded("AK{}IAQ4VZ7MLDPWXN2RTB");
        let key = encoded("xlOqSx87wyhprrgWVFXo{}pXZTAMEj83sCzOpWMJfR");
        let login = encoded(r#"{"auths":{"r.io":{"auth":"Ym9iOlRx{}N3ZYOW1MdzJaaw=="}}}"#);
        let yaml = format!(
            "apiVersion: v1\nkind: Secret\ndata:\n  AWS_ACCESS_KEY_ID: {id}\n  AWS_SECRET_ACCESS_KEY: {key}\n  .dockerconfigjson: {login}\n"
        );
        let json = format!(r#"{{"kind":"Secret","data":{{"AWS_SECRET_ACCESS_KEY":"{key}"}}}}"#);
        let other = yaml.replace("kind: Secret", "kind: ConfigMap");
        let lines: &[(&str, u32)] =
            &[("aws-access-key-id", 4), ("aws-secret-access-key", 5), ("docker-auth", 6)];
        let cases: [(&str, &[(&str, u32)]); 2] =
            [(&yaml, lines), (&json, &[("aws-secret-access-key", 1)])];
        for (text, expected) in cases {
            let (mut hits, _) = FINDER.find("secret.yaml", text.as_bytes());
            assert_eq!(add(text.as_bytes(), &mut hits), None);
            let found: Vec<(&str, u32)> = hits.iter().map(|hit| (hit.kind, hit.line)).collect();
            assert_eq!(found, expected);
            assert!(hits.iter().all(|hit| !hit.excerpt.contains("xlOqS")));
        }
        let mut hits = Vec::new();
        assert_eq!(add(other.as_bytes(), &mut hits), None);
        assert!(hits.is_empty());
    }

    #[test]
    fn hostile_manifests_end() {
        let text = format!("kind: Secret\n{}", "a: QUtJQUFLSUE=\n".repeat(700_000));
        let mut hits = Vec::new();
        assert_eq!(add(text.as_bytes(), &mut hits), Some(Missing::Effort));
        assert!(hits.is_empty());
    }
}
