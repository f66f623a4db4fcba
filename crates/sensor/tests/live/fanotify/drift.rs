//! Programs that an image did not bring.

use model::Refused;

use super::cage::Cages;
use super::{denials, gaps, prevention, start};

/// What of it runs, and what is refused: each is a script.
const CASES: &[(&str, &str, bool)] = &[
    ("the image's", "/opt/ran", true),
    ("by a link", "ln -s /opt/ran /tmp/link && /tmp/link", true),
    ("by a bind mount", "mkdir -p /mnt/a && mount -o bind /opt /mnt/a && /mnt/a/ran", true),
    ("a volume that cannot be written to", "/tools/ran", true),
    ("a copy", "cp /opt/ran /tmp/copy && /tmp/copy", false),
    ("a script", "printf '#!/bin/sh\\necho ran' > /tmp/s && chmod +x /tmp/s && /tmp/s", false),
    ("in memory", "cp /opt/ran /scratch/ran && /scratch/ran", false),
    ("on a volume", "cp /opt/ran /data/ran && /data/ran", false),
    (
        "on a file system made since",
        "mkdir -p /mnt/new && mount -t tmpfs none /mnt/new && cp /opt/ran /mnt/new/ran && sleep 0.2 && \
         /bin/true && /mnt/new/ran",
        false,
    ),
    (
        "on one made read-only since",
        "mkdir -p /mnt/ro && mount -t tmpfs none /mnt/ro && cp /opt/ran /mnt/ro/ran && \
         mount -o remount,ro /mnt/ro && sleep 0.2 && /bin/true && /mnt/ro/ran",
        false,
    ),
    (
        "on a volume, in a namespace made since",
        "cp /opt/ran /data/two && unshare -m /bin/sh -c /data/two",
        false,
    ),
    (
        "on an overlay made since",
        "mount -t tmpfs none /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && cp /opt/ran /mnt/l/ran && \
         mount -t overlay none -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m && sleep 0.2 \
         && /bin/true && /mnt/m/ran",
        false,
    ),
    ("moved", "cp /opt/ran /tmp/kept && mv /opt/ran /opt/moved && /opt/moved", false),
    ("in the place of the image's", "cp /tmp/kept /opt/ran && /opt/ran", false),
];

#[test]
fn what_the_image_brought_runs_and_nothing_else() {
    let Some(cages) = Cages::ready() else { return };
    let (data, tools) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
    let [data, tools] = [&data, &tools].map(|folder| folder.path().display().to_string());
    let cage = cages.start(&[
        "--cap-add=SYS_ADMIN",
        "--security-opt=apparmor=unconfined",
        "--tmpfs=/scratch:exec",
        &format!("--volume={data}:/data"),
        &format!("--volume={tools}:/tools:ro"),
    ]);
    std::fs::copy(cage.files().join("opt/ran"), format!("{tools}/ran")).expect("a tool");
    let mut guard = start(&[prevention("drift", Refused::ExecuteForeign)]);
    guard.set(cage.group(), 1, true);
    for (what, script, runs) in CASES {
        let said = cage.shell(script);
        let is_right = if *runs { said.ran() } else { said.was_refused() };
        assert!(is_right, "{what}: {said:?}, {:?}", gaps(&mut guard));
        let told = denials(&mut guard, usize::from(!runs));
        assert_eq!(told.len(), usize::from(!runs), "{what}: {told:?}");
        assert!(told.iter().all(|denial| denial.refused && denial.prevention == "drift"));
    }
    // A program on the host's side of the volume is the host's.
    testkit::run(&format!("{data}/ran"), &[]);
    assert_eq!(denials(&mut guard, 0), []);
}

/// To write to a file, and to change its mode: an overlay tells no one from the other.
#[test]
fn what_was_changed_is_not_the_images_any_more() {
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let mut guard = start(&[prevention("drift", Refused::ExecuteForeign)]);
    guard.set(cage.group(), 1, true);
    assert!(cage.shell("/opt/ran && cat /opt/ran > /tmp/kept").ran());
    assert!(cage.shell("cat /tmp/kept > /opt/ran && /opt/ran").was_refused());
    let other = cages.start(&["--init"]);
    guard.set(other.group(), 1, true);
    assert!(other.shell("chmod 700 /opt/ran && /opt/ran").was_refused());
    assert_eq!(denials(&mut guard, 2).len(), 2);
}

/// Docker mounts its own first program, and a container whose root is read-only writes nowhere.
#[test]
fn containers_begin_as_they_did() {
    let Some(cages) = Cages::ready() else { return };
    let mut guard = start(&[prevention("drift", Refused::ExecuteForeign)]);
    guard.default(1, true);
    for more in [&["--init"][..], &["--read-only", "--tmpfs=/tmp:exec"], &["--read-only", "--init"]]
    {
        let cage = cages.start(more);
        assert!(cage.exec(&["/opt/ran"]).ran(), "{more:?}");
        assert!(!cage.shell("cp /opt/ran /tmp/ran && /tmp/ran").ran(), "{more:?}");
    }
    // Containers of other tests may have another root; were it one of these, the copies had run.
    let of_others = |why: &String| why.starts_with("its root is no overlay");
    let gaps: Vec<String> = gaps(&mut guard).into_iter().filter(|it| !of_others(it)).collect();
    assert_eq!(gaps, Vec::<String>::new());
}
