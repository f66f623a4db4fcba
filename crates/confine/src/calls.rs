//! System calls by their names, in groups that have a reason each, with what their arguments may be.

pub mod list;

use std::collections::BTreeMap;

use libc::c_long;

/// Calls that belong to one need.
#[derive(Debug)]
pub struct Group {
    pub name: &'static str,
    pub why: &'static str,
    pub calls: &'static [Call],
}

/// A call, as far as its arguments fit.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub number: c_long,
    pub only: Only,
    constant: &'static str,
}

impl Call {
    /// As manuals call it.
    pub fn name(&self) -> &'static str {
        self.constant.strip_prefix("SYS_").unwrap_or(self.constant)
    }
}

/// What is asked of an argument, counted from 0. Pointers cannot be looked behind.
#[derive(Clone, Copy, Debug)]
pub enum Only {
    Always,
    /// It is one of these, as a word of 32 bits.
    OneOf(u32, &'static [u32]),
    /// It is the number of the process that closes the cage.
    OwnProcess(u32),
    /// Of these bits, exactly those are set.
    Bits {
        argument: u32,
        of: u64,
        set: u64,
    },
}

/// What becomes of a call that is in no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The process ends: for one that is made again, and whose strangers' bytes may have taken it over.
    Kill,
    /// It is answered with `EPERM`: for one whose end would be what an attacker wants.
    Refuse,
}

/// All calls of these groups in one order, each with all that its arguments may be.
pub(crate) fn merged(groups: &[&Group]) -> BTreeMap<c_long, Vec<Only>> {
    let mut calls: BTreeMap<c_long, Vec<Only>> = BTreeMap::new();
    for call in groups.iter().flat_map(|group| group.calls) {
        calls.entry(call.number).or_default().push(call.only);
    }
    calls
}

/// `calls![SYS_read, SYS_openat]`, or `calls![SYS_ioctl => Only::OneOf(1, &[…])]`: a name that the library
/// does not know for a machine is an error when it is built for it.
macro_rules! calls {
    ($($name:ident $(=> $only:expr)?),* $(,)?) => {
        &[$($crate::calls::Call {
            number: libc::$name,
            constant: stringify!($name),
            only: $crate::calls::only!($($only)?),
        }),*]
    };
}

macro_rules! only {
    () => {
        $crate::calls::Only::Always
    };
    ($only:expr) => {
        $only
    };
}

use {calls, only};
