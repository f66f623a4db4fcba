//! `lazaret db import` and what is fetched in its place: URLs, folders with bundles, own URLs of a
//! source, a proxy on the way.

use testkit::{Proxy, Reply, Request, Server, gzip, run};

use crate::run::{Ended, Sandbox};

const TRACKER: &str = r#"{"curl": {"CVE-2024-0001": {"releases": {"bookworm": {"status": "resolved",
    "repositories": {"bookworm": "1"}, "fixed_version": "1.2", "urgency": "low"}}}}}"#;

const RECORD: &str = r#"{"id": "ALSA-2024:1", "modified": "2024-01-02T03:04:05Z", "upstream": ["CVE-2024-0001"],
    "affected": [{"package": {"ecosystem": "AlmaLinux:9", "name": "curl"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "8"}]}]}]}"#;

/// A sandbox with a signed bundle of Debian 12 and its key.
fn maker() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("tracker.json", TRACKER);
    for arguments in [
        &["--db", "made", "db", "import", "tracker.json"][..],
        &["db", "keygen", "key"],
        &["--db", "made", "db", "export", "debian.lzb", "--sign", "key"],
    ] {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    sandbox
}

fn serving(sandbox: &Sandbox) -> (Server, String) {
    let folder = sandbox.dir.path().to_owned();
    let server = Server::new(move |request: &Request| {
        match std::fs::read(folder.join(request.path.trim_start_matches('/'))) {
            Ok(bytes) => Reply::new(200, bytes),
            Err(_) => Reply::new(404, ""),
        }
    });
    let url = format!("http://{}", server.host());
    (server, url)
}

fn import(sandbox: &Sandbox, db: &str, arguments: &[&str]) -> Ended {
    sandbox.run(&[&["--db", db, "db", "import"], arguments].concat())
}

/// Since 2026 Red Hat's documents name fixed sources, and the minor release at present by its EUS
/// repositories.
#[test]
fn red_hats_present_documents_find_what_is_fixed() {
    let sandbox = Sandbox::new();
    let documents = "../feeds/testdata/redhat-vex/architectures-gone";
    let documents = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(documents);
    for name in ["sources.json", "binaries.json"] {
        sandbox.file(&format!("vex/{name}"), std::fs::read(documents.join(name)).unwrap());
    }
    let ended = import(&sandbox, "db", &["vex"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let bill = r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [
        {"type": "operating-system", "name": "rhel", "version": "9.8"},
        {"type": "library", "name": "firefox", "version": "128.5.0-1.el9_8", "purl":
        "pkg:rpm/redhat/firefox@128.5.0-1.el9_8?arch=x86_64&distro=rhel-9.8&upstream=firefox-128.5.0-1.el9_8.src.rpm"},
        {"type": "library", "name": "glibc-common", "version": "2.34-231.el9_7.2", "purl":
        "pkg:rpm/redhat/glibc-common@2.34-231.el9_7.2?arch=x86_64&distro=rhel-9.8&upstream=glibc-2.34-231.el9_7.2.src.rpm"}]}"#;
    sandbox.file("bill.json", bill);
    let scan = ["--db", "db", "scan", "--offline", "--format", "json", "sbom:bill.json"];
    let ended = sandbox.run(&scan);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!("{} {} {}", it["id"], it["package"]["name"], it["fixed_version"])
                .replace('"', "")
        })
        .collect();
    assert_eq!(
        found,
        ["CVE-2099-7323 firefox 140.10.1-1.el9_8", "CVE-2099-0861 glibc-common 2.34-231.el9_7.10"]
    );
}

/// A file may have lain about for years.
#[test]
fn the_age_of_an_imported_file_is_that_of_its_data() {
    let sandbox = Sandbox::new();
    sandbox.file("record.json", RECORD.replace("2024-01-02", "2020-01-02"));
    assert_eq!(import(&sandbox, "db", &["record.json"]).code, Some(0));
    let ended = sandbox.run(&["--db", "db", "db", "status"]);
    let row = ended.stdout.lines().find(|line| line.starts_with("almalinux-9")).unwrap();
    assert!(!row.contains(" min"), "{row}");
    let row: Vec<&str> = row.split_whitespace().collect();
    assert!(row[2].parse::<u32>().is_ok_and(|days| days > 2000) && row[3] == "days", "{row:?}");
}

