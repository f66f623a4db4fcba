//! Every rule fires on its bad examples and on nothing else in them.
//!
//! `testdata/tidy/<rule>.txt` holds sections: `== PATH` begins a file of the example tree,
//! `== cargo metadata` what cargo says of it, `== complaints` what the rule must answer, line by
//! line. `3 × LINE` stands for three such lines.

use std::fs;
use std::path::Path;

use super::tree::Tree;
use super::{RULES, Rule};

#[test]
fn every_rule_fires_on_its_bad_examples() {
    for Rule { name, check } in RULES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/tidy")
            .join(name)
            .with_extension("txt");
        let text = fs::read_to_string(&path).expect("every rule has bad examples");
        let (tree, expected) = example(&text);
        let complaints: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(complaints, expected, "{name}");
        assert!(!complaints.is_empty(), "{name} fires on nothing");
    }
}

/// The tree that an example file describes, and the complaints it expects.
fn example(text: &str) -> (Tree, Vec<&str>) {
    let mut files = Vec::new();
    let mut metadata = r#"{ "packages": [] }"#;
    let mut expected = Vec::new();
    for section in text.split("== ").skip(1) {
        let (title, body) = section.split_once('\n').expect("a section has a name");
        match title {
            "cargo metadata" => metadata = body,
            "complaints" => expected = body.lines().collect(),
            path => files.push((path.to_owned(), body.lines().map(expand).collect())),
        }
    }
    let places = vec!["/machine/".to_owned(), "builder-7".to_owned()];
    (Tree::new(files, metadata, places).expect("the example is readable"), expected)
}

/// The line, or as many as it asks for.
fn expand(line: &str) -> String {
    let counted = line.split_once(" × ").and_then(|(n, line)| Some((n.parse().ok()?, line)));
    let (count, line) = counted.unwrap_or((1, line));
    format!("{line}\n").repeat(count)
}
