//! Programs that are on no list.

use model::{Place, Refused};

use super::cage::Cages;
use super::{denials, gaps, prevention, start};

/// What runs, and what is refused: each is a script.
const CASES: &[(&str, &str, bool)] = &[
    ("listed", "/bin/echo ran", true),
    ("a listed folder", "/opt/ran", true),
    (
        "a script of a listed program",
        "printf '#!/bin/sh\\necho ran' > /tmp/s && chmod +x /tmp/s && /tmp/s",
        true,
    ),
    ("a copy", "cp /opt/ran /tmp/copy && /tmp/copy", false),
    ("a script of another", "printf '#!/tmp/copy\\n' > /tmp/t && chmod +x /tmp/t && /tmp/t", false),
    ("on a volume", "cp /opt/ran /scratch/ran && /scratch/ran", false),
];

#[test]
fn what_is_not_listed_is_not_executed() {
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&["--tmpfs=/scratch:exec"]);
    let listed = vec![Place::Exactly("/bin/busybox".into()), Place::Below("/opt".into())];
    let mut guard = start(&[prevention("others", Refused::ExecuteExcept(listed))]);
    guard.set(cage.group(), 1, true);
    for (what, script, runs) in CASES {
        let said = cage.shell(script);
        let is_right = if *runs { said.ran() } else { said.was_refused() };
        assert!(is_right, "{what}: {said:?}, {:?}", gaps(&mut guard));
        let told = denials(&mut guard, usize::from(!runs));
        assert_eq!(told.len(), usize::from(!runs), "{what}: {told:?}");
    }
    guard.set(cage.group(), 1, false);
    assert!(cage.shell("/tmp/copy").ran(), "it is only told");
    assert_eq!(denials(&mut guard, 1).len(), 1);
    // Gaps, as docs/guard.md says: an event does not tell a loader that is executed from one that a
    // program has.
    guard.set(cage.group(), 1, true);
    assert!(cage.exec(&[&cages.loader, "/tmp/copy"]).ran());
    assert!(cage.shell("cp /tmp/copy /tmp/ld-x.so.1 && /tmp/ld-x.so.1").ran());
}
