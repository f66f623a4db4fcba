//! Waits that the system cannot be asked to end: each is done by a thread of its own, which is left
//! alone when the user or the deadline says stop, or when it has taken too long.
//!
//! Such a thread ends by itself sooner or later. It must never hold anything that others wait for.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

use super::transport::POLL;
use crate::Stop;

/// Does `work` in a thread of this name and waits for it.
pub(super) fn aside<T: Send + 'static>(
    name: &str,
    timeout: NextTimeout,
    stop: &Stop,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        // Nobody may be waiting any more.
        let _unheard = sender.send(work());
    };
    let begun = Instant::now();
    thread::Builder::new().name(name.to_owned()).spawn(work)?;
    loop {
        match receiver.recv_timeout(POLL) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) => {
                stop.check().map_err(|why| Error::Io(io::Error::other(why)))?;
                if begun.elapsed() >= *timeout.after {
                    return Err(Error::Timeout(timeout.reason));
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Io(io::Error::other("the thread that waited ended early")));
            }
        }
    }
}

/// Looks names up. The system's resolver gives up on a silent server only after half a minute.
#[derive(Debug)]
pub struct Naming {
    stop: Stop,
}

impl Naming {
    pub fn new(stop: &Stop) -> Self {
        Self { stop: stop.clone() }
    }
}

impl Resolver for Naming {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let (uri, config) = (uri.clone(), config.clone());
        aside("look up", timeout, &self.stop, move || {
            // Whoever waits keeps the time.
            let forever = NextTimeout { after: Duration::NotHappening, ..NextTimeout::default() };
            DefaultResolver::default().resolve(&uri, &config, forever)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use super::*;

    const LONG: StdDuration = StdDuration::from_secs(20);

    fn wait(after: StdDuration, stop: &Stop) -> (Result<(), Error>, StdDuration) {
        let timeout = NextTimeout { after: after.into(), ..NextTimeout::default() };
        let begun = Instant::now();
        let outcome = aside("sleep", timeout, stop, || {
            thread::sleep(LONG);
            Ok(())
        });
        (outcome, begun.elapsed())
    }

    #[test]
    fn a_stop_and_the_timeout_end_the_wait_and_not_the_work() {
        let (outcome, took) = wait(StdDuration::from_millis(200), &Stop::default());
        assert!(matches!(outcome, Err(Error::Timeout(_))), "{outcome:?}");
        assert!(took < LONG / 2, "{took:?}");

        let stop = Stop::default();
        let signal = stop.clone();
        let asking = thread::spawn(move || {
            thread::sleep(StdDuration::from_millis(200));
            signal.stop();
        });
        let (outcome, took) = wait(LONG, &stop);
        asking.join().unwrap();
        assert!(matches!(outcome, Err(Error::Io(_))), "{outcome:?}");
        assert!(took < LONG / 2, "{took:?}");
    }

    #[test]
    fn names_are_found() {
        let names = Naming::new(&Stop::default());
        let timeout =
            NextTimeout { after: StdDuration::from_secs(10).into(), ..NextTimeout::default() };
        let uri = Uri::from_static("http://localhost:80/");
        let found = names.resolve(&uri, &Config::default(), timeout).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }
}
