//! `evt.arg.*`: the arguments of a call, by the names that Falco's tables of calls give them.
//!
//! An argument is a number, and where that has a name, outputs and comparisons use the name:
//! `evt.arg.flags contains O_TRUNC`. `evt.rawarg.*` is the number itself.

mod table;

use std::borrow::Cow;

use model::event::{
    Act, Call, Descriptor, Event, Layering, MountAct, OpenFlags, PathArgument, SetId,
};

use self::table::{ELSEWHERE, names_of};
use super::flags::{self, Bits, Choices};
use super::{NoField, descriptor, names, user};
use crate::field::Argument;
use crate::suggest;
use crate::value::Value;

/// An argument as the call had it, and as it is called.
struct Told<'a> {
    raw: Value<'a>,
    name: Value<'a>,
}

impl<'a> Told<'a> {
    fn plain(value: impl Into<Value<'a>>) -> Self {
        let raw = value.into();
        let name = match &raw {
            Value::Number(number) => Value::made(number.to_string()),
            value => value.clone(),
        };
        Self { raw, name }
    }

    fn named(raw: impl Into<Value<'a>>, name: Option<impl Into<Cow<'a, str>>>) -> Self {
        let Self { raw, name: number } = Self::plain(raw);
        let name = name.map(Into::into).filter(|name: &Cow<'a, str>| !name.is_empty());
        let name = name.map(|name| match name {
            Cow::Borrowed(name) => name.into(),
            Cow::Owned(name) => Value::made(name),
        });
        Self { raw, name: name.unwrap_or(number) }
    }

    fn bits(value: u64, names: Bits) -> Self {
        Self::named(value, Some(flags::bits(value, names)))
    }

    fn choice(value: u64, names: Choices) -> Self {
        Self::named(value, flags::choice(value, names))
    }

    fn path(path: &'a PathArgument) -> Self {
        let raw = if path.raw.is_empty() { &path.path } else { &path.raw };
        let is_absolute = path.raw.starts_with(b"/");
        Self { raw: raw.into(), name: if is_absolute { raw.into() } else { (&path.path).into() } }
    }

    fn descriptor(descriptor: &'a Descriptor) -> Self {
        Self::named(descriptor.number, descriptor::told(descriptor))
    }

    fn result(result: Option<i64>) -> Self {
        Self::named(result, result.and_then(names::error))
    }

    fn user(event: &'a Event, uid: Option<u32>) -> Self {
        match uid {
            Some(uid) => Self { raw: uid.into(), name: user::of_uid(event, uid) },
            None => Self { raw: (-1i64).into(), name: "<NONE>".into() },
        }
    }
}

/// As it is called.
pub(super) fn named<'a>(event: &'a Event, argument: &'a Argument) -> Value<'a> {
    name_of(event.call, argument).and_then(|it| of(event, it)).map(|told| told.name).into()
}

/// As the call had it.
pub(super) fn raw<'a>(event: &'a Event, argument: &'a Argument) -> Value<'a> {
    name_of(event.call, argument).and_then(|it| of(event, it)).map(|told| told.raw).into()
}

/// All of them: `fd=3 name=/etc/passwd`.
pub(super) fn all(event: &Event) -> String {
    let told = names_of(event.call).iter().filter_map(|name| {
        let value = of(event, name)?.name;
        value.shown().map(|value| format!("{name}={value}"))
    });
    told.collect::<Vec<_>>().join(" ")
}

/// Whether calls of this kind have it.
pub(super) fn has(call: Call, argument: &Argument) -> bool {
    name_of(call, argument).is_some_and(|name| !is_untold(call, name))
}

/// Of any call.
const UNTOLD: &[&str] = &[
    "cgroups",
    "dirfd",
    "fdlimit",
    "linkdirfd",
    "newdir",
    "newdirfd",
    "olddir",
    "olddirfd",
    "pgft_maj",
    "pgft_min",
    "resolve",
    "vm_rss",
    "vm_size",
    "vm_swap",
];

/// Arguments that Falco's tables have, and so a place in ours, and no event of ours.
fn is_untold(call: Call, name: &str) -> bool {
    use Call as C;
    match call {
        _ if UNTOLD.contains(&name) => true,
        C::Fchmod | C::Fchown | C::Fchdir => name == "fd",
        C::Sendto | C::Sendmsg | C::Sendmmsg | C::Recvfrom | C::Recvmsg => name == "data",
        _ => false,
    }
}

fn name_of(call: Call, argument: &Argument) -> Option<&str> {
    match argument {
        Argument::Key(name) => names_of(call).contains(&name.as_str()).then_some(name),
        Argument::Index(index) => names_of(call).get(*index).copied(),
        Argument::None => None,
    }
}

/// Whether any call has an argument of this name.
pub(super) fn check(name: &str) -> Result<(), NoField> {
    let mut all = Call::ALL.iter().flat_map(|call| names_of(*call)).chain(ELSEWHERE);
    if all.any(|it| *it == name) {
        return Ok(());
    }
    let all = Call::ALL.iter().flat_map(|call| names_of(*call)).copied();
    let message = format!("no call has an argument `{name}`");
    Err(NoField { message, hint: suggest::hint(name, all) })
}

fn of<'a>(event: &'a Event, name: &str) -> Option<Told<'a>> {
    if name == "res" {
        return Some(Told::result(event.result));
    }
    match &event.act {
        Act::Exec { .. } | Act::Fork { .. } => of_process(event, name),
        Act::SetId(SetId { asked, .. }) => of_ids(event, asked, name),
        Act::Mount(mount) => of_mount(mount, name),
        _ => of_file(&event.act, name)
            .or_else(|| of_descriptor(event, name))
            .or_else(|| of_number(&event.act, name)),
    }
}

