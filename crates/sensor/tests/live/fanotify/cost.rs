//! What it costs to be asked about, and whom.

use std::process::Stdio;
use std::time::Duration;

use model::{Place, Prevention, Refused};

use super::cage::{Cage, Cages};
use super::{prevention, start};

/// Of one act, in a container.
#[derive(Clone, Copy)]
struct Cost {
    median: Duration,
    worst: Duration,
}

fn cost(cage: &Cage<'_>, act: &[&str]) -> Cost {
    let said = cage.exec(&[&["/opt/cost"], act].concat());
    let mut times = said.text.split_whitespace().map(|word| word.parse().expect("nanoseconds"));
    let mut next = || Duration::from_nanos(times.next().expect("two of them"));
    Cost { median: next(), worst: next() }
}

const EXECS: &[&str] = &["exec", "1000"];
const OPENS: &[&str] = &["open", "20000", "/opt/ran"];

/// The numbers of docs/guard.md are from here. What fails is an answer that takes a hundred times
/// what it should, on however busy a machine.
#[test]
fn what_an_answer_costs() {
    const ANSWER_MAX: Duration = Duration::from_millis(5);
    let Some(cages) = Cages::ready() else { return };
    let (cage, other) = (cages.start(&[]), cages.start(&[]));
    let mut rows: Vec<(&str, &str, Cost)> = Vec::new();
    let mut measure = |who: &'static str, cage: &Cage<'_>| {
        rows.push((who, "exec", cost(cage, EXECS)));
        rows.push((who, "open", cost(cage, OPENS)));
    };
    measure("no guard", &cage);
    let act = |id, act| prevention(id, act);
    let all: [Prevention; 3] = [
        act("ran", Refused::Execute(vec![Place::Exactly("/opt/ran".into())])),
        act("drift", Refused::ExecuteForeign),
        act("secret", Refused::Read(vec![Place::Exactly("/etc/secret".into())])),
    ];
    {
        let mut guard = start(&all);
        measure("no prevention holds", &other);
        guard.set(cage.group(), 0b011, true);
        measure("named and foreign programs", &cage);
        guard.set(cage.group(), 0b111, true);
        measure("and reading", &cage);
        let mut storm = cage.command(&["/opt/cost", "open", "400000", "/opt/ran"]);
        let mut storm = storm.stdout(Stdio::null()).spawn().expect("docker starts");
        measure("no prevention holds, beside a storm of opens", &other);
        storm.kill().expect("it ends");
        storm.wait().expect("it ended");
        println!("{:?}", guard.counts());
    }
    measure("after the guard", &cage);
    for (who, act, cost) in &rows {
        println!("{act} {:>9.1?} {:>9.1?}  {who}", cost.median, cost.worst);
    }
    let without = rows.iter().find(|(_, act, _)| *act == "open").expect("the first").2;
    for (who, act, cost) in rows.iter().filter(|(_, act, _)| *act == "open") {
        assert!(cost.median < without.median + ANSWER_MAX, "{who}: {act} {:?}", cost.median);
    }
}
