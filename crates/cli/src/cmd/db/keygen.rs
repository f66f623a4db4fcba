//! `lazaret db keygen`: a key pair for signing bundles, in two files.

use std::path::PathBuf;

use advisories::{KeyError, PrivateKey};
use clap::Args;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct KeygenArguments {
    /// Where to write the private key; the public one goes beside it as FILE.pub
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(arguments: KeygenArguments) -> Result<ExitCode, UserError> {
    let mut public = arguments.file.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    let failed = |error: KeyError| UserError::from_chain(ExitCode::Failed, &error);
    let key = PrivateKey::generate().map_err(failed)?;
    key.write(&arguments.file).map_err(failed)?;
    key.public().write(&public).map_err(failed)?;
    let (file, public) = (arguments.file.display(), public.display());
    output::write(None, &format!("private key: {file} (keep it secret)\npublic key:  {public}\n"))?;
    Ok(ExitCode::Done)
}
