//! Where calls are done: the kernel's functions, by the names that its macros give them. What each
//! takes is one pointer to the registers of the call; others of similar names do not belong here.

use std::collections::BTreeSet;

use model::event::Call;

use super::SOCKETCALL_FIRST;
use super::numbers::NUMBERS;

/// What functions of one ABI are called; `*` stands for the name of the call.
struct Names {
    /// All functions of this ABI begin so: a kernel that has none does not know the ABI.
    begin: &'static str,
    patterns: &'static [&'static str],
}

/// What functions are called on one architecture.
struct Machine {
    /// The first of its columns in the table of numbers.
    column: usize,
    abis: [Names; 2],
    /// All calls of sockets that have one number; empty where there is none.
    socketcall: &'static str,
    /// One that every kernel has and that is hardly ever called.
    rare: &'static str,
    /// What a name begins with that may be one of these, longer ones included.
    beginnings: &'static [&'static str],
}

/// `…16` take numbers of users of that size.
const X86_64: Machine = Machine {
    column: 0,
    abis: [
        Names { begin: "__x64_sys_", patterns: &["__x64_sys_*", "__x64_compat_sys_*"] },
        Names {
            begin: "__ia32_sys_",
            patterns: &[
                "__ia32_sys_*",
                "__ia32_sys_*16",
                "__ia32_sys_ia32_*64",
                "__ia32_compat_sys_*",
                "__ia32_compat_sys_*64",
                "__ia32_compat_sys_ia32_*",
            ],
        },
    ],
    socketcall: "__ia32_compat_sys_socketcall",
    rare: "__x64_sys_reboot",
    beginnings: &["__x64_", "__ia32_", "__do_sys_"],
};

/// Programs of 32 bits share most functions with the others.
const AARCH64: Machine = Machine {
    column: 2,
    abis: [
        Names { begin: "__arm64_sys_", patterns: &["__arm64_sys_*"] },
        Names {
            begin: "__arm64_compat_sys_",
            patterns: &[
                "__arm64_sys_*",
                "__arm64_sys_*16",
                "__arm64_compat_sys_*",
                "__arm64_compat_sys_*64",
                "__arm64_compat_sys_aarch32_*64",
            ],
        },
    ],
    socketcall: "",
    rare: "__arm64_sys_reboot",
    beginnings: &["__arm64_"],
};

const HERE: &Machine = if cfg!(target_arch = "x86_64") { &X86_64 } else { &AARCH64 };
pub(crate) const RARE: &str = HERE.rare;
pub(crate) const BEGINNINGS: &[&str] = HERE.beginnings;

/// On x86-64, calls without arguments have one function for all ABIs. Those of this name that take
/// arguments take them as they are, not as registers.
const WITHOUT_ARGUMENTS: ([Call; 2], &str) = ([Call::Fork, Call::Vfork], "__do_sys_*");

/// The functions of a call, of those that a kernel has; `is_whole` if every ABI that the kernel knows
/// reaches one.
pub(crate) struct Functions {
    pub(crate) names: BTreeSet<String>,
    pub(crate) is_whole: bool,
}

pub(crate) fn functions_of(call: Call, known: &BTreeSet<String>) -> Functions {
    functions_on(HERE, call, known)
}

fn functions_on(machine: &Machine, call: Call, known: &BTreeSet<String>) -> Functions {
    let mut functions = Functions { names: BTreeSet::new(), is_whole: true };
    let numbers = NUMBERS.iter().find(|(named, _)| *named == call).map(|(_, numbers)| numbers);
    for (abi, column) in machine.abis.iter().zip(machine.column..) {
        let numbers = numbers.and_then(|numbers| numbers.get(column)).copied().unwrap_or_default();
        if numbers.is_empty() || !has_any(known, abi.begin) {
            continue;
        }
        let has_no_arguments = WITHOUT_ARGUMENTS.0.contains(&call);
        let patterns = abi.patterns.iter().chain(has_no_arguments.then_some(&WITHOUT_ARGUMENTS.1));
        let names = patterns.map(|pattern| pattern.replace('*', name_of(call)));
        let mut names: BTreeSet<String> = names.filter(|name| known.contains(name)).collect();
        functions.is_whole &= !names.is_empty();
        if numbers.iter().any(|number| *number >= SOCKETCALL_FIRST) {
            functions.is_whole &= known.contains(machine.socketcall);
            names.extend(known.get(machine.socketcall).cloned());
        }
        functions.names.append(&mut names);
    }
    functions
}

