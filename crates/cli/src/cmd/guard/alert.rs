//! One alert in each of its forms.

use std::fmt::Write as _;

use detect::{Detection, Priority};
use document::printable;
use jiff::Timestamp;
use model::event::{Event, Process};
use policy::guard::{Excuse, Verdict};
use serde_json::{Value, json};

use super::judge;
use super::merge::Tally;

use crate::cmd::rules;

/// Interfaces show as much of a container's id.
const SHORT_ID: usize = 12;
/// Ancestors that a person is shown.
const LINE_MAX: usize = 8;

pub(super) struct Alert<'a> {
    pub(super) event: &'a Event,
    pub(super) detection: &'a Detection,
    /// Of the policy, if there is one.
    pub(super) verdict: Option<&'a Verdict>,
    pub(super) tally: Tally,
}

impl Alert<'_> {
    /// A few lines: what, where, who, from whom. Nothing in it moves a terminal.
    pub(super) fn human(&self, color: bool) -> String {
        let Self { event, detection, .. } = self;
        let rule = &detection.rule;
        let text = printable(&detection.line()).into_owned();
        let title = format!("{} {}", rule.priority.name(), rule.name);
        let title = printable(&title).into_owned();
        let title = match color {
            true => format!("\x1b[{}m{title}\x1b[0m", paint(rule.priority)),
            false => title,
        };
        let mut told = format!("{title}\n  {text}\n");
        let mut line = |name: &str, text: String| {
            writeln!(told, "  {name:<9} {}", printable(&text)).expect("a String takes anything");
        };
        if let Some(again) = again(self.tally) {
            line("again", again);
        }
        if event.denied {
            line("blocked", "before it was done".to_owned());
        }
        for said in self.verdict.map(judge::lines).unwrap_or_default() {
            line("policy", said);
        }
        if let Some(container) = self.container() {
            line("container", container);
        }
        line("process", process(&event.process));
        let ancestors: Vec<String> =
            event.ancestors.iter().take(LINE_MAX).map(|it| it.name.to_string()).collect();
        if !ancestors.is_empty() {
            line("from", ancestors.join(" < "));
        }
        told
    }

    fn container(&self) -> Option<String> {
        let container = self.event.container.as_ref()?;
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
            write!(text, " in pod {}/{}", pod.namespace, pod.name)
                .expect("a String takes anything");
        }
        if !container.described {
            text.push_str(", which its runtime has not described");
        }
        Some(text)
    }

    /// Everything that is known of where and who, beside what the rule tells.
    pub(super) fn json(&self) -> Value {
        let Self { event, detection, verdict, tally } = self;
        let mut alert = rules::object(event.number, detection);
        let ancestors: Vec<Value> = event.ancestors.iter().map(|it| about(it)).collect();
        alert["first"] = tally.first.into();
        alert["last"] = tally.last.into();
        alert["count"] = tally.count.into();
        alert["update"] = tally.is_update().into();
        alert["various"] = tally.various.into();
        alert["blocked"] = event.denied.into();
        alert["verdict"] = verdict.map_or(Value::Null, judge::object);
        alert["allow"] = json!(Excuse::of(&detection.rule.name, event));
        alert["process"] = about(&event.process);
        alert["ancestors"] = ancestors.into();
        alert["container"] = match &event.container {
            None => Value::Null,
            Some(container) => json!({
                "id": container.id,
                "runtime": format!("{:?}", container.runtime).to_lowercase(),
                "described": container.described,
                "name": container.name,
                "image": container.image.as_ref().map(|image| &image.reference),
                "image_digest": container.image.as_ref().and_then(|image| image.digest.as_ref()),
                "pod": container.pod.as_ref().map(|pod| &pod.name),
                "namespace": container.pod.as_ref().map(|pod| &pod.namespace),
            }),
        };
        alert
    }

    pub(super) fn falco_json(&self, hostname: &str) -> Value {
        self.detection.json(hostname)
    }
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

fn about(process: &Process) -> Value {
    let arguments: Vec<String> = process.arguments.iter().map(ToString::to_string).collect();
    json!({
        "pid": process.pid,
        "name": process.name.to_string(),
        "arguments": arguments,
        "executable": process.executable.path.to_string(),
        "directory": process.directory.to_string(),
        "uid": process.credentials.uid,
        "user": process.credentials.user.as_ref().map(|user| user.name.to_string()),
        "login_uid": process.credentials.login_uid,
        "terminal": process.terminal,
    })
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
