//! Connections beneath HTTP: to a Unix socket, and ones that notice when the user says stop.
//!
//! These are links of ureq's connector chain. They must never know what is sent over them.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, SocksConnector,
    TcpConnector, Transport, time,
};

use super::aside::{Naming, aside};
use super::pace::Pace;
use crate::Stop;

/// How often a wait is interrupted to see whether it should end: too short to be noticed by a
/// person, too long to be noticed by a processor.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// Opens a Unix socket, whatever the URL says.
#[derive(Debug)]
pub(super) struct Unix {
    path: PathBuf,
}

impl Unix {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }
}

impl Connector<()> for Unix {
    type Out = UnixTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<UnixTransport>, Error> {
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(UnixTransport { stream: UnixStream::connect(&self.path)?, buffers }))
    }
}

/// A Unix socket has no host to look up.
#[derive(Debug)]
pub(super) struct NoNames;

impl Resolver for NoNames {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

#[derive(Debug)]
pub(super) struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(timeout.not_zero().map(|time| *time))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        (&self.stream).write_all(output).map_err(|error| late(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        self.stream.set_read_timeout(timeout.not_zero().map(|time| *time))?;
        let count = match (&self.stream).read(self.buffers.input_append_buf()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return self.await_input(timeout);
            }
            read => read.map_err(|error| late(error, timeout))?,
        };
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        // A connection at rest has nothing to say: bytes or an end mean that it is no use.
        let probe = |stream: &UnixStream| -> io::Result<bool> {
            stream.set_nonblocking(true)?;
            let silent = matches!(
                (&*stream).read(&mut [0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock
            );
            stream.set_nonblocking(false)?;
            Ok(silent)
        };
        probe(&self.stream).unwrap_or(false)
    }
}

fn late(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

/// Opens a TCP connection. The system gives up on a silent host only after a while and cannot be
/// asked to do so sooner: it is asked by a thread of its own, which is left alone when the user or
/// the deadline says stop, and ends by itself with the time for connecting.
#[derive(Debug)]
pub struct Dialing {
    stop: Stop,
    /// Whether the configuration names a SOCKS proxy, which is connected to and asked for the host.
    by_socks: bool,
}

impl Dialing {
    pub fn new(stop: &Stop) -> Self {
        Self { stop: stop.clone(), by_socks: false }
    }

    /// By way of the SOCKS proxy that the agent's configuration names.
    pub(super) fn by_socks(stop: &Stop) -> Self {
        Self { by_socks: true, ..Self::new(stop) }
    }
}

impl<In: Transport> Connector<In> for Dialing {
    type Out = Either<In, Connected>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if chained.is_some() {
            return Ok(chained.map(Either::A));
        }
        dial(details, self).map(|connected| connected.map(Either::B))
    }
}

type Connected = <TcpConnector as Connector<()>>::Out;

/// Connects in another thread, within the time that the details give.
fn dial(details: &ConnectionDetails<'_>, dialing: &Dialing) -> Result<Option<Connected>, Error> {
    let Dialing { stop, by_socks } = dialing;
    let (by_socks, names) = (*by_socks, Naming::new(stop));
    let (uri, addrs, config) = (details.uri.clone(), details.addrs.clone(), details.config.clone());
    let (request_level, now, timeout) = (details.request_level, details.now, details.timeout);
    let current_time = Arc::clone(&details.current_time);
    let run_connector = Arc::clone(&details.run_connector);
    let register_shutdown = Arc::clone(&details.register_shutdown);
    // The connector keeps the time; it takes a little longer than it is given.
    let forever = NextTimeout { after: time::Duration::NotHappening, ..timeout };
    aside("connect", forever, stop, move || {
        let details = ConnectionDetails {
            uri: &uri,
            addrs,
            config: &config,
            request_level,
            resolver: if by_socks { &names } else { &NoNames },
            now,
            timeout,
            current_time,
            run_connector,
            register_shutdown,
        };
        if by_socks {
            return SocksConnector::default().connect(&details, None::<()>);
        }
        TcpConnector::default().connect(&details, None::<()>)
    })
}

/// As good as no bound on how long a server makes us wait.
const PATIENT: Duration = Duration::from_secs(24 * 60 * 60);

/// A link of ureq's connector chain: wraps the connection made before it, so that waiting for input
/// ends when the user or the deadline says so, or the server has made us wait for too long.
#[derive(Debug)]
pub struct Polling {
    stop: Stop,
    pace: Pace,
}

impl Polling {
    /// For a caller that bounds by itself how long a server may take.
    pub fn new(stop: &Stop) -> Self {
        Self::paced(stop, &Pace::new(PATIENT))
    }

    pub(super) fn paced(stop: &Stop, pace: &Pace) -> Self {
        Self { stop: stop.clone(), pace: pace.clone() }
    }
}

impl<In: Transport> Connector<In> for Polling {
    type Out = PollingTransport<In>;

    fn connect(
        &self,
        _details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let (stop, pace) = (self.stop.clone(), self.pace.clone());
        Ok(chained.map(|inner| PollingTransport { inner, stop, pace }))
    }
}

/// What [`Polling`] makes of a connection.
#[derive(Debug)]
pub struct PollingTransport<T> {
    inner: T,
    stop: Stop,
    pace: Pace,
}

impl<T: Transport> Transport for PollingTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let whole = timeout.for_read();
        let begun = Instant::now();
        loop {
            // Not `Interrupted`, on which readers try again.
            self.stop.check().map_err(|why| Error::Io(io::Error::other(why)))?;
            self.pace.check()?;
            let left = (*whole.after).saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout(whole.reason));
            }
            let slice = NextTimeout {
                after: left.min(POLL).into(),
                reason: whole.reason,
                ..NextTimeout::default()
            };
            match self.inner.await_input(slice) {
                Err(Error::Timeout(_)) => {}
                outcome => return outcome,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
