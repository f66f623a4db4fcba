//! `fs.path.*`: the path that a call about files was given, whatever its arguments are called.

use model::event::{Act, Event, Object, PathArgument};

use crate::field::{Field, Kind};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    Field::event("fs.path.name", Kind::Text, "the path that the call was about", |event, _| {
        shown(event, one(event), true)
    }),
    Field::event("fs.path.nameraw", Kind::Text, "the same as it was written", |event, _| {
        shown(event, one(event), false)
    }),
    Field::event("fs.path.source", Kind::Text, "of two paths, the first", |event, _| {
        shown(event, two(event).map(|(source, _)| source), true)
    }),
    Field::event("fs.path.sourceraw", Kind::Text, "the same as it was written", |event, _| {
        shown(event, two(event).map(|(source, _)| source), false)
    }),
    Field::event("fs.path.target", Kind::Text, "of two paths, the second", |event, _| {
        shown(event, two(event).map(|(_, target)| target), true)
    }),
    Field::event("fs.path.targetraw", Kind::Text, "the same as it was written", |event, _| {
        shown(event, two(event).map(|(_, target)| target), false)
    }),
    Field::event("fs.path.host.name", Kind::Text, "`fs.path.name` on the host", |event, _| {
        super::mounted::value(event, shown(event, one(event), true))
    }),
    Field::event("fs.path.host.source", Kind::Text, "`fs.path.source` on the host", |event, _| {
        super::mounted::value(event, shown(event, two(event).map(|(source, _)| source), true))
    }),
    Field::event("fs.path.host.target", Kind::Text, "`fs.path.target` on the host", |event, _| {
        super::mounted::value(event, shown(event, two(event).map(|(_, target)| target), true))
    }),
];

enum Path<'a> {
    Argument(&'a PathArgument),
    Text(&'a model::event::Text),
}

fn shown<'a>(event: &Event, path: Option<Path<'a>>, resolved: bool) -> Value<'a> {
    // Falco tells paths of calls that succeeded only.
    match path {
        _ if event.failed() => Value::Absent,
        None => Value::Absent,
        Some(Path::Text(text)) => text.into(),
        Some(Path::Argument(path)) if resolved => super::argument::cleaned(path),
        Some(Path::Argument(path)) if path.raw.is_empty() => (&path.path).into(),
        Some(Path::Argument(path)) => (&path.raw).into(),
    }
}

fn one(event: &Event) -> Option<Path<'_>> {
    match &event.act {
        Act::Open { path, .. }
        | Act::Unlink { path }
        | Act::MakeDirectory { path, .. }
        | Act::RemoveDirectory { path }
        | Act::MakeNode { path, .. }
        | Act::Chmod { path, .. }
        | Act::Chown { path, .. }
        | Act::Truncate { path, .. }
        | Act::Unmount { path, .. } => Some(Path::Argument(path)),
        Act::OpenByHandle { descriptor, .. } => match &descriptor.object {
            Object::File(file) => Some(Path::Text(&file.path)),
            _ => None,
        },
        _ => None,
    }
}

/// The names that Falco has for them: a link's source is what was made, its target what was there.
fn two(event: &Event) -> Option<(Path<'_>, Path<'_>)> {
    match &event.act {
        Act::Rename { from, to } => Some((Path::Argument(from), Path::Argument(to))),
        Act::Link { from, to } => Some((Path::Argument(to), Path::Argument(from))),
        Act::Symlink { target, path } => Some((Path::Argument(path), Path::Text(target))),
        Act::Mount(mount) => Some((Path::Text(&mount.source), Path::Argument(&mount.target))),
        _ => None,
    }
}
