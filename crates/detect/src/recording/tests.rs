//! Events of every kind there and back, and what damage leaves of a recording.

use std::sync::Arc;

use super::*;
use model::event::*;
use model::{MalwareEngine, Severity};

/// Written by this format's version; older programs' recordings have to stay readable.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/recording/every-act.lzr");

#[test]
fn every_act_comes_back() {
    let events = samples();
    assert_eq!(read(&write(&events)), (events, None));
}

#[test]
fn a_kept_recording_says_what_it_said() {
    let bytes = write(&samples());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(KEPT, &bytes).unwrap();
    }
    let kept = std::fs::read(KEPT).unwrap_or_default();
    let events = read(&kept);
    assert!(
        events == (samples(), None),
        "recordings of before are read differently: change VERSION, then BLESS=1 ({:?})",
        events.1
    );
    assert!(kept == bytes, "the same events are written differently: BLESS=1 if that is meant");
}

#[test]
fn what_is_shared_is_stored_once() {
    let mut events = Vec::new();
    for number in 1..=1000 {
        events.push(Event { number, ..samples().swap_remove(3) });
    }
    let (one, all) = (write(&events[..1]).len(), write(&events).len());
    let event_alone = (all - one) / 999;
    assert!(event_alone < 100, "an event costs {event_alone} bytes behind its first");
}

#[test]
fn histories_of_any_order_come_back() {
    let mut random = Random(7);
    for _ in 0..50 {
        let length = random.below(60);
        let events: Vec<Event> = (0..length).map(|number| any_event(&mut random, number)).collect();
        assert_eq!(read(&write(&events)), (events, None));
    }
}

/// More processes than slots, and an event whose ancestors would take each other's.
#[test]
fn the_oldest_slots_make_room() {
    let mut events = Vec::new();
    for number in 0..u64::from(SLOTS) * 2 + 100 {
        let pid = u32::try_from(number).unwrap();
        let old = Arc::new(Process { pid: pid / 2, ..Process::default() });
        let changed = Arc::new(Process { pid, virtual_pid: 1, ..Process::default() });
        let new = Arc::new(Process { pid, ..Process::default() });
        events.push(Event { number, process: new, ancestors: [old, changed].into(), ..sample() });
    }
    let bytes = write(&events);
    let mut count = 0;
    for (read, written) in Reader::new(bytes.as_slice()).unwrap().zip(&events) {
        assert_eq!(&read.unwrap(), written);
        count += 1;
    }
    assert_eq!(count, events.len());
}

#[test]
fn a_cut_off_recording_gives_what_is_before_the_cut() {
    let events = samples();
    let mut writer = Writer::new();
    let mut bytes = HEADER.to_vec();
    // Where each event is complete.
    let mut ends = Vec::new();
    for event in &events {
        writer.event(event, &mut bytes).unwrap();
        ends.push(bytes.len());
    }
    for cut in HEADER.len()..bytes.len() {
        let whole = ends.iter().take_while(|end| **end <= cut).count();
        let (read, error) = read(&bytes[..cut]);
        assert_eq!(read, events[..whole], "cut at {cut}");
        // Between frames nobody can tell a cut from an end.
        assert!(error.is_none_or(|error| error.starts_with("it is cut off at byte")));
    }
    for cut in 0..HEADER.len() {
        assert_eq!(read(&bytes[..cut]), (vec![], Some("it is not a recording of events".into())));
    }
}

#[test]
fn a_damaged_recording_gives_what_is_before_the_damage() {
    let events = samples();
    let bytes = write(&events);
    for at in HEADER.len()..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        let (read, error) = read(&damaged);
        assert!(events.starts_with(&read) && read.len() < events.len(), "damaged at {at}");
        assert!(error.is_some(), "damage at {at} is not said");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let mut newer = HEADER;
    newer[15] = 9;
    let frame = |record: &[u8]| {
        let mut bytes = HEADER.to_vec();
        bytes.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend(crc32fast::hash(record).to_le_bytes());
        bytes.extend(record);
        bytes
    };
    let mut long = HEADER.to_vec();
    long.extend([0xff; 8]);
    for (bytes, reason) in [
        (b"{}".to_vec(), "it is not a recording of events"),
        (newer.to_vec(), "it is a recording of format 9; this version reads format 1"),
        (long, "it is damaged at byte 16: a record longer than any is"),
        (frame(&[9]), "it is damaged at byte 16: a record of no known form"),
        (frame(&[]), "it is damaged at byte 16: a record of no known form"),
        // A container for slot 16 384.
        (
            frame(
                &postcard::to_stdvec(&RecordOf::Container {
                    slot: SLOTS,
                    container: &Container::default(),
                })
                .unwrap(),
            ),
            "it is damaged at byte 16: a slot that there is not",
        ),
    ] {
        assert_eq!(read(&bytes).1.as_deref(), Some(reason));
    }
}

