//! What a sensor saw one process do, told in full: the rule engine needs no look at the machine.
//!
//! An [`Event`] is one [`Call`] with what was done ([`Act`]), by which [`Process`] below which
//! ancestors, in which [`Container`]. What the sensor could not know is `None` or empty and never
//! a guess, so that a rule can tell "no" from "not known".
//!
//! Names and arguments are bytes as the kernel has them: nothing here is valid UTF-8 by promise.

mod act;
mod call;
mod container;
mod object;
mod process;

use std::sync::Arc;

pub use act::{
    Act, Audience, Capabilities, Loss, MountAct, OpenFlags, PathArgument, Question, Relay, SetId,
    Suspicion,
};
pub use bstr::BString as Text;
pub use call::Call;
pub use container::{Container, ContainerMount, ContainerRuntime, Pod, RunningImage};
pub use object::{Descriptor, Endpoint, File, FileKind, Object, Protocol, Socket, SocketFamily};
pub use process::{Credentials, Executable, Layering, Process, User};

/// One thing that a process did or tried to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Counts the events of one sensor from 1; what was lost has a number too, so gaps show.
    pub number: u64,
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    pub call: Call,
    /// The kernel's number of the thread in the initial namespace; the process' own for its first.
    pub thread: u32,
    pub processor: u32,
    /// The process as it was after the call: for an exec, the new program.
    pub process: Arc<Process>,
    /// The parent first, then its parent; as far as they are known, at most
    /// [`Event::MAX_ANCESTORS`].
    pub ancestors: Arc<[Arc<Process>]>,
    /// None for a process of the host.
    pub container: Option<Arc<Container>>,
    pub act: Act,
    /// What the call returned: a negative number is an `errno`. None where the sensor saw the act
    /// before it was done, or where there is none to return.
    pub result: Option<i64>,
    /// The sensor refused the act before it happened.
    pub denied: bool,
}

impl Event {
    /// Deeper trees are cut: service managers, runtimes and shells stay below 20, and a hostile
    /// chain of forks would otherwise be carried by every event of its last link.
    pub const MAX_ANCESTORS: usize = 32;

    pub fn failed(&self) -> bool {
        self.result.is_some_and(|result| result < 0)
    }
}
