//! The word that somebody probably meant.

/// Words further from what was written than this many edits were not meant.
const EDITS_MAX: usize = 3;

/// Longer words are compared with nothing: the comparison takes the product of both lengths.
const WORD_BYTES_MAX: usize = 128;

/// The nearest of the words, if one is near.
pub(crate) fn nearest<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if written.len() > WORD_BYTES_MAX {
        return None;
    }
    let length = written.chars().count();
    let limit = EDITS_MAX.min(length.div_ceil(3));
    // What differs more in length than that differs in more than that.
    let near = words.into_iter().filter(|word| {
        word.len() <= WORD_BYTES_MAX && word.chars().count().abs_diff(length) <= limit
    });
    let near = near.map(|word| (strsim::damerau_levenshtein(written, word), word));
    near.filter(|(edits, _)| *edits <= limit).min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// ``did you mean `word`?``, where one is near.
pub fn hint<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, words).map(|word| format!("did you mean `{word}`?"))
}
