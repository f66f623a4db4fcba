//! Terms of Elixir and Erlang as lock files write them: texts, words, and groups of them.
//!
//! Which bracket encloses a group, and what separates its members, tells nothing that their order
//! does not, so one reader serves both languages. `%{"a": {:hex, :a, "1.0"}}` and
//! `[{<<"a">>,{pkg,<<"a">>,<<"1.0">>},0}].` are such terms.

/// Groups within groups. Lock files nest six deep.
const DEPTH_MAX: usize = 32;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Term<'a> {
    /// In quotes; an escaped character keeps its backslash.
    Text(&'a str),
    /// An atom or a number.
    Word(&'a str),
    Group(Vec<Self>),
}

impl<'a> Term<'a> {
    /// The text or word.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self {
            Self::Text(name) | Self::Word(name) => Some(name),
            Self::Group(_) => None,
        }
    }

    pub(super) fn group(&self) -> Option<&[Self]> {
        match self {
            Self::Group(terms) => Some(terms),
            _ => None,
        }
    }
}

/// The terms, and what is wrong with them: after damage those are left that were read before.
pub(super) fn parse(text: &str) -> (Vec<Term<'_>>, Option<&'static str>) {
    let mut error = None;
    let mut open: Vec<Vec<Term<'_>>> = Vec::new();
    let mut terms = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '"' | '\'' => match quoted(rest, character) {
                Some((term, length)) => {
                    terms.push(term);
                    length
                }
                None => {
                    error = Some("a text has no end");
                    break;
                }
            },
            '{' | '[' if open.len() >= DEPTH_MAX => {
                error = Some("terms nest too deep");
                break;
            }
            '{' | '[' => {
                open.push(std::mem::take(&mut terms));
                1
            }
            '}' | ']' => match open.pop() {
                Some(above) => {
                    let group = std::mem::replace(&mut terms, above);
                    terms.push(Term::Group(group));
                    1
                }
                None => {
                    error = Some("a bracket closes that did not open");
                    break;
                }
            },
            // A map; a comment otherwise, of Erlang or of Elixir.
            '%' | '#' if !rest.get(1..).is_some_and(|rest| rest.starts_with('{')) => {
                rest.find('\n').unwrap_or(rest.len())
            }
            character if is_word(character) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                terms.extend(rest.get(..length).map(Term::Word));
                length
            }
            separator => separator.len_utf8(),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    if error.is_none() && !open.is_empty() {
        error = Some("it ends too early");
    }
    while let Some(above) = open.pop() {
        let group = std::mem::replace(&mut terms, above);
        terms.push(Term::Group(group));
    }
    (terms, error)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '@')
}

/// What stands between quotes at the beginning, and the length with them.
fn quoted(text: &str, quote: char) -> Option<(Term<'_>, usize)> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == quote {
            let inner = text.get(1..at)?;
            let term = if quote == '"' { Term::Text(inner) } else { Term::Word(inner) };
            return Some((term, at.saturating_add(1)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Term::{Group, Text, Word};
    use super::*;

    #[test]
    fn both_languages_read_alike() {
        for text in ["%{\"a\": {:hex, \"1.0\"},\n} # end", "{<<\"a\">>,['hex',<<\"1.0\">>]}. % end"]
        {
            let expected = vec![Group(vec![Text("a"), Group(vec![Word("hex"), Text("1.0")])])];
            assert_eq!(parse(text), (expected, None), "{text}");
        }
    }

    #[test]
    fn what_stands_before_damage_is_kept() {
        let kept = vec![Group(vec![Text("a")])];
        assert_eq!(parse("{\"a\", \"b"), (kept, Some("a text has no end")));
        assert_eq!(parse("a}"), (vec![Word("a")], Some("a bracket closes that did not open")));
        assert_eq!(parse("{"), (vec![Group(vec![])], Some("it ends too early")));
        assert!(parse(&"[".repeat(100_000)).1.is_some());
    }
}
