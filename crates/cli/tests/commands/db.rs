//! `lazaret db`: what travels between places, and what happens to an update on the way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testkit::{
    Distribution, Fault, ImageBuilder, LayerBuilder, Proxy, Reply, Server, TarBuilder, installed,
    run,
};

use crate::run::Sandbox;

/// Exports to a real registry by a tool that is not ours, and takes segments from there.
#[test]
fn segments_travel_through_a_registry() {
    let Some(registry) = Distribution::start("", |_| {}).filter(|_| installed("skopeo")) else {
        return;
    };
    let host = registry.host();
    let maker = Sandbox::new().with_advisories();
    assert_eq!(maker.run(&["db", "keygen", "key"]).code, Some(0));
    let ended = maker.run(&["db", "export", "--oci", "layout", "--sign", "key"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let push = |from: &str, to: &str| {
        let to = format!("docker://{host}/{to}");
        run("skopeo", &["--insecure-policy", "copy", "--dest-tls-verify=false", from, &to]);
    };
    push(&format!("oci:{}", maker.path("layout").display()), "sec/db:1");
    let image =
        ImageBuilder::new("app:1").layer(LayerBuilder::plain(TarBuilder::new().file("a", "b")));
    let archive = maker.file("image.tar", image.docker_archive());
    push(&format!("docker-archive:{archive}"), "app:1");

    let user = Sandbox::new();
    user.file("key.pub", std::fs::read(maker.path("key.pub")).unwrap());
    assert_eq!(user.run(&["db", "keygen", "other"]).code, Some(0));
    let update = |url: &str, more: &[&str]| {
        let url = format!("oci://{host}/{url}");
        let fixed = ["db", "update", "ubuntu-22.04", "--db-url", &url, "--insecure-registry", host];
        user.run(&[&fixed, more].concat())
    };
    let refused = [
        ("sec/db:1", ["--db-key", "other.pub"], 14, "none of the trusted keys"),
        ("sec/db:2", ["--db-key", "key.pub"], 13, "was not found"),
        ("app:1", ["--db-key", "key.pub"], 14, "holds no advisory segments"),
    ];
    for (url, more, code, why) in refused {
        let ended = update(url, &more);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
        assert!(!user.path("cache/lazaret/db/ubuntu-22.04.seg").exists());
    }
    let signed = ["--db-key", "key.pub"];
    assert_eq!(update("sec/db:1", &signed).stdout, "ubuntu-22.04: from the mirror\n");
    assert_eq!(update("sec/db:1", &signed).stdout, "ubuntu-22.04: nothing new\n");
    let brought = std::fs::read(user.path("cache/lazaret/db/ubuntu-22.04.seg")).unwrap();
    assert!(brought == std::fs::read(maker.path("cache/lazaret/db/ubuntu-22.04.seg")).unwrap());
}

const TRACKER: &str = r#"{"curl": {"CVE-2024-0001": {"releases": {"bookworm": {"status": "resolved",
    "repositories": {"bookworm": "1"}, "fixed_version": "1.2", "urgency": "low"}}}}}"#;

/// Killed outright while the successor comes in: what was there is there, whole.
#[test]
fn a_kill_in_the_middle_of_an_update_leaves_the_old_segment() {
    let asked = AtomicUsize::new(0);
    let server = Server::new(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::new(200, TRACKER),
        _ => Reply::new(200, TRACKER).with(Fault::SilentAfter(TRACKER.len() / 2)),
    });
    let sandbox = Sandbox::new();
    let mirror = format!("http://{}", server.host());
    let update = ["db", "update", "debian-12", "--feed-mirror", &mirror];
    let ended = sandbox.run(&update);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let segment = sandbox.path("cache/lazaret/db/debian-12.seg");
    let before = std::fs::read(&segment).unwrap();

    let mut child = sandbox.spawn(&update);
    while server.requests().len() < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it waits for the rest of the answer");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(std::fs::read(&segment).unwrap() == before);
    assert_eq!(sandbox.run(&["db", "verify"]).code, Some(0));
    let empty = sandbox.run(&["db", "verify", "--db", "not-mounted"]);
    assert_eq!(empty.code, Some(10), "{empty:?}");
    assert!(empty.stderr.contains("no advisories are in `not-mounted`"), "{empty:?}");
}