#[test]
fn an_event_too_large_is_left_out_and_the_rest_is_whole() {
    let process =
        Process { arguments: [Text::from("x".repeat(MAX_RECORD))].into(), ..Process::default() };
    let large = Event { number: 2, process: Arc::new(process), ..sample() };
    let (first, last) = (sample(), Event { number: 3, ..sample() });
    let mut writer = Writer::new();
    let mut bytes = HEADER.to_vec();
    writer.event(&first, &mut bytes).unwrap();
    assert_eq!(writer.event(&large, &mut bytes).unwrap_err().number, 2);
    assert_eq!(writer.event(&large, &mut bytes).unwrap_err().number, 2);
    writer.event(&last, &mut bytes).unwrap();
    assert_eq!(read(&bytes), (vec![first, last], None));
}

/// A word is a byte in the recording and many in memory.
fn of_many_words(words: &Arc<[Text]>, pid: u32) -> Arc<Process> {
    Arc::new(Process { pid, arguments: Arc::clone(words), ..Process::default() })
}

/// Processes with many words take what a reader may hold long before there is one in each slot.
#[test]
fn processes_that_take_much_make_room_for_others() {
    let words: Arc<[Text]> = vec![Text::default(); 400_000].into();
    let fit = u32::try_from(MAX_HELD / size_of_val(&*words)).unwrap();
    let mut writer = Writer::new();
    let mut bytes = Vec::new();
    for pid in 1..=fit + 20 {
        let small = Arc::new(Process { pid, ..Process::default() });
        let is_small = pid > fit && pid.is_multiple_of(3);
        let process = if is_small { small } else { of_many_words(&words, pid) };
        let event = Event { number: pid.into(), process, ..sample() };
        bytes.clear();
        writer.event(&event, &mut bytes).unwrap();
    }
}

/// Where one event needs more than a reader holds, no other makes room for it.
#[test]
fn an_event_of_which_too_much_would_be_held_is_left_out() {
    let words: Arc<[Text]> = vec![Text::default(); 2_000_000].into();
    let fit = u32::try_from(MAX_HELD / size_of_val(&*words)).unwrap();
    let ancestors: Vec<_> = (1..=fit + 1).map(|pid| of_many_words(&words, pid)).collect();
    assert!(ancestors.len() <= Event::MAX_ANCESTORS);
    let large = Event { number: 2, ancestors: ancestors.into(), ..sample() };
    let mut writer = Writer::new();
    let mut bytes = HEADER.to_vec();
    let error = writer.event(&large, &mut bytes).unwrap_err();
    assert!(error.why.starts_with("more would be referred to"), "{error}");
    bytes.clear();
    writer.event(&sample(), &mut bytes).unwrap();
}

fn write(events: &[Event]) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut bytes = HEADER.to_vec();
    for event in events {
        writer.event(event, &mut bytes).unwrap();
    }
    bytes
}

/// The events that could be read, and why not the rest.
fn read(bytes: &[u8]) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    let reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (events, Some(error.to_string())),
    };
    for event in reader {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error.to_string())),
        }
    }
    (events, None)
}

pub(crate) fn sample() -> Event {
    Event {
        number: 1,
        time: 1_767_323_045_000_000_000,
        call: Call::Execve,
        thread: 7,
        processor: 1,
        process: Arc::new(Process { pid: 7, name: "sh".into(), ..Process::default() }),
        ancestors: [].into(),
        container: None,
        act: Act::Exec { file: PathArgument::default(), streams: Vec::new() },
        result: Some(0),
        denied: false,
    }
}

