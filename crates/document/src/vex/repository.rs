//! The index of a VEX repository: which documents it holds, and where.

use serde::Deserialize;

#[derive(Deserialize)]
struct Index {
    packages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    location: String,
}

/// Where the documents lie that an `index.json` lists, relative to it, sorted; None if it is no
/// index. What would lead out of the repository is left out.
pub fn locations(bytes: &[u8]) -> Option<Vec<String>> {
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let is_inside = |location: &String| {
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        location.split('/').all(is_plain) && !location.contains('\\')
    };
    let mut all: Vec<String> = index.packages.into_iter().map(|it| it.location).collect();
    all.retain(is_inside);
    all.sort();
    all.dedup();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out() {
        let index = |location: &str| {
            locations(format!(r#"{{"packages": [{{"location": "{location}"}}]}}"#).as_bytes())
        };
        assert_eq!(index("pkg/npm/a/vex.json"), Some(vec!["pkg/npm/a/vex.json".to_owned()]));
        for outside in ["../a", "/etc/passwd", "a/../../b", "a//b", "", "."] {
            assert_eq!(index(outside), Some(Vec::new()), "{outside}");
        }
        assert_eq!(locations(b"{}"), None);
    }
}
