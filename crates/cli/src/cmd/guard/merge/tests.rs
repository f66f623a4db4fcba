//! Hand-made alerts, and a clock that does what it is told.

use std::sync::Arc;

use detect::{Engine, RuleFile, Ruleset};
use model::event::{Act, Call, Container, Executable, PathArgument, Process};

use super::*;

const WINDOW: Duration = Duration::from_secs(60);
const RULE: &str = "- {rule: r, desc: d, condition: evt.type = execve, output: o, priority: INFO}";

/// What was told: the object, first, last, count, whether different things are counted together.
type Said = Vec<(String, u64, u64, u64, bool)>;

struct Bench {
    merge: Merge,
    engine: Engine,
    start: Instant,
}

impl Bench {
    fn new(window: Duration) -> Self {
        let (ruleset, mistakes) = Ruleset::load(&[RuleFile { name: "r", bytes: RULE.as_bytes() }]);
        assert_eq!(mistakes, []);
        let (merge, engine) = (Merge::new(window), Engine::new(&ruleset));
        Self { merge, engine, start: Instant::now() }
    }

    fn found(&self, second: u64, container: Option<&str>, object: &str) -> Found {
        let container =
            container.map(|id| Arc::new(Container { id: id.to_owned(), ..Container::default() }));
        let executable = Executable { path: "/bin/sh".into(), ..Executable::default() };
        let event = Event {
            number: second,
            time: second * 1_000_000_000,
            call: Call::Execve,
            thread: 1,
            processor: 0,
            process: Arc::new(Process { executable, ..Process::default() }),
            ancestors: Arc::default(),
            container,
            act: Act::Exec {
                file: PathArgument { path: object.into(), ..Default::default() },
                streams: Vec::new(),
            },
            result: None,
            denied: false,
        };
        let detection = self.engine.judge(&event).remove(0);
        Found { what: What::Event(Box::new(event)), detection, verdict: None }
    }

    fn at(&mut self, second: u64, container: Option<&str>, object: &str) -> Said {
        let found = self.found(second, container, object);
        self.take(second, found)
    }

    fn take(&mut self, second: u64, found: Found) -> Said {
        let mut said = Said::new();
        let now = self.start + Duration::from_secs(second);
        self.merge.take(now, found, &mut |found, tally| said.push(of(found, tally)));
        said
    }

    fn close(&mut self, second: u64) -> Said {
        let mut said = Said::new();
        let now = self.start + Duration::from_secs(second);
        self.merge.close(now, &mut |found, tally| said.push(of(found, tally)));
        said
    }

    fn finish(&mut self) -> Said {
        let mut said = Said::new();
        self.merge.finish(&mut |found, tally| said.push(of(found, tally)));
        assert!(self.merge.open.is_empty() && self.merge.distinct.is_empty());
        assert_eq!(self.merge.bytes, 0);
        said
    }
}

fn object(what: &What) -> String {
    match what {
        What::Event(event) => guard::object(event),
        What::Record(record) => record.id().to_owned(),
    }
}

fn of(found: &Found, tally: Tally) -> (String, u64, u64, u64, bool) {
    let second = |time: u64| time / 1_000_000_000;
    let Tally { first, last, count, various } = tally;
    (object(&found.what), second(first), second(last), count, various)
}

fn one(object: &str, second: u64) -> Said {
    vec![(object.to_owned(), second, second, 1, false)]
}

#[test]
fn the_first_is_told_at_once_and_the_others_when_the_window_ends() {
    let mut bench = Bench::new(WINDOW);
    assert_eq!(bench.at(1, Some("a"), "/x"), one("/x", 1));
    assert_eq!(bench.at(2, Some("a"), "/x"), []);
    assert_eq!(bench.at(60, Some("a"), "/x"), []);
    assert_eq!(bench.close(60), []);
    assert_eq!(bench.close(61), [("/x".to_owned(), 1, 60, 3, false)]);
    // What comes after is told at once again; what came once is not told twice.
    assert_eq!(bench.at(62, Some("a"), "/x"), one("/x", 62));
    assert_eq!(bench.close(122), []);
    assert_eq!(bench.finish(), []);
}

#[test]
fn what_differs_is_told_by_itself() {
    let mut bench = Bench::new(WINDOW);
    for (container, object) in
        [(Some("a"), "/x"), (Some("a"), "/y"), (Some("b"), "/x"), (None, "/x")]
    {
        assert_eq!(bench.at(1, container, object), one(object, 1));
    }
    let mut denied = bench.found(1, None, "/x");
    let What::Event(event) = &mut denied.what else { unreachable!() };
    event.denied = true;
    assert_eq!(bench.take(1, denied), one("/x", 1), "refused is not done");
    assert_eq!(bench.at(2, Some("b"), "/x"), []);
    assert_eq!(bench.finish(), [("/x".to_owned(), 1, 2, 2, false)]);
}

#[test]
fn without_a_window_everything_is_told() {
    let mut bench = Bench::new(Duration::ZERO);
    for second in 0..3 {
        assert_eq!(bench.at(second, None, "/x"), one("/x", second));
    }
    assert_eq!(bench.finish(), []);
}

#[test]
fn ever_new_things_are_counted_together() {
    let mut bench = Bench::new(WINDOW);
    let mut told = 0;
    for number in 0..10_000 {
        told += bench.at(1, Some("a"), &format!("/{number}")).len();
    }
    assert_eq!(told, DISTINCT_MAX + 1);
    // Elsewhere nothing has changed, and what was told by itself still is.
    assert_eq!(bench.at(2, Some("b"), "/0"), one("/0", 2));
    assert_eq!(bench.at(2, Some("a"), "/0"), []);
    let said = bench.finish();
    let rest = 10_000 - DISTINCT_MAX as u64;
    assert_eq!(said, [("/0".to_owned(), 1, 2, 2, false), ("/9999".to_owned(), 1, 1, rest, true)]);
}

#[test]
fn a_flood_of_containers_ends_the_oldest_windows() {
    let mut bench = Bench::new(WINDOW);
    assert_eq!(bench.at(1, Some("first"), "/x"), one("/x", 1));
    assert_eq!(bench.at(2, Some("first"), "/x"), []);
    let mut said = Said::new();
    for number in 0..OPEN_MAX {
        said.extend(bench.at(3, Some(&number.to_string()), "/x"));
    }
    assert_eq!(said.len(), OPEN_MAX + 1);
    assert!(said.contains(&("/x".to_owned(), 1, 2, 2, false)), "the evicted one is told");
    assert_eq!(bench.merge.open.len(), OPEN_MAX);
}

#[test]
fn what_is_held_is_bounded_in_bytes() {
    let mut bench = Bench::new(WINDOW);
    let words: Arc<[model::event::Text]> = vec!["x".repeat(1 << 20).as_str().into()].into();
    for number in 0..100 {
        let mut found = bench.found(1, Some(&number.to_string()), "/x");
        let process = Process { arguments: Arc::clone(&words), ..Process::default() };
        let What::Event(event) = &mut found.what else { unreachable!() };
        event.process = Arc::new(process);
        assert_eq!(bench.take(1, found).len(), 1);
        assert!(bench.merge.bytes <= BYTES_MAX);
    }
    assert!(bench.merge.open.len() < 40);
    bench.finish();
}
