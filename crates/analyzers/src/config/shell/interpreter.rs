//! What an interpreter is told to run: its argument, a file, or what it is fed; and whether a file
//! that it runs was fetched a moment before.
//!
//! Which options take a word is known for those that people write in builds; no option is expanded.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Command;

/// Interpreters, the letters of options whose argument is the program, and those that take a word.
const INTERPRETERS: [(&[&str], &str, &[&str]); 6] = [
    (&["sh", "bash", "dash", "ash", "ksh", "zsh"], "c", &["-o", "+o", "-O", "+O"]),
    (&["python", "pypy"], "cm", &["-W", "-X"]),
    (&["perl"], "eEnp", &["-I", "-M"]),
    (&["ruby", "lua"], "e", &["-I", "-r", "-l"]),
    (&["node", "nodejs"], "ep", &["-r", "--require", "--import"]),
    (&["php"], "rBREF", &["-c", "-d", "-z"]),
];

/// What says that a fetched file is what it should be.
const VERIFYING: [&str; 14] = [
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "b2sum",
    "shasum",
    "sha256",
    "gpg",
    "gpgv",
    "gpg2",
    "cosign",
    "minisign",
    "signify",
];

/// What a command runs.
#[derive(Debug, PartialEq, Eq)]
enum Runs<'c> {
    /// What it is fed.
    Input,
    File(&'c str),
    /// An argument, a module, or nothing that is known.
    Other,
}

/// Whether it runs what it is fed, as at the end of a pipe.
pub(super) fn runs_input(command: &Command) -> bool {
    match &*command.program {
        // Nothing behind `sh -c`, or the mark alone: each line is a script.
        "xargs" => {
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            let shell = words.iter().position(|word| is_shell(word));
            let behind = shell.and_then(|at| words.get(at.saturating_add(1)..)).unwrap_or_default();
            matches!(behind, ["-c"] | ["-c", "{}" | "%", ..])
        }
        "source" | "." => command.words.first().is_some_and(|it| it == "/dev/stdin"),
        _ => runs(command) == Runs::Input,
    }
}

fn is_shell(word: &str) -> bool {
    let name = word.rsplit_once('/').map_or(word, |(_, name)| name);
    INTERPRETERS.first().is_some_and(|(shells, ..)| shells.contains(&name))
}

fn runs(command: &Command) -> Runs<'_> {
    let program = command.program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let known = INTERPRETERS.iter().find(|(names, ..)| names.contains(&program));
    let Some((names, programs, taking)) = known else { return Runs::Other };
    let is_shell = names.contains(&"sh");
    let mut words = command.words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-" | "/dev/stdin" | "--" => return Runs::Input,
            "--eval" | "--print" => return Runs::Other,
            _ if taking.contains(&word) => drop(words.next()),
            _ if word.starts_with("--") => {}
            _ if word.starts_with('<') || word.starts_with(['>', '2']) && word.contains('>') => {}
            _ => match word.strip_prefix('-') {
                Some(letters) if is_shell && letters.contains('s') => return Runs::Input,
                Some(letters) if letters.contains(|it| programs.contains(it)) => {
                    return Runs::Other;
                }
                // `-euo pipefail`
                Some(letters) if is_shell && letters.ends_with('o') => drop(words.next()),
                Some(_) => {}
                None if is_shell && word.starts_with('+') => {}
                None => return Runs::File(word),
            },
        }
    }
    Runs::Input
}

/// A script that a shell takes from what a command writes: `eval "$(curl …)"`, `. <(curl …)`.
static SUBSTITUTED: LazyLock<Regex> = LazyLock::new(|| {
    let substituted = r#"(?:^|[\s;&|("'])(?:sh|bash|zsh|python3?|perl|ruby|source|eval|\.)\s+(?:-\w+\s+)*["'\\]*(?:<\(|\$\(|`)\s*(?<program>curl|wget)\b"#;
    Regex::new(substituted).expect("a test compiles it")
});

/// The programs whose output a text hands to a shell, and not through a pipe.
pub(crate) fn substituted(text: &str) -> Option<String> {
    let found = SUBSTITUTED.captures(text)?;
    found.name("program").map(|program| program.as_str().to_owned())
}

/// Files that are fetched and then run, with nothing between that verifies anything.
pub(crate) fn fetched(commands: &[Command]) -> Vec<String> {
    let mut fetched: BTreeSet<String> = BTreeSet::new();
    let mut run = Vec::new();
    for command in commands {
        let program = &*command.program;
        let verifies = VERIFYING.contains(&program)
            || program == "openssl"
                && command.words.iter().any(|it| it == "dgst" || it == "-verify");
        if verifies {
            fetched.clear();
        }
        if matches!(program, "curl" | "wget") {
            fetched.extend(written(command));
            continue;
        }
        let file = match program {
            "source" | "." => command.words.first().map(String::as_str),
            // A program that is called by its path; what is found by its name is elsewhere.
            _ if is_script(program) => Some(program),
            _ => match runs(command) {
                Runs::File(file) => Some(file),
                _ => None,
            },
        };
        let name = file.map(|file| file.rsplit_once('/').map_or(file, |(_, name)| name));
        if let Some(name) = name.filter(|name| fetched.contains(*name)) {
            run.push(name.to_owned());
        }
    }
    run.dedup();
    run
}

