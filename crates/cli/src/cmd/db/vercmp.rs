//! `lazaret db vercmp`: compare two versions, or check a file of comparisons.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use version::Scheme;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct VercmpArguments {
    /// How to compare: apk, cargo, composer, cpan, cran, debian, gem, golang, hackage, hex, maven, npm,
    /// nuget, pep440, pub, rpm, semver, swift
    #[arg(value_parser = parse_scheme)]
    scheme: Scheme,
    /// The two versions
    #[arg(num_args = 2, value_names = ["A", "B"], required_unless_present = "check", allow_hyphen_values = true)]
    versions: Vec<String>,
    /// Check the lines `A < B`, `A = B`, `A > B`, `RANGE contains A`, `RANGE excludes A` of this file
    #[arg(long, value_name = "FILE", conflicts_with = "versions")]
    check: Option<PathBuf>,
}

fn parse_scheme(name: &str) -> Result<Scheme, String> {
    let known = || Scheme::ALL.iter().map(|scheme| scheme.name()).collect::<Vec<_>>().join(", ");
    Scheme::from_name(name).ok_or_else(|| format!("`{name}` is not a version scheme ({})", known()))
}

pub(crate) fn run(arguments: VercmpArguments) -> Result<ExitCode, UserError> {
    if let Some(path) = &arguments.check {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let code = match error.kind() {
                ErrorKind::NotFound => ExitCode::TargetNotFound,
                ErrorKind::InvalidData => ExitCode::Damaged,
                ErrorKind::IsADirectory => ExitCode::Usage,
                _ => ExitCode::Failed,
            };
            UserError::new(code, format!("cannot read `{}`: {error}", path.display()))
        })?;
        return check(arguments.scheme, &text);
    }
    let [a, b] = arguments.versions.as_slice() else {
        return Err(UserError::new(ExitCode::Usage, "vercmp compares two versions"));
    };
    let order = arguments
        .scheme
        .compare(a, b)
        .map_err(|error| UserError::from_chain(ExitCode::Usage, &error))?;
    output::write(None, &format!("{}\n", version::symbol(order)))?;
    Ok(ExitCode::Done)
}

fn check(scheme: Scheme, text: &str) -> Result<ExitCode, UserError> {
    let wrong = version::check_table(scheme, text);
    for line in &wrong {
        output::note(&line.to_string());
    }
    if wrong.is_empty() {
        output::write(None, "every line holds\n")?;
        return Ok(ExitCode::Done);
    }
    let (number, verb) = (wrong.len(), if wrong.len() == 1 { "line does" } else { "lines do" });
    output::write(None, &format!("{number} {verb} not hold\n"))?;
    Ok(ExitCode::GateReached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_scheme() {
        let help = VercmpArguments::augment_args(clap::Command::new("vercmp")).render_help();
        let help = help.to_string();
        let words: Vec<&str> = help.split([' ', ',', '\n']).collect();
        for scheme in Scheme::ALL {
            assert!(words.contains(&scheme.name()), "{}: {help}", scheme.name());
        }
    }
}
