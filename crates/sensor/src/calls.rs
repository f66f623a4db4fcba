//! The calls that the sensor can tell, and what their arguments are: one line a call. The
//! kernel's side has one reader for all of them, and is given these lines as data.

mod functions;
mod numbers;

use std::collections::{BTreeMap, BTreeSet};

use model::event::Call;

use crate::record::Abi;
use numbers::NUMBERS;

pub(crate) use functions::{BEGINNINGS, RARE, functions_of};

/// Numbers of calls an ABI has room for in the kernel's table.
const PER_ABI: u16 = 1024;
/// i386's `socketcall`; its calls are planned at 1000 and more.
const SOCKETCALL: u16 = 102;
const SOCKETCALL_FIRST: u16 = 1_000;
/// Numbers that x32 has of its own.
const X32_FIRST: u16 = 512;

#[cfg(target_arch = "x86_64")]
const NATIVE: usize = 0;
#[cfg(not(target_arch = "x86_64"))]
const NATIVE: usize = 2;

const CRITICAL: u8 = 1;
const FAILURES: u8 = 2;
const DESCRIPTOR: u8 = 4;
const IDENTITY: u8 = 8;
const DIRECTORY: u8 = 16;
/// Only what is sent to servers of names.
const NAMES: u8 = 32;
/// Which argument has the flags of an open, from 1; both: the third, in words.
const FLAGS_SECOND: u8 = 64;
const FLAGS_THIRD: u8 = 128;

/// In which records are counted when they are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Exec,
    Fork,
    Exit,
    /// Control groups made.
    Group,
    /// Files opened.
    Open,
    /// Names and attributes of files changed.
    Change,
    Network,
    /// Bytes read, written, sent, received.
    Data,
    Credentials,
    /// What gets a process out of its container or into others.
    Escape,
    /// Descriptors and memory.
    Other,
}

impl Class {
    const ALL: [Self; 11] = [
        Self::Exec,
        Self::Fork,
        Self::Exit,
        Self::Group,
        Self::Open,
        Self::Change,
        Self::Network,
        Self::Data,
        Self::Credentials,
        Self::Escape,
        Self::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Fork => "fork",
            Self::Exit => "exit",
            Self::Group => "group",
            Self::Open => "open",
            Self::Change => "change",
            Self::Network => "network",
            Self::Data => "data",
            Self::Credentials => "credentials",
            Self::Escape => "escape",
            Self::Other => "other",
        }
    }

    pub(crate) fn of_number(number: u32) -> Self {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        Self::ALL.get(index).copied().unwrap_or(Self::Other)
    }

    fn number(self) -> u8 {
        let index = Self::ALL.iter().position(|class| *class == self);
        index.and_then(|index| u8::try_from(index).ok()).unwrap_or_default()
    }
}

/// A line: six letters for the arguments (`_` a number, `p` a path, `@` a path from the descriptor
/// before it, `t` text, `d` a descriptor, `a` a `sockaddr`, `b` bytes, `g` a datagram, `m` a
/// `msghdr`, `M` several of them, `w` three words), and what else is to be told.
struct Line {
    call: Call,
    class: Class,
    arguments: &'static [u8; 6],
    marks: u8,
}

const fn line(call: Call, class: Class, arguments: &'static [u8; 6], marks: u8) -> Line {
    Line { call, class, arguments, marks }
}

