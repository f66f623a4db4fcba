//! Named programs.

use model::{Place, Refused};

use super::cage::Cages;
use super::{denials, gaps, prevention, start};

fn ran() -> Refused {
    Refused::Execute(vec![Place::Exactly("/opt/ran".into())])
}

/// Ways to one file: each is a script.
const WAYS: &[(&str, &str)] = &[
    ("its path", "/opt/ran"),
    ("a relative path", "cd /opt && ./ran"),
    ("a detour", "/bin/../opt/./ran"),
    ("a symbolic link", "ln -s /opt/ran /tmp/link && /tmp/link"),
    ("a descriptor", "exec 3< /opt/ran && /proc/self/fd/3"),
    (
        "an interpreter",
        "printf '#!/opt/ran\\n' > /tmp/script && chmod +x /tmp/script && /tmp/script",
    ),
    ("another root", "chroot / /opt/ran"),
    ("a bind mount", "mkdir -p /mnt/a && mount -o bind /opt /mnt/a && /mnt/a/ran"),
    (
        "a namespace",
        "unshare -m /bin/sh -c 'mkdir -p /mnt/b && mount -o bind /opt /mnt/b && /mnt/b/ran'",
    ),
    ("a hard link", "ln /opt/ran /tmp/hard && /tmp/hard"),
    (
        "a removed name",
        "ln /opt/ran /tmp/gone && exec 3< /tmp/gone && rm /tmp/gone && /proc/self/fd/3",
    ),
    ("another name", "mv /opt/ran /tmp/moved && /tmp/moved"),
    ("a copy in its place", "cp /tmp/moved /opt/ran && /opt/ran"),
];

#[test]
fn a_program_is_refused_whatever_way_leads_to_it() {
    let Some(cages) = Cages::ready() else { return };
    let all = ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"];
    let (cage, other) = (cages.start(&all), cages.start(&[]));
    let mut guard = start(&[prevention("ran", ran())]);
    assert!(cage.exec(&["/opt/ran"]).ran(), "nobody said for whom");
    guard.set(cage.group(), 1, true);
    assert!(cage.exec(&["/opt/ran"]).was_refused(), "as `docker exec` starts it");
    let told = denials(&mut guard, 1);
    assert_eq!((told[0].object.to_string(), &*told[0].prevention), ("/opt/ran".to_owned(), "ran"));
    assert!(told[0].name.starts_with(b"runc:"), "{told:?}");
    for (way, script) in WAYS {
        let said = cage.shell(script);
        assert!(said.was_refused(), "{way}: {said:?}, {:?}", gaps(&mut guard));
        let told = denials(&mut guard, 1);
        let [denial] = &*told else { panic!("{way}: {told:?}") };
        assert!(denial.refused && denial.pid > 0 && denial.started > 0, "{way}: {denial:?}");
        assert_eq!(denial.control_group, cage.group(), "{way}");
    }
    assert!(other.exec(&["/opt/ran"]).ran(), "another container has no preventions");
    let on_host = cage.files().join("bin/busybox");
    testkit::run(on_host.to_str().expect("a path"), &["true"]);
    guard.forget(cage.group());
    assert!(cage.exec(&["/opt/ran"]).ran(), "it is as if nobody had said so");
    assert_eq!(denials(&mut guard, 0), []);
}

/// What docs/guard.md says of it: these are gaps, and have to be told as long as they are.
#[test]
fn a_copy_and_what_a_loader_opens_are_not_the_program() {
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let read = Refused::Read(vec![Place::Exactly("/opt/ran".into())]);
    let mut guard = start(&[prevention("ran", ran()), prevention("read", read)]);
    guard.set(cage.group(), 0b1, true);
    assert!(cage.shell("cp /opt/ran /tmp/copy && /tmp/copy").ran());
    assert!(cage.exec(&[&cages.loader, "/opt/ran"]).ran());
    guard.set(cage.group(), 0b11, true);
    assert!(cage.exec(&[&cages.loader, "/opt/ran"]).text.contains("Operation not permitted"));
    assert!(!cage.shell("cp /opt/ran /tmp/another && /tmp/another").ran());
    let told = denials(&mut guard, 2);
    assert!(told.iter().all(|denial| denial.prevention == "read"), "{told:?}");
}

/// Nobody has said anything of a container that begins: the default holds, and for its first
/// program already.
#[test]
fn a_container_that_begins_has_the_default() {
    let Some(cages) = Cages::ready() else { return };
    let mut guard = start(&[prevention("ran", ran())]);
    guard.default(1, true);
    for _ in 0..5 {
        let said = cages.run(&["/opt/ran"]);
        assert!(said.was_refused() && !said.succeeded, "{said:?}");
    }
    assert!(cages.run(&["/bin/true"]).succeeded);
    assert_eq!(denials(&mut guard, 5).len(), 5);
    guard.default(0, true);
    assert!(cages.run(&["/opt/ran"]).ran());
}

#[test]
fn what_is_observed_is_told_and_let_through() {
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let below = Refused::Execute(vec![Place::Below("/opt".into())]);
    let mut guard = start(&[prevention("ran", ran()), prevention("opt", below)]);
    guard.set(cage.group(), 0b11, false);
    assert!(cage.exec(&["/opt/ran"]).ran());
    let told = denials(&mut guard, 2);
    let ids: Vec<(&str, bool)> = told.iter().map(|it| (&*it.prevention, it.refused)).collect();
    assert_eq!(ids, [("ran", false), ("opt", false)]);
}
