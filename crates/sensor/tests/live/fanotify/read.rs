//! Files that may not be read.

use model::{Place, Refused};

use super::cage::Cages;
use super::{denials, gaps, prevention, start};

/// What reads, and whether it may.
const CASES: &[(&str, bool)] = &[
    ("cat /opt/ran > /dev/null && cat /etc/passwd 2> /dev/null; echo ran", true),
    ("cat /etc/secret", false),
    ("ln -s /etc/secret /tmp/link && cat /tmp/link", false),
    ("cd /etc/keys/deep && cat key", false),
    ("exec 3< /etc/keys/deep", false),
    ("mkdir -p /mnt/k && mount -o bind /etc/keys /mnt/k && cat /mnt/k/deep/key", false),
    ("cat /data/secret", false),
    ("echo ran > /data/other && cat /data/other", true),
    ("ln /etc/secret /tmp/hard && cat /tmp/hard", false),
    ("mv /etc/secret /tmp/moved && cat /tmp/moved", false),
    // An event does not tell for what a file is opened.
    ("echo more >> /etc/keys/deep/key", false),
    // Nobody waits for whoever writes to a pipe.
    ("mkfifo /tmp/pipe && (echo ran > /tmp/pipe & cat /tmp/pipe)", true),
];

#[test]
fn files_are_not_opened_whatever_way_leads_to_them() {
    let Some(cages) = Cages::ready() else { return };
    let data = tempfile::tempdir().expect("a folder");
    std::fs::write(data.path().join("secret"), "ran\n").expect("a secret");
    let volume = format!("--volume={}:/data", data.path().display());
    let cage = cages.start(&["--cap-add=SYS_ADMIN", "--security-opt=apparmor=unconfined", &volume]);
    let places = vec![
        Place::Exactly("/etc/secret".into()),
        Place::Exactly("/data/secret".into()),
        Place::Below("/etc/keys".into()),
    ];
    let mut guard = start(&[prevention("secrets", Refused::Read(places))]);
    assert!(cage.shell("cat /etc/secret").ran());
    guard.set(cage.group(), 1, true);
    // The first program of ours has the mounts looked at.
    assert!(cage.exec(&["/bin/true"]).succeeded);
    for (script, may) in CASES {
        let said = cage.shell(script);
        let is_right = if *may { said.ran() } else { said.was_refused() };
        assert!(is_right, "{script}: {said:?}, {:?}", gaps(&mut guard));
        let told = denials(&mut guard, usize::from(!may));
        assert_eq!(told.is_empty(), *may, "{script}: {told:?}");
        assert!(told.iter().all(|denial| denial.refused && denial.prevention == "secrets"));
    }
    std::fs::read(data.path().join("secret")).expect("the host reads its own");
    assert_eq!(denials(&mut guard, 0), []);
}
