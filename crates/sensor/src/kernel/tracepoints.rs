//! Programs at tracepoints: those that are always there, and on the lowest tier one at the end of
//! every system call of the machine, attached only while somebody wants a call.

use aya::programs::BtfTracePoint;
use aya::programs::tp_btf::BtfTracePointLinkId;
use aya::{Btf, Ebpf};

use super::{Refusal, load_again};

/// The programs that are always there, and the tracepoint of each.
pub(super) const ALWAYS: [(&str, &str); 4] = [
    ("guard_exec", "sched_process_exec"),
    ("guard_fork", "sched_process_fork"),
    ("guard_exit", "sched_process_exit"),
    ("guard_group", "cgroup_mkdir"),
];
const CALLS: (&str, &str) = ("guard_call", "sys_exit");

pub(super) fn start_always(ebpf: &mut Ebpf, types: &Btf) -> Result<(), Refusal> {
    for (name, tracepoint) in ALWAYS {
        load(ebpf, name, tracepoint, types)?;
    }
    for (name, _) in ALWAYS {
        attach(ebpf, name)?;
    }
    Ok(())
}

/// The program for calls: loaded once, attached while it is wanted.
#[derive(Default)]
pub(super) struct EveryCall {
    is_loaded: bool,
    attached: Option<BtfTracePointLinkId>,
}

impl EveryCall {
    pub(super) fn watch(
        &mut self,
        ebpf: &mut Ebpf,
        types: &Btf,
        is_wanted: bool,
    ) -> Result<(), Refusal> {
        let (name, tracepoint) = CALLS;
        if !is_wanted {
            if let Some(link) = self.attached.take() {
                let detached = program(ebpf, name)?.detach(link);
                detached.map_err(|error| Refusal::Program { name, error })?;
            }
            return Ok(());
        }
        if !self.is_loaded {
            load(ebpf, name, tracepoint, types)?;
            self.is_loaded = true;
        }
        if self.attached.is_none() {
            self.attached = Some(attach(ebpf, name)?);
        }
        Ok(())
    }

    pub(super) fn loaded(&self) -> Option<&'static str> {
        self.is_loaded.then_some(CALLS.0)
    }
}

fn load(ebpf: &mut Ebpf, name: &'static str, tracepoint: &str, types: &Btf) -> Result<(), Refusal> {
    let program = program(ebpf, name)?;
    let loaded = load_again(|| program.load(tracepoint, types));
    loaded.map_err(|error| Refusal::Program { name, error })
}

fn attach(ebpf: &mut Ebpf, name: &'static str) -> Result<BtfTracePointLinkId, Refusal> {
    let attached = program(ebpf, name)?.attach();
    attached.map_err(|error| Refusal::Program { name, error })
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut BtfTracePoint, Refusal> {
    let program = ebpf.program_mut(name).ok_or(Refusal::Missing(name))?;
    program.try_into().map_err(|error| Refusal::Program { name, error })
}