const LINES: &[Line] = &[
    line(Call::Accept, Class::Network, b"da____", DESCRIPTOR),
    line(Call::Accept4, Class::Network, b"da____", DESCRIPTOR),
    line(Call::Bind, Class::Network, b"da____", 0),
    line(Call::Bpf, Class::Escape, b"_w____", CRITICAL),
    line(Call::Capset, Class::Credentials, b"______", IDENTITY),
    line(Call::Chdir, Class::Change, b"p_____", DIRECTORY),
    line(Call::Chmod, Class::Change, b"p_____", 0),
    line(Call::Chown, Class::Change, b"p_____", 0),
    line(Call::Chroot, Class::Escape, b"p_____", CRITICAL | DIRECTORY | IDENTITY),
    line(Call::Clone, Class::Other, b"______", 0),
    line(Call::Clone3, Class::Other, b"w_____", 0),
    line(Call::Close, Class::Other, b"______", 0),
    line(Call::Connect, Class::Network, b"da____", 0),
    line(Call::Creat, Class::Change, b"p_____", DESCRIPTOR),
    line(Call::Dup, Class::Other, b"______", DESCRIPTOR),
    line(Call::Dup2, Class::Other, b"______", DESCRIPTOR),
    line(Call::Dup3, Class::Other, b"______", DESCRIPTOR),
    line(Call::Execve, Class::Exec, b"p_____", FAILURES),
    line(Call::Execveat, Class::Exec, b"_@____", FAILURES),
    line(Call::Fchdir, Class::Change, b"d_____", DIRECTORY),
    line(Call::Fchmod, Class::Change, b"d_____", 0),
    line(Call::Fchmodat, Class::Change, b"_@____", 0),
    line(Call::Fchmodat2, Class::Change, b"_@____", 0),
    line(Call::Fchown, Class::Change, b"d_____", 0),
    line(Call::Fchownat, Class::Change, b"_@____", 0),
    line(Call::Fcntl, Class::Other, b"d_____", 0),
    line(Call::FinitModule, Class::Escape, b"dt____", CRITICAL),
    line(Call::Fork, Class::Other, b"______", 0),
    line(Call::Fsconfig, Class::Escape, b"d_tt__", CRITICAL),
    line(Call::Fsetxattr, Class::Change, b"dt____", 0),
    line(Call::Fsmount, Class::Escape, b"d_____", CRITICAL | DESCRIPTOR),
    line(Call::Fsopen, Class::Escape, b"t_____", CRITICAL | DESCRIPTOR),
    line(Call::Ftruncate, Class::Change, b"d_____", 0),
    line(Call::InitModule, Class::Escape, b"__t___", CRITICAL),
    line(Call::IoUringSetup, Class::Other, b"______", DESCRIPTOR),
    line(Call::KexecFileLoad, Class::Escape, b"dd____", CRITICAL),
    line(Call::KexecLoad, Class::Escape, b"______", CRITICAL),
    line(Call::Keyctl, Class::Credentials, b"______", 0),
    line(Call::Kill, Class::Other, b"______", 0),
    line(Call::Lchown, Class::Change, b"p_____", 0),
    line(Call::Link, Class::Change, b"pp____", 0),
    line(Call::Linkat, Class::Change, b"_@_@__", 0),
    line(Call::Listen, Class::Network, b"d_____", 0),
    line(Call::Lsetxattr, Class::Change, b"pt____", 0),
    line(Call::MemfdCreate, Class::Other, b"t_____", DESCRIPTOR),
    line(Call::Mkdir, Class::Change, b"p_____", 0),
    line(Call::Mkdirat, Class::Change, b"_@____", 0),
    line(Call::Mknod, Class::Change, b"p_____", 0),
    line(Call::Mknodat, Class::Change, b"_@____", 0),
    line(Call::Mount, Class::Escape, b"tpt___", CRITICAL),
    line(Call::MoveMount, Class::Escape, b"_@_@__", CRITICAL),
    line(Call::Mprotect, Class::Other, b"______", 0),
    line(Call::Open, Class::Open, b"p_____", DESCRIPTOR | FLAGS_SECOND),
    line(Call::OpenByHandleAt, Class::Escape, b"d_____", CRITICAL | DESCRIPTOR),
    line(Call::OpenTree, Class::Escape, b"_@____", CRITICAL | DESCRIPTOR),
    line(Call::Openat, Class::Open, b"_@____", DESCRIPTOR | FLAGS_THIRD),
    line(Call::Openat2, Class::Open, b"_@w___", DESCRIPTOR | FLAGS_SECOND | FLAGS_THIRD),
    line(Call::PerfEventOpen, Class::Escape, b"w_____", CRITICAL | DESCRIPTOR),
    line(Call::PivotRoot, Class::Escape, b"pp____", CRITICAL | IDENTITY),
    line(Call::ProcessVmReadv, Class::Escape, b"______", CRITICAL),
    line(Call::ProcessVmWritev, Class::Escape, b"______", CRITICAL),
    line(Call::Ptrace, Class::Escape, b"______", CRITICAL),
    line(Call::Read, Class::Data, b"db____", 0),
    line(Call::Reboot, Class::Escape, b"______", CRITICAL),
    line(Call::Recvfrom, Class::Data, b"dg__a_", 0),
    line(Call::Recvmsg, Class::Data, b"dm____", 0),
    line(Call::Rename, Class::Change, b"pp____", 0),
    line(Call::Renameat, Class::Change, b"_@_@__", 0),
    line(Call::Renameat2, Class::Change, b"_@_@__", 0),
    line(Call::Rmdir, Class::Change, b"p_____", 0),
    line(Call::Sendmmsg, Class::Data, b"dM____", 0),
    line(Call::Sendmsg, Class::Data, b"dm____", 0),
    line(Call::Sendto, Class::Data, b"dg__a_", 0),
    line(Call::Setgid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setns, Class::Escape, b"d_____", CRITICAL | IDENTITY),
    line(Call::Setregid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setresgid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setresuid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setreuid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setuid, Class::Credentials, b"______", IDENTITY),
    line(Call::Setxattr, Class::Change, b"pt____", 0),
    line(Call::Socket, Class::Network, b"______", DESCRIPTOR),
    line(Call::Symlink, Class::Change, b"tp____", 0),
    line(Call::Symlinkat, Class::Change, b"t_@___", 0),
    line(Call::Tgkill, Class::Other, b"______", 0),
    line(Call::Tkill, Class::Other, b"______", 0),
    line(Call::Truncate, Class::Change, b"p_____", 0),
    line(Call::Umount2, Class::Escape, b"p_____", CRITICAL),
    line(Call::Unlink, Class::Change, b"p_____", 0),
    line(Call::Unlinkat, Class::Change, b"_@____", 0),
    line(Call::Unshare, Class::Escape, b"______", CRITICAL | IDENTITY),
    line(Call::Userfaultfd, Class::Escape, b"______", CRITICAL | DESCRIPTOR),
    line(Call::Vfork, Class::Other, b"______", 0),
    line(Call::Write, Class::Data, b"db____", 0),
];

