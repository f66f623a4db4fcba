//! The lines of a Dockerfile, joined to instructions: escapes, comments, here-documents.

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Where it begins, from 1.
    pub(super) line: u32,
    /// In capitals.
    pub(super) name: String,
    /// What follows the name, on one line but for the scripts of here-documents.
    pub(super) text: String,
}

/// The instructions of a file.
#[derive(Debug, Default)]
pub(super) struct Instructions {
    /// In order.
    pub(super) all: Vec<Instruction>,
    /// The line of a here-document that never ends, and the word that would end it. BuildKit refuses
    /// the file; others know no here-documents, so what follows is read as they read it.
    pub(super) unended: Option<(u32, String)>,
}

/// Every instruction.
pub(super) fn instructions(text: &str) -> Instructions {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape(text);
    let mut instructions = Instructions::default();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if is_blank(line) {
            continue;
        }
        let mut joined = line.trim().to_owned();
        while let Some(kept) = joined.strip_suffix(escape) {
            joined.truncate(kept.len());
            // Blank lines and comments within an instruction are no part of it.
            let Some((_, more)) = lines.by_ref().find(|(_, more)| !is_blank(more)) else { break };
            joined.push(' ');
            joined.push_str(more.trim());
        }
        let (name, rest) = joined.split_once(char::is_whitespace).unwrap_or((&joined, ""));
        let name = name.to_ascii_uppercase();
        let mut text = rest.trim().to_owned();
        // One look to the end of the file: no later one, however many there are.
        let takes = takes_documents(&name, &text) && instructions.unended.is_none();
        let found = if takes { documents(&text) } else { Vec::new() };
        for document in found {
            let mut behind = lines.clone();
            let body = behind.by_ref().map(|(_, line)| line);
            let Some(body) = document.body(body) else {
                instructions.unended = Some((number, document.end));
                break;
            };
            lines = behind;
            text.push('\n');
            text.push_str(&body.join("\n"));
        }
        instructions.all.push(Instruction { line: number, name, text });
    }
    instructions
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// What joins lines: a backslash, unless a comment at the very top says otherwise.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let values = directives.map_while(|line| line.split_once('='));
    let named = |(name, _): &(&str, &str)| name.trim().eq_ignore_ascii_case("escape");
    let value = values.into_iter().find(named).map(|(_, value)| value.trim());
    if value == Some("`") { '`' } else { '\\' }
}

/// Whether BuildKit looks for here-documents in an instruction: in these three, also behind
/// `ONBUILD`, and not in the form in brackets.
fn takes_documents(name: &str, text: &str) -> bool {
    let (name, text) = match name {
        "ONBUILD" => text.split_once(char::is_whitespace).unwrap_or((text, "")),
        _ => (name, text),
    };
    let is_one = ["RUN", "COPY", "ADD"].iter().any(|it| it.eq_ignore_ascii_case(name));
    let is_list = || {
        let operand = text.split_whitespace().find(|word| !word.starts_with("--"));
        operand.is_some_and(|word| word.starts_with('[')) && text.trim_end().ends_with(']')
    };
    is_one && text.contains("<<") && !is_list()
}

/// A here-document, as its line announces it.
struct Document {
    /// The line that ends it.
    end: String,
    /// `<<-`: tabs may stand before the line that ends it.
    is_indented: bool,
}

impl Document {
    /// The lines up to the one that ends it; None if there is none.
    fn body<'t>(&self, lines: impl Iterator<Item = &'t str>) -> Option<Vec<&'t str>> {
        let mut body = Vec::new();
        for line in lines {
            let shown = if self.is_indented { line.trim_start_matches('\t') } else { line };
            if shown == self.end {
                return Some(body);
            }
            body.push(line);
        }
        None
    }
}

/// The here-documents of a line, in their order: words of the form `<<END`, `<<-END`, `3<<"END"`
/// (BuildKit's `ParseHeredoc`). `cat<<END`, or one in quotes, is none to a builder.
fn documents(text: &str) -> Vec<Document> {
    let document = |word: &str| {
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
        let (rest, is_indented) = rest.strip_prefix('-').map_or((rest, false), |it| (it, true));
        // `<<<` hands over a word and not lines.
        let fits = !rest.is_empty() && !rest.contains('<');
        fits.then(|| Document { end: unquoted(rest), is_indented })
    };
    words(text).into_iter().filter_map(document).filter(|it| !it.end.is_empty()).collect()
}

