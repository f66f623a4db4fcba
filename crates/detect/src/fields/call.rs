//! `evt.*`: the call, its arguments, and how it ended.

use model::event::{Act, Call, Event};

use super::{argument, names};
use crate::field::{ArgumentKind, Field, Kind, OfCall};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    Field::event("evt.type", Kind::Text, "name of the call", |event, _| event.call.name().into())
        .of_call(OfCall::Name),
    Field::event("syscall.type", Kind::Text, "the same", |event, _| event.call.name().into())
        .of_call(OfCall::Name),
    Field::event(
        "evt.arg",
        Kind::Text,
        "an argument, by its name where it has one",
        argument::named,
    )
    .argument(ArgumentKind::Required)
    .of_call(OfCall::Has(argument::has)),
    Field::event("evt.rawarg", Kind::Any, "an argument, as a number if it is one", |event, it| {
        argument::raw(event, it)
    })
    .argument(ArgumentKind::Required)
    .of_call(OfCall::Has(argument::has)),
    Field::event("evt.args", Kind::Text, "all arguments", |event, _| {
        Value::made(argument::all(event))
    }),
    Field::event("evt.info", Kind::Text, "all arguments", |event, _| {
        Value::made(argument::all(event))
    }),
    Field::event(
        "evt.res",
        Kind::Text,
        "SUCCESS, or the name of the error",
        |event, _| match event.result {
            None => Value::Absent,
            Some(0..) => "SUCCESS".into(),
            Some(error) => match names::error(error) {
                Some(name) => name.into(),
                None => Value::made(error.to_string()),
            },
        },
    ),
    Field::event("evt.rawres", Kind::Number, "what the call returned", |event, _| {
        event.result.into()
    }),
    Field::event("evt.failed", Kind::Bool, "the call returned an error", |event, _| {
        event.result.map(|result| result < 0).into()
    }),
    Field::event("evt.cpu", Kind::Number, "number of the processor", |event, _| {
        event.processor.into()
    }),
    Field::event("evt.dir", Kind::Text, "`<`: every event is the end of its call", |_, _| {
        "<".into()
    })
    .of_call(OfCall::Always("<")),
    Field::event("evt.category", Kind::Text, "file, net, process, memory, …", |event, _| {
        category(&event.act).into()
    }),
    Field::event("evt.buffer", Kind::Bytes, "the beginning of what was read or written", |e, _| {
        match &e.act {
            Act::Read { data, .. } | Act::Write { data, .. } => data.into(),
            _ => Value::Absent,
        }
    })
    .of_call(OfCall::Has(|call, _| matches!(call, Call::Read | Call::Write | Call::Other))),
    Field::event("evt.buflen", Kind::Number, "how much was read or written", |event, _| {
        event.result.filter(|size| *size >= 0 && direction(event).is_some()).into()
    }),
    Field::event("evt.io_dir", Kind::Text, "read or write", |event, _| direction(event).into()),
    Field::event("evt.is_io", Kind::Bool, "it read or wrote", |event, _| {
        direction(event).is_some().into()
    }),
    Field::event("evt.is_io_read", Kind::Bool, "it read", |event, _| {
        (direction(event) == Some("read")).into()
    }),
    Field::event("evt.is_io_write", Kind::Bool, "it wrote", |event, _| {
        (direction(event) == Some("write")).into()
    }),
    Field::event("evt.is_open_read", Kind::Bool, "it opened a file for reading", |event, _| {
        matches!(&event.act, Act::Open { flags, .. } | Act::OpenByHandle { flags, .. }
            if flags.reads())
        .into()
    }),
    Field::event("evt.is_open_write", Kind::Bool, "it opened a file for writing", |event, _| {
        matches!(&event.act, Act::Open { flags, .. } | Act::OpenByHandle { flags, .. }
            if flags.writes())
        .into()
    }),
    Field::event("evt.is_open_exec", Kind::Bool, "it made an executable file", |event, _| {
        const MAKES: u32 = 0o100 | 0o20_000_000;
        matches!(&event.act, Act::Open { flags, mode, .. }
            if flags.bits & MAKES != 0 && mode & 0o111 != 0)
        .into()
    }),
    Field::event("evt.is_open_create", Kind::Bool, "it made a file", |event, _| {
        matches!(&event.act, Act::Open { flags, .. } if flags.created).into()
    }),
    Field::event("evt.count", Kind::Number, "1", |_, _| 1i64.into()),
    Field::event("evt.count.error", Kind::Number, "1 if the call failed", |event, _| {
        event.failed().then_some(1i64).into()
    }),
    Field::event("evt.is_async", Kind::Bool, "it is no system call", |event, _| {
        matches!(event.act, Act::Container | Act::Lost(_) | Act::Malware(_) | Act::Relay(_)).into()
    }),
    Field::never("evt.is_wait", Kind::Bool, "calls that wait are not told from others"),
    Field::never("evt.is_syslog", Kind::Bool, "what is written to the system's log is not read"),
    Field::never("evt.type.is", Kind::Number, "calls have no numbers here: ask for `evt.type`")
        .argument(ArgumentKind::Required),
    Field::never("evt.abspath", Kind::Text, "ask for `fs.path.name`")
        .argument(ArgumentKind::Required),
    Field::never("evt.around", Kind::Number, "events are judged one by one")
        .argument(ArgumentKind::Required),
    Field::never("evt.outputtime", Kind::Text, "ask for `evt.time`"),
    Field::never("evt.count.exit", Kind::Number, NO_COUNT),
    Field::never("evt.count.error.file", Kind::Number, NO_COUNT),
    Field::never("evt.count.error.net", Kind::Number, NO_COUNT),
    Field::never("evt.count.error.memory", Kind::Number, NO_COUNT),
    Field::never("evt.count.error.other", Kind::Number, NO_COUNT),
];

const NO_COUNT: &str = "it would always count one: ask for `evt.failed`";

fn direction(event: &Event) -> Option<&'static str> {
    match &event.act {
        Act::Read { .. } | Act::Receive { .. } => Some("read"),
        Act::Write { .. } | Act::Send { .. } => Some("write"),
        _ => None,
    }
}

fn category(act: &Act) -> &'static str {
    match act {
        Act::Exec { .. } | Act::Fork { .. } | Act::Exit { .. } | Act::Trace { .. } => "process",
        Act::SetNamespace { .. } | Act::Unshare { .. } | Act::SetCapabilities { .. } => "process",
        Act::SetId(_) => "user",
        Act::Kill { .. } => "signal",
        Act::Socket { .. } | Act::Connect { .. } | Act::Bind { .. } | Act::Listen { .. } => "net",
        Act::Accept { .. } | Act::Send { .. } | Act::Receive { .. } => "net",
        Act::Protect { .. } | Act::MakeMemoryFile { .. } => "memory",
        Act::ReadMemory { .. } | Act::WriteMemory { .. } => "memory",
        Act::Container | Act::Lost(_) => "internal",
        Act::LoadModule { .. } | Act::Bpf { .. } | Act::LoadKernel { .. } => "system",
        Act::Reboot { .. } | Act::Keyring { .. } | Act::OpenPerformanceCounter { .. } => "system",
        Act::SetUpRing { .. } | Act::HandlePageFaults { .. } | Act::Other { .. } => "other",
        Act::Duplicate { .. } => "IPC",
        _ => "file",
    }
}
