//! `thread.*` and what `proc.*` says of the program's file and of resources.

use model::event::{Event, Layering};

use super::names;
use crate::field::{ArgumentKind, Field, Kind, Shape};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    Field::event(
        "proc.is_exe_writable",
        Kind::Bool,
        "its user may write to its program",
        |e, _| e.process.executable.writable.into(),
    ),
    Field::event(
        "proc.is_exe_inside",
        Kind::Bool,
        "its program is of a container's layers, or was executed in other mounts than its parent's",
        |event, _| (event.process.executable.layering != Layering::None).into(),
    ),
    Field::event(
        "proc.is_exe_upper_layer",
        Kind::Bool,
        "its program was written since the container began",
        |event, _| (event.process.executable.layering == Layering::Upper).into(),
    ),
    Field::event("proc.is_exe_lower_layer", Kind::Bool, "its program is the image's", |e, _| {
        (e.process.executable.layering == Layering::Lower).into()
    }),
    Field::event("proc.is_exe_from_memfd", Kind::Bool, "its program is in memory", |event, _| {
        event.process.executable.from_memory.into()
    }),
    Field::event("proc.exe_ino", Kind::Number, "inode of the program", |event, _| {
        known(event.process.executable.inode)
    }),
    Field::event("proc.exe_ino.ctime", Kind::Number, "when its status changed, in ns", |e, _| {
        known(e.process.executable.changed)
    }),
    Field::event("proc.exe_ino.mtime", Kind::Number, "when it was written, in ns", |event, _| {
        known(event.process.executable.modified)
    }),
    Field::event(
        "proc.exe_ino.ctime_duration_proc_start",
        Kind::Number,
        "ns from the change of the program to the fork of the process",
        |event, _| since_change(event, event.process.started),
    ),
    Field::never(
        "proc.exe_ino.ctime_duration_pidns_start",
        Kind::Number,
        "when a namespace began is not seen",
    ),
    Field::never("proc.pidns_init_start_ts", Kind::Number, "when a namespace began is not seen"),
    Field::event("thread.cap_permitted", Kind::Text, "permitted capabilities", |event, _| {
        capabilities(event.process.credentials.capabilities.permitted)
    }),
    Field::event("thread.cap_inheritable", Kind::Text, "inheritable ones", |event, _| {
        capabilities(event.process.credentials.capabilities.inheritable)
    }),
    Field::event("thread.cap_effective", Kind::Text, "effective ones", |event, _| {
        capabilities(event.process.credentials.capabilities.effective)
    }),
    Field::event("thread.tid", Kind::Number, "thread id on the host", |event, _| {
        event.thread.into()
    }),
    Field::event("thread.ismain", Kind::Bool, "it is the first of its process", |event, _| {
        (event.thread == event.process.pid).into()
    }),
    Field::event("thread.nametid", Kind::Text, "name and thread id", |event, _| {
        let mut text = event.process.name.to_vec();
        text.extend(event.thread.to_string().bytes());
        Value::made(text)
    }),
    Field::event("thread.vtid", Kind::Number, "of a first thread: its own id", |event, _| {
        let is_main = event.thread == event.process.pid;
        is_main.then_some(event.process.virtual_pid).into()
    }),
    Field::never("thread.cgroups", Kind::Text, NO_GROUPS),
    Field::never("thread.cgroup", Kind::Text, NO_GROUPS).argument(ArgumentKind::Required),
    Field::never("proc.fdopencount", Kind::Number, NO_TABLE),
    Field::never("proc.fdlimit", Kind::Number, NO_TABLE),
    Field::never("proc.fdusage", Kind::Number, NO_TABLE),
    Field::never("fd.types", Kind::Text, NO_TABLE)
        .argument(ArgumentKind::OptionalIndex)
        .shape(Shape::List),
    Field::never("proc.vmsize", Kind::Number, NO_RESOURCES),
    Field::never("proc.vmrss", Kind::Number, NO_RESOURCES),
    Field::never("proc.vmswap", Kind::Number, NO_RESOURCES),
    Field::never("proc.nthreads", Kind::Number, NO_RESOURCES),
    Field::never("proc.nchilds", Kind::Number, NO_RESOURCES),
    Field::never("thread.pfmajor", Kind::Number, NO_RESOURCES),
    Field::never("thread.pfminor", Kind::Number, NO_RESOURCES),
    Field::never("thread.exectime", Kind::Number, NO_RESOURCES),
    Field::never("thread.totexectime", Kind::Number, NO_RESOURCES),
    Field::never("thread.cpu", Kind::Number, NO_RESOURCES),
    Field::never("thread.cpu.user", Kind::Number, NO_RESOURCES),
    Field::never("thread.cpu.system", Kind::Number, NO_RESOURCES),
    Field::never("thread.vmsize", Kind::Number, NO_RESOURCES),
    Field::never("thread.vmrss", Kind::Number, NO_RESOURCES),
];

const NO_GROUPS: &str = "an event knows the identity of the control group, not its path";
const NO_TABLE: &str = "the table of open descriptors is not part of an event";
const NO_RESOURCES: &str = "what a process uses of memory and time is not measured";

/// Inodes and times that are 0 are not known.
fn known<'a>(number: u64) -> Value<'a> {
    (number > 0).then_some(number).into()
}

fn since_change<'a>(event: &Event, begin: u64) -> Value<'a> {
    let changed = event.process.executable.changed;
    (changed > 0 && begin > 0).then(|| begin.saturating_sub(changed)).into()
}

fn capabilities<'a>(set: u64) -> Value<'a> {
    Value::made(names::capabilities(set).join(" "))
}
