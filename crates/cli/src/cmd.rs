//! The subcommands: one file each, and the options that all of them share.

mod answer;
mod attached;
mod cache;
mod checks;
mod db;
mod demo;
mod diff;
mod ending;
mod global;
mod guard;
mod inspect;
mod judgement;
mod malware;
mod own_checks;
mod policy;
#[cfg(test)]
mod reference;
mod respond;
mod rules;
mod sbom;
mod scan;
mod stored;
mod target;
mod vex;

use clap::{Parser, Subcommand};

use crate::error::UserError;
use crate::exit_code::{self, ExitCode};

use self::global::Needs;

/// Container security: inspects images and says what is wrong with them.
#[derive(Debug, Parser)]
#[command(name = "lazaret", version, max_term_width = 100, propagate_version = true)]
#[command(after_long_help = exit_code::help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    global: global::GlobalArguments,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find the vulnerabilities of an image, a directory or an archive.
    Scan(Box<scan::ScanArguments>),
    /// Compare two images, bills or earlier reports: what an upgrade brings and what it takes.
    Diff(Box<diff::DiffArguments>),
    /// List what is inside an image, a directory or an archive. Never touches advisories.
    Sbom(sbom::SbomArguments),
    /// Read a policy: check it, run its tests, explain what it says and why.
    Policy(policy::PolicyArguments),
    /// Watch this host and its containers, and tell what rules find.
    Guard(Box<guard::GuardArguments>),
    /// Judge what is about to start: an image that a policy denies, a privileged container.
    Gate(guard::GateArguments),
    /// Read the rules of what is looked for in what runs: list, check, test, replay.
    Rules(rules::RulesArguments),
    /// Kill, pause, stop, isolate, quarantine; each written down before, and undone where it can be.
    Respond(respond::RespondArguments),
    /// See to the advisories: what is there, fetch, import, export, verify.
    Db(db::DbArguments),
    /// See to what is kept of layers that were read before.
    Cache(cache::CacheArguments),
    /// Scan a small image made on the spot, with an excerpt of real advisories; needs no network.
    Demo,
}

impl Verb {
    /// Services, and what they or a container's first program start, have no home.
    fn needs(&self) -> Needs {
        match self {
            Self::Guard(_)
            | Self::Gate(_)
            | Self::Rules(_)
            | Self::Respond(_)
            | Self::Policy(_) => Needs::Nothing,
            Self::Sbom(arguments) if !arguments.keeps_layers() => Needs::Nothing,
            Self::Scan(arguments) if !arguments.keeps_layers() => Needs::Advisories,
            Self::Diff(arguments) if !arguments.keeps_layers() => Needs::Advisories,
            Self::Db(_) => Needs::Advisories,
            Self::Sbom(_) => Needs::Layers,
            Self::Scan(_) | Self::Diff(_) => Needs::LayersAndAdvisories,
            Self::Demo => Needs::Nothing,
            Self::Cache(_) => Needs::All,
        }
    }
}

/// Runs the verb that was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, UserError> {
    let Arguments { verb, global } = arguments;
    let global = global.settle(verb.needs())?;
    match verb {
        Verb::Scan(arguments) => scan::run(*arguments, &global),
        Verb::Diff(arguments) => diff::run(*arguments, &global),
        Verb::Sbom(arguments) => sbom::run(arguments, &global),
        Verb::Policy(arguments) => policy::run(arguments, &global),
        Verb::Guard(arguments) => guard::run(*arguments, &global),
        Verb::Gate(arguments) => guard::run_gate(arguments, &global),
        Verb::Rules(arguments) => rules::run(arguments, &global),
        Verb::Respond(arguments) => respond::run(arguments, &global),
        Verb::Db(arguments) => db::run(arguments, &global),
        Verb::Cache(arguments) => cache::run(arguments, &global),
        Verb::Demo => demo::run(&global),
    }
}
