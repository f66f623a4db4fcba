//! `--record`: every event in a file that rules can be held against later.
//!
//! A thread writes, behind a queue: a disk that is slow or full costs events of the recording, which
//! are counted, and never an alert.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use detect::recording::{HEADER, Writer};
use model::event::Event;

use super::sink::END;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// Events that wait to be written: a second of a busy host.
const QUEUE: usize = 16_384;
/// Bytes that are written at once.
const BATCH: usize = 64 << 10;

pub(super) struct Recording {
    path: PathBuf,
    queue: SyncSender<Event>,
    /// Says that the thread is done.
    done: Receiver<()>,
    /// Events that were not written, or not yet.
    unwritten: Arc<AtomicU64>,
}

impl Recording {
    /// A new file, for root alone: what is there already may be evidence, and no link is followed.
    pub(super) fn create(path: &Path) -> Result<Self, UserError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(|error| failed(path, &error))?;
        file.write_all(&HEADER).map_err(|error| failed(path, &error))?;
        let (queue, events) = mpsc::sync_channel(QUEUE);
        let (ended, done) = mpsc::channel();
        let unwritten = Arc::new(AtomicU64::new(0));
        let pen = Pen {
            path: path.to_owned(),
            file: Some(file),
            writer: Writer::new(),
            bytes: Vec::new(),
            events: 0,
            unwritten: Arc::clone(&unwritten),
        };
        let write = move || {
            pen.write(&events);
            // The guard may not have waited.
            let _unheard = ended.send(());
        };
        thread::Builder::new()
            .name("record".to_owned())
            .spawn(write)
            .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        Ok(Self { path: path.to_owned(), queue, done, unwritten })
    }

    pub(super) fn event(&self, event: Event) {
        self.unwritten.fetch_add(1, Ordering::Relaxed);
        // What finds no room stays counted.
        let _dropped = self.queue.try_send(event);
    }

    /// Gives it time to write what it has.
    pub(super) fn finish(self) -> Result<(), UserError> {
        let Self { path, queue, done, unwritten } = self;
        drop(queue);
        // Late or ended: either way nothing more comes of it.
        let _ended = done.recv_timeout(END);
        match unwritten.load(Ordering::Relaxed) {
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
    unwritten: Arc<AtomicU64>,
}

impl Pen {
    /// Until there are no more.
    fn write(mut self, events: &Receiver<Event>) {
        while let Ok(event) = events.recv() {
            self.take(&event);
            while self.bytes.len() < BATCH
                && let Ok(event) = events.try_recv()
            {
                self.take(&event);
            }
            self.put();
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

    fn put(&mut self) {
        let Some(file) = &mut self.file else { return };
        match file.write_all(&self.bytes) {
            Ok(()) => {
                self.unwritten.fetch_sub(self.events, Ordering::Relaxed);
            }
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
    use super::*;

    #[test]
    fn a_full_disk_is_counted_to_the_event() {
        let unwritten = Arc::new(AtomicU64::new(0));
        let pen = Pen {
            path: "/dev/full".into(),
            file: OpenOptions::new().write(true).open("/dev/full").ok(),
            writer: Writer::new(),
            bytes: Vec::new(),
            events: 0,
            unwritten: Arc::clone(&unwritten),
        };
        let (queue, events) = mpsc::sync_channel(QUEUE);
        let (_ended, done) = mpsc::channel();
        let recording = Recording { path: "/dev/full".into(), queue, done, unwritten };
        for number in 0..10 {
            recording.event(event(number));
        }
        let writing = thread::spawn(move || pen.write(&events));
        let error = recording.finish().expect_err("nothing was written");
        writing.join().expect("it ends");
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
