//! Who stands between a connection and a program's input: events in, `relay` events out.
//!
//! A reverse shell need not have the connection itself. A relay has it, and a pipe, a terminal or a pair of
//! sockets to the shell: `nc HOST PORT | sh`, a coprocess, Python with `pty`, PHP with `proc_open`. Neither the
//! relay's calls nor the shell's tell that; together they do:
//!
//! ```text
//! exec with a pipe as input   whose other end is the output of a program that connected
//! exec with a pipe, terminal  that its maker has not for its own input, who connected
//! connect                     by whom such a program waits for
//! ```
//!
//! Its maker is the nearest ancestor that did not get the same input: in `job | sh` that is the shell above,
//! whatever an agent far above it is connected to.
//!
//! Stands between whoever has events (the guard, a replay) and [`Engine`](crate::Engine), which keeps nothing.
//! It judges nothing: whether the program is a shell, and who may stand there, is for rules to say. What it
//! keeps is bounded, the oldest goes first; what was there before the first event is not known to it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use model::event::{
    Act, Call, Container, Descriptor, Event, File, FileKind, Object, Process, Protocol, Relay,
    Socket, SocketFamily,
};

/// Of each kind that is kept. A host has some thousands of processes, few of which connect and wait.
const KEPT_MAX: usize = 4_096;
/// How far above a program its maker is looked for: `popen` and the like put a shell between.
const ANCESTORS: usize = 4;
/// `connect` has begun, as for sockets that do not wait: `-EINPROGRESS`.
const IN_PROGRESS: i64 = -115;

/// What has to be remembered of events to tell relays.
#[derive(Debug, Default)]
pub struct Relays {
    /// Who connected.
    carriers: Kept<Who, Carrier>,
    /// Programs whose input may be a relay's.
    waiting: Kept<Who, Waiting>,
    /// By whom the last of them was made.
    made: Kept<Who, Who>,
    /// What programs had for their input and output when they began.
    ends: Kept<Who, Ends>,
    /// Who began with an end of a pipe as its input, and who with one as its output.
    readers: Kept<End, Who>,
    writers: Kept<End, Who>,
}

/// A process: number and birth.
type Who = (u32, u64);
/// A pipe or a terminal: device and inode; a pipe without a name has device 0.
type End = (u64, u64);

#[derive(Clone, Copy, Debug)]
struct Ends {
    input: Option<End>,
    /// If it is a pipe: who reads at the other end of a terminal began with none of its ends.
    output: Option<End>,
}

#[derive(Debug)]
struct Carrier {
    process: Arc<Process>,
    connection: Descriptor,
    container: Option<Arc<Container>>,
}

/// A program that began, as far as a later event needs it.
#[derive(Debug)]
struct Waiting {
    event: Event,
    input: Option<End>,
    maker: Option<Who>,
    /// Whose relay was told: a server may connect without end.
    told: Option<Who>,
}

impl Relays {
    /// The relay that this event completes.
    pub fn follow(&mut self, event: &Event) -> Option<Event> {
        let who = of(&event.process);
        match &event.act {
            Act::Exec { streams, .. } if !event.failed() => self.begin(event, who, streams),
            Act::Connect { descriptor } if has_connected(event, descriptor) => {
                self.connect(event, who, descriptor)
            }
            Act::Exit { .. } if event.thread == event.process.pid => {
                self.end(who);
                None
            }
            _ => None,
        }
    }

    fn begin(&mut self, event: &Event, who: Who, streams: &[Descriptor]) -> Option<Event> {
        let stream = |number| streams.iter().find(|it| it.number == number).map(|it| &it.object);
        // What it had for its input and output before, it may have no more.
        self.forget(who);
        let output = stream(1).and_then(pipe);
        if let Some(output) = output {
            self.writers.insert(output, who);
        }
        let given = stream(0).filter(|input| may_be_relayed(input));
        let input = given.and_then(end);
        self.ends.insert(who, Ends { input, output });
        let given = given?;
        if let Some(pipe) = pipe(given) {
            self.readers.insert(pipe, who);
        }
        let maker = self.maker_of(event, input);
        if let Some(maker) = maker {
            self.made.insert(maker, who);
        }
        // Of what was executed nothing more is asked than who it is.
        let act = Act::Fork { child: event.process.pid };
        let mut waiting =
            Waiting { event: Event { act, ..event.clone() }, input, maker, told: None };
        let carrier = self.carrier_of(&waiting);
        waiting.told = carrier.map(|carrier| of(&carrier.process));
        let told = carrier.map(|carrier| tell(&waiting, carrier, event));
        self.waiting.insert(who, waiting);
        told
    }

    /// Who gave the program its input: it has another one itself. Whoever was forked and executed nothing
    /// acts for the one above.
    fn maker_of(&self, event: &Event, input: Option<End>) -> Option<Who> {
        let mut ancestors = event.ancestors.iter().take(ANCESTORS);
        let maker = ancestors.find(|ancestor| {
            let ends = self.ends.get(&of(ancestor));
            let has_it = ends.is_some_and(|ends| ends.input.is_some() && ends.input == input);
            let is_copy = ancestor.executed == ancestor.started;
            !has_it && (!is_copy || self.carriers.contains(&of(ancestor)))
        });
        maker.map(|maker| of(maker))
    }

