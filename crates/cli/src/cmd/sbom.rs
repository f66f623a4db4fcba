//! `lazaret sbom`: what is inside, without a look at advisories.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use document::{Format, Report};
use jiff::tz::TimeZone;
use model::Eol;

use crate::cmd::ending::outcome;
use crate::cmd::global::Global;
use crate::cmd::inspect::inspect;
use crate::cmd::scan::form;
use crate::cmd::target::TargetArguments;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct SbomArguments {
    #[command(flatten)]
    target: TargetArguments,
    /// Form of the inventory
    #[arg(
        short,
        long,
        value_parser = formats(),
        default_value = Format::CycloneDxJson.name(),
        help_heading = "Report options"
    )]
    format: Format,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE", help_heading = "Report options")]
    output: Option<PathBuf>,
}

impl SbomArguments {
    pub(crate) fn keeps_layers(&self) -> bool {
        self.target.keeps_layers()
    }
}

/// The forms of a bill: those of a report that say what is inside.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::INVENTORIES.map(form::value))
        .try_map(|name| Format::from_name(&name).ok_or("there is no such format"))
}

pub(crate) fn run(arguments: SbomArguments, global: &Global) -> Result<ExitCode, UserError> {
    output::check(arguments.output.as_deref())?;
    let (target, options) = arguments.target.settle(global)?;
    let scan::Inspection { artifact, mut inventory, .. } = inspect(&target, &options)?;
    let mut problems = std::mem::take(&mut inventory.problems);
    // A bill may say so itself.
    let emptied = matcher::emptied(&inventory).filter(|problem| !problems.contains(problem));
    problems.extend(emptied);
    let today = global.now.to_zoned(TimeZone::UTC).date();
    let eol = inventory.os.as_ref().map_or(Eol::Unknown, |os| matcher::end_of_life(os, today));
    let now = global.now.to_string();
    let report = Report { problems, ..Report::of(artifact, inventory, eol, now) };
    output::write_by(arguments.output.as_deref(), &mut |out| arguments.format.write(&report, out))?;
    output::print_problems(&report.problems);
    Ok(outcome(&report))
}
