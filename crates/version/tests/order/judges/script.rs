//! Tools that are libraries: a few lines in the tool's own language, beside this file, read
//! questions and write answers, one a line.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use version::{Range, Scheme, symbol};

use crate::nasty::Nasty;
use crate::nasty_range::NastyRange;

const PAIRS: usize = 10_000;
const RANGES: usize = 10_000;
/// Objections that a failed test prints.
const SHOWN: usize = 40;

#[test]
fn packaging_agrees() {
    let judge = || script("/usr/bin/python3", &[], "pypa.py");
    judges(Scheme::Pep440, Refusals::Same, judge);
    judges_ranges(Scheme::Pep440, judge);
}

#[test]
fn node_semver_agrees() {
    let judge = || {
        let mut command = script("node", &[], "node-semver.js");
        command.env("NODE_PATH", "/usr/share/nodejs");
        command
    };
    judges(Scheme::Npm, Refusals::Theirs, judge);
    judges_ranges(Scheme::Npm, judge);
}

#[test]
fn rubygems_agrees() {
    let judge = || script("ruby", &[], "rubygems.rb");
    judges(Scheme::Gem, Refusals::Same, judge);
    judges_ranges(Scheme::Gem, judge);
}

#[test]
fn composer_agrees() {
    let judge = || script("php", &[], "composer.php");
    judges(Scheme::Composer, Refusals::Theirs, judge);
    judges_ranges(Scheme::Composer, judge);
}

#[test]
fn maven_agrees() {
    const JARS: &str = "/usr/share/java/maven3-artifact.jar:/usr/share/java/commons-lang3.jar";
    let judge = || script("java", &["-cp", JARS], "Maven.java");
    judges(Scheme::Maven, Refusals::Theirs, judge);
    judges_ranges(Scheme::Maven, judge);
}

#[test]
fn elixir_agrees() {
    let judge = || script("elixir", &[], "elixir.exs");
    judges(Scheme::Hex, Refusals::Theirs, judge);
    judges_ranges(Scheme::Hex, judge);
}

#[test]
fn perl_agrees() {
    judges(Scheme::Cpan, Refusals::Same, || script("perl", &[], "perl.pl"));
}

#[test]
fn r_agrees() {
    judges(Scheme::Cran, Refusals::Same, || script("Rscript", &["--vanilla"], "r.R"));
}

/// Go's own source of the order lies in its tree, not where a program could import it.
#[test]
fn go_agrees() {
    if !super::runs("go") {
        return;
    }
    let output = Command::new("go").args(["env", "GOROOT"]).output().expect("go runs");
    let root = String::from_utf8(output.stdout).expect("a path");
    let source = Path::new(root.trim()).join("src/cmd/vendor/golang.org/x/mod/semver/semver.go");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-judge");
    fs::create_dir_all(folder.join("semver")).expect("a folder");
    fs::copy(source, folder.join("semver/semver.go")).expect("Go's source");
    fs::write(folder.join("go.mod"), "module judge\n").expect("a module");
    fs::copy(judge_path("golang.go"), folder.join("main.go")).expect("the judge");
    judges(Scheme::Golang, Refusals::Theirs, || {
        let mut command = Command::new("go");
        command.args(["run", "."]).current_dir(&folder).env("GOCACHE", folder.join("cache"));
        command
    });
}

/// What is expected of us where the tool refuses a version.
#[derive(PartialEq)]
enum Refusals {
    /// We refuse it too, and nothing else.
    Same,
    /// Anything: we order more.
    Theirs,
}

/// Every order that the tool gives is ours.
fn judges(scheme: Scheme, refusals: Refusals, judge: impl Fn() -> Command) {
    let mut nasty = Nasty::new(scheme, 1);
    let fits = |(a, b): &(String, String)| !has_long_number(a) && !has_long_number(b);
    let pairs = std::iter::repeat_with(|| nasty.pair()).filter(fits).take(PAIRS);
    let pairs: Vec<_> = pairs.chain(compared_in_table(scheme)).collect();
    let questions = pairs.iter().map(|(a, b)| format!("order\t{a}\t{b}\n")).collect();
    let Some(answers) = ask(judge(), questions) else { return };
    let judged = pairs.iter().zip(answers.lines()).filter(|(_, theirs)| *theirs != "!");
    assert!(judged.count() > PAIRS / 20, "{} refuses nearly all", scheme.name());
    let wrong = pairs.iter().zip(answers.lines()).filter_map(|((a, b), theirs)| {
        let ours = scheme.compare(a, b).map_or("!", symbol);
        let fine = ours == theirs || (theirs == "!" && refusals == Refusals::Theirs);
        (!fine).then(|| format!("`{a}` {theirs} `{b}`: we say `{ours}`"))
    });
    assert_eq!(answers.lines().count(), pairs.len());
    assert_none(wrong);
}