/// Beside the marks: of a call that sends, only what connects by it.
const OPENINGS: u8 = 1;
/// What connects as it sends, if its flags say so (TCP Fast Open): who wants connections wants these.
const OPENERS: [Call; 3] = [Call::Sendmmsg, Call::Sendmsg, Call::Sendto];

/// What can carry a question for a name.
const SENDS: [Call; 4] = [Call::Sendmmsg, Call::Sendmsg, Call::Sendto, Call::Write];

/// One value of the kernel's table, as `struct plan` has it.
pub(crate) type Plan = [u8; 16];

pub(crate) fn can_tell(call: Call) -> bool {
    LINES.iter().any(|line| line.call == call)
}

/// In which class its records are counted.
pub(crate) fn class_of(call: Call) -> Class {
    LINES.iter().find(|line| line.call == call).map_or(Class::Other, |line| line.class)
}

/// What the kernel's table holds for calls, by its places.
pub(crate) fn plans_of(wanted: &Wanted) -> BTreeMap<u32, Plan> {
    let opens = |call: &Call| wanted.contains_key(&Call::Connect) && OPENERS.contains(call);
    let asked = wanted.iter().flat_map(|(call, extent)| plans(*call, Some(*extent), opens(call)));
    let others = OPENERS.iter().filter(|call| opens(call) && !wanted.contains_key(*call));
    asked.chain(others.flat_map(|call| plans(*call, None, true))).collect()
}

/// The calls that are looked at for what is wanted.
pub(crate) fn looked_at(wanted: &Wanted) -> BTreeSet<Call> {
    let openers = OPENERS.iter().filter(|_| wanted.contains_key(&Call::Connect));
    wanted.keys().chain(openers).copied().collect()
}

/// Which of its events are wanted of each call.
pub type Wanted = BTreeMap<Call, Extent>;

/// Which events of a call are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Datagrams to port 53: questions for names. Of calls that send or write; all of others.
    Names,
    All,
}

/// None where nothing is wanted of the call itself.
fn plans(call: Call, extent: Option<Extent>, opens: bool) -> Vec<(u32, Plan)> {
    let Some(line) = LINES.iter().find(|line| line.call == call) else { return Vec::new() };
    let Some((_, numbers)) = NUMBERS.iter().find(|(named, _)| *named == call) else {
        return Vec::new();
    };
    let mut plan = [0; 16];
    let [wanted, class, marks, arguments @ .., more, _, _, _, _, _, _] = &mut plan;
    (*wanted, *class, *marks) = (1, line.class.number(), line.marks);
    *arguments = line.arguments.map(argument);
    if opens && extent != Some(Extent::All) {
        *more = OPENINGS;
    }
    if extent.is_none() {
        *class = Class::Network.number();
    }
    if extent == Some(Extent::Names) && SENDS.contains(&call) {
        *marks |= NAMES;
        // A question is longer than what is told of a file.
        arguments
            .iter_mut()
            .filter(|it| **it == argument(b'b'))
            .for_each(|it| *it = argument(b'g'));
    }
    let mut places = Vec::new();
    for (column, base) in [(NATIVE, 0), (NATIVE + 1, PER_ABI)] {
        for number in numbers.get(column).copied().unwrap_or_default() {
            places.push((u32::from(base + number), plan));
            if *number >= SOCKETCALL_FIRST {
                places.push((u32::from(base + SOCKETCALL), plan));
            }
        }
    }
    places
}