/// An event of every act.
pub(crate) fn samples() -> Vec<Event> {
    let shell = Arc::new(Process {
        pid: 70,
        started: 5,
        name: b"sh\xff".as_slice().into(),
        arguments: ["sh".into(), "-c".into(), "".into()].into(),
        credentials: Credentials {
            login_uid: Some(1000),
            user: Some(User { name: "root".into(), ..User::default() }),
            ..Credentials::default()
        },
        executable: Executable {
            layering: Layering::Upper,
            writable: true,
            ..Executable::default()
        },
        ..Process::default()
    });
    let parent = Arc::new(Process { pid: 1, name: "init".into(), ..Process::default() });
    let container = Arc::new(Container {
        id: "c0ffee".repeat(10),
        runtime: ContainerRuntime::Docker,
        image: Some(RunningImage { tag: Some("1".into()), ..RunningImage::default() }),
        mounts: Some(vec![ContainerMount::default()]),
        labels: [("a".to_owned(), "b".to_owned())].into(),
        pod: Some(Pod::default()),
        ..Container::default()
    });
    let of = |(number, act): (u64, Act)| Event {
        number,
        process: Arc::clone(&shell),
        ancestors: [Arc::clone(&parent)].into(),
        container: number.is_multiple_of(2).then(|| Arc::clone(&container)),
        result: [None, Some(-13)][usize::from(number > 9)],
        denied: number == 3,
        act,
        ..sample()
    };
    (1..).zip(acts()).map(of).collect()
}

fn acts() -> Vec<Act> {
    [acts_on_files(), acts_on_sockets(), acts_on_tasks(), later_acts()].concat()
}

/// In the order in which they came: a kept recording has those that there were.
fn later_acts() -> Vec<Act> {
    vec![
        Act::Truncate { path: path(), length: u64::MAX },
        Act::OpenFilesystem { descriptor: descriptor(), filesystem: "ext4".into(), flags: 1 },
        Act::ConfigureFilesystem {
            descriptor: 3,
            command: 1,
            key: "source".into(),
            value: "/dev/sda".into(),
        },
        Act::OpenMount { descriptor: descriptor(), path: path(), flags: 1 },
    ]
}

fn path() -> PathArgument {
    PathArgument { raw: "../etc".into(), path: "/etc".into(), resolved: true }
}

fn descriptor() -> Descriptor {
    let file = File { path: "/dev/null".into(), inode: 9, ..File::default() };
    Descriptor { number: 3, object: Object::File(file) }
}

fn socket() -> Descriptor {
    let socket = Socket {
        family: SocketFamily::Inet6,
        protocol: Protocol::Tcp,
        local: Some(Endpoint::Unix("\0name".into())),
        remote: Some(Endpoint::Internet("[::1]:443".parse().unwrap())),
        server: Some(false),
        ..Socket::default()
    };
    Descriptor { number: -1, object: Object::Socket(socket) }
}

const FLAGS: OpenFlags = OpenFlags { bits: 0o1101, created: true };

fn acts_on_files() -> Vec<Act> {
    let flags = FLAGS;
    vec![
        Act::Exec { file: path(), streams: vec![descriptor(), socket()] },
        Act::Fork { child: 8 },
        Act::Exit { status: -1 },
        Act::Open { descriptor: descriptor(), path: path(), flags, mode: 0o644 },
        Act::Close { descriptor: Descriptor::default() },
        Act::Read { descriptor: descriptor(), data: b"\0\xff".as_slice().into() },
        Act::Write { descriptor: socket(), data: "x".into() },
        Act::Rename { from: path(), to: path() },
        Act::Link { from: path(), to: path() },
        Act::Symlink { target: "t".into(), path: path() },
        Act::Unlink { path: path() },
        Act::MakeDirectory { path: path(), mode: 1 },
        Act::RemoveDirectory { path: path() },
        Act::MakeNode { path: path(), mode: 2, device: 3 },
        Act::Chmod { path: path(), mode: 4 },
        Act::Chown { path: path(), uid: Some(0), gid: None },
        Act::SetAttribute { path: path(), name: "user.x".into() },
        Act::ChangeDirectory { path: path() },
        Act::ChangeRoot { path: path() },
        Act::PivotRoot { new: path(), old: path() },
    ]
}

