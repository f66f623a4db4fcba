//! Lists: texts with a name, which other entries put in the place of their own (`list:partners`).
//!
//! What the texts mean is for whoever names the list to say: domains and networks as destinations,
//! patterns as paths or images. A list may bring a file of lines; reading it is not done here.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::ReadList;
use super::check::Word;
use crate::error::PolicyError;

/// The largest file of a list: a hundred thousand domains.
const FILE_BYTES_MAX: usize = 4 << 20;
/// A line of a file that is longer is none of a list: no path, domain or name is.
const LINE_BYTES_MAX: usize = 4_096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFile {
    pub(super) id: Spanned<String>,
    #[serde(default)]
    items: Vec<Spanned<String>>,
    /// One text a line; what follows `#` is a comment.
    file: Option<Spanned<String>>,
}

/// The texts of a list, those of the file last.
pub(super) fn words(
    list: &ListFile,
    read: ReadList<'_>,
    errors: &mut Vec<PolicyError>,
) -> Vec<Word> {
    let mut words: Vec<Word> = list.items.iter().map(Word::new).collect();
    let Some(file) = &list.file else {
        if words.is_empty() {
            let message = format!("the list `{}` has neither `items` nor a `file`", list.id.value);
            errors.push(PolicyError::at(&list.id, message));
        }
        return words;
    };
    match read(&file.value) {
        Err(why) => errors.push(PolicyError::at(file, why)),
        Ok(text) if text.len() > FILE_BYTES_MAX => {
            let message = format!("`{}` has more than {} MiB", file.value, FILE_BYTES_MAX >> 20);
            errors.push(PolicyError::at(file, message));
        }
        Ok(text) => {
            for (number, line) in text.lines().enumerate() {
                let item = line.split_once('#').map_or(line, |(item, _)| item).trim();
                if item.len() > LINE_BYTES_MAX {
                    let message = format!("more than {LINE_BYTES_MAX} bytes");
                    errors.push(Word::of_file("", file, number + 1).mistake(message));
                } else if !item.is_empty() {
                    words.push(Word::of_file(item, file, number + 1));
                }
            }
        }
    }
    words
}
