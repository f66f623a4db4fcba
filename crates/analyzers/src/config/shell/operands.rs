//! What a command is told to work on: its words without options, without what options take, and
//! without where its output goes. For programs that install, what they are told to install.
//!
//! Which options take a word is known of the programs below; another program's are taken for
//! switches, so that what they take counts as an operand.

use super::Command;

/// Programs, and their options that take the next word.
const TAKING: [(&[&str], &[&str]); 11] = [
    (
        &["apt-get", "apt", "aptitude"],
        &[
            "-o",
            "--option",
            "-t",
            "--target-release",
            "--default-release",
            "-c",
            "--config-file",
            "-a",
            "--host-architecture",
            "-P",
            "--build-profiles",
            "--solver",
        ],
    ),
    (
        &["apk"],
        &[
            "-t",
            "--virtual",
            "-X",
            "--repository",
            "-p",
            "--root",
            "--keys-dir",
            "--repositories-file",
            "--arch",
            "--cache-dir",
            "--cache-max-age",
            "--wait",
            "--progress-fd",
            "--timeout",
        ],
    ),
    (
        &["yum", "dnf", "dnf5", "microdnf", "tdnf"],
        &[
            "-x",
            "--exclude",
            "--enablerepo",
            "--disablerepo",
            "--repo",
            "--repoid",
            "--setopt",
            "-c",
            "--config",
            "--installroot",
            "--releasever",
            "-R",
            "-d",
            "-e",
            "--forcearch",
            "--repofrompath",
            "--comment",
        ],
    ),
    (
        &["zypper"],
        &["-r", "--repo", "--from", "-t", "--type", "-R", "--root", "-p", "--plus-repo", "-D"],
    ),
    (&["pacman"], &["-r", "--root", "-b", "--dbpath", "--config", "--ignore", "--overwrite"]),
    (
        &["pip"],
        &[
            "-r",
            "--requirement",
            "-c",
            "--constraint",
            "-e",
            "--editable",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "-t",
            "--target",
            "--prefix",
            "--root",
            "--src",
            "--trusted-host",
            "--cert",
            "--client-cert",
            "--proxy",
            "--timeout",
            "--retries",
            "--no-binary",
            "--only-binary",
            "--platform",
            "--python-version",
            "--python",
            "-p",
            "--implementation",
            "--abi",
            "--cache-dir",
            "--log",
            "--progress-bar",
            "--upgrade-strategy",
            "-C",
            "--config-settings",
            "--global-option",
            "--root-user-action",
            "--use-feature",
            "--use-deprecated",
            "--exists-action",
            "--index-strategy",
        ],
    ),
    (
        &["npm", "pnpm", "yarn"],
        &[
            "--prefix",
            "--registry",
            "-C",
            "--dir",
            "--cwd",
            "--cache",
            "--loglevel",
            "--omit",
            "--include",
            "--only",
            "--tag",
            "-w",
            "--workspace",
            "--userconfig",
            "--network-timeout",
            "--cache-folder",
            "--modules-folder",
            "--global-folder",
            "--store-dir",
            "-F",
            "--filter",
        ],
    ),
    (
        &["gem"],
        &[
            "-v",
            "--version",
            "-i",
            "--install-dir",
            "-n",
            "--bindir",
            "-s",
            "--source",
            "-P",
            "--trust-policy",
            "-p",
            "--platform",
        ],
    ),
    (&["go"], &["-tags", "-ldflags", "-gcflags", "-mod", "-C", "-o", "-p"]),
    (
        &["curl"],
        &[
            "-A",
            "-b",
            "-c",
            "-C",
            "-d",
            "-D",
            "-e",
            "-E",
            "-F",
            "-h",
            "-H",
            "-K",
            "-m",
            "-o",
            "-P",
            "-Q",
            "-r",
            "-t",
            "-T",
            "-u",
            "-U",
            "-w",
            "-x",
            "-X",
            "-y",
            "-Y",
            "-z",
            "--user-agent",
            "--cookie",
            "--cookie-jar",
            "--data",
            "--data-raw",
            "--data-binary",
            "--data-urlencode",
            "--dump-header",
            "--referer",
            "--cert",
            "--key",
            "--cacert",
            "--capath",
            "--form",
            "--header",
            "--config",
            "--max-time",
            "--connect-timeout",
            "--output",
            "--output-dir",
            "--range",
            "--upload-file",
            "--user",
            "--proxy",
            "--proxy-user",
            "--preproxy",
            "--socks5",
            "--socks5-hostname",
            "--noproxy",
            "--request",
            "--write-out",
            "--retry",
            "--retry-delay",
            "--retry-max-time",
            "--resolve",
            "--interface",
            "--limit-rate",
            "--ciphers",
            "--proto",
            "--doh-url",
            "--json",
        ],
    ),
    (
        &["wget"],
        &[
            "-O",
            "--output-document",
            "-o",
            "--output-file",
            "-a",
            "-P",
            "--directory-prefix",
            "-e",
            "--execute",
            "-U",
            "--user-agent",
            "-t",
            "--tries",
            "-T",
            "--timeout",
            "-w",
            "--wait",
            "-i",
            "--input-file",
            "--header",
            "--referer",
            "--post-data",
            "--body-data",
            "--method",
            "--user",
            "--password",
            "--ca-certificate",
            "-A",
            "-R",
            "-D",
            "-l",
            "-Q",
        ],
    ),
];

