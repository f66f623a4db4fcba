//! What is written for people is what the code says: `docs/rule-fields.md`, `docs/rule-language.md`
//! and `docs/rules.md`.

use std::collections::BTreeSet;

use crate::field::{ArgumentKind, Extract, Field, Kind, Shape};
use crate::filter::{Function, Modifier, Operator};
use crate::{RuleFile, Ruleset, Source, fields};

const FIELDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rule-fields.md");
const LANGUAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rule-language.md");
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");

/// The page of fields is written from the tables themselves:
/// `UPDATE_DOCS=1 cargo test -p detect documented`.
#[test]
fn the_documented_fields_are_those_there_are() {
    let mut page = String::from(
        "# Fields of rules\n\nWhat conditions and outputs of [rules](rules.md) can name. Generated \
         from the tables of `crates/detect`.\n",
    );
    for source in Source::ALL {
        let (never, read): (Vec<&Field>, Vec<&Field>) =
            fields(*source).partition(|field| matches!(field.extract, Extract::Never(_)));
        page.extend(["\n## `", source.name(), "`\n\n| field | is | holds |\n|---|---|---|\n"]);
        for field in read {
            let name = format!("{}{}", field.name, brackets(field.argument));
            page.extend(["| `", &name, "` | ", &kind(field), " | ", &cell(field.doc), " |\n"]);
        }
        page.push_str("\nKnown, and without a value here: a rule that needs one never fires.\n\n");
        page.push_str("| field | why |\n|---|---|\n");
        for field in never {
            page.extend(["| `", field.name, "` | ", &cell(field.doc), " |\n"]);
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FIELDS, &page).unwrap();
    }
    let documented = std::fs::read_to_string(FIELDS).unwrap_or_default();
    assert!(documented == page, "UPDATE_DOCS=1 cargo test -p detect documented");
}

#[test]
fn every_word_of_the_language_is_explained() {
    let page = std::fs::read_to_string(LANGUAGE).unwrap();
    let mut words: BTreeSet<&str> = BTreeSet::new();
    for code in page.split('`').skip(1).step_by(2) {
        words.extend(code.split([' ', '(', ',']));
    }
    let operators = Operator::ALL.iter().map(|operator| operator.word());
    let modifiers = Modifier::ALL.iter().map(|modifier| modifier.word());
    let functions = Function::ALL.iter().map(|function| function.word());
    for word in operators.chain(modifiers).chain(functions) {
        assert!(words.contains(word), "`{word}` is not explained");
    }
}

#[test]
fn documented_rules_load() {
    let mut rules = Vec::new();
    for page in [LANGUAGE, RULES] {
        let page = std::fs::read_to_string(page).unwrap();
        let blocks = page.split("```yaml\n").skip(1);
        for block in blocks.filter_map(|block| block.split("```").next()) {
            let file = RuleFile { name: "page", bytes: block.as_bytes() };
            let (ruleset, diagnostics) = Ruleset::load(&[file]);
            assert_eq!(diagnostics, [], "{block}");
            rules.extend(ruleset.rules().iter().map(|rule| (rule.name.clone(), rule.expanded())));
        }
    }
    let names: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shell-with-terminal", "Shell below a web server", "Kept thing removed"]);
    let (written, changed) = (&rules[1].1, &rules[2].1);
    assert!(written.contains("\nand proc.name in (sh, bash, dash)\n"), "{written}");
    assert!(changed.contains("in (secrets, configmaps)\nand not ka.user.name"), "{changed}");
}

fn brackets(argument: ArgumentKind) -> &'static str {
    match argument {
        ArgumentKind::None => "",
        ArgumentKind::OptionalIndex => "`, `[number]",
        ArgumentKind::Optional => "`, `[…]",
        ArgumentKind::Required => "[…]",
    }
}

fn kind(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Bool => "true or false",
        Kind::Number => "number",
        Kind::Text => "text",
        Kind::Bytes => "bytes",
        Kind::Address => "address",
        Kind::Network => "address in networks",
        Kind::Any => "text or number",
    };
    match field.shape {
        Shape::One => kind.to_owned(),
        Shape::Any => format!("any of several: {kind}"),
        Shape::Either => format!("either end: {kind}"),
        Shape::List => format!("list: {kind}"),
    }
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
