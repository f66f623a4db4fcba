//! The verbs that do something: each is an order to the responder.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use model::Response;
use respond::{Network, Order, Responder, Target};

use super::{refused, split_file, tell, who};
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::quantity::parse_duration;

/// For whoever reads the journal.
#[derive(Debug, Args)]
struct WhyArguments {
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

#[derive(Debug, Args)]
struct LimitArguments {
    /// Until when: it is undone after so long (`10m`, `2h`) by the guard, or by `respond expire`
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    time: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct KillArguments {
    /// The number of a process, or the name or id of a container
    target: String,
    #[command(flatten)]
    why: WhyArguments,
}

#[derive(Debug, Args)]
pub(crate) struct StopArguments {
    /// Its name or id
    container: String,
    #[command(flatten)]
    why: WhyArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// Its name or id, or the number of a process in it
    container: String,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    why: WhyArguments,
}

#[derive(Debug, Args)]
pub(crate) struct IsolateArguments {
    /// Its name or id, or the number of a process in it
    container: String,
    /// A network that it keeps: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7` (repeatable)
    #[arg(long, value_name = "NETWORK")]
    keep: Vec<Network>,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    why: WhyArguments,
}

#[derive(Debug, Args)]
pub(crate) struct QuarantineArguments {
    // In an attribute, because a documentation comment takes its brackets for a link.
    #[arg(
        value_name = "FILE",
        value_parser = OsStringValueParser::new().try_map(|text| split_file(&text)),
        help = "The file: [CONTAINER:]/PATH"
    )]
    file: (Option<String>, PathBuf),
    /// Take this name away even if the file has others
    #[arg(long)]
    linked: bool,
    #[command(flatten)]
    limit: LimitArguments,
    #[command(flatten)]
    why: WhyArguments,
}

pub(super) fn kill(
    arguments: &KillArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let order = order(&arguments.why, None, global)?;
    act(Response::Kill, &target(&arguments.target), &order, responder)
}

pub(super) fn stop(
    arguments: &StopArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let order = order(&arguments.why, None, global)?;
    act(Response::Stop, &Target::Container(arguments.container.clone()), &order, responder)
}

pub(super) fn pause(
    arguments: &PauseArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let order = order(&arguments.why, Some(&arguments.limit), global)?;
    act(Response::Pause, &target(&arguments.container), &order, responder)
}

pub(super) fn isolate(
    arguments: &IsolateArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let order = order(&arguments.why, Some(&arguments.limit), global)?;
    let order = Order { keep: arguments.keep.clone(), ..order };
    act(Response::Isolate, &target(&arguments.container), &order, responder)
}

pub(super) fn quarantine(
    arguments: &QuarantineArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let order = order(&arguments.why, Some(&arguments.limit), global)?;
    let order = Order { linked: arguments.linked, ..order };
    let (container, path) = arguments.file.clone();
    act(Response::Quarantine, &Target::File { container, path, told: None }, &order, responder)
}

fn act(
    response: Response,
    target: &Target,
    order: &Order,
    responder: &Responder,
) -> Result<ExitCode, UserError> {
    let entry = responder.act(response, target, order).map_err(|it| refused(&it))?;
    tell(&entry, entry.verb())
}

/// A number is a process.
fn target(text: &str) -> Target {
    match text.parse() {
        Ok(pid) => Target::Process { pid, started: None },
        Err(_) => Target::Container(text.to_owned()),
    }
}

fn order(
    why: &WhyArguments,
    limit: Option<&LimitArguments>,
    global: &Global,
) -> Result<Order, UserError> {
    let time = limit.and_then(|limit| limit.time);
    let until = time.map(|time| global.now.checked_add(time)).transpose().map_err(|error| {
        UserError::new(ExitCode::Usage, format!("`--for` ends at no time that there is: {error}"))
    })?;
    Ok(Order { why: why.why.clone().unwrap_or_default(), who: who(), until, ..Order::default() })
}
