//! A shell command line, taken apart as far as checks need it: which programs run, with which
//! words, and what goes through a pipe into what.
//!
//! This is no shell: nothing is expanded, and words that a shell would make of variables stay as
//! they are written. What is not understood stays a word.

use serde::Serialize;

mod interpreter;
mod operands;
mod wrapper;

pub(crate) use self::interpreter::{fetched, substituted};

/// Commands of one instruction that are told apart; the longest seen have some 200.
const COMMANDS_MAX: usize = 2000;

/// Shells within shells that are looked into; people write one.
const SCRIPTS_MAX: usize = 4;

/// Commands of one pipe, from the first on, of which is known what they write into; people write five.
const PIPE_MAX: usize = 16;

/// One program that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Command {
    /// Without its directory: `apt-get`.
    pub(crate) program: String,
    /// What follows the program.
    pub(crate) words: Vec<String>,
    /// Of these, without options and what they take.
    pub(crate) operands: Vec<String>,
    /// What the program is told to install, with versions as they are written.
    pub(crate) installs: Vec<String>,
    /// The programs behind it in its pipe: what it writes may reach each of them.
    pub(crate) piped_into: Vec<String>,
    /// Of these the interpreters that run what they are fed, and not an argument or a file.
    pub(crate) run_by: Vec<String>,
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

/// Commands that were told apart.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    pub(crate) commands: Vec<Command>,
    /// A limit was reached, so that there are more, or more about these.
    pub(crate) is_cut: bool,
}

/// The commands of a script, in their order; those that it hands to a shell (`sh -c '…'`) follow the
/// shell.
pub(crate) fn commands(text: &str) -> Commands {
    let mut commands = Commands::default();
    add_script(text, SCRIPTS_MAX, &mut commands);
    commands
}

/// The same, of one command whose words are told apart already.
pub(crate) fn of_words(words: &[String]) -> Commands {
    let mut commands = Commands::default();
    add(words, SCRIPTS_MAX, &mut commands);
    commands
}

fn add_script(text: &str, scripts: usize, found: &mut Commands) {
    let mut words = Vec::new();
    // Those whose output reaches the next command.
    let mut writers: Vec<usize> = Vec::new();
    let mut is_behind_pipe = false;
    for token in tokens(text).into_iter().chain([Token::End]) {
        let end = match token {
            Token::Word(word) => {
                words.push(word);
                continue;
            }
            // `a | (b)`, and lines that end with a pipe.
            Token::End if words.is_empty() && is_behind_pipe => continue,
            end => end,
        };
        is_behind_pipe = end == Token::Pipe;
        let Some(at) = add(&std::mem::take(&mut words), scripts, found) else {
            writers.clear();
            continue;
        };
        feed(&mut found.commands, &writers, at);
        match end {
            Token::Pipe if writers.len() < PIPE_MAX => writers.push(at),
            Token::Pipe => found.is_cut = true,
            _ => writers.clear(),
        }
    }
}

/// Tells the commands of a pipe what the next one is.
fn feed(commands: &mut [Command], writers: &[usize], at: usize) {
    let Some(reader) = commands.get(at) else { return };
    let program = reader.program.clone();
    let is_run = interpreter::runs_input(reader);
    for writer in writers {
        if let Some(writer) = commands.get_mut(*writer) {
            writer.piped_into.push(program.clone());
            if is_run {
                writer.run_by.push(program.clone());
            }
        }
    }
}

/// Adds a command and what it hands to a shell; returns where it stands.
fn add(words: &[String], scripts: usize, found: &mut Commands) -> Option<usize> {
    let at = found.commands.len();
    if let Some(script) = evaluated(words) {
        match scripts.checked_sub(1) {
            Some(scripts) => add_script(&script, scripts, found),
            None => found.is_cut = true,
        }
        return (found.commands.len() > at).then_some(at);
    }
    let command = command(words)?;
    if at >= COMMANDS_MAX {
        found.is_cut = true;
        return None;
    }
    let script = command.script().map(str::to_owned);
    let inner = wrapper::started(&command);
    found.commands.push(command);
    if script.is_none() && inner.is_empty() {
        return Some(at);
    }
    let Some(scripts) = scripts.checked_sub(1) else {
        found.is_cut = true;
        return Some(at);
    };
    if let Some(script) = script {
        add_script(&script, scripts, found);
    }
    for words in &inner {
        add(words, scripts, found);
    }
    Some(at)
}

impl Command {
    /// Gives every way to call pip its name: `pip3.12`, `python3 -m pip`, `uv pip`.
    fn calls_pip(&mut self) {
        let is_version = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
        let is = |name: &str| self.program.strip_prefix(name).is_some_and(is_version);
        let before = match self.words.first().map(String::as_str) {
            _ if is("pip") => 0,
            Some("-m") if is("python") && self.words.get(1).is_some_and(|it| it == "pip") => 2,
            Some("pip") if self.program == "uv" => 1,
            _ => return,
        };
        "pip".clone_into(&mut self.program);
        self.words.drain(..before);
    }

    /// What a shell is told to run (`-c`, also among other letters: `-ec`).
    fn script(&self) -> Option<&str> {
        if matches!(&*self.program, "su" | "runuser") {
            return wrapper::script_of_su(&self.words);
        }
        if !matches!(&*self.program, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh") {
            return None;
        }
        let mut is_next = false;
        for word in &self.words {
            match word.strip_prefix(['-', '+']) {
                Some(letters) => is_next |= !letters.starts_with('-') && letters.ends_with('c'),
                // The value of `-o`.
                None if word == "pipefail" => {}
                None => return is_next.then_some(word),
            }
        }
        None
    }
}

