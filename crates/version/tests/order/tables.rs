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
fn our_ranges_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/ranges");
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let scheme = Scheme::from_name(name).expect("every table is called like its scheme");
        let text = fs::read_to_string(&path).expect("a table");
        assert_holds(scheme, &path, &text);
    }
}

/// Lines that are wrong are listed in `testdata/wrong/<scheme>.txt`, each under its reason.
#[test]
fn shared_tables_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/version-order");
    if !folder.is_dir() {
        eprintln!("skipped: the shared tables are not beside this repository");
        return;
    }
    let mut faults = Vec::new();
    for (name, scheme) in SHARED {
        let known = wrong_lines(*scheme);
        let mut unseen = known.clone();
        for kind in ["versions.txt", "versions-generated.txt"] {
            let path = folder.join(format!("{name}-{kind}"));
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for wrong in check_table(*scheme, &text) {
                unseen.retain(|line| *line != wrong.text);
                if !known.contains(&wrong.text) {
                    faults.push(format!("{}: {wrong}", path.display()));
                }
            }
        }
        faults.extend(unseen.iter().map(|line| format!("{name}: `{line}` holds after all")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

const SHARED: &[(&str, Scheme)] = &[
    ("alpine", Scheme::Apk),
    ("cran", Scheme::Cran),
    ("debian", Scheme::Debian),
    ("hackage", Scheme::Hackage),
    ("maven", Scheme::Maven),
    ("nuget", Scheme::Nuget),
    ("packagist", Scheme::Composer),
    ("pub", Scheme::Pub),
    ("pypi", Scheme::Pep440),
    ("redhat", Scheme::Rpm),
    ("rubygems", Scheme::Gem),
    ("semver", Scheme::Semver),
    ("semver", Scheme::Npm),
];

fn wrong_lines(scheme: Scheme) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/wrong");
    let text = fs::read_to_string(folder.join(scheme.name()).with_extension("txt"));
    let lines = text.unwrap_or_default();
    let lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.map(str::to_owned).collect()
}

fn assert_holds(scheme: Scheme, path: &Path, text: &str) {
    let wrong: Vec<String> = check_table(scheme, text)
        .iter()
        .map(|line| format!("{}: {line}", path.display()))
        .collect();
    assert!(text.lines().count() > 40, "{} says little", path.display());
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