fn has_any(known: &BTreeSet<String>, begin: &str) -> bool {
    known.range(begin.to_owned()..).next().is_some_and(|name| name.starts_with(begin))
}

/// As the kernel's sources have it.
fn name_of(call: Call) -> &'static str {
    match call {
        Call::Umount2 => "umount",
        call => call.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_X86_64: &[&str] = &[
        "__do_sys_fork",
        "__do_sys_openat",
        "__ia32_compat_sys_openat",
        "__ia32_compat_sys_socketcall",
        "__ia32_sys_bind",
        "__ia32_sys_setuid16",
        "__x64_sys_bind",
        "__x64_sys_openat",
        "__x64_sys_umount",
    ];
    const ON_AARCH64: &[&str] = &[
        "__arm64_compat_sys_aarch32_truncate64",
        "__arm64_compat_sys_fcntl64",
        "__arm64_compat_sys_open",
        "__arm64_compat_sys_truncate",
        "__arm64_sys_bind",
        "__arm64_sys_fcntl",
        "__arm64_sys_fork",
        "__arm64_sys_setuid16",
        "__arm64_sys_truncate",
    ];

    fn known(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Functions of a call, and whether they are all.
    type Case = (Call, &'static [&'static str], bool);

    const CASES_ON_X86_64: &[Case] = &[
        (Call::Bind, &["__ia32_compat_sys_socketcall", "__ia32_sys_bind", "__x64_sys_bind"], true),
        (Call::Fork, &["__do_sys_fork"], true),
        (Call::Umount2, &["__x64_sys_umount"], false),
        (Call::Setuid, &["__ia32_sys_setuid16"], false),
        (Call::Reboot, &[], false),
    ];
    const CASES_ON_AARCH64: &[Case] = &[
        (Call::Bind, &["__arm64_sys_bind"], true),
        (Call::Fcntl, &["__arm64_compat_sys_fcntl64", "__arm64_sys_fcntl"], true),
        // Of 32 bits alone.
        (Call::Fork, &["__arm64_sys_fork"], true),
        (Call::Open, &["__arm64_compat_sys_open"], true),
        (Call::Setuid, &["__arm64_sys_setuid16"], false),
        (
            Call::Truncate,
            &[
                "__arm64_compat_sys_aarch32_truncate64",
                "__arm64_compat_sys_truncate",
                "__arm64_sys_truncate",
            ],
            true,
        ),
        (Call::Reboot, &[], false),
    ];

    #[test]
    fn a_call_has_the_functions_that_the_kernel_has() {
        let machines =
            [(&X86_64, ON_X86_64, CASES_ON_X86_64), (&AARCH64, ON_AARCH64, CASES_ON_AARCH64)];
        for (machine, has, cases) in machines {
            for (call, names, is_whole) in cases {
                let found = functions_on(machine, *call, &known(has));
                assert_eq!((found.names, found.is_whole), (known(names), *is_whole), "{call:?}");
            }
        }
    }

    #[test]
    fn an_abi_that_the_kernel_does_not_know_is_not_missed() {
        let found = functions_on(&X86_64, Call::Bind, &known(&["__x64_sys_bind"]));
        assert_eq!((found.names, found.is_whole), (known(&["__x64_sys_bind"]), true));
    }
}