/// The command that these words are, without what stands before the program.
fn command(words: &[String]) -> Option<Command> {
    let mut command = Command::default();
    let mut words = words.iter();
    let mut behind: &[&str] = &[];
    let mut is_behind = false;
    let program = loop {
        let word = words.next()?;
        let name = word.rsplit_once('/').map_or(word.as_str(), |(_, name)| name);
        match name {
            "sudo" | "doas" => {
                command.sudo = true;
                (is_behind, behind) = (true, &["-u", "-g", "-h", "-p", "-C", "-r", "-t"]);
            }
            // A user, then the program.
            "gosu" | "su-exec" => {
                (is_behind, behind) = (true, &[]);
                words.next()?;
            }
            // Its first word is the program that it is.
            "busybox" | "toybox" => (is_behind, behind) = (true, &[]),
            "exec" | "env" | "time" | "nice" | "nohup" | "command" | "then" | "do" | "else"
            | "if" | "while" | "until" | "elif" | "!" => {
                (is_behind, behind) = (true, &["-u", "-n", "-C", "-a"]);
            }
            "stdbuf" | "ionice" | "setpriv" => {
                (is_behind, behind) = (true, &["-c", "-e", "-i", "-n", "-o"]);
            }
            // A time or a folder, then the program.
            "timeout" | "chroot" if wrapper::has_more(words.as_slice()) => {
                (is_behind, behind) = (true, &["-k", "-s"]);
                wrapper::skip_operand(&mut words, behind);
            }
            _ if is_assignment(word) => {}
            _ if is_behind && behind.contains(&word.as_str()) => drop(words.next()),
            _ if is_behind && word.starts_with('-') => {}
            _ => break name,
        }
    };
    program.clone_into(&mut command.program);
    command.words = words.cloned().collect();
    command.calls_pip();
    command.operands = operands::operands(&command);
    command.installs = operands::installs(&command);
    Some(command)
}

/// The script of an `eval`: its words with blanks between.
fn evaluated(words: &[String]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    (first == "eval" && !rest.is_empty()).then(|| rest.join(" "))
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
                line.extend([" |", &*command.piped_into.join("|")]);
            }
            if command.sudo { format!("sudo:{line}") } else { line }
        };
        commands(text).commands.iter().map(show).collect::<Vec<_>>().join(" ; ")
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
            ("curl x | tee y | bash -", "curl x |tee|bash ; tee y |bash ; bash -"),
            ("bash -ec 'curl x | sh' a", "bash -ec curl x | sh a ; curl x |sh ; sh"),
            ("sh -c \"sh -c 'ls -c a'\"", "sh -c sh -c 'ls -c a' ; sh -c ls -c a ; ls -c a"),
            ("bash script -c x", "bash script -c x"),
            ("bash -euo pipefail -c 'make'", "bash -euo pipefail -c make ; make"),
            ("sudo -u root curl -k x", "sudo:curl -k x"),
            ("gosu app:app make", "make"),
            ("timeout -k 5 --signal=KILL 30s make a", "make a"),
            ("timeout 5", "timeout 5"),
            ("eval \"curl -k x\"; eval make", "curl -k x ; make"),
            ("su - app -c \"make a\"", "su - app -c make a ; make a"),
            ("runuser -u app -- make", "runuser -u app -- make ; make"),
            (
                "echo a | xargs -n 1 -I{} curl -k {}",
                "echo a |xargs ; xargs -n 1 -I{} curl -k {} ; curl -k {}",
            ),
            (
                "find . -name a -exec rm -f {} \\; -exec chmod 777 {} +",
                "find . -name a -exec rm -f {} ; -exec chmod 777 {} + ; rm -f {} ; chmod 777 {}",
            ),
            ("xargs", "xargs"),
            ("find . -exec", "find . -exec"),
            ("env -u A nice -n 5 make", "make"),
            ("rm -rf /var/lib/apt/lists/*", "rm -rf /var/lib/apt/lists/*"),
            ("curl x | (sh)", "curl x |sh ; sh"),
            ("curl x | { sh; }", "curl x |sh ; sh"),
            ("curl x |\n sh", "curl x |sh ; sh"),
            ("curl x | busybox sh", "curl x |sh ; sh"),
            ("a |; b", "a |b ; b"),
            ("'unclosed", "unclosed"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_much_is_said_and_the_beginning_stays() {
        let many = format!("{}curl x | sh", "true; ".repeat(COMMANDS_MAX));
        let long = format!("curl x {}| sh", "| tee y ".repeat(PIPE_MAX));
        let mut deep = "curl x".to_owned();
        for _ in 0..=SCRIPTS_MAX {
            deep = format!("sh -c {}", deep.replace('\\', r"\\").replace(' ', r"\ "));
        }
        for (text, programs) in [(&many, COMMANDS_MAX), (&long, PIPE_MAX + 2), (&deep, 5)] {
            let found = commands(text);
            assert!(found.is_cut, "{text:.40}");
            assert_eq!(found.commands.len(), programs, "{text:.40}");
        }
        let found = commands(&long);
        assert_eq!(found.commands[0].piped_into.last().map(String::as_str), Some("sh"));
        assert!(!commands("curl x | tee y | sh -c 'sh -c z'").is_cut);
    }
}
