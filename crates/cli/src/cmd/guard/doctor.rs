//! `lazaret guard doctor`: what the guard can do on this host, tried rather than guessed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::event::Call;
use sensor::kernel::{Hierarchy, Kernel, Settings, Tier};
use sensor::prevent::{Held, held_here};

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
    line("fanotify", &sensor::doctor::fanotify().why);
    let places = places::of_environment();
    for (name, sockets) in
        [("docker", places.docker), ("podman", places.podman), ("containerd", places.containerd)]
    {
        let found = sockets.iter().find(|socket| socket.exists());
        let found = found.map(|socket| format!("listens at {}", socket.display()));
        line(name, found.as_deref().unwrap_or("does not listen"));
    }
    text.push_str(&refusals());
    output::write(None, &text)?;
    Ok(ExitCode::Done)
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
fn refusals() -> String {
    let mut text = "what can be refused before it is done\n".to_owned();
    for (act, held) in held_here() {
        let by = match held {
            Held::Kernel => "by the kernel".to_owned(),
            Held::Cgroup => "by control groups".to_owned(),
            Held::NotHere(why) => format!("not here: {}", why.replace('\n', ", ")),
        };
        writeln!(text, "  {:<16} {by}", act.name()).expect("a String takes anything");
    }
    text
}

fn groups(hierarchy: &Hierarchy) -> String {
    let kind = match hierarchy.controller {
        None => "version 2".to_owned(),
        Some(controller) => format!("version 1, by the controller {controller}"),
    };
    match &hierarchy.mounted {
        Some(folder) => format!("{kind}, mounted at {}", folder.display()),
        None => format!("{kind}, not mounted: containers cannot be told apart"),
    }
}
