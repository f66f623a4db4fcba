//! Where calls are done: the kernel's functions, by the names that its macros give them. What each
//! takes is one pointer to the registers of the call; others of similar names do not belong here.

use std::collections::BTreeSet;

use model::event::Call;

use super::numbers::NUMBERS;
use super::{NATIVE, SOCKETCALL_FIRST};

/// What functions of one ABI are called; `*` stands for the name of the call.
struct Names {
    /// All functions of this ABI begin so: a kernel that has none does not know the ABI.
    begin: &'static str,
    patterns: &'static [&'static str],
}

/// `…16` take numbers of users of that size.
#[cfg(target_arch = "x86_64")]
const ABIS: [Names; 2] = [
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
];
#[cfg(target_arch = "x86_64")]
const SOCKETCALL: &str = "__ia32_compat_sys_socketcall";

#[cfg(not(target_arch = "x86_64"))]
const ABIS: [Names; 2] = [
    Names { begin: "__arm64_sys_", patterns: &["__arm64_sys_*"] },
    Names {
        begin: "__arm64_compat_sys_",
        patterns: &[
            "__arm64_sys_*",
            "__arm64_sys_*16",
            "__arm64_compat_sys_*",
            "__arm64_compat_sys_*64",
        ],
    },
];
/// arm has none.
#[cfg(not(target_arch = "x86_64"))]
const SOCKETCALL: &str = "";

/// Calls without arguments have one function for all ABIs. Those of this name that take arguments
/// take them as they are, not as registers.
const WITHOUT_ARGUMENTS: ([Call; 2], &str) = ([Call::Fork, Call::Vfork], "__do_sys_*");

/// One that every kernel has and that is hardly ever called.
#[cfg(target_arch = "x86_64")]
pub(crate) const RARE: &str = "__x64_sys_reboot";
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const RARE: &str = "__arm64_sys_reboot";

/// What a name begins with that may be one of these, longer ones included.
#[cfg(target_arch = "x86_64")]
pub(crate) const BEGINNINGS: &[&str] = &["__x64_", "__ia32_", "__do_sys_"];
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const BEGINNINGS: &[&str] = &["__arm64_"];

/// The functions of a call, of those that a kernel has; `is_whole` if every ABI that the kernel knows
/// reaches one.
pub(crate) struct Functions {
    pub(crate) names: BTreeSet<String>,
    pub(crate) is_whole: bool,
}

pub(crate) fn functions_of(call: Call, known: &BTreeSet<String>) -> Functions {
    let mut functions = Functions { names: BTreeSet::new(), is_whole: true };
    let numbers = NUMBERS.iter().find(|(named, _)| *named == call).map(|(_, numbers)| numbers);
    for (abi, column) in ABIS.iter().zip(NATIVE..) {
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
            functions.is_whole &= known.contains(SOCKETCALL);
            names.extend(known.get(SOCKETCALL).cloned());
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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    const KNOWN: [&str; 9] = [
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

    fn known(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Functions of a call, and whether they are all.
    const CASES: &[(Call, &[&str], bool)] = &[
        (Call::Bind, &["__ia32_compat_sys_socketcall", "__ia32_sys_bind", "__x64_sys_bind"], true),
        (Call::Fork, &["__do_sys_fork"], true),
        (Call::Umount2, &["__x64_sys_umount"], false),
        (Call::Setuid, &["__ia32_sys_setuid16"], false),
        (Call::Reboot, &[], false),
    ];

    #[test]
    fn a_call_has_the_functions_that_the_kernel_has() {
        for (call, names, is_whole) in CASES {
            let found = functions_of(*call, &known(&KNOWN));
            assert_eq!((found.names, found.is_whole), (known(names), *is_whole), "{call:?}");
        }
    }

    #[test]
    fn an_abi_that_the_kernel_does_not_know_is_not_missed() {
        let found = functions_of(Call::Bind, &known(&["__x64_sys_bind"]));
        assert_eq!((found.names, found.is_whole), (known(&["__x64_sys_bind"]), true));
    }
}