fn of_process<'a>(event: &'a Event, name: &str) -> Option<Told<'a>> {
    let process = &event.process;
    let (executable, credentials) = (&process.executable, &process.credentials);
    let text = |texts: &[model::event::Text]| {
        Value::made(texts.iter().map(|it| it.as_slice()).collect::<Vec<_>>().join(&b' '))
    };
    Some(match name {
        "exe" => Told::plain(process.arguments.first()),
        "args" => Told::plain(text(process.arguments.get(1..).unwrap_or_default())),
        "env" => Told::plain(text(&process.environment)),
        "tid" => Told::plain(event.thread),
        "pid" => Told::plain(process.pid),
        "ptid" => Told::plain(process.parent),
        "vtid" | "vpid" => Told::plain(process.virtual_pid),
        "cwd" => Told::plain(&process.directory),
        "comm" => Told::plain(&process.name),
        "tty" => Told::plain(process.terminal),
        "vpgid" => Told::plain(process.virtual_group),
        "uid" => Told::user(event, Some(credentials.effective_uid)),
        "gid" => Told::plain(credentials.effective_gid),
        "loginuid" => Told::user(event, credentials.login_uid),
        "cap_inheritable" => Told::plain(credentials.capabilities.inheritable),
        "cap_permitted" => Told::plain(credentials.capabilities.permitted),
        "cap_effective" => Told::plain(credentials.capabilities.effective),
        "exe_ino" => Told::plain(executable.inode),
        "exe_ino_ctime" => Told::plain(executable.changed),
        "exe_ino_mtime" => Told::plain(executable.modified),
        "flags" => {
            let set = u64::from(executable.writable)
                | u64::from(executable.layering == Layering::Upper) << 1
                | u64::from(executable.from_memory) << 2
                | u64::from(executable.layering == Layering::Lower) << 3;
            Told::bits(set, EXECUTABLE)
        }
        _ => return None,
    })
}

const EXECUTABLE: Bits =
    &[(1, "EXE_WRITABLE"), (2, "EXE_UPPER_LAYER"), (4, "EXE_FROM_MEMFD"), (8, "EXE_LOWER_LAYER")];

fn of_ids<'a>(event: &'a Event, asked: &[Option<u32>; 3], name: &str) -> Option<Told<'a>> {
    let [real, effective, saved] = *asked;
    let group = |gid: Option<u32>| Told::plain(gid.map_or(-1, i64::from));
    Some(match name {
        "uid" => Told::user(event, effective.or(real)),
        "ruid" => Told::user(event, real),
        "euid" => Told::user(event, effective),
        "suid" => Told::user(event, saved),
        "gid" => group(effective.or(real)),
        "rgid" => group(real),
        "egid" => group(effective),
        "sgid" => group(saved),
        _ => return None,
    })
}

