//! The word that somebody probably meant.

/// Words further from what was written than this many edits were not meant.
const EDITS_MAX: usize = 3;

/// The nearest of the words, if one is near.
pub(crate) fn nearest<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = EDITS_MAX.min(written.chars().count().div_ceil(2));
    let near = words.into_iter().map(|word| (strsim::damerau_levenshtein(written, word), word));
    near.filter(|(edits, _)| *edits <= limit).min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// ``did you mean `word`?``, or which words there are.
pub(crate) fn hint<'a>(written: &str, words: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(written, words.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("there are {}", words.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_meant() {
        let words = ["severity", "status", "epss"];
        assert_eq!(nearest("severty", words), Some("severity"));
        assert_eq!(nearest("eps", words), Some("epss"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(hint("colour", words), "there are severity, status, epss");
    }
}
