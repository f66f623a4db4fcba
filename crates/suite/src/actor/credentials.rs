//! Another user and other capabilities, then another program in the same process.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Gid, Uid};
use rustix::thread::{self, CapabilitiesSecureBits, CapabilitySet, CapabilitySets};

use super::chain::{encoded, of_program};
use super::{MARK, Plan, Stumble, capability};
use crate::case::Program;

const ACCOUNTS: &str = "/etc/passwd";

/// Comes back only if it fails.
pub(super) fn become_it(program: &Program, file: &str, mark: &str, next: &Plan) -> Stumble {
    let failed = |why: std::io::Error| {
        let whom = program.user.as_deref().unwrap_or("itself");
        Stumble::unable(&format!("a process cannot become `{whom}`"), why)
    };
    let plan = match pipe_with(next) {
        Ok(plan) => plan,
        Err(stumble) => return stumble,
    };
    let account = match program.user.as_deref().map(account) {
        None => None,
        Some(Some(account)) => Some(account),
        Some(None) => {
            let user = program.user.as_deref().unwrap_or_default();
            return Stumble::Unable(format!("there is no user `{user}`, and none is made"));
        }
    };
    if let Err(error) = change(account, program.capabilities.as_deref()) {
        return failed(error.into());
    }
    let mut command = of_program(program, Path::new(file));
    command.stdin(plan).env(MARK, mark);
    let why = std::os::unix::process::CommandExt::exec(&mut command);
    Stumble::unable(&format!("`{file}` cannot be started"), why)
}

/// A pipe that holds the plan already: nobody is left to write it.
fn pipe_with(plan: &Plan) -> Result<Stdio, Stumble> {
    let bytes = encoded(plan)?;
    let failed = |why: rustix::io::Errno| Stumble::unable("a plan cannot be handed on", why);
    let (read, write) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(failed)?;
    let count = rustix::io::write(&write, &bytes).map_err(failed)?;
    if count != bytes.len() {
        return Err(Stumble::Unable("a pipe takes less than a plan".to_owned()));
    }
    Ok(read.into())
}

/// Numbers of a user and of its group.
fn account(user: &str) -> Option<(u32, u32)> {
    let accounts = std::fs::read_to_string(ACCOUNTS).ok()?;
    accounts.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, _, uid, gid) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (name == user).then(|| Some((uid.parse().ok()?, gid.parse().ok()?)))?
    })
}

/// The user first, since that takes capabilities away. What is to be had after the exec has to be
/// ambient, which is inheritable too.
fn change(account: Option<(u32, u32)>, wanted: Option<&str>) -> rustix::io::Result<()> {
    let had = thread::capabilities(None)?.permitted;
    if let Some((uid, gid)) = account {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        thread::set_keep_capabilities(true)?;
        thread::set_thread_groups(&[])?;
        thread::set_thread_res_gid(Some(gid), Some(gid), Some(gid))?;
        thread::set_thread_res_uid(Some(uid), Some(uid), Some(uid))?;
    }
    let is_root = rustix::process::getuid().is_root();
    let mask = wanted.and_then(|text| capability::mask(text).ok()).unwrap_or(capability::ALL);
    let wanted = had & CapabilitySet::from_bits_retain(mask);
    if is_root && mask == capability::ALL {
        return Ok(());
    }
    let sets = CapabilitySets { effective: had, permitted: had, inheritable: wanted };
    thread::set_capabilities(None, sets)?;
    if is_root {
        // Or it would be given everything again.
        let bits = thread::capabilities_secure_bits()? | CapabilitiesSecureBits::NO_ROOT;
        thread::set_capabilities_secure_bits(bits)?;
    }
    for capability in wanted.iter() {
        thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}
