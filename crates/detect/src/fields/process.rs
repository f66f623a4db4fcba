//! `proc.*`: the process, and those it descends from.

use model::event::{Event, Layering, Process};

use crate::field::{Argument, ArgumentKind, Field, Kind, Shape};
use crate::value::Value;

const INDEX: ArgumentKind = ArgumentKind::OptionalIndex;

pub(super) const FIELDS: &[Field] = &[
    Field::event("proc.name", Kind::Text, "the kernel's name, at most 15 bytes", |event, _| {
        name(&event.process)
    }),
    Field::event("proc.pname", Kind::Text, "name of the parent", |event, _| of(event, 1, name)),
    Field::event("proc.aname", Kind::Text, "name of an ancestor (1: the parent)", |event, it| {
        of_ancestors(event, it, name)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event("proc.exe", Kind::Text, "zeroth argument", |event, _| exe(&event.process)),
    Field::event("proc.pexe", Kind::Text, "zeroth argument of the parent", |event, _| {
        of(event, 1, exe)
    }),
    Field::event("proc.aexe", Kind::Text, "zeroth argument of an ancestor", |event, it| {
        of_ancestors(event, it, exe)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event("proc.exepath", Kind::Text, "path of the program, links followed", |event, _| {
        path(&event.process)
    }),
    Field::event("proc.pexepath", Kind::Text, "path of the parent's program", |event, _| {
        of(event, 1, path)
    }),
    Field::event("proc.aexepath", Kind::Text, "path of an ancestor's program", |event, it| {
        of_ancestors(event, it, path)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event(
        "proc.exepath.original",
        Kind::Text,
        "the same if nobody in the container wrote the file: on the host any, else of its image",
        |event, _| original(event, &event.process),
    ),
    Field::event("proc.pexepath.original", Kind::Text, "the same of the parent", |event, _| {
        relative(event, 1).map_or(Value::Absent, |parent| original(event, parent))
    }),
    Field::event("proc.aexepath.original", Kind::Text, "the same of an ancestor", |event, it| {
        match it {
            Argument::Index(depth) => {
                relative(event, *depth).map_or(Value::Absent, |it| original(event, it))
            }
            Argument::Key(_) | Argument::None => {
                Value::list(event.ancestors.iter().map(|ancestor| original(event, ancestor)))
            }
        }
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event(
        "proc.pis_exe_upper_layer",
        Kind::Bool,
        "the parent's program was written since the container began",
        |event, _| of(event, 1, is_upper),
    ),
    Field::event("proc.ais_exe_upper_layer", Kind::Bool, "the same of an ancestor", |event, it| {
        of_ancestors(event, it, is_upper)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event(
        "proc.pis_exe_lower_layer",
        Kind::Bool,
        "the parent's program is the image's",
        |event, _| of(event, 1, is_lower),
    ),
    Field::event("proc.ais_exe_lower_layer", Kind::Bool, "the same of an ancestor", |event, it| {
        of_ancestors(event, it, is_lower)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event(
        "proc.pis_same_cgroup",
        Kind::Bool,
        "the parent is in the control group of the process: a container's, if that is in one",
        |event, _| relative(event, 1).and_then(|it| same_group(event, it)).into(),
    ),
    Field::event("proc.cmdline", Kind::Text, "name and arguments", |event, _| {
        command_line(&event.process)
    }),
    Field::event("proc.pcmdline", Kind::Text, "name and arguments of the parent", |event, _| {
        of(event, 1, command_line)
    }),
    Field::event("proc.acmdline", Kind::Text, "name and arguments of an ancestor", |event, it| {
        of_ancestors(event, it, command_line)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event("proc.args", Kind::Text, "arguments after the zeroth, or one", |event, it| {
        match it {
            // What is not there is empty, as it is in Falco.
            Argument::Index(index) => {
                rest(&event.process).get(*index).map_or_else(|| "".into(), Into::into)
            }
            Argument::Key(_) | Argument::None => arguments(&event.process),
        }
    })
    .argument(INDEX),
    Field::event("proc.aargs", Kind::Text, "arguments of an ancestor, or of all", |event, it| {
        match it {
            Argument::Index(index) => of(event, *index, arguments),
            Argument::Key(_) | Argument::None => {
                let all: Vec<_> = event.ancestors.iter().map(|it| joined(rest(it))).collect();
                if all.is_empty() { Value::Absent } else { Value::made(all.join(&b' ')) }
            }
        }
    })
    .argument(INDEX),
    Field::event("proc.exeline", Kind::Text, "all arguments", |event, _| {
        let process = &event.process;
        let mut line = process.arguments.first().map(|it| it.to_vec()).unwrap_or_default();
        line.push(b' ');
        line.extend(joined(rest(process)));
        Value::made(line)
    }),
    Field::event("proc.cmdnargs", Kind::Number, "count of arguments after the zeroth", |e, _| {
        rest(&e.process).len().into()
    }),
    Field::event("proc.cmdlenargs", Kind::Number, "bytes of these arguments", |event, _| {
        rest(&event.process).iter().map(|it| it.len()).sum::<usize>().into()
    }),
    Field::event(
        "proc.env",
        Kind::Text,
        "the environment, or one variable",
        |event, it| match it {
            Argument::Key(key) => variable(&event.process, key).unwrap_or_else(|| "".into()),
            Argument::Index(_) | Argument::None => environment(&event.process),
        },
    )
    .argument(ArgumentKind::Optional),
    Field::event("proc.aenv", Kind::Text, "the same of an ancestor, or of the nearest", |e, it| {
        match it {
            Argument::Key(key) => {
                let found = e.ancestors.iter().find_map(|it| variable(it, key));
                found.unwrap_or_else(|| "".into())
            }
            Argument::Index(_) | Argument::None => of_ancestors(e, it, environment),
        }
    })
    .argument(ArgumentKind::Optional)
    .shape(Shape::Any),
    Field::event("proc.cwd", Kind::Text, "working directory", |event, _| {
        (&event.process.directory).into()
    }),
    Field::event("proc.tty", Kind::Number, "device of the terminal, 0 without one", |event, _| {
        event.process.terminal.into()
    }),
    Field::event("proc.pid", Kind::Number, "process id on the host", |event, _| {
        event.process.pid.into()
    }),
    Field::event("proc.ppid", Kind::Number, "process id of the parent", |event, _| {
        of(event, 1, pid)
    }),
    Field::event("proc.apid", Kind::Number, "process id of an ancestor", |event, it| {
        of_ancestors(event, it, pid)
    })
    .argument(INDEX)
    .shape(Shape::Any),
    Field::event("proc.vpid", Kind::Number, "process id in its own namespace", |event, _| {
        event.process.virtual_pid.into()
    }),
    Field::event("proc.pvpid", Kind::Number, "the same of the parent", |event, _| {
        of(event, 1, |parent| parent.virtual_pid.into())
    }),
    Field::event(
        "proc.loginshellid",
        Kind::Number,
        "oldest ancestor named like a shell",
        |e, _| {
            let mut line = (0..=e.ancestors.len()).rev().filter_map(|depth| relative(e, depth));
            line.find(|process| process.name.ends_with(b"sh")).map(|process| process.pid).into()
        },
    ),
    Field::event("proc.sid", Kind::Number, "session in its own namespace", |event, _| {
        event.process.virtual_session.into()
    }),
    Field::event("proc.sname", Kind::Text, "name of the session's leader", |event, _| {
        leader(event, |it| it.session, name)
    }),
    Field::event("proc.sid.exe", Kind::Text, "its zeroth argument", |event, _| {
        leader(event, |it| it.session, exe)
    }),
    Field::event("proc.sid.exepath", Kind::Text, "path of its program", |event, _| {
        leader(event, |it| it.session, path)
    }),
    Field::event("proc.is_sid_leader", Kind::Bool, "it leads its session", |event, _| {
        (event.process.virtual_session == event.process.virtual_pid).into()
    }),
    Field::event("proc.vpgid", Kind::Number, "process group in its own namespace", |event, _| {
        event.process.virtual_group.into()
    }),
    Field::event("proc.vpgid.name", Kind::Text, "name of the group's leader", |event, _| {
        leader(event, |it| it.virtual_group, name)
    }),
    Field::event("proc.vpgid.exe", Kind::Text, "its zeroth argument", |event, _| {
        leader(event, |it| it.virtual_group, exe)
    }),
    Field::event("proc.vpgid.exepath", Kind::Text, "path of its program", |event, _| {
        leader(event, |it| it.virtual_group, path)
    }),
    Field::event("proc.is_vpgid_leader", Kind::Bool, "it leads this group", |event, _| {
        (event.process.virtual_group == event.process.virtual_pid).into()
    }),
    Field::event("proc.pgid", Kind::Number, "process group on the host", |event, _| {
        event.process.group.into()
    }),
    Field::event("proc.pgid.name", Kind::Text, "name of its leader", |event, _| {
        leader(event, |it| it.group, name)
    }),
    Field::event("proc.pgid.exe", Kind::Text, "its zeroth argument", |event, _| {
        leader(event, |it| it.group, exe)
    }),
    Field::event("proc.pgid.exepath", Kind::Text, "path of its program", |event, _| {
        leader(event, |it| it.group, path)
    }),
    Field::event("proc.is_pgid_leader", Kind::Bool, "it leads this group", |event, _| {
        (event.process.group == event.process.pid).into()
    }),
    Field::event("proc.duration", Kind::Number, "ns since it was forked", |event, _| {
        age(event, &event.process)
    }),
    Field::event("proc.ppid.duration", Kind::Number, "the same of the parent", |event, _| {
        relative(event, 1).map_or(Value::Absent, |parent| age(event, parent))
    }),
    Field::event("proc.pid.ts", Kind::Number, "when it was forked, in ns", |event, _| {
        known(event.process.started).into()
    }),
    Field::event("proc.ppid.ts", Kind::Number, "the same of the parent", |event, _| {
        relative(event, 1).and_then(|parent| known(parent.started)).into()
    }),
];

/// The process itself (0), its parent (1), and so on.
pub(super) fn relative(event: &Event, depth: usize) -> Option<&Process> {
    match depth.checked_sub(1) {
        None => Some(&event.process),
        Some(index) => event.ancestors.get(index).map(|it| &**it),
    }
}

fn of(event: &Event, depth: usize, get: fn(&Process) -> Value<'_>) -> Value<'_> {
    relative(event, depth).map_or(Value::Absent, get)
}

/// Of one ancestor, or of all of them.
fn of_ancestors<'a>(
    event: &'a Event,
    argument: &Argument,
    get: fn(&Process) -> Value<'_>,
) -> Value<'a> {
    match argument {
        Argument::Index(depth) => of(event, *depth, get),
        Argument::Key(_) | Argument::None => {
            Value::list(event.ancestors.iter().map(|ancestor| get(ancestor)))
        }
    }
}

fn name(process: &Process) -> Value<'_> {
    (&process.name).into()
}

fn exe(process: &Process) -> Value<'_> {
    process.arguments.first().map_or_else(|| "".into(), Into::into)
}

fn path(process: &Process) -> Value<'_> {
    (&process.executable.path).into()
}

/// On a host there is no layer, or all files are above those of the medium that it was started from.
pub(super) fn original<'a>(event: &Event, process: &'a Process) -> Value<'a> {
    let is_original = match event.container {
        Some(_) => process.executable.layering == Layering::Lower,
        None => !process.executable.from_memory,
    };
    if is_original { path(process) } else { Value::Absent }
}

fn is_upper(process: &Process) -> Value<'_> {
    (process.executable.layering == Layering::Upper).into()
}

fn is_lower(process: &Process) -> Value<'_> {
    (process.executable.layering == Layering::Lower).into()
}

/// None where the group of either is not known.
fn same_group(event: &Event, other: &Process) -> Option<bool> {
    let groups = [event.process.control_group, other.control_group];
    (!groups.contains(&0)).then(|| groups[0] == groups[1])
}

fn pid(process: &Process) -> Value<'_> {
    process.pid.into()
}

/// The arguments after the zeroth.
fn rest(process: &Process) -> &[model::event::Text] {
    process.arguments.get(1..).unwrap_or_default()
}

fn arguments(process: &Process) -> Value<'_> {
    match rest(process) {
        [only] => only.into(),
        many => Value::made(joined(many)),
    }
}

pub(super) fn command_line(process: &Process) -> Value<'_> {
    let arguments = rest(process);
    if arguments.is_empty() {
        return name(process);
    }
    let bytes: usize = arguments.iter().map(|it| it.len() + 1).sum();
    let mut line = Vec::with_capacity(process.name.len() + bytes);
    line.extend_from_slice(&process.name);
    for argument in arguments {
        line.push(b' ');
        line.extend_from_slice(argument);
    }
    Value::made(line)
}

fn environment(process: &Process) -> Value<'_> {
    Value::made(joined(&process.environment))
}

fn joined(texts: &[model::event::Text]) -> Vec<u8> {
    texts.iter().map(|text| text.as_slice()).collect::<Vec<_>>().join(&b' ')
}

fn variable<'a>(process: &'a Process, key: &str) -> Option<Value<'a>> {
    let value = |it: &'a model::event::Text| {
        it.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    };
    process.environment.iter().find_map(value).map(Value::text)
}

/// Of the process whose id is that of the session or group, or else of the oldest one known in it.
fn leader<'a>(
    event: &'a Event,
    belongs_to: fn(&Process) -> u32,
    get: fn(&Process) -> Value<'_>,
) -> Value<'a> {
    let group = belongs_to(&event.process);
    let line = event.ancestors.iter().map(|it| &**it);
    let members = line.take_while(|ancestor| belongs_to(ancestor) == group);
    get(members.last().unwrap_or(&event.process))
}

fn known(time: u64) -> Option<u64> {
    (time > 0).then_some(time)
}

fn age<'a>(event: &Event, process: &Process) -> Value<'a> {
    known(process.started).map(|started| event.time.saturating_sub(started)).into()
}
