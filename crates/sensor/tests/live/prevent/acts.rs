//! Every act, for every hook: refused in a group with its bit, done in one without, and only told
//! where it is observed.

use std::net::IpAddr;

use model::{Denial, Network, Place, Prevention, Refused};
use sensor::prevent::{Act, Held, Preventions};

use super::stage::{Folder, LOADER, REFUSED, in_the_machine_alone, preventions, told};
use crate::group::Group;

/// The prevention, the deed, what the denial names. `@` is the folder.
type Case = (&'static str, &'static [&'static str], &'static str);

/// Where the kernel has hooks of security modules.
const HOOKS: &[Case] = &[
    ("execute", &["exec", "@/bin/held"], "@/bin/held"),
    ("execute", &["exec-handle", "@/bin/held"], "@/bin/held"),
    ("execute", &["exec", LOADER, "@/bin/held"], "@/bin/held"),
    ("execute", &["map", "@/bin/held"], "@/bin/held"),
    ("execute", &["protect", "@/bin/held"], "@/bin/held"),
    ("execute", &["link", "@/bin/held", "@/free/other"], "@/bin/held"),
    ("execute", &["rename", "@/bin/held", "@/free/other"], "@/bin/held"),
    ("execute", &["rename", "@/bin", "@/free/other"], "@/bin"),
    ("read", &["read", "@/secret"], "@/secret"),
    ("read", &["read", "@/private/key"], "@/private/key"),
    ("read", &["read", "@/private"], "@/private"),
    ("read", &["read", "@/free/link"], "@/secret"),
    ("read", &["relative", "@/free", "../free/./../secret"], "@/secret"),
    ("read", &["handle", "@/secret"], "@/secret"),
    ("read", &["root", "@/secret"], "@/secret"),
    ("read", &["chroot", "@", "/secret"], "@/secret"),
    ("read", &["queue", "@/secret"], "@/secret"),
    ("read", &["link", "@/secret", "@/free/other"], "@/secret"),
    ("read", &["rename", "@/secret", "@/free/other"], "@/secret"),
    ("read", &["rename", "@/parent", "@/free/other"], "@/parent"),
    ("read", &["exchange", "@/free/file", "@/secret"], "@/secret"),
    ("write", &["write", "@/held/file"], "@/held/file"),
    ("write", &["create", "@/held/new"], "@/held/new"),
    ("write", &["empty", "@/held/file"], "@/held/file"),
    ("write", &["truncate", "@/held/file"], "@/held/file"),
    ("write", &["unlink", "@/held/file"], "@/held/file"),
    ("write", &["mkdir", "@/held/new"], "@/held/new"),
    ("write", &["rmdir", "@/held/empty"], "@/held/empty"),
    ("write", &["mknod", "@/held/new"], "@/held/new"),
    ("write", &["chmod", "@/held/file"], "@/held/file"),
    ("write", &["fchmod", "@/held/file"], "@/held/file"),
    ("write", &["chown", "@/held/file"], "@/held/file"),
    ("write", &["symlink", "/tmp", "@/held/new"], "@/held/new"),
    ("write", &["link", "@/free/file", "@/held/new"], "@/held/new"),
    ("write", &["link", "@/held/file", "@/free/new"], "@/held/file"),
    ("write", &["rename", "@/free/file", "@/held/file"], "@/held/file"),
    ("write", &["rename", "@/held/file", "@/free/new"], "@/held/file"),
    // At control groups this gets through.
    ("connect", &["reach-raw-send", "127.0.0.9", "0"], "127.0.0.9:0"),
    ("mount", &["mount", "@/mounted"], ""),
    ("mount", &["remount", "/tmp"], ""),
    ("mount", &["reconfigure", "/tmp"], ""),
    ("mount", &["unmount", "/dev"], ""),
    ("mount", &["pivot", "@/mounted"], ""),
    ("mount", &["new-mount"], ""),
    ("mount", &["move-mount", "@/mounted"], ""),
    ("trace", &["trace"], ""),
    ("trace", &["traceme"], ""),
    ("trace", &["memory"], ""),
    ("trace", &["process-memory"], ""),
    ("load-bpf", &["bpf"], ""),
];

/// On every kernel.
const CONNECTIONS: &[Case] = &[
    ("connect", &["reach-connect", "127.0.0.9", "4711"], "127.0.0.9:4711"),
    ("connect", &["reach-connect", "127.0.0.10", "80"], "127.0.0.10:80"),
    ("connect", &["reach-connect-mptcp", "127.0.0.10", "80"], "127.0.0.10:80"),
    ("connect", &["reach-fast", "127.0.0.10", "80"], "127.0.0.10:80"),
    ("connect", &["reach-udp-connect", "127.0.0.9", "1"], "127.0.0.9:1"),
    ("connect", &["reach-udp-send", "127.0.0.9", "1"], "127.0.0.9:1"),
    ("connect", &["reach-udp-send-wide", "127.0.0.9", "1"], "127.0.0.9:1"),
    ("connect", &["reach-udp-send-blank", "127.0.0.9", "1"], "127.0.0.9:1"),
    ("connect", &["reach-udp-message", "127.0.0.9", "1"], "127.0.0.9:1"),
    ("connect", &["reach-connect", "::1", "22"], "[::1]:22"),
    ("connect", &["reach-connect", "::", "22"], "[::]:22"),
    ("connect", &["reach-connect", "0.0.0.0", "22"], "0.0.0.0:22"),
    ("connect", &["reach-udp-connect", "::1", "22"], "[::1]:22"),
    ("connect", &["reach-udp-send", "::1", "22"], "[::1]:22"),
    ("connect", &["reach-udp-message", "::1", "22"], "[::1]:22"),
    ("connect", &["reach-connect", "::ffff:127.0.0.9", "4711"], "127.0.0.9:4711"),
    ("connect", &["reach-udp-send", "::ffff:127.0.0.9", "1"], "127.0.0.9:1"),
];

/// Let through though the bit is there: it is of other places, addresses and ports.
const OTHERS: &[&[&str]] = &[
    &["exec", "@/free/program"],
    &["read", "@/free/file"],
    &["write", "@/secret"],
    &["read", "@/held/file"],
    &["write", "@/free/file"],
    &["create", "@/heldnot"],
    &["rename", "@/free/file", "@/free/other"],
    &["reach-udp-send", "127.0.0.10", "81"],
    &["reach-udp-send", "127.0.0.8", "1"],
    &["reach-udp-send", "::1", "23"],
];

fn all(folder: &Folder) -> Vec<Prevention> {
    let at = |text: &str| folder.text(text).as_str().into();
    let network = |address: &str, ports: &[u16]| Network {
        address: address.parse::<IpAddr>().expect("an address"),
        prefix: if address.contains(':') { 128 } else { 32 },
        ports: ports.iter().map(|port| *port..=*port).collect(),
    };
    let read = vec![
        Place::Exactly(at("@/secret")),
        Place::Below(at("@/private")),
        Place::Exactly(at("@/parent/inner/secret")),
    ];
    let connect = vec![
        network("127.0.0.9", &[]),
        network("127.0.0.10", &[80]),
        network("127.0.0.1", &[22]),
        network("::1", &[22]),
    ];
    let acts = [
        ("execute", Refused::Execute(vec![Place::Below(at("@/bin"))])),
        ("read", Refused::Read(read)),
        ("write", Refused::Write(vec![Place::Below(at("@/held"))])),
        ("connect", Refused::Connect(connect)),
        ("mount", Refused::Mount),
        ("trace", Refused::Trace),
        ("load-module", Refused::LoadModule),
        ("load-bpf", Refused::LoadBpf),
    ];
    acts.map(|(id, act)| Prevention { id: id.to_owned(), act }).to_vec()
}

fn index_of(id: &str, preventions: &[Prevention]) -> u32 {
    let index = preventions.iter().position(|it| it.id == id).expect("it is one of all");
    u32::try_from(index).expect("few")
}

/// Does a deed with the prevention's bit refused, observed and absent; what is wrong.
fn wrong(
    kernel: &mut Preventions,
    of: &[Prevention],
    group: &Group,
    folder: &Folder,
    case: &Case,
) -> Vec<String> {
    let (id, deed, object) = case;
    let deed: Vec<String> = deed.iter().map(|word| folder.text(word)).collect();
    let object = folder.text(object);
    let bit = 1 << index_of(id, of);
    let mut wrong = Vec::new();
    let mut done = 0;
    for (bits, refuse) in [(0, true), (bit, true), (bit, false)] {
        folder.restore();
        kernel.forget(group.number);
        kernel.set(group.number, bits, refuse).expect("the kernel takes it");
        told(kernel, group);
        let code = group.deed(&deed).unwrap_or(-1);
        let told = told(kernel, group);
        if bits == 0 {
            done = code;
        }
        let expected = if bits != 0 && refuse { refusal(&deed) } else { done };
        let is_told = told.iter().any(|denial| is(denial, id, &object, refuse));
        if code != expected || is_told != (bits != 0) || (bits == 0 && done == REFUSED) {
            wrong.push(format!("{deed:?} {bits} {refuse}: {code}, not {expected}: {told:?}"));
        }
    }
    wrong
}

/// What whoever did the deed got to know of it.
fn refusal(deed: &[String]) -> i32 {
    match deed {
        // The loader's own words for it.
        [_, loader, _] if loader.contains("/ld-linux") => 127,
        // What the kernel makes of every refusal there.
        [memory] if memory == "memory" => rustix::io::Errno::ACCESS.raw_os_error(),
        _ => REFUSED,
    }
}

fn is(denial: &Denial, id: &str, object: &str, refused: bool) -> bool {
    denial.prevention == id
        && denial.refused == refused
        && denial.object == object
        && denial.pid > 1
}

/// `lacks` says what is not tested for want of something.
fn try_all(cases: &[Case], others: &[&[&str]], lacks: fn(&str)) {
    let folder = Folder::make();
    let group = Group::make("acts");
    let of = all(&folder);
    let Some(mut kernel) = preventions(&of) else { return };
    let held: Vec<Held> = kernel.held().to_vec();
    let mut failures = Vec::new();
    for case in cases {
        let held = &held[usize::try_from(index_of(case.0, &of)).expect("few")];
        if let Held::NotHere(why) = held {
            lacks(why);
            return;
        }
        failures.extend(wrong(&mut kernel, &of, &group, &folder, case));
    }
    // All but what is refused whatever it is done to.
    let bits = ["execute", "read", "write", "connect"];
    let bits = bits.iter().fold(0, |bits, id| bits | 1 << index_of(id, &of));
    kernel.set(group.number, bits, true).expect("the kernel takes it");
    for deed in others {
        folder.restore();
        let deed: Vec<String> = deed.iter().map(|word| folder.text(word)).collect();
        let code = group.deed(&deed).unwrap_or(-1);
        let told = told(&mut kernel, &group);
        if code != 0 || !told.is_empty() {
            failures.push(format!("{deed:?}: {code}: {told:?}"));
        }
    }
    assert!(failures.is_empty(), "{} wrong:\n{}", failures.len(), failures.join("\n"));
    let untold = kernel.untold().expect("counts");
    assert_eq!(untold, sensor::prevent::Untold::default());
}

/// Whoever tries without end is refused every time, and told of as often as its budget allows.
#[test]
fn what_is_not_told_is_counted() {
    const TIMES: u64 = 1000;
    let folder = Folder::make();
    let group = Group::make("often");
    let of = all(&folder);
    let Some(mut kernel) = preventions(&of) else { return };
    kernel.set(group.number, 1 << index_of("connect", &of), true).expect("the kernel takes it");
    let often = ["reach-often", "127.0.0.9", "9", "1000"].map(str::to_owned);
    assert_eq!(group.deed(&often), Some(0));
    let told = u64::try_from(told(&mut kernel, &group).len()).expect("few");
    let untold = kernel.untold().expect("counts");
    assert_eq!(told + untold.over_budget + untold.buffer_full, TIMES, "{untold:?}");
    assert!(told >= 64 && untold.over_budget > 0, "{told} {untold:?}");
}

/// Of a kernel that loads programs and does not let them be attached, too.
#[test]
fn the_doctor_says_what_is_held() {
    let folder = Folder::make();
    let of = all(&folder);
    let Some(kernel) = preventions(&of) else { return };
    let said = sensor::doctor::Report::of_this_machine().preventions;
    let acts = of.iter().map(|prevention| Act::of(&prevention.act));
    for (act, held) in acts.zip(kernel.held()) {
        assert!(said.contains(&(act, held.clone())), "{act:?} is held {held:?}: {said:?}");
    }
}

#[test]
fn connections_are_refused_on_every_kernel() {
    let others: Vec<&[&str]> =
        OTHERS.iter().copied().filter(|deed| deed[0].starts_with("reach")).collect();
    try_all(CONNECTIONS, &others, testkit::skip);
}

#[test]
fn every_hook_refuses_what_it_is_for() {
    try_all(HOOKS, OTHERS, in_the_machine_alone);
}
