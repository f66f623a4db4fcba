//! `lazaret policy explain`: what a policy says in words, and why a verdict comes out as it does.

use std::path::PathBuf;

use clap::Args;
use document::{Report, printable, table};
use policy::{Facts, Policy, Trace};

use crate::cmd::global::Global;
use crate::cmd::{judgement, stored};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The policy
    file: PathBuf,
    /// Judge this report too (of `scan --format json`) and say how each rule comes to what it says
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ExplainArguments, global: &Global) -> Result<ExitCode, UserError> {
    let policy = judgement::load(&arguments.file)?;
    let report = arguments.report.as_deref().map(stored::read).transpose()?;
    let mut lines = Vec::new();
    let (traces, verdict) = match report {
        Some(report) => judged(&policy, report, global, &mut lines),
        None => (Vec::new(), None),
    };
    let mut text = said(&policy, &traces);
    for line in lines {
        text.extend([&*printable(&line), "\n"]);
    }
    if let Some(report) = verdict {
        text.push_str(&table::verdict(&report, global.look(None)));
    }
    output::write(None, &text)?;
    Ok(ExitCode::Done)
}

/// The report with its verdict, and what each rule came to.
fn judged(
    policy: &Policy,
    mut report: Report,
    global: &Global,
    lines: &mut Vec<String>,
) -> (Vec<Trace>, Option<Report>) {
    let today = global.today;
    let covered =
        policy.cover(&report.artifact, &mut report.findings, &mut report.inventory, today);
    let (silenced, excepted) = (covered.silenced.len(), covered.excepted.len());
    if silenced + excepted > 0 {
        lines.push(format!("exceptions cover {} of the things found", silenced + excepted));
    }
    let facts = Facts {
        artifact: &report.artifact,
        inventory: &report.inventory,
        eol: &report.eol,
        findings: &report.findings,
        problems: &report.problems,
        checks: &report.checks,
        base: report.base.as_ref(),
    };
    let traces = policy.trace(facts, today);
    let mut verdict = policy.judge(facts, today);
    verdict.notes.extend(covered.notes);
    report.verdict = Some(verdict);
    (traces, Some(report))
}

fn said(policy: &Policy, traces: &[Trace]) -> String {
    let mut text = String::new();
    let mut line = |indent: &str, said: &str| text.extend([indent, &*printable(said), "\n"]);
    for rule in policy.describe() {
        line("", &format!("{}: {}", rule.id, rule.does));
        if rule.title != rule.id {
            line("  ", &rule.title);
        }
        if !rule.scope.is_empty() {
            line("  ", &format!("only for {}", rule.scope));
        }
        if !rule.because.is_empty() {
            line("  ", &format!("because {}", rule.because));
        }
        if let Some(date) = &rule.observe_until {
            line("  ", &format!("observed until {date}: before that it only warns"));
        }
        line("  ", &format!("where a fact is not known: {}", rule.unknown.name()));
        for trace in traces.iter().filter(|trace| trace.rule == rule.id) {
            line("  ", &format!("-> {}", outcome(trace)));
        }
    }
    for exception in policy.describe_exceptions() {
        let by = if exception.owner.is_empty() { "nobody named" } else { &exception.owner };
        line("", &format!("exception: {}: {} ({by})", exception.covers, exception.reason));
    }
    for trace in traces.iter().filter(|trace| trace.rule == "licenses") {
        line("", &format!("licenses -> {}", outcome(trace)));
    }
    text
}

fn outcome(trace: &Trace) -> String {
    let Trace { applies, looked_at, holds, excused, reason, .. } = trace;
    let decision = reason.as_ref().map_or("allow", |reason| reason.decision.name());
    let unknown = reason.iter().flat_map(|reason| &reason.unknown);
    let unknown: String = unknown.map(|why| format!("; cannot be judged: {why}")).collect();
    match applies {
        Some(false) => "is not for this image".to_owned(),
        _ if *excused > 0 => {
            format!("{decision}: holds of {holds} of {looked_at}, {excused} excused{unknown}")
        }
        _ => format!("{decision}: holds of {holds} of {looked_at}{unknown}"),
    }
}
