//! `lazaret guard profile`: work with profiles of workloads, without a guard.

mod learn;
mod show;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use detect::printable;
use policy::profile::{Mode, Profile};

use super::profiles::{PaceArguments, files, read, replace};
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The profiles of a folder, and how far each has come.
    List {
        /// The folder, as `guard --profiles` has it
        folder: PathBuf,
    },
    /// Learn from a recording what the guard would have learnt, and tell what deviates; needs no root.
    Learn {
        /// The folder of profiles
        folder: PathBuf,
        /// What `lazaret guard --record` wrote
        recording: PathBuf,
        #[command(flatten)]
        pace: PaceArguments,
    },
    /// What a profile holds, section by section, for who looks through it.
    Show {
        /// The profile
        file: PathBuf,
    },
    /// What a later profile of a workload holds and an earlier does not, and the other way round.
    Diff {
        /// The earlier one
        earlier: PathBuf,
        /// The later one
        later: PathBuf,
    },
    /// Put several profiles of one workload, of different hosts for instance, together.
    Merge {
        /// The profiles; the first one's mode counts
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Take a profile one step on: from learn to monitor, from monitor to protect.
    Promote(PromoteArguments),
    /// Write what was learnt for another program.
    Export(ExportArguments),
}

#[derive(Debug, Args)]
struct PromoteArguments {
    /// The profile
    file: PathBuf,
    /// The mode that it is to have, which may be an earlier one
    #[arg(long, value_enum)]
    to: Option<To>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    Learn,
    Monitor,
    Protect,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("form").required(true))]
struct ExportArguments {
    /// The profile
    file: PathBuf,
    /// A seccomp profile for Docker, Podman or Kubernetes: the system calls that were learnt
    #[arg(long, group = "form")]
    seccomp: bool,
    /// A policy of the guard: what the workload never does, refused; enforced if the profile protects
    #[arg(long, group = "form")]
    policy: bool,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &ProfileArguments, global: &Global) -> Result<ExitCode, UserError> {
    match &arguments.verb {
        Verb::List { folder } => list(folder),
        Verb::Show { file } => {
            let (_, profile) = read(file)?;
            output::write(None, &show::text(&profile)).map(|()| ExitCode::Done)
        }
        Verb::Learn { folder, recording, pace } => learn::run(folder, recording, pace.quiet_days()),
        Verb::Diff { earlier, later } => diff(earlier, later),
        Verb::Merge { files } => merge(files),
        Verb::Promote(arguments) => promote(arguments, global),
        Verb::Export(arguments) => export(arguments),
    }
}

/// One that cannot be read does not hide the others.
fn list(folder: &Path) -> Result<ExitCode, UserError> {
    let paths = files(folder).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
            _ => ExitCode::Failed,
        };
        UserError::new(code, format!("cannot read `{}`: {error}", folder.display()))
    })?;
    let (mut text, mut code) = (String::new(), ExitCode::Done);
    for path in paths {
        match read(&path) {
            Ok((_, profile)) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let line = format!("{}  {}", show::line(&profile), name);
                text.extend([&printable(&line), "\n"]);
            }
            Err(error) => {
                error.print();
                code = ExitCode::Incomplete;
            }
        }
    }
    output::write(None, &text)?;
    Ok(code)
}

fn diff(earlier: &Path, later: &Path) -> Result<ExitCode, UserError> {
    let ((_, earlier), (_, later)) = (read(earlier)?, read(later)?);
    one_workload(&earlier, &later)?;
    let lines = earlier.diff(&later);
    let text: String = lines.iter().map(|line| printable(line).into_owned() + "\n").collect();
    output::write(None, &text)?;
    Ok(ExitCode::Done)
}

fn merge(files: &[PathBuf]) -> Result<ExitCode, UserError> {
    let mut profiles = files.iter().map(|file| read(file).map(|(_, profile)| profile));
    let Some(first) = profiles.next() else { return Ok(ExitCode::Done) };
    let mut merged = first?;
    for profile in profiles {
        let profile = profile?;
        one_workload(&merged, &profile)?;
        merged.merge(&profile);
    }
    output::write(None, &merged.to_yaml()).map(|()| ExitCode::Done)
}

fn one_workload(one: &Profile, other: &Profile) -> Result<(), UserError> {
    if one.workload == other.workload {
        return Ok(());
    }
    let message =
        format!("profiles of different workloads: `{}`, `{}`", one.workload, other.workload);
    Err(UserError::new(ExitCode::Usage, message))
}

fn promote(arguments: &PromoteArguments, global: &Global) -> Result<ExitCode, UserError> {
    let path = &arguments.file;
    let (_, mut profile) = read(path)?;
    let former = profile.mode;
    profile.mode = match (arguments.to, former) {
        (Some(To::Learn), _) => Mode::Learn,
        (Some(To::Monitor), _) | (None, Mode::Learn) => Mode::Monitor,
        (Some(To::Protect), _) | (None, Mode::Monitor) => Mode::Protect,
        (None, Mode::Protect) => {
            let message = format!("`{}` protects already", path.display());
            return Err(UserError::new(ExitCode::Usage, message));
        }
    };
    if profile.mode == Mode::Learn {
        // Else it would be promoted again at once.
        profile.learning.quiet = 0;
        profile.learning.news = global.today;
        profile.learning.until = profile.learning.until.filter(|until| *until > global.today);
    }
    replace(path, &profile.to_yaml()).map_err(|error| {
        UserError::new(ExitCode::Output, format!("cannot write `{}`: {error}", path.display()))
    })?;
    if !global.is_quiet() {
        let (from, to) = (former.name(), profile.mode.name());
        output::note(&format!("`{}`: {from} → {to}", profile.workload));
        show::doubts(&profile).iter().for_each(|doubt| output::note(doubt));
    }
    Ok(ExitCode::Done)
}

fn export(arguments: &ExportArguments) -> Result<ExitCode, UserError> {
    let (_, profile) = read(&arguments.file)?;
    if arguments.policy {
        return output::write(arguments.output.as_deref(), &profile.to_policy())
            .map(|()| ExitCode::Done);
    }
    let seccomp = profile.seccomp().map_err(|error| {
        UserError::new(ExitCode::Unsupported, error.to_string())
            .hint(Some("run the workload under `lazaret guard --profiles`"))
    })?;
    seccomp.notes.iter().for_each(|note| output::note(note));
    let text = serde_json::to_string_pretty(&seccomp)
        .map_err(|error| UserError::new(ExitCode::Failed, error.to_string()))?;
    output::write(arguments.output.as_deref(), &(text + "\n")).map(|()| ExitCode::Done)
}