fn acts_on_sockets() -> Vec<Act> {
    let questions = || {
        let answers = vec!["192.0.2.1".parse().unwrap()];
        vec![Question { name: "pool.example".into(), kind: 28, answers }]
    };
    vec![
        Act::Socket { descriptor: socket(), domain: 10, kind: 1, protocol: 6 },
        Act::Connect { descriptor: socket() },
        Act::Bind { descriptor: socket() },
        Act::Listen { descriptor: socket() },
        Act::Accept { descriptor: socket() },
        Act::Send { descriptor: socket(), questions: questions() },
        Act::Receive { descriptor: socket(), questions: vec![] },
    ]
}

fn acts_on_tasks() -> Vec<Act> {
    let flags = FLAGS;
    let capabilities = Capabilities { effective: u64::MAX, permitted: 1, inheritable: 0 };
    vec![
        Act::Duplicate { from: 3, to: 0, descriptor: pipe() },
        Act::SetId(SetId { group: true, asked: [Some(0), None, Some(u32::MAX)] }),
        Act::SetCapabilities { before: capabilities, after: Capabilities::default() },
        Act::SetNamespace { descriptor: 3, kinds: 1 << 28 },
        Act::Unshare { kinds: 5 },
        Act::Mount(MountAct { source: "proc".into(), flags: u64::MAX, ..MountAct::default() }),
        Act::Unmount { path: path(), flags: 2 },
        Act::Trace { request: 16, process: 1 },
        Act::ReadMemory { process: 1 },
        Act::WriteMemory { process: 1 },
        Act::MakeMemoryFile { descriptor: memory(), name: "m".into(), flags: 1 },
        Act::Protect { address: u64::MAX, length: 4096, protection: 7 },
        Act::LoadModule { path: path(), name: "rootkit".into() },
        Act::Bpf { command: 5, name: "probe".into() },
        Act::OpenPerformanceCounter { kind: 1 },
        Act::HandlePageFaults { flags: 1 },
        Act::SetUpRing { entries: 64 },
        Act::OpenByHandle { descriptor: descriptor(), flags },
        Act::Keyring { command: 3 },
        Act::LoadKernel { flags: 1 },
        Act::Reboot { command: 0xfee1_dead },
        Act::Kill { process: -1, signal: 9 },
        Act::Other { number: 500, arguments: [0, 1, 2, 3, 4, u64::MAX] },
        Act::Container,
        Act::Lost(Loss {
            class: "open".into(),
            of: Audience::ControlGroup(4),
            count: 9,
            cause: "buffer full".into(),
        }),
        Act::Malware(Suspicion {
            descriptor: descriptor(),
            executed: true,
            rule: "miner".into(),
            family: Text::default(),
            title: "a miner".into(),
            engine: MalwareEngine::Yara,
            severity: Severity::High,
            within: "a.zip!/b".into(),
            sha256: "00ff".into(),
        }),
        Act::Relay(Relay {
            carrier: Box::new(Process { pid: 8, name: "nc".into(), ..Process::default() }),
            connection: descriptor(),
        }),
    ]
}

fn pipe() -> Descriptor {
    Descriptor { number: 0, object: Object::Pipe { inode: 77 } }
}

fn memory() -> Descriptor {
    Descriptor { number: 5, object: Object::Memory { name: "m".into() } }
}

/// Few processes and containers, often changed, so that they meet in all orders.
fn any_event(random: &mut Random, number: u64) -> Event {
    let process = |random: &mut Random| {
        let pid = u32::try_from(random.below(6)).unwrap();
        let virtual_pid = u32::try_from(random.below(3)).unwrap();
        Arc::new(Process { pid, virtual_pid, started: random.below(2), ..Process::default() })
    };
    let container = Container {
        id: random.below(3).to_string(),
        described: random.below(2) == 0,
        ..Container::default()
    };
    let mut acts = acts();
    let act = usize::try_from(random.below(acts.len() as u64)).unwrap();
    Event {
        number,
        time: random.next(),
        process: process(random),
        ancestors: (0..random.below(5)).map(|_| process(random)).collect(),
        container: (random.below(2) == 0).then(|| Arc::new(container)),
        act: acts.swap_remove(act),
        ..sample()
    }
}

/// The same numbers every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
