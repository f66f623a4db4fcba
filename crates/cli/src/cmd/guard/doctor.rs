//! `lazaret guard doctor`: what the guard can do on this host, tried rather than guessed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::event::Call;
use sensor::containers::{Reach, Reached};
use sensor::kernel::{Hierarchy, Kernel, Settings, Tier};
use sensor::prevent::{Held, fanotify, held_here};

use super::{live, places, tier};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

pub(super) fn run() -> Result<ExitCode, UserError> {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        writeln!(text, "{name:<12} {what}").expect("a String takes anything");
    };
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    line("kernel", kernel.trim());
    live::see_host()?;
    let started = Kernel::start(&Settings::new()).map_err(live::refused)?;
    line("tier", &tier::sentence(&started));
    line("calls", &calls(started)?);
    line("groups", &groups(&Hierarchy::find()));
    let of_files = sensor::doctor::fanotify();
    line("fanotify", &of_files.why);
    for reached in places::of_environment().reached() {
        line(&name(&reached), &reach(&reached.what));
    }
    text.push_str(&refusals(of_files.present == Some(true)));
    output::write(None, &text)?;
    Ok(ExitCode::Done)
}

fn name(Reached { runtime, user, .. }: &Reached) -> String {
    user.map_or_else(|| (*runtime).to_owned(), |user| format!("{runtime} of user {user}"))
}

fn reach(what: &Reach) -> String {
    match what {
        Reach::Answers { socket, version } => format!("{version} answers at {}", socket.display()),
        Reach::Silent { why } => format!("not reached: {why}"),
        Reach::Stored { folder } => format!(
            "nobody listens: containers are known by {}, which has no labels",
            folder.display()
        ),
        Reach::Absent => "not found".to_owned(),
    }
}

/// Tries it with a call that is rare.
fn calls(mut kernel: Kernel) -> Result<String, UserError> {
    kernel.watch(&BTreeSet::from([Call::Reboot])).map_err(live::refused)?;
    let what = match kernel.tier().0 {
        Tier::Fentry => {
            "those that rules want are seen when they return, no other one is slowed down"
        }
        Tier::Tracepoints => "they are seen when they return; while a rule wants one, each costs",
    };
    Ok(what.to_owned())
}

/// What could be refused, act by act. Every program is loaded to know it, and none attached.
fn refusals(by_fanotify: bool) -> String {
    let mut text = "what can be refused before it is done\n".to_owned();
    for (act, held) in held_here() {
        let by = match held {
            Held::Kernel => "by the kernel".to_owned(),
            Held::Cgroup => "by control groups".to_owned(),
            Held::NotHere(_) if by_fanotify && fanotify::can_hold(act) => "by fanotify".to_owned(),
            Held::NotHere(why) => format!("not here: {}", why.replace('\n', ", ")),
        };
        writeln!(text, "  {:<16} {by}", act.name()).expect("a String takes anything");
    }
    text
}

fn groups(hierarchy: &Hierarchy) -> String {
    let kind = match hierarchy.controller {
        None => "version 2".to_owned(),
        Some(controller) => format!(
            "version 1, by the controller {controller}; rootless containers have none there, and are told as the host"
        ),
    };
    match &hierarchy.mounted {
        Some(folder) => format!("{kind}, mounted at {}", folder.display()),
        None => format!("{kind}, not mounted: containers cannot be told apart"),
    }
}
