//! A profile as YAML that people read, review and compare: always the same text for the same profile,
//! an item a line.

use core::fmt::{Display, Write as _};

use super::{Learning, Profile};

/// What it begins with.
const HEAD: &str = "\
# What a workload does: learnt by `lazaret guard --profiles`, to be looked through by people.
# docs/profiles.md says what each part means; a line that should not be there is removed.
";

impl Profile {
    /// The file's text.
    pub fn to_yaml(&self) -> String {
        let mut out = Out(HEAD.to_owned());
        out.line(0, "version", &1);
        out.line(0, "workload", &quoted(self.workload.as_str()));
        out.line(0, "mode", &self.mode.name());
        out.learning(&self.learning);
        out.list(0, "images", self.images.iter());
        if !self.programs.0.is_empty() {
            out.0.push_str("programs:\n");
        }
        for (path, program) in self.programs.iter() {
            out.item(&format!("path: {}", quoted(&path.to_string())));
            out.line(2, "origins", &row(program.origins.iter().map(|origin| origin.name())));
            out.line(2, "parents", &row(program.parents.iter()));
        }
        out.list(0, "written", self.written.patterns().iter());
        out.list(0, "read", self.read.patterns().iter());
        if !self.destinations.0.is_empty() {
            out.0.push_str("destinations:\n");
        }
        for (target, ports) in self.destinations.iter() {
            out.item(&format!("to: {}", quoted(&target.to_string())));
            out.line(2, "ports", &row(ports.iter()));
        }
        out.list(0, "listens", self.listens.iter());
        if let Some(capabilities) = &self.capabilities {
            out.line(0, "capabilities", &row(capabilities.iter()));
        }
        match &self.calls {
            Some(calls) if calls.is_empty() => out.line(0, "calls", &"{}"),
            Some(calls) => {
                out.0.push_str("calls:\n");
                calls
                    .iter()
                    .for_each(|(architecture, names)| out.list(1, architecture, names.iter()));
            }
            None => {}
        }
        out.list(0, "widened", self.widened.iter());
        out.list(0, "incomplete", self.incomplete.iter());
        out.0
    }
}

/// The text so far.
struct Out(String);

impl Out {
    fn learning(&mut self, learning: &Learning) {
        let Learning { quiet_days, until, from, news, seen, quiet, starts } = learning;
        if quiet_days.is_some() || until.is_some() {
            self.0.push_str("promote:\n");
        }
        if let Some(days) = quiet_days {
            self.line(1, "quiet_days", days);
        }
        if let Some(day) = until {
            self.line(1, "until", day);
        }
        self.0.push_str("learnt:\n");
        self.line(1, "from", from);
        self.line(1, "news", news);
        self.line(1, "seen", seen);
        self.line(1, "quiet", quiet);
        self.line(1, "starts", starts);
    }

    fn line(&mut self, depth: usize, key: &str, value: &dyn Display) {
        let indent = "  ".repeat(depth);
        writeln!(self.0, "{indent}{key}: {value}").expect("a String takes anything");
    }

    fn item(&mut self, text: &str) {
        writeln!(self.0, "  - {text}").expect("a String takes anything");
    }

    fn list<T: Display>(&mut self, depth: usize, key: &str, items: impl Iterator<Item = T>) {
        let mut items = items.peekable();
        if items.peek().is_some() {
            let indent = "  ".repeat(depth);
            writeln!(self.0, "{indent}{key}:").expect("a String takes anything");
        }
        let indent = "  ".repeat(depth + 1);
        for item in items {
            writeln!(self.0, "{indent}- {}", quoted(&item.to_string()))
                .expect("a String takes anything");
        }
    }
}

/// Short texts in one line.
fn row<T: Display>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<String> = items.map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// As it is where YAML takes it for this very text, else in quotes.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let begins = text.starts_with(|letter: char| letter == '/' || letter.is_ascii_alphabetic());
    // Words of YAML, all of them.
    let is_word = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    if begins && text.chars().all(is_plain) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter
                if letter.is_control()
                    || matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}') =>
            {
                write!(quoted, "\\u{:04x}", u32::from(letter)).expect("a String takes anything");
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
