//! Questions for names alone: who wants no more of a call is told no more.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use model::event::Call;
use sensor::kernel::Settings;
use sensor::record::{Deed, Part, Place};
use sensor::{Extent, Wanted};

use crate::watch::{acts, follow, kernel};

const SENDS: [Call; 4] = [Call::Sendmmsg, Call::Sendmsg, Call::Sendto, Call::Write];

/// What is sent elsewhere has the name `x`. Nobody listens, so of two messages to the same server one
/// may fail with what the one before was told; it was a question all the same.
#[test]
fn a_question_is_told_however_it_is_sent() {
    let Some(program) = acts() else { return };
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let wanted: Wanted = SENDS.into_iter().map(|call| (call, Extent::Names)).collect();
    kernel.watch_extents(wanted).expect("they are watched");
    let seen = follow(&mut kernel, Command::new(program).arg("names"));
    let mut told: BTreeMap<char, BTreeSet<Call>> = BTreeMap::new();
    for record in &seen.records {
        let Deed::Call(call) = &record.deed else { continue };
        if !SENDS.contains(&call.call) {
            continue;
        }
        let data = call.parts_of(Place::Argument(1)).find_map(|part| match part {
            Part::Data(data) => Some(data.to_vec()),
            _ => None,
        });
        // A question whole, and its end too.
        let data = data.expect("the bytes of the question");
        assert!(data.ends_with(b"\x07example\0\0\x01\0\x01"), "{data:?}");
        told.entry(char::from(data[13])).or_default().insert(call.call);
    }
    let expected = [
        ('a', Call::Sendto),
        ('b', Call::Sendto),
        ('c', Call::Sendto),
        ('d', Call::Write),
        ('e', Call::Sendmsg),
        ('f', Call::Sendmmsg),
        ('g', Call::Sendmsg),
    ];
    let expected = expected.map(|(name, call)| (name, BTreeSet::from([call])));
    assert_eq!(told, BTreeMap::from(expected));
}
