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

/// Every instruction, in order.
pub(super) fn instructions(text: &str) -> Vec<Instruction> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape(text);
    let mut instructions = Vec::new();
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
        if matches!(name.as_str(), "RUN" | "COPY" | "ADD") {
            for end in documents(&text) {
                let body = lines.by_ref().map(|(_, line)| line);
                let body: Vec<&str> = body.take_while(|line| line.trim() != end).collect();
                if name == "RUN" {
                    text.push('\n');
                    text.push_str(&body.join("\n"));
                }
            }
        }
        instructions.push(Instruction { line: number, name, text });
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

/// The words that end the here-documents of a line, in their order.
fn documents(text: &str) -> Vec<String> {
    let mut ends = Vec::new();
    for (at, _) in text.match_indices("<<") {
        let rest = text.get(at.saturating_add(2)..).unwrap_or_default();
        let before = text.get(..at).unwrap_or_default();
        // `<<<` hands over a word and not lines.
        if rest.starts_with('<') || before.ends_with('<') {
            continue;
        }
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let rest = rest.trim_start_matches(['"', '\'']);
        let fits = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let word: String = rest.chars().take_while(fits).collect();
        if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            ends.push(word);
        }
    }
    ends
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
            ("COPY <<-'X' /a\ns\nX\nUSER c", &[(1, "COPY", "<<-'X' /a"), (4, "USER", "c")]),
            ("RUN cat <<< a\nUSER b", &[(1, "RUN", "cat <<< a"), (2, "USER", "b")]),
            ("RUN <<EOF\nnever ended", &[(1, "RUN", "<<EOF\nnever ended")]),
            ("RUN a \\", &[(1, "RUN", "a")]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let found = instructions(text);
            let found: Vec<(u32, &str, String)> =
                found.iter().map(|it| (it.line, &*it.name, it.text.trim().to_owned())).collect();
            let expected: Vec<(u32, &str, String)> = expected
                .iter()
                .map(|(line, name, text)| (*line, *name, (*text).to_owned()))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
