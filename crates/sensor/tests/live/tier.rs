//! Tiers: what each tells, loses and costs.

use std::collections::BTreeSet;
use std::time::Instant;

use model::event::Call;
use sensor::kernel::Settings;

use crate::watch::kernel;

#[test]
fn time_to_attach() {
    let begin = Instant::now();
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    println!("start {:?} tier {:?}", begin.elapsed(), kernel.tier());
    let mut wanted = BTreeSet::new();
    for call in [Call::Openat, Call::Connect, Call::Kill, Call::Unlink, Call::Bind] {
        wanted.insert(call);
        let begin = Instant::now();
        kernel.watch(&wanted).expect("watch");
        println!("{call:?} {:?} unseen {:?}", begin.elapsed(), kernel.unseen());
    }
    let begin = Instant::now();
    kernel.watch(&BTreeSet::new()).expect("watch");
    println!("detach {:?}", begin.elapsed());
}
