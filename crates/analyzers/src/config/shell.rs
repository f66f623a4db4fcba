//! A shell command line, taken apart as far as checks need it: which programs run, with which
//! words, and what goes through a pipe into what.
//!
//! This is no shell: nothing is expanded, and words that a shell would make of variables stay as
//! they are written. What is not understood stays a word.

use serde::Serialize;

/// Commands of one instruction that are told apart; the longest seen have some 200.
const COMMANDS_MAX: usize = 1000;

/// Shells that run a script in a word of their own (`sh -c "bash -c '…'"`); nobody nests more.
const DEPTH_MAX: usize = 4;

/// One program that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Command {
    /// Without its directory: `apt-get`.
    pub(crate) program: String,
    /// What follows the program.
    pub(crate) words: Vec<String>,
    /// The program that reads what this one writes; empty without a pipe.
    pub(crate) piped_into: String,
    /// Behind `sudo`, `doas` or the like.
    pub(crate) sudo: bool,
}

/// A piece of a command line.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Pipe,
    /// Whatever ends a command.
    End,
}

/// The words of a line, quotes taken off.
pub(crate) fn words(text: &str) -> Vec<String> {
    let word = |token| match token {
        Token::Word(word) => Some(word),
        Token::Pipe | Token::End => None,
    };
    tokens(text).into_iter().filter_map(word).collect()
}

/// The commands of a script, in their order.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    script(text, 0)
}

/// What these words run, and the script in them if they are a shell's.
pub(crate) fn run(words: &[String]) -> Vec<Command> {
    let Some(command) = command(words) else { return Vec::new() };
    let within = within(&command, 0);
    [command].into_iter().chain(within).collect()
}

/// The commands of the script that a shell is given as a word.
fn within(shell: &Command, depth: usize) -> Vec<Command> {
    let is_shell = matches!(&*shell.program, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh");
    let is_script = |word: &&String| word.starts_with('-') && word.ends_with('c');
    if !is_shell || depth >= DEPTH_MAX {
        return Vec::new();
    }
    let mut words = shell.words.iter();
    let script = words.find(is_script).and_then(|_| words.next());
    script.map_or_else(Vec::new, |text| self::script(text, depth + 1))
}

fn script(text: &str, depth: usize) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut words = Vec::new();
    let mut reads_from: Option<usize> = None;
    for token in tokens(text).into_iter().chain([Token::End]) {
        match token {
            Token::Word(word) => words.push(word),
            end => {
                let command = command(&std::mem::take(&mut words));
                let is_pipe = end == Token::Pipe;
                let Some(command) = command.filter(|_| commands.len() < COMMANDS_MAX) else {
                    reads_from = None;
                    continue;
                };
                if let Some(writer) = reads_from.and_then(|at| commands.get_mut(at)) {
                    writer.piped_into.clone_from(&command.program);
                }
                reads_from = is_pipe.then_some(commands.len());
                let within = within(&command, depth);
                commands.push(command);
                let room = COMMANDS_MAX.saturating_sub(commands.len());
                commands.extend(within.into_iter().take(room));
            }
        }
    }
    commands
}

/// The command that these words are, without what stands before the program.
pub(crate) fn command(words: &[String]) -> Option<Command> {
    let mut command = Command::default();
    let mut words = words.iter();
    let mut behind = "";
    let program = loop {
        let word = words.next()?;
        let name = word.rsplit_once('/').map_or(word.as_str(), |(_, name)| name);
        match name {
            "sudo" | "doas" | "gosu" | "su-exec" => {
                command.sudo = name == "sudo" || name == "doas";
                behind = "sudo";
            }
            "exec" | "env" | "time" | "nice" | "nohup" | "command" | "eval" | "then" | "do"
            | "else" | "if" | "while" | "until" | "elif" | "!" => behind = "env",
            _ if is_assignment(word) => {}
            _ if !behind.is_empty() && word.starts_with('-') => {}
            _ => break name,
        }
    };
    program.clone_into(&mut command.program);
    command.words = words.cloned().collect();
    Some(command)
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.is_some_and(|name| !name.is_empty() && name.chars().all(fits))
}

/// Cuts a script at blanks and operators that are not quoted.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let quoted = word.get_or_insert_default();
                quoted.extend(characters.by_ref().take_while(|&c| c != '\''));
            }
            '"' => quoted(&mut characters, word.get_or_insert_default()),
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            '#' if word.is_none() => while characters.next_if(|&c| c != '\n').is_some() {},
            '|' | '&' | ';' | '\n' | '(' | ')' | '`' | '{' | '}' | ' ' | '\t' | '\r' => {
                let is_brace = matches!(character, '{' | '}');
                if is_brace
                    && (word.is_some() || characters.peek().is_some_and(|c| !" ;\n".contains(*c)))
                {
                    word.get_or_insert_default().push(character);
                    continue;
                }
                if character == '&' && word.as_deref().is_some_and(|w| w.ends_with('>')) {
                    // `2>&1` is one word.
                    word.get_or_insert_default().push(character);
                    continue;
                }
                tokens.extend(word.take().map(Token::Word));
                let doubled = characters.next_if_eq(&character).is_some();
                match character {
                    ' ' | '\t' | '\r' => {}
                    '|' if !doubled => {
                        characters.next_if_eq(&'&');
                        tokens.push(Token::Pipe);
                    }
                    _ => tokens.push(Token::End),
                }
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

/// What stands between double quotes, in which a backslash escapes.
fn quoted(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) {
    while let Some(character) = characters.next() {
        match character {
            '"' => return,
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) if matches!(escaped, '"' | '\\' | '$' | '`') => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
            },
            _ => word.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `program words|piped into`, commands apart by ` ; `.
    fn shown(text: &str) -> String {
        let show = |command: &Command| {
            let mut line = command.program.clone();
            for word in &command.words {
                line.push(' ');
                line.push_str(word);
            }
            if !command.piped_into.is_empty() {
                line.extend([" |", &*command.piped_into]);
            }
            if command.sudo { format!("sudo:{line}") } else { line }
        };
        commands(text).iter().map(show).collect::<Vec<_>>().join(" ; ")
    }

    #[test]
    fn tells_commands_apart() {
        let cases = [
            ("apt-get update && apt-get install -y a", "apt-get update ; apt-get install -y a"),
            (
                "set -ex; curl -fsSL https://x | sudo -E bash -",
                "set -ex ; curl -fsSL https://x |bash ; sudo:bash -",
            ),
            ("A=b /usr/bin/make 'x y' \"z\\\"\"", "make x y z\""),
            ("if true; then wget -qO- u|sh; fi", "true ; wget -qO- u |sh ; sh ; fi"),
            ("echo a \\\n  b", "echo a b"),
            ("a || b & c 2>&1", "a ; b ; c 2>&1"),
            ("# only a comment\nls", "ls"),
            ("echo ${A} $(curl x)", "echo ${A} $ ; curl x"),
            ("rm -rf /var/lib/apt/lists/*", "rm -rf /var/lib/apt/lists/*"),
            ("bash -c 'curl x|sh'", "bash -c curl x|sh ; curl x |sh ; sh"),
            ("sh -ec \"bash -c 'ls a'\"", "sh -ec bash -c 'ls a' ; bash -c ls a ; ls a"),
            ("'unclosed", "unclosed"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
