//! Fields of records: `testdata/audit/fields/*.json` are records, the `.txt` beside each says what
//! rules see of it.
//!
//! `field = text`, `field = one | another` for lists, `field -` for what is not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Record;
use crate::field::{Argument, Extract, Field};
use crate::source::Source;
use crate::value::Value;

#[test]
fn fields_are_what_the_tables_say() {
    let mut seen = BTreeSet::new();
    for (path, record) in records() {
        let table = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        for line in table.lines() {
            let (asked, expected) = match line.strip_suffix(" -") {
                Some(asked) => (asked, None),
                None => {
                    line.split_once(" =").map(|(asked, it)| (asked, Some(it.trim_start()))).unwrap()
                }
            };
            let (name, argument) = split(asked);
            let field = all().find(|field| field.name == name).expect(name);
            let Extract::Record(read) = field.extract else {
                panic!("{name} is no field of records")
            };
            let value = read(&record, &argument);
            assert_eq!(shown(&value).as_deref(), expected, "{asked} of {}", path.display());
            if expected.is_some() {
                seen.insert(name.to_owned());
            }
        }
    }
    let read = |field: &&Field| matches!(field.extract, Extract::Record(_));
    // Those of init containers are the same rows again.
    let missing = all().filter(read).map(|field| field.name);
    let missing: Vec<&str> = missing
        .filter(|name| {
            !seen.contains(*name) && !name.contains(".initContainers.") && !name.ends_with(".obj")
        })
        .collect();
    assert!(missing.is_empty(), "no record shows {missing:?}");
}

#[test]
fn the_whole_record_is_json() {
    for (path, record) in records() {
        for name in ["jevt.obj", "json.obj"] {
            let field = all().find(|field| field.name == name).unwrap();
            let Extract::Record(read) = field.extract else { panic!("{name}") };
            let Value::Text(text) = read(&record, &Argument::None) else { panic!("{name}") };
            let again: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(again, record.json, "{}", path.display());
        }
    }
}

/// Any shape in any place: numbers for texts, texts for lists, lists in lists.
#[test]
fn no_field_minds_a_record_of_odd_shape() {
    let odd = [r#"null"#, "7", r#""x""#, "[]", "[[[null]]]", "[{}]", "{}", r#"{"kind":"User"}"#];
    for shape in odd {
        for key in ["user", "objectRef", "requestURI", "requestObject", "annotations"] {
            let inner = format!(r#"{{"spec":{shape},"subjects":{shape},"rules":{shape}}}"#);
            for value in [
                shape,
                &inner,
                &format!(r#"{{"spec":{{"containers":{shape},"volumes":{shape}}}}}"#),
            ] {
                let text = format!(
                    r#"{{"auditID":"a","stageTimestamp":"2026-01-02T03:04:05Z","{key}":{value}}}"#
                );
                let record = Record::read(&text).unwrap();
                let arguments = [Argument::None, Argument::Index(3), Argument::Key("*".to_owned())];
                for (field, argument) in all().flat_map(|f| arguments.iter().map(move |a| (f, a))) {
                    if let Extract::Record(read) = field.extract {
                        let value = read(&record, argument);
                        assert_ne!(value, Value::List(vec![]), "{} of {text}", field.name);
                    }
                }
            }
        }
    }
}

fn records() -> Vec<(PathBuf, Record)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/audit/fields");
    let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().unwrap() == "json").collect();
    paths.sort();
    let record = |path: PathBuf| {
        let record = Record::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path, record)
    };
    paths.into_iter().map(record).collect()
}

fn all() -> impl Iterator<Item = &'static Field> {
    crate::fields(Source::K8sAudit)
}

fn split(asked: &str) -> (&str, Argument) {
    match asked.strip_suffix(']').and_then(|asked| asked.split_once('[')) {
        None => (asked, Argument::None),
        Some((name, argument)) => match argument.parse() {
            Ok(index) => (name, Argument::Index(index)),
            Err(_) => (name, Argument::Key(argument.to_owned())),
        },
    }
}

fn shown(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Absent => None,
        Value::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
        Value::Number(number) => Some(number.to_string()),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(|value| shown(value).unwrap()).collect();
            Some(values.join(" | "))
        }
        other => panic!("{other:?} is neither text nor number"),
    }
}
