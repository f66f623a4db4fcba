//! The filter of system calls: groups → a program for the kernel, for this thread and all that it starts.
//!
//! Two programs, of which the stricter answer counts: one declines what libraries try and can do without,
//! one allows what is listed. A call of another machine's numbering (x32, 32 bits) is never listed.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

use crate::cage::Cage;
use crate::calls::{Group, Only, Otherwise, merged};

pub(crate) fn close(cage: &Cage) -> Result<(), Error> {
    // Whose arguments are behind a pointer: the C library falls back to `clone`, which can be looked at.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let program = compile(clone3, errno(libc::ENOSYS), SeccompAction::Allow)?;
    apply_filter(&program)?;
    let declined = rules(&cage.declined)?;
    if !declined.is_empty() {
        apply_filter(&compile(declined, errno(libc::EAFNOSUPPORT), SeccompAction::Allow)?)?;
    }
    let otherwise = match cage.otherwise {
        Otherwise::Kill => SeccompAction::KillProcess,
        Otherwise::Refuse => errno(libc::EPERM),
    };
    // Declined above, and not what ends a process. The filters that come after are applied by this.
    let mut allowed = rules(&cage.calls)?;
    allowed.insert(libc::SYS_clone3, Vec::new());
    for (number, of_declined) in rules(&cage.declined)? {
        match allowed.get_mut(&number) {
            Some(known) if known.is_empty() => {}
            Some(known) => known.extend(of_declined),
            None => drop(allowed.insert(number, of_declined)),
        }
    }
    apply_filter(&compile(allowed, SeccompAction::Allow, otherwise)?)
}

fn errno(number: libc::c_int) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    matching: SeccompAction,
    otherwise: SeccompAction,
) -> Result<BpfProgram, Error> {
    let machine = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, otherwise, matching, machine)?.try_into()?)
}

/// A call that may have any arguments has no rules of its own.
fn rules(groups: &[&Group]) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules = BTreeMap::new();
    for (number, choices) in merged(groups) {
        let is_free = choices.iter().any(|only| matches!(only, Only::Always));
        let of_call = if is_free { Vec::new() } else { conditions(&choices)? };
        rules.insert(number, of_call);
    }
    Ok(rules)
}

fn conditions(choices: &[Only]) -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = Vec::new();
    for only in choices {
        match *only {
            Only::Always => {}
            Only::OneOf(argument, values) => {
                for value in values {
                    let length = SeccompCmpArgLen::Dword;
                    rules.push(rule(argument, length, SeccompCmpOp::Eq, u64::from(*value))?);
                }
            }
            Only::OwnProcess(argument) => {
                let (length, own) = (SeccompCmpArgLen::Dword, std::process::id());
                rules.push(rule(argument, length, SeccompCmpOp::Eq, own.into())?);
            }
            Only::Bits { argument, of, set } => {
                let length = SeccompCmpArgLen::Qword;
                rules.push(rule(argument, length, SeccompCmpOp::MaskedEq(of), set)?);
            }
        }
    }
    Ok(rules)
}

fn rule(
    argument: u32,
    length: SeccompCmpArgLen,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, BackendError> {
    let argument = u8::try_from(argument).unwrap_or(u8::MAX);
    SeccompRule::new(vec![SeccompCondition::new(argument, length, compare, value)?])
}
