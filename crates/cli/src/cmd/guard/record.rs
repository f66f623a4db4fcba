//! `--record`: every event in a file that rules can be held against later.
//!
//! A thread writes, behind a queue: a disk that is slow or full costs events of the recording, which
//! are counted, and never an alert.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use courier::{Behind, Queue};
use detect::recording::{HEADER, Writer, bytes_of};
use model::event::Event;

use super::END;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// Events that wait to be written: a second of a busy host.
const QUEUE: usize = 16_384;
/// What they take: events of programs with many words are 50 KiB each.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes that are written at once.
const BATCH: usize = 64 << 10;

pub(super) struct Recording {
    path: PathBuf,
    pen: Behind<Event>,
}

impl Recording {
    /// A new file, for root alone: what is there already may be evidence, and no link is followed.
    pub(super) fn create(path: &Path) -> Result<Self, UserError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| failed(path, &error))?;
        file.write_all(&HEADER).map_err(|error| failed(path, &error))?;
        Self::write(path, file)
    }

    fn write(path: &Path, file: File) -> Result<Self, UserError> {
        let path = path.to_owned();
        let (writer, bytes) = (Writer::new(), Vec::new());
        let pen = Pen { path: path.clone(), file: Some(file), writer, bytes, events: 0 };
        let pen = Behind::start("record", QUEUE, QUEUE_BYTES_MAX, move |events| pen.write(events));
        let pen = pen.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        Ok(Self { path, pen })
    }

    pub(super) fn event(&self, event: Event) {
        let bytes = bytes_of(&event);
        self.pen.give(event, bytes);
    }

    /// Gives it time to write what it has.
    pub(super) fn finish(self) -> Result<(), UserError> {
        let Self { path, pen } = self;
        match pen.finish(END) {
            0 => Ok(()),
            count => {
                let message = format!("{count} events are not in `{}`", path.display());
                Err(UserError::new(ExitCode::Output, message))
            }
        }
    }
}

/// The thread's.
struct Pen {
    path: PathBuf,
    /// None once it could not be written to: what came after a gap would be read as damage.
    file: Option<File>,
    writer: Writer,
    /// Not written yet, of so many events.
    bytes: Vec<u8>,
    events: u64,
}

impl Pen {
    /// Until there are no more.
    fn write(mut self, events: &Queue<Event>) {
        while let Some(event) = events.next() {
            self.take(&event);
            while self.bytes.len() < BATCH
                && let Some(event) = events.next_now()
            {
                self.take(&event);
            }
            self.put(events);
        }
    }

    /// An event that is too large is left out, and said.
    fn take(&mut self, event: &Event) {
        if self.file.is_none() {
            return;
        }
        match self.writer.event(event, &mut self.bytes) {
            Ok(()) => self.events += 1,
            Err(error) => output::note(&format!("not recorded: {error}")),
        }
    }

    fn put(&mut self, events: &Queue<Event>) {
        let Some(file) = &mut self.file else { return };
        match file.write_all(&self.bytes) {
            Ok(()) => events.arrived(self.events),
            Err(error) => {
                let path = self.path.display();
                output::note(&format!("the recording ends: cannot write `{path}`: {error}"));
                self.file = None;
            }
        }
        self.bytes.clear();
        self.events = 0;
    }
}

fn failed(path: &Path, error: &std::io::Error) -> UserError {
    UserError::new(ExitCode::Output, format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_full_disk_is_counted_to_the_event() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let recording = Recording::write(path, file).unwrap();
        for number in 0..10 {
            recording.event(event(number));
        }
        let error = recording.finish().expect_err("nothing was written");
        let said = format!("{error:?}");
        assert!(said.contains("10 events are not in `/dev/full`"), "{said}");
    }

    fn event(number: u64) -> Event {
        Event {
            number,
            time: 0,
            call: model::event::Call::Procexit,
            thread: 0,
            processor: 0,
            process: Arc::default(),
            ancestors: Arc::default(),
            container: None,
            act: model::event::Act::Exit { status: 0 },
            result: None,
            denied: false,
        }
    }
}
