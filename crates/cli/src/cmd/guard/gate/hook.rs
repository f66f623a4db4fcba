//! `lazaret gate oci-hook`: one container, judged for its runtime, which starts it if this ends with 0.

use std::sync::mpsc;
use std::thread;

use ::gate::{Broken, Decided, Judge, oci};
use artifact::Stop;
use clap::Args;

use super::told::tell;
use super::{JudgeArguments, WhenBroken};
use crate::cmd::global::Global;
use crate::cmd::guard::{cage, sink};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Args, Debug)]
pub(super) struct HookArguments {
    #[command(flatten)]
    judge: JudgeArguments,
}

/// Whatever goes wrong, it is the choice of whoever runs the gate what becomes of the container.
pub(super) fn run(arguments: &HookArguments, global: &Global) -> ExitCode {
    let arguments = &arguments.judge;
    match judged(arguments, global) {
        Ok(code) => code,
        Err(error) => {
            error.print();
            match arguments.enforce && arguments.when_broken == WhenBroken::Deny {
                true => error.code(),
                false => ExitCode::Done,
            }
        }
    }
}

fn judged(arguments: &JudgeArguments, global: &Global) -> Result<ExitCode, UserError> {
    if arguments.sinks.is_empty() {
        let message = "nobody reads what a hook writes, and there is no sink for alerts";
        return Err(UserError::new(ExitCode::Usage, message)
            .hint(Some("name one: --to json@file:PATH, or --to cef@syslog:")));
    }
    let sinks = sink::open(&arguments.sinks, false, &Stop::default(), &cage::nursery()?)?;
    let judge = arguments.judge()?;
    let today = global.today;
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let decided = judge.judge(oci::wanted(std::io::stdin().lock()), today, None);
        // Nobody may be waiting any more.
        drop(sender.send(decided));
    };
    let begun = thread::Builder::new().name("judge".to_owned()).spawn(work);
    begun.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    let decided = match receiver.recv_timeout(arguments.deadline()) {
        Ok(decided) => decided,
        Err(_) => late(arguments)?,
    };
    if decided.told {
        tell(&sinks, &decided, "", "");
        output::note(&decided.lines.join("\n  "));
    }
    let mut sinks = sinks;
    sinks.finish().iter().for_each(|untold| output::note(untold));
    Ok(if decided.refused { ExitCode::GateReached } else { ExitCode::Done })
}

fn late(arguments: &JudgeArguments) -> Result<Decided, UserError> {
    let judge: Judge = arguments.judge()?;
    let why = format!("nothing answered within {} s", arguments.deadline);
    Ok(judge.broken(Broken::new(why)))
}
