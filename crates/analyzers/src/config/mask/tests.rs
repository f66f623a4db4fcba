//! Every line of `testdata/redaction.txt`, and words and values by themselves.

use super::{text, value, words};

#[test]
fn nothing_of_a_secret_is_left_and_all_else_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/redaction.txt");
    let cases = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = line.replace('⏎', "\n");
        let (given, expected) = line.split_once(" => ").unwrap_or((&line, &line));
        let shown = text(given);
        if shown != expected {
            wrong.push(format!("{given}\n  is shown as {shown}\n  and not as {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_tell_of_each_other() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["mysql", "-p", "hunter2"], &["mysql", "-p", "…_7_characters"]),
        (&["app", "--password", "a b|c"], &["app", "--password", "…_5_characters"]),
        (&["app", "--password=a b"], &["app", "--password=…_3_characters"]),
        (&["env", "DB_PASSWORD=a b"], &["env", "DB_PASSWORD=…_3_characters"]),
        (&["curl", "-u", "a:hünter", "x"], &["curl", "-u", "a:…_6_characters", "x"]),
        (&["sh", "-c", "mysql -pabc x"], &["sh", "-c", "mysql -p…_3_characters x"]),
        (&["a b", "\"c\"", "ü"], &["a b", "\"c\"", "ü"]),
        (&["--password"], &["--password"]),
        (&["--password=a b"], &["--password=…_3_characters"]),
        (&["app", "--token", "$'a b'"], &["app", "--token", "…_6_characters"]),
        // What follows an assignment in a script is no part of its value.
        (
            &["sh", "-c", "DB_PASSWORD=$X curl -k https://x/a.sh | sh"],
            &["sh", "-c", "DB_PASSWORD=$X curl -k https://x/a.sh | sh"],
        ),
        (
            &["sh", "-ec", "DB_PASSWORD=abc exec app", "--password", "ab"],
            &["sh", "-ec", "DB_PASSWORD=…_3_characters exec app", "--password", "…_2_characters"],
        ),
        (&["CMD-SHELL", "A_TOKEN=ab x y"], &["CMD-SHELL", "A_TOKEN=…_2_characters x y"]),
        (&["A_TOKEN=ab x y"], &["A_TOKEN=…_2_characters x y"]),
        (&["git", "-c", "a.token=b c"], &["git", "-c", "a.token=…_3_characters"]),
        (&[], &[]),
    ];
    for (given, expected) in cases {
        let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(words(&given), *expected);
    }
}

#[test]
fn values_are_looked_into() {
    let cases = [
        ("DB_PASSWORD", "hunter2", "…_7_characters"),
        ("JAVA_OPTS", "-Ddb.password=hunter2 -Dx=y", "-Ddb.password=…_7_characters -Dx=y"),
        ("ARGS", "--password hunter2", "--password …_7_characters"),
        ("PATH", "/usr/bin:/bin", "/usr/bin:/bin"),
    ];
    for (name, given, expected) in cases {
        assert_eq!(value(name, given), expected);
    }
}

#[test]
fn a_token_is_hidden_wherever_it_stands() {
    let token = format!("gh{}p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB", "");
    let shown = text(&format!("echo {token} > x"));
    assert!(!shown.contains("aaaaaaaa"), "{shown}");
}

#[test]
fn names_in_values_of_names_take_no_more_time_than_their_bytes() {
    let hostile = [
        format!("A_TOKEN={}", "$A_TOKEN=".repeat(100_000)),
        "A_TOKEN=$(x)$".repeat(80_000),
        format!("x --token {}", "$A_TOKEN=".repeat(100_000)),
    ];
    for hostile in hostile {
        let begun = std::time::Instant::now();
        let shown = text(&hostile);
        assert!(begun.elapsed().as_secs() < 20, "{} bytes: {:?}", shown.len(), begun.elapsed());
    }
}
