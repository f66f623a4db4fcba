//! All fields, one file a class, and how a name finds its own.

mod argument;
mod call;
mod container;
mod descriptor;
mod dns;
mod flags;
mod listed;
mod malware;
mod mounted;
mod names;
mod path;
mod process;
mod relay;
mod streams;
mod thread;
mod time;
mod user;

pub(crate) use time::{iso8601, of_day};

use crate::audit;
use crate::field::{Argument, ArgumentKind, Field};
use crate::source::Source;
use crate::suggest;

pub(crate) use dns::is_of_questions;
pub use names::capabilities;

/// The classes of a source; the order is that of documents.
fn classes(source: Source) -> &'static [&'static [Field]] {
    match source {
        Source::Syscall => &[
            call::FIELDS,
            time::FIELDS,
            process::FIELDS,
            thread::FIELDS,
            streams::FIELDS,
            descriptor::FIELDS,
            dns::FIELDS,
            listed::FIELDS,
            path::FIELDS,
            user::FIELDS,
            container::FIELDS,
            malware::FIELDS,
            relay::FIELDS,
        ],
        Source::K8sAudit => audit::FIELDS,
    }
}

/// Every field that rules about a source may ask for.
pub fn fields(source: Source) -> impl Iterator<Item = &'static Field> {
    classes(source).iter().flat_map(|class| class.iter())
}

/// Why a name with its argument is no field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoField {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The field of a name, and its argument; one that is required may stand after a dot:
/// `evt.arg.flags`.
pub(crate) fn find(
    source: Source,
    name: &str,
    argument: Option<&str>,
) -> Result<(&'static Field, Argument), NoField> {
    let of_name = |name: &str| fields(source).find(|field| field.name == name);
    if let Some(field) = of_name(name) {
        return Ok((field, read_argument(field, argument)?));
    }
    let dots = name.match_indices('.').map(|(at, _)| name.split_at(at));
    let dotted = dots.rev().find_map(|(name, rest)| {
        let field = of_name(name).filter(|it| it.argument == ArgumentKind::Required)?;
        Some((field, rest.trim_start_matches('.')))
    });
    match dotted {
        Some((field, rest)) if argument.is_none() => Ok((field, read_argument(field, Some(rest))?)),
        _ => Err(unknown(source, name)),
    }
}

fn unknown(source: Source, name: &str) -> NoField {
    let elsewhere = Source::ALL.iter().find(|it| fields(**it).any(|field| field.name == name));
    let hint = match elsewhere {
        Some(other) => Some(format!("it is one of rules with `source: {}`", other.name())),
        None => suggest::hint(name, fields(source).map(|field| field.name)),
    };
    NoField { message: format!("there is no field `{name}`"), hint }
}

fn read_argument(field: &Field, argument: Option<&str>) -> Result<Argument, NoField> {
    let wrong = |what: &str| {
        Err(NoField { message: format!("the field `{}` {what}", field.name), hint: None })
    };
    match (field.argument, argument) {
        (ArgumentKind::None, None) => Ok(Argument::None),
        (ArgumentKind::None, Some(_)) => wrong("takes no argument"),
        (ArgumentKind::Required, None) => wrong("needs an argument in brackets"),
        (_, None) => Ok(Argument::None),
        (kind, Some(text)) => match (text.parse(), kind) {
            (Ok(index), _) => Ok(Argument::Index(index)),
            (Err(_), ArgumentKind::OptionalIndex) => wrong("takes a number from 0 in brackets"),
            (Err(_), _) if field.name == "evt.arg" || field.name == "evt.rawarg" => {
                argument::check(text)?;
                Ok(Argument::Key(text.to_owned()))
            }
            (Err(_), _) => Ok(Argument::Key(text.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_explained() {
        for source in Source::ALL {
            let mut seen = BTreeSet::new();
            for field in fields(*source) {
                assert!(seen.insert(field.name), "`{}` stands twice", field.name);
                assert!(!field.doc.is_empty(), "`{}` is not explained", field.name);
            }
        }
    }

    #[test]
    fn names_find_their_fields() {
        let find = |name, argument| find(Source::Syscall, name, argument);
        let found = |name, argument| find(name, argument).map(|(field, it)| (field.name, it));
        let key = |key: &str| Argument::Key(key.to_owned());
        assert_eq!(found("proc.name", None), Ok(("proc.name", Argument::None)));
        assert_eq!(found("proc.aname", Some("2")), Ok(("proc.aname", Argument::Index(2))));
        assert_eq!(found("evt.arg.flags", None), Ok(("evt.arg", key("flags"))));
        assert_eq!(found("evt.arg", Some("flags")), Ok(("evt.arg", key("flags"))));
        let labelled = found("container.label.io.x", None);
        assert_eq!(labelled, Ok(("container.label", key("io.x"))));
        for (name, argument, message) in [
            ("proc.nam", None, "there is no field `proc.nam`"),
            ("proc.name", Some("1"), "the field `proc.name` takes no argument"),
            ("proc.aname", Some("x"), "the field `proc.aname` takes a number from 0 in brackets"),
            ("evt.arg", None, "the field `evt.arg` needs an argument in brackets"),
            ("evt.arg.flag", None, "no call has an argument `flag`"),
        ] {
            assert_eq!(find(name, argument).unwrap_err().message, message);
        }
        let hint = find("proc.nam", None).unwrap_err().hint;
        assert_eq!(hint.as_deref(), Some("did you mean `proc.name`?"));
    }
}