/// The pairs of versions in our own table: it says that the tool gave its answers.
fn compared_in_table(scheme: Scheme) -> Vec<(String, String)> {
    let text = fs::read_to_string(table_path(scheme.name())).expect("every scheme has its table");
    let fields = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let pairs = fields.filter_map(|fields| match fields[..] {
        [a, "<" | "=" | ">", b] => Some((a.to_owned(), b.to_owned())),
        _ => None,
    });
    pairs.collect()
}

/// The ranges and versions in our own table.
fn asked_in_table(scheme: Scheme) -> Vec<(String, String)> {
    let path = table_path(&format!("ranges/{}", scheme.name()));
    let text = fs::read_to_string(path).expect("every judged grammar has its table");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let cases = lines.filter_map(|line| {
        let line = format!(" {line}");
        line.rsplit_once(" contains ")
            .or_else(|| line.rsplit_once(" excludes "))
            .map(|(range, version)| (range.trim().to_owned(), version.to_owned()))
    });
    cases.collect()
}

fn table_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name).with_extension("txt")
}

/// PHP and R have machine integers only.
fn has_long_number(version: &str) -> bool {
    version.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 9)
}

/// Whatever range the tool reads, we read the same way.
fn judges_ranges(scheme: Scheme, judge: impl Fn() -> Command) {
    let mut nasty = NastyRange::new(scheme, 1).expect("a judged grammar");
    let cases = std::iter::repeat_with(|| (nasty.range(), nasty.version())).take(RANGES);
    let cases: Vec<_> = cases.chain(asked_in_table(scheme)).collect();
    let questions = cases.iter().map(|(range, v)| format!("range\t{range}\t{v}\n")).collect();
    let Some(answers) = ask(judge(), questions) else { return };
    assert_eq!(answers.lines().count(), cases.len());
    for answer in ["in", "out"] {
        let count = answers.lines().filter(|theirs| *theirs == answer).count();
        assert!(count > RANGES / 50, "{}: only {count} are {answer}", scheme.name());
    }
    let wrong = cases.iter().zip(answers.lines()).filter_map(|((range, version), theirs)| {
        let ours = match Range::parse(scheme, range).map(|range| range.contains(version)) {
            Ok(Ok(true)) => "in",
            Ok(Ok(false)) => "out",
            Ok(Err(_)) | Err(_) => "!",
        };
        let fine = ours == theirs || theirs == "!";
        (!fine).then(|| format!("`{range}` has `{version}` {theirs}, we say {ours}"))
    });
    assert_none(wrong);
}

fn assert_none(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    let shown = wrong.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{shown}\n{} in all", wrong.len());
}

fn script(program: &str, arguments: &[&str], file: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(judge_path(file));
    command
}

fn judge_path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/order/judges").join(file)
}

/// `None`, saying so, if the tool or its library is missing: a script that cannot answer ends
/// before it writes anything.
fn ask(mut command: Command, questions: String) -> Option<String> {
    let why = match command.stdin(Stdio::null()).output() {
        Ok(probe) if probe.status.success() => return Some(talk(&mut command, questions)),
        Ok(probe) => String::from_utf8_lossy(&probe.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let why = why.lines().last().unwrap_or("it says nothing");
    // As `testkit::skip` has it.
    let is_strict = std::env::var_os("LAZARET_TESTS").is_some_and(|value| value == "strict");
    assert!(!is_strict, "{command:?} does not run ({why}), and LAZARET_TESTS=strict");
    eprintln!("skipped: {command:?} does not run ({why}); the tables still judge");
    None
}

/// Writes `input` to the command and gives back all that it answers.
pub(super) fn talk(command: &mut Command, input: String) -> String {
    // What it warns about, at length, is of interest only if it fails.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the judge runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the judge ends");
    writer.join().expect("the writer does not panic").expect("the judge reads all");
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {warnings}", output.status);
    String::from_utf8(output.stdout).expect("answers are text")
}