fn of_mount<'a>(mount: &'a MountAct, name: &str) -> Option<Told<'a>> {
    Some(match name {
        "dev" => Told::plain(&mount.source),
        "dir" => Told::path(&mount.target),
        "type" => Told::plain(&mount.filesystem),
        "flags" => Told::bits(mount.flags, flags::MOUNT),
        _ => return None,
    })
}

/// Paths and what is done to them.
fn of_file<'a>(act: &'a Act, name: &str) -> Option<Told<'a>> {
    Some(match (act, name) {
        (
            Act::Open { path, .. }
            | Act::Unlink { path }
            | Act::RemoveDirectory { path }
            | Act::MakeDirectory { path, .. }
            | Act::MakeNode { path, .. }
            | Act::Chmod { path, .. }
            | Act::Chown { path, .. }
            | Act::ChangeDirectory { path }
            | Act::ChangeRoot { path }
            | Act::Truncate { path, .. }
            | Act::OpenMount { path, .. }
            | Act::Unmount { path, .. },
            "name" | "path" | "filename" | "pathname",
        )
        | (Act::SetAttribute { path, .. } | Act::LoadModule { path, .. }, "path") => {
            Told::path(path)
        }
        (Act::SetAttribute { name, .. } | Act::LoadModule { name, .. }, "name") => {
            Told::plain(name)
        }
        (Act::Rename { from, .. } | Act::Link { from, .. }, "oldpath") => Told::path(from),
        (Act::Rename { to, .. } | Act::Link { to, .. }, "newpath") => Told::path(to),
        (Act::Symlink { target, .. }, "target") => Told::plain(target),
        (Act::Symlink { path, .. }, "linkpath") => Told::path(path),
        (Act::PivotRoot { new, .. }, "new_root") => Told::path(new),
        (Act::PivotRoot { old, .. }, "put_old") => Told::path(old),
        (Act::Open { flags, .. } | Act::OpenByHandle { flags, .. }, "flags") => {
            Told::named(flags.bits, Some(open_flags(*flags)))
        }
        (Act::Open { mode, .. }, "mode") => Told::named(*mode, Some(octal(*mode))),
        (Act::MakeDirectory { mode, .. }, "mode") => Told::named(*mode, Some(octal(*mode))),
        (Act::Chmod { mode, .. } | Act::MakeNode { mode, .. }, "mode") => {
            let named = flags::bits(u64::from(*mode), flags::MODE);
            Told::named(*mode, Some(if named.is_empty() { octal(*mode) } else { named }))
        }
        (Act::MakeNode { device, .. }, "dev") => Told::plain(*device),
        (Act::Chown { uid, .. }, "uid") => Told::plain(uid.map_or(-1, i64::from)),
        (Act::Chown { gid, .. }, "gid") => Told::plain(gid.map_or(-1, i64::from)),
        (Act::Unmount { flags, .. }, "flags") => Told::bits(*flags, flags::UNMOUNT),
        _ => return None,
    })
}

fn of_descriptor<'a>(event: &'a Event, name: &str) -> Option<Told<'a>> {
    match (&event.act, name) {
        (Act::SetNamespace { descriptor, .. }, "fd") => return Some(Told::plain(*descriptor)),
        (Act::Duplicate { from, .. }, "oldfd") => return Some(Told::plain(*from)),
        (Act::Duplicate { to, .. }, "newfd") => return Some(Told::plain(*to)),
        (Act::Bpf { .. }, "fd") => return Some(Told::result(event.result)),
        (Act::Read { data, .. } | Act::Write { data, .. }, "data") => {
            return Some(Told::plain(data));
        }
        _ => {}
    }
    let descriptor = descriptor::of(event)?;
    Some(match name {
        "fd" if descriptor.number < 0 && event.failed() => Told::result(event.result),
        "fd" => Told::descriptor(descriptor),
        "tuple" | "addr" | "path" => Told::plain(descriptor::name(descriptor)),
        "size" => Told::plain(event.result.filter(|size| *size >= 0)),
        "dev" | "ino" => {
            let file = descriptor::file(descriptor)?;
            Told::plain(if name == "dev" { file.device } else { file.inode })
        }
        _ => return None,
    })
}

