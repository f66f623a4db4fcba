//! Variables in Compose files: `${NAME:-default}` (compose-spec.io, "Interpolation").
//!
//! What the environment holds is not known here, so a default stands for its variable, as it does
//! where nobody sets it. What has none stays a reference, of the plain form `${NAME}`.

/// Defaults within defaults that are looked into; people write one.
const DEPTH_MAX: usize = 8;

/// The text with the defaults of its variables.
pub(super) fn with_defaults(text: &str) -> String {
    filled(text, DEPTH_MAX)
}

fn filled(text: &str, depth: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        shown.push_str(before);
        let Some((inside, behind)) = braced(after) else {
            shown.push_str("${");
            rest = after;
            continue;
        };
        // `$$` stands for a dollar of its own.
        let is_escaped = before.ends_with('$');
        match default(inside).filter(|_| !is_escaped).zip(depth.checked_sub(1)) {
            Some((default, depth)) => shown.push_str(&filled(default, depth)),
            None => shown.extend(["${", name(inside), "}"]),
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

/// What stands up to the brace that closes, and what follows it.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open = open.saturating_add(1),
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            let (inside, behind) = text.split_at_checked(at)?;
            return Some((inside, behind.strip_prefix('}')?));
        }
    }
    None
}

fn name(inside: &str) -> &str {
    inside.split([':', '-', '?', '+']).next().unwrap_or_default()
}

/// What stands for a variable that is not set; None where nothing does.
fn default(inside: &str) -> Option<&str> {
    let rest = inside.strip_prefix(name(inside))?;
    rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_stand_for_their_variables() {
        let cases = [
            ("a", "a"),
            ("${A}", "${A}"),
            ("$A:${B}", "$A:${B}"),
            ("${A:-b}", "b"),
            ("${A-b}:c", "b:c"),
            ("${A:-}", ""),
            ("${A:?needs: a value}:c", "${A}:c"),
            ("${A:+b:c}:d", "${A}:d"),
            ("${S:-/var/run/docker.sock}:/s", "/var/run/docker.sock:/s"),
            ("${A:-${B:-c}}d", "cd"),
            ("${A:-{x}}", "{x}"),
            ("$${A:-b}", "$${A}"),
            ("${A", "${A"),
            ("${", "${"),
            ("ü${Ä:-ö}", "üö"),
        ];
        for (text, expected) in cases {
            assert_eq!(with_defaults(text), expected, "{text}");
        }
        let deep = format!("{}x{}", "${A:-".repeat(10_000), "}".repeat(10_000));
        assert!(with_defaults(&deep).len() < 10);
    }
}