/// Programs, and the words behind which stands what they install.
const INSTALLING: [(&[&str], &[&str]); 9] = [
    (&["apt-get", "apt", "aptitude"], &["install", "reinstall"]),
    (&["apk"], &["add"]),
    (
        &["yum", "dnf", "dnf5", "microdnf", "tdnf"],
        &["install", "reinstall", "localinstall", "groupinstall"],
    ),
    (&["zypper"], &["install", "in"]),
    (&["pip"], &["install"]),
    (&["npm", "pnpm"], &["install", "i", "add"]),
    (&["yarn"], &["add"]),
    (&["gem"], &["install"]),
    (&["go"], &["install", "get"]),
];

/// The words that are neither options nor belong to one.
pub(super) fn operands(command: &Command) -> Vec<String> {
    let taking = known(&TAKING, &command.program);
    let mut operands = Vec::new();
    let mut words = command.words.iter();
    let mut are_options = true;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--" if are_options => are_options = false,
            _ if is_redirection(word) => {
                // The file may be the next word.
                if word.ends_with(['<', '>']) {
                    words.next();
                }
            }
            _ if are_options && word.len() > 1 && word.starts_with('-') => {
                if takes_next(word, taking) {
                    words.next();
                }
            }
            _ => operands.push(word.clone()),
        }
    }
    operands
}

/// Of the operands, what is to be installed.
pub(super) fn installs(command: &Command) -> Vec<String> {
    let verbs = known(&INSTALLING, &command.program);
    if command.program == "pacman" {
        let installs = command.words.iter().any(|word| word.starts_with("-S"));
        return if installs { command.operands.clone() } else { Vec::new() };
    }
    let mut operands = command.operands.iter();
    let found = operands.any(|operand| verbs.contains(&operand.as_str()));
    if found { operands.cloned().collect() } else { Vec::new() }
}

fn known<'t>(table: &[(&[&str], &'t [&'t str])], program: &str) -> &'t [&'t str] {
    table.iter().find(|(programs, _)| programs.contains(&program)).map_or(&[], |(_, words)| words)
}

/// Whether an option takes the word behind it: `-o`, `--output`, the last letter of `-sSLo`.
fn takes_next(word: &str, taking: &[&str]) -> bool {
    if taking.contains(&word) {
        return true;
    }
    let Some(letters) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) else {
        return false;
    };
    // What follows a letter that takes something is what it takes.
    let is_taking = |letter: char| taking.contains(&&*format!("-{letter}"));
    letters.find(is_taking).is_some_and(|at| at.saturating_add(1) == letters.len())
}

/// `>`, `2>&1`, `</dev/null`.
fn is_redirection(word: &str) -> bool {
    word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>'])
}

#[cfg(test)]
mod tests {
    use super::super::commands;

    #[test]
    fn options_take_their_words_along() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("apt-get install -o X=Y -t bookworm foo", &["install", "foo"], &["foo"]),
            ("apt-get -y -o=X install a b=1", &["install", "a", "b=1"], &["a", "b=1"]),
            ("apt-get update", &["update"], &[]),
            ("apk add --no-cache -t .deps gcc", &["add", "gcc"], &["gcc"]),
            ("apk add --virtual=.deps gcc", &["add", "gcc"], &["gcc"]),
            ("dnf -y --setopt x=1 install a", &["install", "a"], &["a"]),
            ("pip3.12 install -r r.txt --index-url https://x a", &["install", "a"], &["a"]),
            ("python3 -m pip install a", &["install", "a"], &["a"]),
            ("uv pip install a", &["install", "a"], &["a"]),
            ("npm install -g --registry https://x a", &["install", "a"], &["a"]),
            ("yarn global add a", &["global", "add", "a"], &["a"]),
            ("gem install a -v 1", &["install", "a"], &["a"]),
            ("pacman -Sy --noconfirm a", &["a"], &["a"]),
            ("pacman -R a", &["a"], &[]),
            ("curl -x http://p:1 https://x", &["https://x"], &[]),
            ("curl -sSLo a https://x", &["https://x"], &[]),
            ("curl -oa https://x > b 2>&1", &["https://x"], &[]),
            ("curl -H 'A: b' --proxy http://p https://x >/dev/null", &["https://x"], &[]),
            ("curl -- -x", &["-x"], &[]),
            ("wget -qO- https://x", &["https://x"], &[]),
            ("wget -qO - https://x", &["https://x"], &[]),
            ("cat -n a", &["a"], &[]),
        ];
        for (text, operands, installs) in cases {
            let all = commands(text);
            let command = all.commands.first().unwrap();
            assert_eq!(command.operands, *operands, "{text}");
            assert_eq!(command.installs, *installs, "{text}");
        }
    }
}