fn of_number<'a>(act: &'a Act, name: &str) -> Option<Told<'a>> {
    Some(match (act, name) {
        (Act::Socket { domain, .. }, "domain") => Told::named(
            *domain,
            u64::try_from(*domain).ok().and_then(|it| flags::choice(it, flags::FAMILIES)),
        ),
        (Act::Socket { kind, .. }, "type") => Told::plain(*kind),
        (Act::Socket { protocol, .. }, "proto") => Told::plain(*protocol),
        (Act::SetCapabilities { after, .. }, "cap_inheritable") => Told::plain(after.inheritable),
        (Act::SetCapabilities { after, .. }, "cap_permitted") => Told::plain(after.permitted),
        (Act::SetCapabilities { after, .. }, "cap_effective") => Told::plain(after.effective),
        (Act::SetNamespace { kinds, .. }, "nstype") | (Act::Unshare { kinds }, "flags") => {
            Told::bits(*kinds, flags::CLONE)
        }
        (Act::Trace { request, .. }, "request") => Told::choice(*request, flags::TRACE),
        (
            Act::Trace { process, .. } | Act::ReadMemory { process } | Act::WriteMemory { process },
            "pid",
        ) => Told::plain(*process),
        (Act::MakeMemoryFile { name, .. } | Act::Bpf { name, .. }, "name") => Told::plain(name),
        (Act::MakeMemoryFile { flags, .. }, "flags") => Told::bits(*flags, flags::MEMORY_FILE),
        (Act::Protect { address, .. }, "addr") => Told::plain(*address),
        (Act::Protect { length, .. }, "length") => Told::plain(*length),
        (Act::Protect { protection, .. }, "prot") => Told::bits(*protection, flags::PROTECTION),
        (Act::Bpf { command, .. }, "cmd") => Told::choice(*command, flags::BPF),
        (Act::Keyring { command } | Act::Reboot { command }, "cmd") => Told::plain(*command),
        (Act::OpenPerformanceCounter { kind }, "type") => Told::plain(*kind),
        (Act::HandlePageFaults { flags } | Act::LoadKernel { flags }, "flags") => {
            Told::plain(*flags)
        }
        (Act::Lost(loss), "class") => Told::plain(&loss.class),
        (Act::Lost(loss), "cause") => Told::plain(&loss.cause),
        (Act::Lost(loss), "count") => Told::plain(loss.count),
        (Act::Truncate { length, .. }, "length") => Told::plain(*length),
        (Act::OpenFilesystem { filesystem, .. }, "type") => Told::plain(filesystem),
        (Act::OpenFilesystem { flags, .. } | Act::OpenMount { flags, .. }, "flags") => {
            Told::plain(*flags)
        }
        (Act::ConfigureFilesystem { descriptor, .. }, "fd") => Told::plain(*descriptor),
        (Act::ConfigureFilesystem { command, .. }, "cmd") => {
            Told::choice(*command, flags::CONFIGURE)
        }
        (Act::ConfigureFilesystem { key, .. }, "key") => Told::plain(key),
        (Act::ConfigureFilesystem { value, .. }, "value_charbuf") => Told::plain(value),
        (Act::SetUpRing { entries }, "entries") => Told::plain(*entries),
        (Act::Kill { process, .. }, "pid" | "tid") => Told::plain(*process),
        (Act::Kill { signal, .. }, "sig") => Told::named(*signal, names::signal(*signal)),
        (Act::Exit { status }, "status") => Told::plain(*status),
        (Act::Exit { status }, "ret") => Told::plain(status >> 8 & 0xff),
        (Act::Exit { status }, "sig") => Told::plain(status & 0x7f),
        (Act::Other { number, .. }, "ID" | "nativeID") => Told::plain(*number),
        _ => return None,
    })
}

fn octal(mode: u32) -> String {
    format!("0{mode:o}")
}

