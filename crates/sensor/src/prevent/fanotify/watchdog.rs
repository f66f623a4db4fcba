//! Lets everything through if answers do not come: what waits for us hangs no longer than the
//! deadline, whatever holds us up.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::fanotify::{Fanotify as Queue, FanotifyResponse, MarkFlags, MaskFlags, Response};

use super::Refusal;
use super::inquiry::Inquiry;

/// How often it looks, within a deadline.
const LOOKS: u32 = 8;
/// How long whoever is in a call has to come back from it, before it is looked at again.
const PAUSE: Duration = Duration::from_millis(5);

/// Ends when the responder has ended, which it watches.
pub(super) fn start(
    inquiry: &Arc<Inquiry>,
    responder: JoinHandle<()>,
) -> Result<JoinHandle<()>, Refusal> {
    let inquiry = Arc::clone(inquiry);
    let watch = move || {
        let pause = inquiry.settings.deadline / LOOKS;
        let why = loop {
            thread::park_timeout(pause.min(Duration::from_millis(50)));
            if responder.is_finished() {
                break "the thread that answers has ended";
            }
            if inquiry.waited() > inquiry.settings.deadline {
                break "an answer took longer than the deadline";
            }
        };
        if !inquiry.is_stopped() {
            inquiry.end(why);
        }
        release(&inquiry);
    };
    let thread = thread::Builder::new().name("watch answers".to_owned()).spawn(watch);
    thread.map_err(Refusal::Thread)
}

/// The kernel lets through what waits as the queue is closed, which is when nobody holds it. Until
/// whoever is in a call with it comes back, nothing new is asked, and what is asked is answered here.
fn release(inquiry: &Inquiry) {
    let Some(mut queue) = inquiry.take_queue() else { return };
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use nix::sys::fanotify::{EventFFlags, InitFlags};

    use super::super::Settings;
    use super::super::rules::Rules;
    use super::*;

    /// As if the thread that answers never came back from the kernel.
    #[test]
    fn who_waits_goes_on_though_the_queue_is_held() {
        let queue = Queue::init(
            InitFlags::FAN_CLASS_CONTENT | InitFlags::FAN_NONBLOCK | InitFlags::FAN_CLOEXEC,
            EventFFlags::O_RDONLY,
        );
        let Ok(queue) = queue else { return testkit::skip("to be asked by the kernel wants root") };
        let file = tempfile::NamedTempFile::new().unwrap();
        let (flags, mask) = (MarkFlags::FAN_MARK_ADD, MaskFlags::FAN_OPEN_PERM);
        queue.mark(flags, mask, rustix::fs::CWD, Some(file.path())).unwrap();
        let settings = Settings { deadline: Duration::from_millis(100), ..Settings::new() };
        let inquiry = Arc::new(Inquiry::new(Rules::new(&[]).unwrap(), settings, queue));
        let held = inquiry.queue().unwrap();
        inquiry.begin_to_answer();
        let (end, stuck) = mpsc::channel::<()>();
        let responder = thread::spawn(move || assert!(stuck.recv().is_err()));
        let path = file.path().to_owned();
        let waiting = thread::spawn(move || std::fs::read(path).map(|bytes| bytes.len()));
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished(), "it waits for an answer");
        let watchdog = start(&inquiry, responder).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), 0);
        assert!(inquiry.ended().is_some() && inquiry.queue().is_none());
        drop((held, end));
        watchdog.join().unwrap();
    }
}
