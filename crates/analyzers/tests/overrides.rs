//! `--distro FAMILY:VERSION`: the lines of `testdata/overrides.txt`.

use analyzers::os_from_override;

const CASES: &str = include_str!("../testdata/overrides.txt");

#[test]
fn what_users_write() {
    let lines = CASES.lines().filter(|line| !line.starts_with('#'));
    let cases: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(" => ")).collect();
    assert!(cases.len() > 20);
    for (written, expected) in cases {
        let read = os_from_override(written);
        if let Some(told) = expected.strip_prefix("refused: ") {
            let error = read.expect_err(written).to_string();
            assert!(error.contains(told), "{written}: {error}");
            continue;
        }
        let os = read.expect(written);
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let codename = os.codename.unwrap_or_default();
        let found = format!("{} {} {}", os.family, or_dash(&os.version), or_dash(&codename));
        assert_eq!(found, expected, "{written}");
    }
}

/// An error is a line on a terminal, however long what was typed.
#[test]
fn long_texts_are_cut() {
    let long = "x".repeat(100_000);
    for text in [long.clone(), format!("debian:{long} {long}")] {
        assert!(os_from_override(&text).expect_err("refused").to_string().len() < 1_000);
    }
}
