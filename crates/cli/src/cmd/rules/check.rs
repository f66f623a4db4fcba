//! `lazaret rules check`: what is to be said of rule files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use detect::{Diagnostic, Level, printable};
use serde_json::json;

use super::ListArguments;
use super::load::Content;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{output, quantity};

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Rule files, or folders of them; later ones may change what earlier ones define [default: the
    /// rules that come with lazaret]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lists: ListArguments,
    /// How to write what is found
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line each, then a count
    #[default]
    Text,
    /// An array of objects
    Json,
}

pub(crate) fn run(arguments: &CheckArguments, global: &Global) -> Result<ExitCode, UserError> {
    let (ruleset, diagnostics) = Content::read(&arguments.paths)?.rules();
    let lists = arguments.lists.read(global.calendar.now())?;
    let of = |level: Level| diagnostics.iter().filter(|it| it.level == level).count();
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    let text = match arguments.format {
        Format::Json => {
            let objects: Vec<serde_json::Value> = diagnostics.iter().map(object).collect();
            format!("{:#}\n", serde_json::Value::from(objects))
        }
        Format::Text => {
            let mut text = String::new();
            for diagnostic in &diagnostics {
                text.extend([&*printable(&diagnostic.to_string()), "\n"]);
            }
            let rules = quantity::count(ruleset.rules().len(), "rule");
            let errors = quantity::count(errors, "error");
            let warnings = quantity::count(warnings, "warning");
            text + &format!("{rules}, {errors}, {warnings}\n")
        }
    };
    output::write(None, &text)?;
    lists.tell(global.is_quiet());
    Ok(lists.code(if errors == 0 { ExitCode::Done } else { ExitCode::Usage }))
}

fn object(diagnostic: &Diagnostic) -> serde_json::Value {
    let Diagnostic { level, place, subject, message, hint } = diagnostic;
    json!({
        "level": level.name(),
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "about": subject,
        "message": message,
        "hint": hint,
    })
}
