//! What this kernel gives the sensor, as facts with reasons; nothing is changed by looking.

use std::path::Path;

use aya::maps::MapType;
use aya::programs::{LsmAttachType, ProgramType};
use aya::sys::{is_map_supported, is_program_supported};

use crate::kernel::{Hierarchy, groups_are_of_host};
use crate::prevent::{self, Act, Held};

const TYPES: &str = "/sys/kernel/btf/vmlinux";
const MODULES: &str = "/sys/kernel/security/lsm";

/// How much of the kernel can be watched, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Before the act, and able to refuse it.
    SecurityModule,
    /// Functions of the kernel, without a tax on other calls.
    Functions,
    Tracepoints,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::SecurityModule, Self::Functions, Self::Tracepoints];

    pub fn name(self) -> &'static str {
        match self {
            Self::SecurityModule => "BPF-LSM",
            Self::Functions => "fentry",
            Self::Tracepoints => "tracepoints",
        }
    }
}

/// Whether something is there, and why not where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: &'static str,
    /// None where that is not known.
    pub present: Option<bool>,
    /// What it is needed for, or what was found instead.
    pub why: String,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// What the kernel has, by tier; the sensor says itself which one it uses.
    pub tiers: Vec<(Tier, Finding)>,
    /// What can be refused here, and by what.
    pub preventions: Vec<(Act, Held)>,
    pub hierarchy: Hierarchy,
}

impl Report {
    /// Looks at this machine.
    pub fn of_this_machine() -> Self {
        let hierarchy = Hierarchy::find();
        Self {
            findings: vec![
                types(),
                ring_buffer(),
                groups(&hierarchy),
                groups_can_refuse(),
                fanotify(),
            ],
            tiers: Tier::ALL.iter().map(|tier| (*tier, of_tier(*tier))).collect(),
            preventions: prevent::held_here(),
            hierarchy,
        }
    }
}

fn types() -> Finding {
    let present = Path::new(TYPES).exists();
    let why = if present {
        "the programs fit themselves to this kernel"
    } else {
        "the kernel was built without CONFIG_DEBUG_INFO_BTF: no program can be loaded"
    };
    Finding { what: "type information (BTF)", present: Some(present), why: why.to_owned() }
}

fn ring_buffer() -> Finding {
    let (present, why) = match is_map_supported(MapType::RingBuf) {
        Ok(true) => (Some(true), "records keep their order".to_owned()),
        Ok(false) => (Some(false), "the kernel is older than 5.8".to_owned()),
        Err(error) => (None, error.to_string()),
    };
    Finding { what: "BPF ring buffer", present, why }
}

fn groups(hierarchy: &Hierarchy) -> Finding {
    let why = match (hierarchy.controller, &hierarchy.mounted) {
        (_, None) => "no hierarchy is mounted: containers cannot be told apart".to_owned(),
        (Some(controller), Some(folder)) => {
            format!("version 1, told apart by `{controller}` at `{}`", folder.display())
        }
        (None, Some(folder)) => format!("version 2 at `{}`", folder.display()),
    };
    if !groups_are_of_host() {
        let why = "they are seen from a namespace of their own: those of the host are not told";
        return Finding { what: "control groups", present: Some(false), why: why.to_owned() };
    }
    Finding { what: "control groups", present: Some(hierarchy.mounted.is_some()), why }
}

fn groups_can_refuse() -> Finding {
    let (present, why) = match is_program_supported(ProgramType::CgroupSockAddr) {
        Ok(true) => (Some(true), "connections can be refused by control group".to_owned()),
        Ok(false) => (Some(false), "the kernel has none for addresses of sockets".to_owned()),
        Err(error) => (None, error.to_string()),
    };
    Finding { what: "programs at control groups", present, why }
}

/// Tried with a mark on the root folder alone, which nobody executes.
pub fn fanotify() -> Finding {
    let what = "permission events (fanotify)";
    match crate::prevent::fanotify::is_possible() {
        Ok(()) => {
            let why = "programs, and reading of files, can be refused in containers".to_owned();
            Finding { what, present: Some(true), why }
        }
        Err(error) => Finding { what, present: Some(false), why: error.to_string() },
    }
}

/// That the kernel knows a kind of program does not mean that it lets one load: lockdown or the
/// lack of trampolines refuse it then. So a tier that this sensor does not load is never called there.
fn of_tier(tier: Tier) -> Finding {
    let what = tier.name();
    let (kind, missing) = match tier {
        Tier::SecurityModule => {
            (ProgramType::Lsm(LsmAttachType::Mac), "the kernel has no programs at security hooks")
        }
        Tier::Functions => (ProgramType::Tracing, "the kernel has no programs at its functions"),
        Tier::Tracepoints => (ProgramType::RawTracePoint, "the kernel has none at tracepoints"),
    };
    if tier == Tier::SecurityModule && !module_is_active() {
        let why = format!("`bpf` is not known to be in `{MODULES}` (boot with `lsm=…,bpf`)");
        return Finding { what, present: Some(false), why };
    }
    let (present, why) = match is_program_supported(kind) {
        Ok(true) if tier == Tier::Tracepoints => (Some(true), "in use".to_owned()),
        Ok(true) => (None, "known to the kernel; whether it loads is not tried".to_owned()),
        Ok(false) => (Some(false), missing.to_owned()),
        Err(error) => (None, error.to_string()),
    };
    Finding { what, present, why }
}

fn module_is_active() -> bool {
    hooks_are_asked().is_ok()
}

/// Whether the kernel asks programs at hooks of security modules. Where `bpf` is not in its list they
/// load and attach all the same, and are never asked.
///
/// # Errors
/// If it does not, or does not say.
pub(crate) fn hooks_are_asked() -> Result<(), String> {
    let modules = std::fs::read_to_string(MODULES)
        .map_err(|error| format!("whether BPF-LSM is active is not known: `{MODULES}`: {error}"))?;
    if modules.trim().split(',').any(|name| name == "bpf") {
        return Ok(());
    }
    Err(format!("`bpf` is not in `{MODULES}` (boot with `lsm=…,bpf`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_reason() {
        let report = Report::of_this_machine();
        let tiers: Vec<Tier> = report.tiers.iter().map(|(tier, _)| *tier).collect();
        assert_eq!(tiers, Tier::ALL);
        let all = report.findings.iter().chain(report.tiers.iter().map(|(_, finding)| finding));
        for finding in all {
            assert!(!finding.why.is_empty(), "{finding:?}");
        }
        let acts: Vec<Act> = report.preventions.iter().map(|(act, _)| *act).collect();
        assert_eq!(acts, Act::ALL);
        for (act, held) in report.preventions {
            assert_ne!(held, Held::NotHere(String::new()), "{act:?}");
        }
    }
}