/// As `enum argument` numbers them.
fn argument(letter: u8) -> u8 {
    let letters = b"_p@tdabgmwM";
    let index = letters.iter().position(|known| *known == letter);
    index.and_then(|index| u8::try_from(index).ok()).unwrap_or_default()
}

/// Every number of a call on this machine.
pub fn numbers_of(call: Call) -> Vec<(Abi, u16)> {
    let numbers = NUMBERS.iter().find(|(named, _)| *named == call).map(|(_, numbers)| numbers);
    let of = |column: usize| {
        numbers.and_then(|numbers| numbers.get(column)).copied().unwrap_or_default().iter().copied()
    };
    let native = of(NATIVE).map(|number| match number {
        X32_FIRST.. => (Abi::X32, number),
        _ => (Abi::Native, number),
    });
    native.chain(of(NATIVE + 1).map(|number| (Abi::Compat, number))).collect()
}

/// The call of a number that the kernel's side told.
pub(crate) fn of_number(abi: Abi, number: u32) -> Option<Call> {
    let column = if abi == Abi::Compat { NATIVE + 1 } else { NATIVE };
    let number = u16::try_from(number).ok()?;
    let has_it = |numbers: &[&[u16]; 4]| {
        numbers.get(column).is_some_and(|numbers| numbers.contains(&number))
    };
    NUMBERS.iter().find(|(_, numbers)| has_it(numbers)).map(|(call, _)| *call)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's own tables, where its headers are installed.
    const HEADERS: [(&str, usize); 3] = [
        ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0),
        ("/usr/include/x86_64-linux-gnu/asm/unistd_32.h", 1),
        ("/usr/include/asm-generic/unistd.h", 2),
    ];
    #[test]
    fn every_call_that_can_be_told_has_a_plan() {
        for line in LINES {
            let plans = plans_of(&Wanted::from([(line.call, Extent::All)]));
            assert!(!plans.is_empty(), "{:?}", line.call);
            for plan in plans.values() {
                assert_eq!(plan[0], 1);
            }
        }
        let socket = plans_of(&Wanted::from([(Call::Socket, Extent::All)]));
        assert_eq!(of_number(Abi::Native, 1 << 20), None);
        assert!(socket.len() >= 2, "{socket:?}");
    }

    #[test]
    fn numbers_are_those_of_the_kernels_headers() {
        for (header, column) in HEADERS {
            let Ok(text) = std::fs::read_to_string(header) else {
                testkit::lack(&format!("`{header}` is not installed"));
                continue;
            };
            for (call, numbers) in NUMBERS {
                let numbers = numbers[column].iter().filter(|number| **number < X32_FIRST);
                // The headers may be older than a call.
                for number in numbers.filter(|number| **number < 450) {
                    let spelt = ["__NR_", "__NR3264_"].iter().any(|prefix| {
                        ["", "32", "64"].iter().any(|suffix| {
                            let name = format!("{prefix}{}{suffix}", call.name());
                            text.lines().any(|line| {
                                let mut words = line.split_whitespace().skip(1);
                                words.next() == Some(&name)
                                    && words.next() == Some(&number.to_string())
                            })
                        })
                    });
                    assert!(spelt, "{header}: {call:?} {number}");
                }
            }
        }
    }

    /// A name in the tables of somebody else, by column and number.
    fn named_by_others(column: usize, number: u16) -> Option<&'static str> {
        let number = usize::from(number);
        match column {
            0 => syscalls::x86_64::Sysno::new(number).map(|call| call.name()),
            1 => syscalls::x86::Sysno::new(number).map(|call| call.name()),
            2 => syscalls::aarch64::Sysno::new(number).map(|call| call.name()),
            _ => syscalls::arm::Sysno::new(number).map(|call| call.name()),
        }
    }

    /// Of machines, too, whose headers are not installed.
    #[test]
    fn numbers_are_those_of_another_table() {
        for (call, numbers) in NUMBERS {
            for (column, numbers) in numbers.iter().enumerate() {
                for number in numbers.iter().filter(|number| **number < X32_FIRST) {
                    let named = named_by_others(column, *number).unwrap_or_default();
                    let is_it = ["", "32", "64"]
                        .iter()
                        .any(|suffix| named.strip_suffix(suffix) == Some(call.name()));
                    assert!(is_it, "{call:?}: {number} of column {column} is `{named}`");
                }
            }
        }
    }
}