/// The words of a line, quotes and escapes left in them; none where a quote is never closed, as
/// BuildKit has it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begin = None;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (None, _) if character.is_whitespace() => {
                words.extend(begin.take().and_then(|begin| text.get(begin..at)));
                continue;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => drop(characters.next()),
            _ => {}
        }
        begin.get_or_insert(at);
    }
    words.extend(begin.and_then(|begin| text.get(begin..)));
    if quote.is_some() { Vec::new() } else { words }
}

/// A word without its quotes and escapes.
fn unquoted(word: &str) -> String {
    let mut text = String::new();
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\'' => {}
            '\\' => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_lines() {
        type Lines<'a> = &'a [(u32, &'a str, &'a str)];
        let cases: &[(&str, Lines<'_>)] = &[
            ("from a\nRUN b", &[(1, "FROM", "a"), (2, "RUN", "b")]),
            ("RUN a \\\n  # no\n\n  b\nUSER c", &[(1, "RUN", "a  b"), (5, "USER", "c")]),
            ("# escape=`\nRUN a `\n b\\", &[(2, "RUN", "a  b\\")]),
            ("RUN <<EOF\na\nb\nEOF\nUSER c", &[(1, "RUN", "<<EOF\na\nb"), (5, "USER", "c")]),
            ("COPY <<-'X' /a\ns\nX\nUSER c", &[(1, "COPY", "<<-'X' /a\ns"), (4, "USER", "c")]),
            ("RUN cat <<< a\nUSER b", &[(1, "RUN", "cat <<< a"), (2, "USER", "b")]),
            ("RUN <<EOF\n  EOF\nEOF\nUSER c", &[(1, "RUN", "<<EOF\n  EOF"), (4, "USER", "c")]),
            ("RUN <<-EOF\na\n\tEOF\nUSER c", &[(1, "RUN", "<<-EOF\na"), (4, "USER", "c")]),
            ("RUN 3<<A <<B\na\nA\nb\nB", &[(1, "RUN", "3<<A <<B\na\nb")]),
            (
                "ONBUILD RUN <<EOF\na\nEOF\nUSER c",
                &[(1, "ONBUILD", "RUN <<EOF\na"), (4, "USER", "c")],
            ),
            // To a builder these are none.
            ("RUN sed s/<<A>>/b/ c\nUSER c", &[(1, "RUN", "sed s/<<A>>/b/ c"), (2, "USER", "c")]),
            ("RUN sed \"s/<<A/b/\"\nUSER c", &[(1, "RUN", "sed \"s/<<A/b/\""), (2, "USER", "c")]),
            ("RUN echo '<<A'\nUSER c", &[(1, "RUN", "echo '<<A'"), (2, "USER", "c")]),
            ("RUN a ' <<A '\nUSER c", &[(1, "RUN", "a ' <<A '"), (2, "USER", "c")]),
            ("RUN cat<<A\nUSER c", &[(1, "RUN", "cat<<A"), (2, "USER", "c")]),
            ("RUN echo $((1<<A))\nUSER c", &[(1, "RUN", "echo $((1<<A))"), (2, "USER", "c")]),
            ("RUN it's <<A\nUSER c", &[(1, "RUN", "it's <<A"), (2, "USER", "c")]),
            ("RUN [\"a\", \"<<A\"]\nUSER c", &[(1, "RUN", "[\"a\", \"<<A\"]"), (2, "USER", "c")]),
            ("CMD cat <<A\nUSER c", &[(1, "CMD", "cat <<A"), (2, "USER", "c")]),
            // Never ended: nothing is swallowed.
            ("RUN <<EOF\nUSER c", &[(1, "RUN", "<<EOF"), (2, "USER", "c")]),
            ("RUN a \\", &[(1, "RUN", "a")]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let found = instructions(text);
            let found: Vec<(u32, &str, String)> = found
                .all
                .iter()
                .map(|it| (it.line, &*it.name, it.text.trim().to_owned()))
                .collect();
            let expected: Vec<(u32, &str, String)> = expected
                .iter()
                .map(|(line, name, text)| (*line, *name, (*text).to_owned()))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_never_ends_is_told() {
        for (text, expected) in [
            ("FROM a\nRUN cat <<-EOF\nb", Some((2, "EOF"))),
            ("RUN <<A\nRUN <<B\nB", Some((1, "A"))),
            ("RUN <<EOF\nEOF", None),
            ("RUN sed s/<<A>>/b/ c", None),
        ] {
            let unended = instructions(text).unended;
            let unended = unended.as_ref().map(|(line, end)| (*line, &**end));
            assert_eq!(unended, expected, "{text}");
        }
    }
}
