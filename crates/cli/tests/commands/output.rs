//! What commands print, held against snapshots.

use crate::run::Sandbox;

fn check(name: &str, sandbox: &Sandbox, arguments: &[&str]) {
    let ended = sandbox.run(arguments);
    let text = format!(
        "$ lazaret {}\nexit code: {:?}\n--- stdout\n{}--- stderr\n{}",
        arguments.join(" "),
        ended.code,
        ended.stdout,
        ended.stderr
    );
    insta::assert_snapshot!(name, text);
}

#[test]
fn demo() {
    check("demo", &Sandbox::new(), &["demo"]);
}

#[test]
fn help() {
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_scan", &["scan", "--help"]),
        ("help_db", &["db", "--help"]),
    ] {
        check(name, &Sandbox::new(), arguments);
    }
}

#[test]
fn comparisons() {
    let sandbox = Sandbox::new();
    check("vercmp", &sandbox, &["db", "vercmp", "debian", "1.0~rc1", "1.0"]);
    sandbox.file("cases.txt", "# a comment\n\n1.0 < 1.1\n1.0 > 1.1\n// another\n1.0 1.1\n");
    check("vercmp_check", &sandbox, &["db", "vercmp", "rpm", "--check", "cases.txt"]);
}

#[test]
fn advisories_come_and_go() {
    let sandbox = Sandbox::new();
    check("db_status_empty", &sandbox, &["db", "status"]);
    let feeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/demo/feeds");
    std::os::unix::fs::symlink(feeds, sandbox.path("feeds")).unwrap();
    check("db_import", &sandbox, &["db", "import", "feeds"]);
    check("db_status", &sandbox, &["db", "status"]);
    check("db_verify", &sandbox, &["db", "verify"]);
    check("db_export", &sandbox, &["db", "export", "all.lzb"]);
    let other = ["db", "import", "--db", "other", "all.lzb"];
    check("db_import_bundle", &sandbox, &other);
    check("db_verify_other", &sandbox, &["--db", "other", "db", "verify"]);
}
