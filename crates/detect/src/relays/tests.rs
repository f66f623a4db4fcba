//! Cases are `testdata/relays.txt`; and what is kept has an end.

use model::event::Endpoint;

use super::*;

const CASES: &str = include_str!("../../testdata/relays.txt");

#[test]
fn relays_are_told_and_nothing_else() {
    let mut count = 0;
    // Before the first there is what they mean.
    for case in CASES.split("\n== ").skip(1) {
        let mut lines = case.lines().skip(1).filter(|line| !line.is_empty()).peekable();
        let mut relays = Relays::default();
        while let Some(line) = lines.next() {
            let told = relays.follow(&event(line)).map(|it| said(&it));
            let wanted = lines.next_if(|next| next.starts_with("relay "));
            assert_eq!(told.as_deref(), wanted, "{case}\n-- at `{line}`");
            count += usize::from(told.is_some());
        }
    }
    assert_eq!(count, CASES.matches("\nrelay ").count());
    assert!(count > 10, "{count} relays");
}

/// Whoever does much is forgotten first; and who stays is not for having been there long.
#[test]
fn what_is_kept_has_an_end() {
    let mut relays = Relays::default();
    let first = event("start 1,0 file pipe1");
    relays.follow(&first);
    for number in 10..10 + 3 * u32::try_from(KEPT_MAX).unwrap() {
        relays.follow(&event(&format!("start {number},{} pipe{number} pipe{number}", number - 1)));
        relays.follow(&event(&format!("connect {number},2 tcp 0")));
    }
    let sizes = [
        relays.carriers.entries.len(),
        relays.waiting.entries.len(),
        relays.made.entries.len(),
        relays.ends.entries.len(),
        relays.readers.entries.len(),
        relays.writers.entries.len(),
    ];
    assert_eq!(sizes, [KEPT_MAX; 6]);
    assert_eq!(relays.waiting.order.len(), KEPT_MAX);
}

#[test]
fn who_comes_and_goes_takes_no_place() {
    let mut relays = Relays::default();
    relays.follow(&event("start 1,0 file pipe1"));
    for number in 10..10 + 2 * u32::try_from(KEPT_MAX).unwrap() {
        for line in ["start 5,2 pipe7 file", "connect 5,2 tcp 0", "end 5"] {
            relays.follow(&event(&line.replacen('5', &number.to_string(), 1)));
        }
        // One that connects without end is one all the same.
        relays.follow(&event("connect 2,0 tcp 0"));
    }
    relays.follow(&event("start 9,0 pipe1 file"));
    let told = relays.follow(&event("connect 1,0 tcp 0")).map(|it| said(&it));
    assert_eq!(told.as_deref(), Some("relay 9 1"));
}

/// As the cases have it.
fn said(event: &Event) -> String {
    let Act::Relay(relay) = &event.act else { panic!("{event:?}") };
    format!("relay {} {}", event.process.pid, relay.carrier.pid)
}

fn event(line: &str) -> Event {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut processes = words[1].split(',').map(process);
    let process = Arc::new(processes.next().unwrap());
    let (act, result) = match words[0] {
        "start" => {
            let streams = [(0, words[2]), (1, words[3])];
            let streams = streams.map(|(number, name)| descriptor(number, name));
            (Act::Exec { file: Default::default(), streams: streams.into() }, Some(0))
        }
        "connect" => {
            let descriptor = descriptor(3, words[2]);
            (Act::Connect { descriptor }, Some(words[3].parse().unwrap()))
        }
        "end" => (Act::Exit { status: 0 }, None),
        other => panic!("`{other}`"),
    };
    let container = words
        .get(4)
        .map(|name| Arc::new(Container { id: (*name).to_owned(), ..Container::default() }));
    let thread = process.pid;
    let ancestors = processes.map(Arc::new).collect();
    let call = Call::Other;
    Event {
        call,
        process,
        ancestors,
        thread,
        container,
        act,
        result,
        ..crate::recording::tests::sample()
    }
}

fn process(word: &str) -> Process {
    let pid: u32 = word.trim_end_matches('+').parse().unwrap();
    let started = u64::from(pid);
    let executed = if word.ends_with('+') { started } else { started + 1 };
    Process { pid, started, executed, ..Process::default() }
}

fn descriptor(number: i32, name: &str) -> Descriptor {
    let kind = name.trim_end_matches(|it: char| it.is_ascii_digit());
    let inode = name.trim_start_matches(kind).parse().unwrap_or_default();
    let file = |path: &str, kind| {
        Object::File(File { path: path.into(), kind, device: 7, inode, ..File::default() })
    };
    let socket = |family, protocol| {
        let remote = Some(Endpoint::Internet(([192, 0, 2, 1], 443).into()));
        Object::Socket(Socket { family, protocol, remote, ..Socket::default() })
    };
    let object = match kind {
        "pipe" => Object::Pipe { inode },
        "fifo" => file("/run/way", FileKind::Fifo),
        "pts" => file(&format!("/dev/pts/{inode}"), FileKind::CharacterDevice),
        "file" => file("/dev/null", FileKind::CharacterDevice),
        "unix" => socket(SocketFamily::Unix, Protocol::Other),
        "tcp" => socket(SocketFamily::Inet4, Protocol::Tcp),
        "udp" => socket(SocketFamily::Inet4, Protocol::Udp),
        other => panic!("`{other}`"),
    };
    Descriptor { number, object }
}