/// Whether a name is that of a script, or of an archive that unpacks itself.
fn is_script(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| matches!(end, "sh" | "bash" | "py" | "pl" | "rb" | "run" | "bin"))
}

/// The name of the file that `curl` or `wget` writes.
fn written(command: &Command) -> Option<String> {
    let is_curl = command.program == "curl";
    let (letter, long) = if is_curl { ('o', "--output") } else { ('O', "--output-document") };
    let mut words = command.words.iter().map(String::as_str);
    let mut file = None;
    let mut is_named_by_url = !is_curl;
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix(long) {
            file = name.strip_prefix('=').or_else(|| words.next());
        } else if let Some(letters) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) {
            is_named_by_url |= is_curl && letters.contains('O');
            if let Some((_, name)) = letters.split_once(letter) {
                file = if name.is_empty() { words.next() } else { Some(name) };
            }
        } else if word == "--remote-name" {
            is_named_by_url = true;
        } else if let Some(name) = word.strip_prefix('>') {
            file = if name.is_empty() { words.next() } else { Some(name) };
        }
    }
    let url = command.operands.iter().find(|it| it.contains("://")).map(String::as_str);
    let url = url.map(|url| url.split(['?', '#']).next().unwrap_or(url));
    let file = file.or_else(|| url.filter(|_| is_named_by_url))?;
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    (!name.is_empty() && name != "-").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::commands;
    use super::*;

    #[test]
    fn tells_what_runs_its_input() {
        let input = [
            "sh",
            "bash -",
            "bash -s -- a",
            "bash -euo pipefail",
            "bash -x -s x",
            "sh /dev/stdin",
            "python3",
            "python3.12 -",
            "python3 -u -",
            "perl",
            "ruby -",
            "node",
            "node -",
            "php",
            "php -- --install-dir=/x",
            "xargs sh -c",
            "xargs -I{} sh -c {}",
            "source /dev/stdin",
        ];
        let other = [
            "sh a.sh",
            "sh -c a",
            "bash -ec a",
            "python3 -c a",
            "python3 -m json.tool",
            "python3 a.py",
            "perl -ne a",
            "perl -pe a",
            "ruby -e a",
            "node -e a",
            "php -r a",
            "xargs rm",
            "xargs -n1 sh -c 'a \"$@\"' _",
            "tar xz",
            "cat",
            "shasum",
            "source a",
        ];
        for (texts, expected) in [(&input[..], true), (&other[..], false)] {
            for text in texts {
                let found = commands(text).commands;
                assert_eq!(runs_input(&found[0]), expected, "{text}");
            }
        }
    }

    #[test]
    fn knows_what_is_put_in() {
        for text in [
            "eval \"$(curl -s https://x)\"",
            "a && . <(curl x)",
            "bash -c \"$(wget -qO- x)\"",
            "[\"sh\", \"-c\", \"eval `curl x`\"]",
            "source <(curl x)",
        ] {
            assert!(substituted(text).is_some(), "{text}");
        }
        for text in ["a=$(curl x)", "echo $(curl x)", "sh -c 'curl x'", "eval $(a)", "curl x"] {
            assert_eq!(substituted(text), None, "{text}");
        }
    }

    #[test]
    fn follows_what_is_fetched_to_what_runs_it() {
        let cases = [
            ("curl -fsSL u -o /tmp/i.sh && bash /tmp/i.sh", "i.sh"),
            ("curl -fsSLo i.sh u && sh -e i.sh", "i.sh"),
            ("curl -O https://x/i.sh?a=b; chmod +x i.sh; ./i.sh", "i.sh"),
            ("wget https://x/i.run && sh i.run --quiet", "i.run"),
            ("wget -qO i https://x/j && . ./i", "i"),
            ("wget --output-document=i.py https://x/j && python3 i.py", "i.py"),
            ("curl https://x/i > i.pl && perl i.pl", "i.pl"),
            ("curl -o i.sh u && echo a i.sh | sha256sum -c && sh i.sh", ""),
            ("curl -o i.sh u && gpg --verify i.sh.asc i.sh && sh i.sh", ""),
            ("curl -o i.sh u && sh j.sh", ""),
            ("curl -o a.tgz u && tar xf a.tgz && sh a/i.sh", ""),
            ("sh i.sh && curl -o i.sh u", ""),
            ("curl u && sh i.sh", ""),
            ("curl -o - u && sh -", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(fetched(&commands(text).commands).join(" "), expected, "{text}");
        }
    }
}