fn open_flags(flags: OpenFlags) -> String {
    let bits = u64::from(flags.bits);
    // Synchronous writing is two bits, of which the other one has a name of its own.
    let first = flags::OPEN.iter().filter(|(bit, name)| {
        bits & bit == *bit && !(*name == "O_DIRECTORY" && bits & 0o20_000_000 != 0)
    });
    let access = match (flags.reads(), flags.writes()) {
        (true, true) => Some("O_RDWR"),
        (false, true) => Some("O_WRONLY"),
        (true, false) => Some("O_RDONLY"),
        (false, false) => None,
    };
    let later = flags::OPEN_LATER.iter().filter(|(bit, _)| bits & bit == *bit);
    let all = first.map(|(_, name)| *name).chain(access).chain(later.map(|(_, name)| *name));
    all.chain(flags.created.then_some("O_F_CREATED")).collect::<Vec<_>>().join("|")
}

/// Absolute, without `.` and `..`; what the kernel resolved where it was not written absolutely.
pub(super) fn cleaned(path: &PathArgument) -> Value<'_> {
    if !path.raw.starts_with(b"/") {
        return (&path.path).into();
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.raw.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut cleaned = vec![b'/'];
    cleaned.extend(parts.join(&b'/'));
    if cleaned == **path.raw { (&path.raw).into() } else { Value::made(cleaned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::tests::samples;

    /// Acts by name, and the calls that are such.
    const CALLS: &str = "
        Exec execve execveat
        Fork clone clone3 fork vfork
        Exit procexit
        Open open openat openat2 creat
        OpenByHandle open_by_handle_at
        Close close
        Read read
        Write write
        Rename rename renameat renameat2
        Link link linkat
        Symlink symlink symlinkat
        Unlink unlink unlinkat
        MakeDirectory mkdir mkdirat
        RemoveDirectory rmdir
        MakeNode mknod mknodat
        Chmod chmod fchmod fchmodat fchmodat2
        Chown chown lchown fchown fchownat
        SetAttribute setxattr lsetxattr fsetxattr
        ChangeDirectory chdir fchdir
        ChangeRoot chroot
        PivotRoot pivot_root
        Socket socket
        Connect connect
        Bind bind
        Listen listen
        Accept accept accept4
        Send sendto sendmsg sendmmsg
        Receive recvfrom recvmsg
        Duplicate dup dup2 dup3 fcntl
        SetId setuid setgid setreuid setregid setresuid setresgid
        SetCapabilities capset
        SetNamespace setns
        Unshare unshare
        Mount mount move_mount
        Unmount umount2
        OpenFilesystem fsopen
        ConfigureFilesystem fsconfig
        OpenMount fsmount open_tree
        Truncate truncate ftruncate
        Trace ptrace
        ReadMemory process_vm_readv
        WriteMemory process_vm_writev
        MakeMemoryFile memfd_create
        Protect mprotect
        LoadModule init_module finit_module
        Bpf bpf
        OpenPerformanceCounter perf_event_open
        HandlePageFaults userfaultfd
        SetUpRing io_uring_setup
        Keyring keyctl
        LoadKernel kexec_load kexec_file_load
        Reboot reboot
        Kill kill tkill tgkill
        Container container
        Lost lost
        Malware malware
        Relay relay
        Other other";

    #[test]
    fn calls_have_the_arguments_that_their_events_tell() {
        let mut met = 0;
        let mut wrong = Vec::new();
        for line in CALLS.lines().filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let act = words.next().unwrap();
            for call in words {
                let call = Call::of_name(call).unwrap();
                met += 1;
                let is_act = |event: &Event| {
                    format!("{:?}", event.act).split([' ', '(', '{']).next() == Some(act)
                };
                let event = samples().into_iter().find(is_act).unwrap();
                let event = Event { call, result: Some(3), ..event };
                for name in names_of(call) {
                    let has = has(call, &Argument::Key((*name).to_owned()));
                    if has != of(&event, name).is_some() {
                        wrong.push(format!("{} {name}", call.name()));
                    }
                }
            }
        }
        assert_eq!((met, wrong), (Call::ALL.len(), Vec::<String>::new()));
    }
}