    fn carrier_of(&self, waiting: &Waiting) -> Option<&Carrier> {
        let is_near = |it: &&Carrier| same(it.container.as_ref(), waiting.event.container.as_ref());
        let writer = waiting.input.and_then(|input| self.writers.get(&input));
        let writer = writer.filter(|writer| **writer != of(&waiting.event.process));
        let mut near = [writer, waiting.maker.as_ref()].into_iter().flatten();
        near.find_map(|who| self.carriers.get(who).filter(is_near))
    }

    fn connect(&mut self, event: &Event, who: Who, connection: &Descriptor) -> Option<Event> {
        let carrier = Carrier {
            process: Arc::clone(&event.process),
            connection: connection.clone(),
            container: event.container.clone(),
        };
        let output = self.ends.get(&who).and_then(|ends| ends.output);
        let reader = output.and_then(|output| self.readers.get(&output));
        let programs = [reader, self.made.get(&who)].map(|it| it.copied());
        let told = programs.into_iter().flatten().find_map(|program| {
            let waiting = self.waiting.get_mut(&program)?;
            let is_near = same(waiting.event.container.as_ref(), event.container.as_ref());
            let is_new = is_near && program != who && waiting.told != Some(who);
            is_new.then(|| {
                waiting.told = Some(who);
                tell(waiting, &carrier, event)
            })
        });
        self.carriers.insert(who, carrier);
        told
    }

    fn end(&mut self, who: Who) {
        self.forget(who);
        self.carriers.remove(&who);
        self.made.remove(&who);
    }

    /// What a program had when it began.
    fn forget(&mut self, who: Who) {
        self.waiting.remove(&who);
        let Some(Ends { input, output }) = self.ends.remove(&who) else { return };
        for (end, have) in [(input, &mut self.readers), (output, &mut self.writers)] {
            if let Some(end) = end.filter(|end| have.get(end) == Some(&who)) {
                have.remove(&end);
            }
        }
    }
}

/// The program with what it has its input from, when that came about.
fn tell(waiting: &Waiting, carrier: &Carrier, now: &Event) -> Event {
    let relay = Relay {
        carrier: Box::new((*carrier.process).clone()),
        connection: carrier.connection.clone(),
    };
    Event {
        number: now.number,
        time: now.time,
        call: Call::Relay,
        act: Act::Relay(relay),
        result: None,
        ..waiting.event.clone()
    }
}

fn of(process: &Process) -> Who {
    (process.pid, process.started)
}

/// Programs that begin, as runtimes and conmon start them, have ancestors beside the container.
fn same(one: Option<&Arc<Container>>, other: Option<&Arc<Container>>) -> bool {
    one.map(|it| &it.id) == other.map(|it| &it.id)
}

fn has_connected(event: &Event, descriptor: &Descriptor) -> bool {
    let Object::Socket(Socket { family, protocol, .. }) = &descriptor.object else { return false };
    matches!(family, SocketFamily::Inet4 | SocketFamily::Inet6)
        && *protocol == Protocol::Tcp
        && (!event.failed() || event.result == Some(IN_PROGRESS))
}

/// With or without a name.
fn pipe(object: &Object) -> Option<End> {
    match object {
        Object::Pipe { inode } => Some((0, *inode)),
        Object::File(File { kind: FileKind::Fifo, device, inode, .. }) => Some((*device, *inode)),
        _ => None,
    }
}

/// Of a pipe or a terminal. Which pair a socket is of is not known.
fn end(object: &Object) -> Option<End> {
    match object {
        Object::File(File { kind: FileKind::CharacterDevice, path, device, inode, .. }) => {
            path.starts_with(b"/dev/pts/").then_some((*device, *inode))
        }
        other => pipe(other),
    }
}

/// Another process has the other end of it.
fn may_be_relayed(object: &Object) -> bool {
    match object {
        Object::Socket(socket) => socket.family == SocketFamily::Unix,
        other => end(other).is_some(),
    }
}

/// A map that forgets what was put into it first.
#[derive(Debug)]
struct Kept<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// By when each was put there.
    order: BTreeMap<u64, K>,
    count: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), count: 0 }
    }
}

impl<K: Copy + Eq + Hash, V> Kept<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    fn insert(&mut self, key: K, value: V) {
        self.count = self.count.wrapping_add(1);
        if let Some((before, _)) = self.entries.insert(key, (self.count, value)) {
            self.order.remove(&before);
        }
        self.order.insert(self.count, key);
        if self.order.len() > KEPT_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let (count, value) = self.entries.remove(key)?;
        self.order.remove(&count);
        Some(value)
    }
}

#[cfg(test)]
mod tests;
