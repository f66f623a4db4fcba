//! JUnit XML: a test suite for each check that ran, for build servers that show test results.
//!
//! What is wrong is a failed test; what could not be done is an error; what somebody says not to
//! report is a skipped test. A check that found nothing is one passed test, so that it is seen. Each
//! rule of a policy that had something to say is a test: failed if it denies, an error if it cannot
//! be judged.

use std::fmt::Write as _;
use std::io::{self, Write};

use model::{Decision, Reason, Verdict};

use crate::Report;
use crate::fault::{self, Fault, Kind};
use crate::text::printable;
use crate::xml::Xml;

/// Writes the report as XML with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: Vec<Suite> = Vec::new();
    let (faults, silenced) = (fault::faults(report), fault::silenced(report));
    for kind in Kind::ALL {
        let of_kind = |it: &&Fault<'_>| it.kind == kind;
        let failures = faults.iter().filter(of_kind).map(failure);
        let skipped = silenced.iter().filter(of_kind).map(skip);
        let left_out = left_out(kind, fault::left_out(report, kind));
        let cases: Vec<Case> = failures.chain(skipped).chain(left_out).collect();
        if !cases.is_empty() || report.checks.iter().any(|check| check == kind.check()) {
            suites.push(Suite { name: kind.plural().to_lowercase(), cases });
        }
    }
    let incomplete = report.problems.iter().filter(|problem| problem.kind.makes_incomplete());
    let errors: Vec<Case> = incomplete.map(error).collect();
    if !errors.is_empty() {
        suites.push(Suite { name: "problems".to_owned(), cases: errors });
    }
    if let Some(verdict) = &report.verdict {
        suites.push(Suite { name: "policy".to_owned(), cases: judged(verdict) });
    }
    write_suites(report, &suites, out)
}

/// A test for each rule that had something to say; the verdict itself where none had.
fn judged(verdict: &Verdict) -> Vec<Case> {
    let case = |name: &str, decision: Decision, message: String, text: String| Case {
        class: "policy".to_owned(),
        name: name.to_owned(),
        outcome: match decision {
            Decision::Deny => Outcome::Failure,
            Decision::Unknown => Outcome::Error,
            Decision::Allow | Decision::Warn => Outcome::Passed,
        },
        message,
        word: decision.name(),
        text,
    };
    if verdict.reasons.is_empty() {
        let name = format!("verdict of {}", verdict.policy);
        let message = format!("verdict: {}", verdict.decision.name());
        return vec![case(&name, verdict.decision, message, String::new())];
    }
    let of = |it: &Reason| {
        let because = it.because.lines().map(str::to_owned);
        let hits = it.hits.iter().map(|hit| format!("{} {}", hit.id, hit.place));
        let unknown = it.unknown.iter().map(|why| format!("cannot be judged: {why}"));
        let remedies = it.remedies.iter().map(|remedy| format!("to pass: {remedy}"));
        let text: Vec<String> = because.chain(hits).chain(unknown).chain(remedies).collect();
        let message = format!("{}: {}", it.decision.name(), it.title);
        case(&it.rule, it.decision, message, text.join("\n"))
    };
    verdict.reasons.iter().map(of).collect()
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    outcome: Outcome,
    message: String,
    /// What a build server calls the kind of a failure: the severity, the kind of the problem.
    word: &'static str,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failure,
    Error,
    Skipped,
    Passed,
}

impl Suite {
    fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// How many tests: a suite without any has one that passed.
    fn tests(&self) -> usize {
        self.cases.len().max(1)
    }
}

fn failure(fault: &Fault<'_>) -> Case {
    let mut text = String::new();
    for (label, value) in [
        ("severity", fault.severity.name()),
        ("title", fault.title),
        ("where", &fault.place()),
        ("evidence", &fault.evidence),
        ("remedy", &fault.remedy),
    ] {
        if !value.is_empty() {
            writeln!(text, "{label}: {value}").expect("writing to a String cannot fail");
        }
    }
    if let Some(layer) = fault.layer {
        writeln!(text, "layer: {layer}").expect("writing to a String cannot fail");
    }
    let title = if fault.title.is_empty() { fault.rule } else { fault.title };
    Case {
        class: class(fault),
        name: format!("{} in {}", fault.rule, subject(fault)),
        outcome: Outcome::Failure,
        message: format!("{}: {title}", fault.severity),
        word: fault.severity.name(),
        text,
    }
}

