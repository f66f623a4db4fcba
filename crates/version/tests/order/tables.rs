//! Every line of every table holds: `testdata/<scheme>.txt`, and the tens of thousands of real
//! comparisons that lie beside the repository on the machines where it is developed.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use version::{Fault, Scheme, WrongLine, check_table};

#[test]
fn our_tables_hold() {
    for &scheme in Scheme::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(scheme.name())
            .with_extension("txt");
        let text = fs::read_to_string(&path).expect("every scheme has its table");
        assert_holds(scheme, &path, &text);
    }
}

#[test]
fn shared_tables_hold() {
    let tables = [
        (Scheme::Apk, "alpine-versions.txt"),
        (Scheme::Apk, "alpine-versions-generated.txt"),
        (Scheme::Debian, "debian-versions.txt"),
        (Scheme::Debian, "debian-versions-generated.txt"),
        (Scheme::Rpm, "redhat-versions.txt"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/version-order");
    if !folder.is_dir() {
        eprintln!("skipped: the shared tables are not beside this repository");
        return;
    }
    for (scheme, name) in tables {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).expect("the folder holds every table");
        assert_holds(scheme, &path, &text);
    }
}

fn assert_holds(scheme: Scheme, path: &Path, text: &str) {
    let wrong: Vec<String> = check_table(scheme, text)
        .iter()
        .map(|line| format!("{}: {line}", path.display()))
        .collect();
    assert!(text.contains(['<', '=', '>']), "{} compares nothing", path.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wrong_lines_are_reported() {
    let text =
        "# comment\n\n// comment\n1.0 < 1.1\n 1.0 > 1.1 \n1.0 <= 1.1\n1.0 <\n1 < 2 < 3\n1: = 1";
    let wrong = check_table(Scheme::Debian, text);
    let shown: Vec<String> = wrong.iter().map(WrongLine::to_string).collect();
    let expected = [
        "line 5: `1.0 > 1.1`: says `>`, the order is `<`",
        "line 6: `1.0 <= 1.1`: not of the form `A < B`",
        "line 7: `1.0 <`: not of the form `A < B`",
        "line 8: `1 < 2 < 3`: not of the form `A < B`",
        "line 9: `1: = 1`: version `1:`: nothing follows the epoch",
    ];
    assert_eq!(shown, expected);
    let found = Fault::Order { said: Ordering::Greater, found: Ordering::Less };
    assert_eq!(wrong.first().map(|line| &line.fault), Some(&found));
}
