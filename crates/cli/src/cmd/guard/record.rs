//! `--record`: every event in a file that rules can be held against later.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use detect::recording::{HEADER, Writer};
use model::event::Event;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

pub(super) struct Recording {
    path: PathBuf,
    file: BufWriter<File>,
    writer: Writer,
    bytes: Vec<u8>,
}

impl Recording {
    /// A new file: what is there already may be evidence.
    pub(super) fn create(path: &Path) -> Result<Self, UserError> {
        let file = File::create_new(path).map_err(|error| failed(path, &error))?;
        let mut file = BufWriter::new(file);
        file.write_all(&HEADER).map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned(), file, writer: Writer::new(), bytes: Vec::new() })
    }

    /// An event that is too large is left out, and said.
    pub(super) fn event(&mut self, event: &Event) -> Result<(), UserError> {
        self.bytes.clear();
        if let Err(error) = self.writer.event(event, &mut self.bytes) {
            output::note(&format!("not recorded: {error}"));
        }
        self.file.write_all(&self.bytes).map_err(|error| failed(&self.path, &error))
    }

    pub(super) fn finish(mut self) -> Result<(), UserError> {
        self.file.flush().map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &std::io::Error) -> UserError {
    UserError::new(ExitCode::Output, format!("cannot write `{}`: {error}", path.display()))
}