/// Its place where a secret or setting is meant: there may be several in one file.
fn subject(fault: &Fault<'_>) -> String {
    match fault.kind {
        Kind::Secret | Kind::Misconfiguration if fault.line > 0 => fault.place().into_owned(),
        _ => fault.subject.clone().into_owned(),
    }
}

/// What the user did not want to see is there all the same: a passed test would deny it.
fn left_out(kind: Kind, count: usize) -> Option<Case> {
    (count > 0).then(|| Case {
        class: kind.name().to_owned(),
        name: format!("{} left out, as was asked for", kind.plural().to_lowercase()),
        outcome: Outcome::Skipped,
        message: format!("{count} more"),
        word: "",
        text: String::new(),
    })
}

fn skip(fault: &Fault<'_>) -> Case {
    let says = |it: fault::Silencer<'_>| format!("{} ({}): {}", it.source, it.by.name(), it.reason);
    let message = fault.silenced.map(says).unwrap_or_default();
    Case { outcome: Outcome::Skipped, message, text: String::new(), ..failure(fault) }
}

fn error(problem: &model::Problem) -> Case {
    Case {
        class: "problems".to_owned(),
        name: format!("{} {}", problem.kind.name().replace('_', " "), problem.subject),
        outcome: Outcome::Error,
        message: problem.to_string(),
        word: problem.kind.name(),
        text: String::new(),
    }
}

/// Build servers draw a tree of it by its dots; ours is one level deep.
fn class(fault: &Fault<'_>) -> String {
    let group = fault.package().map_or(fault.path, |package| package.name.as_str());
    format!("{}.{}", fault.kind.name(), group.replace(['.', '/'], "_"))
}

fn write_suites(report: &Report, suites: &[Suite], out: &mut dyn Write) -> io::Result<()> {
    let total = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>().to_string();
    let name = format!("lazaret {}", printable(&report.artifact.name));
    let attributes: [(&str, &str); 5] = [
        ("name", &name),
        ("tests", &total(Suite::tests)),
        ("failures", &total(|suite| suite.count(Outcome::Failure))),
        ("errors", &total(|suite| suite.count(Outcome::Error))),
        ("time", "0"),
    ];
    let mut xml = Xml::new(out);
    xml.element("testsuites", &attributes, |xml| {
        for (id, suite) in suites.iter().enumerate() {
            write_suite(xml, id, suite, report);
        }
    });
    xml.finish()
}

fn write_suite(xml: &mut Xml<'_>, id: usize, suite: &Suite, report: &Report) {
    let count = |outcome| suite.count(outcome).to_string();
    let attributes: [(&str, &str); 9] = [
        ("name", &suite.name),
        ("id", &id.to_string()),
        ("tests", &suite.tests().to_string()),
        ("failures", &count(Outcome::Failure)),
        ("errors", &count(Outcome::Error)),
        ("skipped", &count(Outcome::Skipped)),
        ("time", "0"),
        // The format wants local time without a zone; ours is UTC and says seconds.
        ("timestamp", report.now.trim_end_matches('Z')),
        ("hostname", "localhost"),
    ];
    xml.element("testsuite", &attributes, |xml| {
        suite.cases.iter().for_each(|case| write_case(xml, case));
        if suite.cases.is_empty() {
            let within = if report.is_incomplete() { " in what could be checked" } else { "" };
            let name = format!("no {} found{within}", suite.name);
            xml.empty("testcase", &[("classname", &suite.name), ("name", &name), ("time", "0")]);
        }
    });
}

fn write_case(xml: &mut Xml<'_>, case: &Case) {
    let Case { class, name, outcome, message, word, text } = case;
    let (class, name, message) = (printable(class), printable(name), printable(message));
    let attributes = [("classname", &*class), ("name", &*name), ("time", "0")];
    let (tag, word) = match outcome {
        Outcome::Skipped => ("skipped", None),
        Outcome::Failure => ("failure", Some(word)),
        Outcome::Error => ("error", Some(word)),
        Outcome::Passed => ("system-out", None),
    };
    xml.element("testcase", &attributes, |xml| {
        let message = (*outcome != Outcome::Passed).then_some(("message", &*message));
        let attributes: Vec<(&str, &str)> =
            message.into_iter().chain(word.map(|word| ("type", *word))).collect();
        let lines: Vec<_> = text.lines().map(printable).collect();
        match lines.as_slice() {
            [] => xml.empty(tag, &attributes),
            lines => xml.text(tag, &attributes, &lines.join("\n")),
        }
    });
}
