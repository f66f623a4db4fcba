//! An alert for a person: a few lines.

use std::fmt::Write as _;

use detect::{Detection, Priority, printable};
use jiff::Timestamp;
use model::event::{Event, Process};

use super::{Alert, Subject};
use crate::cmd::guard::changes::Change;
use crate::cmd::guard::judge;
use crate::cmd::guard::merge::Tally;

/// Interfaces show as much of a container's id.
const SHORT_ID: usize = 12;
/// Ancestors that a person is shown.
const LINE_MAX: usize = 8;

/// What, where, who, from whom. Nothing in it moves a terminal.
pub(super) fn text(alert: &Alert<'_>, color: bool) -> String {
    let mut told = title(alert.detection, color);
    let mut line = |name: &str, text: &str| {
        writeln!(told, "  {name:<9} {}", printable(text)).expect("a String takes anything");
    };
    if let Some(again) = again(alert.tally) {
        line("again", &again);
    }
    if matches!(alert.subject, Subject::Event(event) if event.denied) {
        line("blocked", "before it was done");
    }
    for said in alert.verdict.map(judge::lines).unwrap_or_default() {
        line("policy", &said);
    }
    let mut changed = alert.change.map(Change::lines).unwrap_or_default().into_iter();
    if let Some(summary) = changed.next() {
        line("changed", &summary);
    }
    changed.for_each(|it| line("", &it));
    if let Subject::Event(event) = alert.subject {
        told.push_str(&of_event(event));
    }
    told
}

/// That it was found before, or is one of many that are counted together.
fn again(tally: Tally) -> Option<String> {
    let together =
        if tally.various { "many different ones in this place, counted together" } else { "" };
    if !tally.is_update() {
        return tally.various.then(|| together.to_owned());
    }
    let Tally { first, last, count, .. } = tally;
    let mut text = format!("{count} in all, {} to {}", of_day(first), of_day(last));
    if tally.various {
        write!(text, "; {together}").expect("a String takes anything");
    }
    Some(text)
}

/// The time of day, in UTC.
fn of_day(nanoseconds: u64) -> String {
    let time = Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default();
    time.strftime("%H:%M:%S").to_string()
}

fn title(detection: &Detection, color: bool) -> String {
    let rule = &detection.rule;
    let text = printable(&detection.line()).into_owned();
    let title = format!("{} {}", rule.priority.name(), rule.name);
    let title = printable(&title).into_owned();
    let title = match color {
        true => format!("\x1b[{}m{title}\x1b[0m", paint(rule.priority)),
        false => title,
    };
    format!("{title}\n  {text}\n")
}

fn of_event(event: &Event) -> String {
    let mut told = String::new();
    let mut line = |name: &str, text: String| {
        writeln!(told, "  {name:<9} {}", printable(&text)).expect("a String takes anything");
    };
    if let Some(container) = container(event) {
        line("container", container);
    }
    // What the gate refuses has no process yet.
    if event.process.pid != 0 {
        line("process", process(&event.process));
    }
    let ancestors: Vec<String> =
        event.ancestors.iter().take(LINE_MAX).map(|it| it.name.to_string()).collect();
    if !ancestors.is_empty() {
        line("from", ancestors.join(" < "));
    }
    told
}

fn container(event: &Event) -> Option<String> {
    let container = event.container.as_ref()?;
    let id: String = container.id.chars().take(SHORT_ID).collect();
    let mut text = match &container.name {
        Some(name) => format!("{name} ({id})"),
        None if id.is_empty() => return Some("not known which".to_owned()),
        None => id,
    };
    if let Some(image) = &container.image {
        text.push_str(" of ");
        text.push_str(&image.reference);
    }
    if let Some(pod) = &container.pod {
        write!(text, " in pod {}/{}", pod.namespace, pod.name).expect("a String takes anything");
    }
    if !container.described {
        text.push_str(", which its runtime has not described");
    }
    Some(text)
}

fn process(process: &Process) -> String {
    let words: Vec<String> = process.arguments.iter().map(ToString::to_string).collect();
    let command = if words.is_empty() { process.name.to_string() } else { words.join(" ") };
    let credentials = &process.credentials;
    let user = match &credentials.user {
        Some(user) => user.name.to_string(),
        None => credentials.uid.to_string(),
    };
    let terminal = if process.terminal == 0 { "" } else { ", on a terminal" };
    format!("{command} (pid {}, user {user}{terminal})", process.pid)
}

/// The number of an ANSI color.
fn paint(priority: Priority) -> &'static str {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical => "1;31",
        Priority::Error => "31",
        Priority::Warning => "33",
        Priority::Notice | Priority::Informational | Priority::Debug => "36",
    }
}
