//! Lets everything through if answers do not come: what waits for us hangs no longer than the
//! deadline, whatever holds us up.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::fanotify::{Fanotify as Queue, FanotifyResponse, MarkFlags, MaskFlags, Response};

use super::Refusal;
use super::shared::Shared;

/// How often it looks, within a deadline.
const LOOKS: u32 = 8;
/// How long whoever is in a call has to come back from it, before it is looked at again.
const PAUSE: Duration = Duration::from_millis(5);

/// Ends when the responder has ended, which it watches.
pub(super) fn start(
    shared: &Arc<Shared>,
    responder: JoinHandle<()>,
) -> Result<JoinHandle<()>, Refusal> {
    let shared = Arc::clone(shared);
    let watch = move || {
        let pause = shared.settings.deadline / LOOKS;
        let why = loop {
            thread::park_timeout(pause.min(Duration::from_millis(50)));
            if responder.is_finished() {
                break "the thread that answers has ended";
            }
            if shared.waited() > shared.settings.deadline {
                break "an answer took longer than the deadline";
            }
        };
        if !shared.is_stopped() {
            shared.end(why);
        }
        release(&shared);
    };
    let thread = thread::Builder::new().name("watch answers".to_owned()).spawn(watch);
    thread.map_err(Refusal::Thread)
}

/// The kernel lets through what waits as the queue is closed, which is when nobody holds it. Until
/// whoever is in a call with it comes back, nothing new is asked, and what is asked is answered here.
fn release(shared: &Shared) {
    let Some(mut queue) = shared.take_queue() else { return };
    loop {
        match Arc::try_unwrap(queue) {
            Ok(whole) => return drop(whole),
            Err(held) => queue = held,
        }
        let marks = [MarkFlags::empty(), MarkFlags::FAN_MARK_MOUNT, MarkFlags::FAN_MARK_FILESYSTEM];
        for kind in marks {
            let flags = MarkFlags::FAN_MARK_FLUSH | kind;
            // Without effect where there are none.
            let _gone = queue.mark(flags, MaskFlags::empty(), rustix::fs::CWD, None::<&str>);
        }
        let_all_through(&queue);
        thread::sleep(PAUSE);
    }
}

fn let_all_through(queue: &Queue) {
    while let Ok(events) = queue.read_events() {
        for file in events.iter().filter_map(|event| event.fd()) {
            // Whoever asked may have been killed.
            let _told = queue.write_response(FanotifyResponse::new(file, Response::FAN_ALLOW));
        }
        if events.is_empty() {
            return;
        }
    }
}
