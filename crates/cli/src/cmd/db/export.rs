//! `lazaret db export`: segments in one file, or laid out for a registry; signed if a key is given.

use std::path::PathBuf;

use advisories::{PrivateKey, SegmentErrorKind, StoreError, bundle, oci};
use clap::Args;

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The bundle to write, or with --oci the folder
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Streams to export [default: all that are installed]
    #[arg(value_name = "STREAM")]
    streams: Vec<String>,
    /// Sign with this private key (see `db keygen`)
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// Write a folder in OCI layout, to be pushed to a registry: `--db-url oci://…` reads it there
    #[arg(long)]
    oci: bool,
}

pub(crate) fn run(arguments: ExportArguments, global: &Global) -> Result<ExitCode, UserError> {
    let installed =
        global.store.list().map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    if installed.is_empty() {
        let message = format!("there are no advisories in `{}`", global.store.dir().display());
        return Err(UserError::new(ExitCode::TargetNotFound, message)
            .hint(Some("`lazaret db update debian-12` or a scan fetches some")));
    }
    let key = arguments.sign.as_deref().map(PrivateKey::read).transpose();
    let key = key.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    let export = if arguments.oci { oci::export } else { bundle::export };
    let index = export(&global.store, &arguments.streams, &arguments.bundle, key.as_ref())
        .map_err(|error| UserError::from_chain(bundle_code(&error), &error))?;
    let signed = if key.is_some() { ", signed" } else { "" };
    let path = arguments.bundle.display();
    let segments = count(index.segments.len() as u64, "segment");
    output::write(None, &format!("{segments} written to {path}{signed}\n"))?;
    Ok(ExitCode::Done)
}

/// Damage is told apart from local trouble.
pub(crate) fn bundle_code(error: &bundle::BundleError) -> ExitCode {
    use bundle::BundleError as Error;
    match error {
        Error::NotABundle { .. }
        | Error::Damaged { .. }
        | Error::Index { .. }
        | Error::Signature { .. } => ExitCode::Damaged,
        Error::Store(StoreError::Segment(error)) if error.kind != SegmentErrorKind::Unreadable => {
            ExitCode::Damaged
        }
        Error::Missing(_) => ExitCode::TargetNotFound,
        Error::Store(_) | Error::Write(_) | Error::Read { .. } => ExitCode::Failed,
    }
}
