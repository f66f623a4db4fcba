//! YAML documents of feeds, which are whole in memory: their length and the number of their nodes
//! are bounded, and what is wrong with them is said in one line.

use serde::de::DeserializeOwned;

use crate::FeedError;

/// Nodes of one document. Alpine's longest database has some 60,000.
const NODES_LIMIT: usize = 1 << 20;

/// Reads one document. A key that stands twice is left to the type to judge.
pub(crate) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FeedError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 2 * NODES_LIMIT, max_nodes: NODES_LIMIT },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        // A snippet of a hostile document is hostile, and no line.
        with_snippet: false,
    };
    serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| {
        let error = error.to_string();
        FeedError::Yaml(error.lines().next().unwrap_or_default().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_one_clean_line() {
        let cases = [
            format!("a: {}", "[".repeat(1900)),
            "a: \u{1}\n\tb: [\n".to_owned(),
            "a: [1, 2\nb: 3\n".to_owned(),
            format!("- {}", "[]\n- ".repeat(NODES_LIMIT)),
        ];
        for case in cases {
            let error = document::<serde_json::Value>(case.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("not the YAML this feed serves: "), "{error}");
            assert!(!error.contains(['\n', '\u{fffd}', '|']) && error.len() < 200, "{error}");
        }
    }
}