/// A first import of what is cut off is installed, for it is better than nothing: wherever somebody looks at
/// it, it is said not to be whole.
#[test]
fn what_is_made_of_a_cut_document_is_told_from_what_is_whole() {
    let sandbox = Sandbox::new();
    let (curl, cut) =
        (TRACKER.strip_suffix('}').unwrap(), r#""tide": {"CVE-2024-0002": {"releases"#);
    let cut = format!("{curl}, {cut}");
    sandbox.file("cut.json", cut);
    sandbox.file("whole.json", TRACKER);
    let import = |file: &str, db: &str| sandbox.run(&["db", "import", "--db", db, file]).code;
    assert_eq!((import("whole.json", "whole"), import("cut.json", "cut")), (Some(0), Some(21)));
    let of = |verb: &str, db: &str| sandbox.run(&["db", verb, "--db", db]);
    let (status, verified) = (of("status", "cut"), of("verify", "cut"));
    assert!(status.stdout.contains("1, not whole"), "{status:?}");
    assert!(verified.stdout.contains("sound, made of data that is not whole: "), "{verified:?}");
    assert!(verified.stdout.ends_with("1 segment, 0 damaged, 1 not whole\n"), "{verified:?}");
    assert_eq!(verified.code, Some(21));
    let (status, verified) = (of("status", "whole"), of("verify", "whole"));
    assert!(!status.stdout.contains("not whole"), "{status:?}");
    assert_eq!(
        (verified.code, verified.stdout.as_str()),
        (Some(0), "debian-12: whole\n1 segment, 0 damaged\n")
    );
}

/// `HTTPS_PROXY` is asked for publishers; `NO_PROXY` keeps it out of the way of a mirror.
#[test]
fn feeds_are_fetched_by_the_proxy_that_is_set() {
    let proxy = Proxy::new(&[], None);
    let address = format!("http://{}", proxy.host());
    let sandbox = Sandbox::new();
    let update = |arguments: &[&str]| {
        let mut command = sandbox.command(&["db", "update", "debian-12"]);
        command.args(arguments).env("HTTPS_PROXY", &address).env("HTTP_PROXY", &address);
        command.env("NO_PROXY", "127.0.0.1").output().unwrap().status.code()
    };
    assert_eq!(update(&[]), Some(13));
    let asked = proxy.asked();
    assert!(asked.iter().all(|one| one.contains("security-tracker.debian.org:443")), "{asked:?}");
    assert!(!asked.is_empty());

    let server = Server::new(|_| Reply::new(200, TRACKER));
    assert_eq!(update(&["--feed-mirror", &format!("http://{}", server.host())]), Some(0));
    assert_eq!(proxy.asked().len(), asked.len());
}

/// A disk without room for the successor keeps what is on it.
#[test]
fn a_full_disk_keeps_the_old_segment() {
    let sandbox = Sandbox::new();
    sandbox.file("tracker.json", TRACKER);
    sandbox.file("next.json", TRACKER.replace("1.2", "1.3"));
    let script = "\"$LAZARET\" db import --db small tracker.json >&2 || exit 99\n\
                  cksum < small/debian-12.seg\n\
                  dd if=/dev/zero of=small/full bs=1k 2>&-\n\
                  \"$LAZARET\" db import --db small next.json >&2; code=$?\n\
                  cksum < small/debian-12.seg; ls -A small | tr '\\n' ' '; exit $code";
    let Some(ended) = sandbox.run_with_small_disk(script) else { return };
    assert_eq!(ended.code, Some(31), "{ended:?}");
    assert!(ended.stderr.contains("what was there before stays"), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [before, after, left] = lines.as_slice() else { panic!("{ended:?}") };
    assert_eq!(before, after);
    assert_eq!(left.trim(), "debian-12.seg full");
}

/// A mirror that was left alone, and a bundle of last year: the gate stops at what is known, whatever
/// is offered since.
#[test]
fn what_is_newer_stays_whatever_an_older_mirror_or_bundle_says() {
    const DAY: u64 = 86_400;
    let sandbox = Sandbox::new();
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.1\n";
    sandbox.file("root/var/lib/dpkg/status", status);
    sandbox.file(
        "older.json",
        TRACKER.replace("CVE-2024-0001", "CVE-2023-0009").replace("1.2", "1.0"),
    );
    sandbox.file("newer.json", TRACKER);
    let at = |day: u64, arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        let output = command.env("SOURCE_DATE_EPOCH", (day * DAY).to_string()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    assert_eq!(at(20_000, &["--db", "made", "db", "import", "older.json"]).0, Some(0));
    assert_eq!(at(20_000, &["--db", "made", "db", "export", "older.lzb"]).0, Some(0));
    let mirror = sandbox.path("mirror");
    std::fs::create_dir(&mirror).unwrap();
    let bundle = sandbox.path("older.lzb");
    run("tar", &["xf", bundle.to_str().unwrap(), "-C", mirror.to_str().unwrap()]);
    let server = Server::new(move |request| {
        match std::fs::read(mirror.join(request.path.trim_start_matches('/'))) {
            Ok(bytes) => Reply::new(200, bytes),
            Err(_) => Reply::new(404, ""),
        }
    });
    let url = format!("http://{}", server.host());

    assert_eq!(at(20_005, &["db", "import", "newer.json"]).0, Some(0));
    let gate = ["scan", "--checks", "vuln", "--fail-on", "low", "dir:root"];
    assert_eq!(at(20_005, &[&gate[..], &["--offline"]].concat()).0, Some(1));

    let (code, said, _) = at(20_009, &[&gate[..], &["--db-url", &url]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("2024-10-04T00:00:00Z") && said.contains("2024-10-09T00:00:00Z"),
        "{said}"
    );
    assert!(server.requests().iter().all(|it| it.path != "/debian-12.seg"), "nothing is wasted");
    let (code, _, said) = at(20_009, &["db", "update", "debian-12", "--db-url", &url]);
    assert_eq!(code, Some(21), "{said}");
    let (code, told, said) = at(20_009, &["db", "import", "older.lzb"]);
    assert_eq!(code, Some(21), "{said}");
    assert_eq!(told, "debian-12: debian-tracker stays, the bundle's is older\n");
    assert!(
        said.contains("2024-10-04T00:00:00Z") && said.contains("2024-10-09T00:00:00Z"),
        "{said}"
    );
    assert_eq!(at(20_009, &[&gate[..], &["--offline"]].concat()).0, Some(1));

    for take in [
        &["db", "import", "older.lzb", "--allow-older"][..],
        &["db", "update", "debian-12", "--allow-older", "--db-url", &url, "--max-age", "999h"],
    ] {
        assert_eq!(at(20_005, &["db", "import", "newer.json"]).0, Some(0));
        assert_eq!(at(20_009, take).0, Some(0));
        assert_eq!(at(20_009, &[&gate[..], &["--offline"]].concat()).0, Some(0));
    }
}

#[test]
fn what_cannot_be_exported_or_updated_is_told() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(&["db", "update"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("nothing is installed in `"), "{ended:?}");

    sandbox.file("tracker.json", TRACKER);
    assert_eq!(sandbox.run(&["db", "import", "tracker.json"]).code, Some(0));
    let segment = sandbox.path("cache/lazaret/db/debian-12.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    std::fs::write(&segment, bytes).unwrap();
    let ended = sandbox.run(&["db", "export", "all.lzb"]);
    assert_eq!(ended.code, Some(14), "{ended:?}");
    assert!(!sandbox.path("all.lzb").exists(), "{ended:?}");
}

/// Containers run as users that have no home.
#[test]
fn who_keeps_nothing_needs_no_home() {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let db = sandbox.path("cache/lazaret/db").display().to_string();
    let cases: &[(&[&str], i32)] = &[
        (&["sbom", "--no-cache", "dir:root"], 21),
        (&["scan", "--offline", "--no-cache", "--db", &db, "dir:root"], 20),
        (&["db", "status", "--db", &db], 0),
        (&["scan", "--offline", "--no-cache", "dir:root"], 2),
        (&["scan", "--offline", "--db", &db, "dir:root"], 20),
        (&["scan", "--offline", "dir:root"], 2),
        (&["diff", "--offline", "--db", &db, "dir:root", "dir:root"], 20),
        (&["sbom", "dir:root"], 21),
        (&["demo"], 0),
        (&["db", "status"], 2),
        (&["cache", "status"], 2),
    ];
    for (arguments, code) in cases {
        let mut command = sandbox.command(arguments);
        let ended = sandbox.run_bounded(command.env_remove("HOME").env_remove("XDG_CACHE_HOME"));
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {ended:?}");
        let asks = ended.stderr.contains("no folder for cached data");
        assert_eq!(asks, *code == 2, "{arguments:?}: {ended:?}");
        let hints = ended.stderr.contains("for advisories alone with --db");
        assert_eq!(hints, *code == 2 && arguments[0] != "cache", "{arguments:?}: {ended:?}");
        let is_lacking =
            !arguments.contains(&"--no-cache") && ["scan", "diff", "sbom"].contains(&arguments[0]);
        let notes = ended.stderr.contains("layers are not kept for the next time");
        assert_eq!(notes, is_lacking && *code != 2, "{arguments:?}: {ended:?}");
    }
}