#[test]
fn a_url_is_imported_as_the_file_behind_it_is() {
    let sandbox = maker();
    let (server, url) = serving(&sandbox);
    let ended = import(&sandbox, "a", &[&format!("{url}/tracker.json")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("debian-12: debian-tracker, 1 record"), "{ended:?}");
    let bundle = format!("{url}/debian.lzb");
    let ended = import(&sandbox, "b", &[&bundle, "--db-key", "key.pub"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "debian-12: debian-tracker from the bundle\n");

    let asked = server.requests().len();
    let refused: [(&[&str], i32, &str); 4] = [
        (&["--offline", &bundle], 2, "--offline forbids it"),
        (&[&format!("{url}/nothing")], 13, "answered 404"),
        (&["nothing", &bundle], 10, "cannot read `nothing`"),
        (&[&format!("{url}/tracker.json"), "--db-key", "key.pub"], 2, "carry no signature"),
    ];
    for (arguments, code, why) in refused {
        let ended = import(&sandbox, "c", arguments);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
    }
    assert_eq!(server.requests().len(), asked + 2, "neither offline nor beside a wrong path");
    assert!(!sandbox.path("c").exists());
}

/// In a folder beside feeds, packed, unpacked: a bundle is a bundle.
#[test]
fn bundles_are_known_by_their_content_wherever_they_lie() {
    let sandbox = maker();
    let bundle = std::fs::read(sandbox.path("debian.lzb")).unwrap();
    sandbox.file("both/x.bin", &bundle);
    sandbox.file("both/record.json", RECORD);
    sandbox.file("packed/bundle.gz", gzip(&bundle));
    std::fs::create_dir(sandbox.path("mirror")).unwrap();
    let mirror = sandbox.path("mirror");
    run(
        "tar",
        &["xf", sandbox.path("debian.lzb").to_str().unwrap(), "-C", mirror.to_str().unwrap()],
    );
    let from = "debian-12: debian-tracker from the bundle\n";
    for (folder, more) in [("both", true), ("packed", false), ("mirror", false)] {
        let ended = import(&sandbox, folder.to_uppercase().as_str(), &[folder]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.starts_with(from), "{ended:?}");
        assert_eq!(ended.stdout.contains("almalinux-9: "), more, "{ended:?}");
        assert_eq!(ended.stderr, "", "{ended:?}");
        // A key vouches for bundles, not for what lies beside them.
        let ended = import(&sandbox, "signed", &[folder, "--db-key", "key.pub"]);
        assert_eq!(ended.code, Some(if more { 2 } else { 0 }), "{ended:?}");
    }
    // Within an archive it is not read, and that is said.
    run(
        "tar",
        &[
            "cf",
            sandbox.path("in.tar").to_str().unwrap(),
            "-C",
            sandbox.dir.path().to_str().unwrap(),
            "debian.lzb",
        ],
    );
    let ended = import(&sandbox, "d", &["in.tar"]);
    assert_eq!(ended.code, Some(14), "{ended:?}");
    assert!(ended.stderr.contains("a bundle within an archive"), "{ended:?}");
}

#[test]
fn an_own_url_serves_what_the_user_names_or_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.file("alma", RECORD);
    let (server, url) = serving(&sandbox);
    let alma = format!("almalinux-errata={url}/alma");
    let ended = sandbox.run(&["db", "update", "almalinux-9", "--feed-url", &alma]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let asked = server.requests().len();
    for source in ["rustsec", "ubuntu-cve-tracker"] {
        let own = format!("{source}={url}/other");
        let ended = sandbox.run(&["db", "update", "almalinux-9", "--feed-url", &own]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(source) && ended.stderr.contains("hint: "), "{ended:?}");
    }
    assert_eq!(server.requests().len(), asked);
    // What is not there is told by the address that was asked.
    let own = format!("ubuntu-cve-tracker={url}/nothing");
    let ended = sandbox.run(&["db", "update", "ubuntu-22.04", "--feed-url", &own]);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(ended.stderr.contains(&format!("{url}/nothing")), "{ended:?}");
    let ended = sandbox.run(&["db", "update", "debian-12", "--feed-mirror", &url]);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(ended.stderr.contains(&format!("{url}/security-tracker.debian.org/")), "{ended:?}");
}

#[test]
fn an_address_that_nobody_can_fetch_is_wrong_usage() {
    let sandbox = Sandbox::new();
    for (option, wrong) in [
        ("--db-url", "ftp://h/x"),
        ("--db-url", "file:///srv/mirror"),
        ("--db-url", "mirror"),
        ("--feed-mirror", "oci://h/x"),
    ] {
        let ended = sandbox.run(&["db", "update", "debian-12", option, wrong]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("does not begin with https://"), "{ended:?}");
    }
    // A variable that is empty is none.
    let mut command = sandbox.command(&["db", "status"]);
    command.env("LAZARET_DB_URL", "").env("LAZARET_FEED_MIRROR", "");
    assert!(command.output().unwrap().status.success());
}

/// A loop is one request's worth of redirects; to ask again would not end it.
#[test]
fn a_redirect_loop_is_not_tried_again() {
    let sandbox = Sandbox::new();
    let server = Server::new(|request: &Request| {
        Reply::new(302, "").header("Location", request.path.clone())
    });
    let url = format!("http://{}", server.host());
    let ended = sandbox.run(&["db", "update", "debian-12", "--feed-mirror", &url]);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(ended.stderr.contains("redirects more than 10 times"), "{ended:?}");
    assert_eq!(server.requests().len(), 11);
}

/// Plain HTTP goes through a proxy by its whole URL: most tunnel to the ports of TLS alone.
#[test]
fn plain_http_asks_a_proxy_for_the_whole_url() {
    let sandbox = Sandbox::new();
    sandbox.file("tracker.json", TRACKER);
    let (server, _) = serving(&sandbox);
    let proxy = Proxy::new(&[("http://feeds.example:80", server.host())], None);
    let arguments = ["--db", "db", "db", "import", "http://feeds.example/tracker.json"];
    let mut command = sandbox.command(&arguments);
    let ended = command.env("HTTP_PROXY", format!("http://{}", proxy.host())).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(proxy.asked(), ["GET http://feeds.example:80/tracker.json HTTP/1.1"]);
}

/// A scan asks a mirror once what it has, and the next one whether that changed.
#[test]
fn the_index_of_a_mirror_is_asked_for_once_a_run() {
    let sandbox = maker();
    std::fs::create_dir(sandbox.path("mirror")).unwrap();
    let mirror = sandbox.path("mirror");
    run(
        "tar",
        &["xf", sandbox.path("debian.lzb").to_str().unwrap(), "-C", mirror.to_str().unwrap()],
    );
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.1\n";
    sandbox.file("root/var/lib/dpkg/status", status);
    let folder = sandbox.path("mirror");
    let server = Server::new(move |request: &Request| {
        let tag = "\"one\"";
        match std::fs::read(folder.join(request.path.trim_start_matches('/'))) {
            Ok(_) if request.header("if-none-match") == Some(tag) => Reply::new(304, ""),
            Ok(bytes) => Reply::new(200, bytes).header("ETag", tag),
            Err(_) => Reply::new(404, ""),
        }
    });
    let url = format!("http://{}", server.host());
    let asked = || {
        let all = server.requests();
        let of_index = all.iter().filter(|it| it.path.starts_with("/index.json"));
        of_index.map(|it| it.header("if-none-match").is_some()).collect::<Vec<_>>()
    };
    let scan = ["scan", "--checks", "vuln", "dir:root", "--db-url", &url, "--db-key", "key.pub"];
    let ended = sandbox.run(&scan);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("CVE-2024-0001"), "{ended:?}");
    assert_eq!(asked(), [false, false], "the index and its signature, once each");
    let ended = sandbox.run(&[&scan[..], &["--max-age", "0s"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(asked(), [false, false, true, true]);
    // What was kept is no more trusted than what comes.
    assert_eq!(sandbox.run(&["db", "keygen", "other"]).code, Some(0));
    let update = ["db", "update", "debian-12", "--db-url", &url, "--db-key", "other.pub"];
    assert_eq!(sandbox.run(&update).code, Some(14));
}
