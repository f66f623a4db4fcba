//! Files and sockets that are left, by Landlock; and what of it this kernel does not know to refuse.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use crate::cage::Gap;

/// The newest that rules are written for; an older kernel leaves gaps.
const NEWEST: ABI = ABI::V9;

/// Since when the kernel can refuse what.
const SINCE: [(ABI, &str); 6] = [
    (ABI::V1, "files"),
    (ABI::V3, "cutting files short"),
    (ABI::V4, "TCP"),
    (ABI::V5, "commands to devices"),
    (ABI::V6, "signals and abstract sockets"),
    (ABI::V9, "sockets that have a path"),
];

/// Which files.
#[derive(Clone, Debug)]
pub enum Files {
    /// Whatever its user may: for who has to see all of a host.
    All,
    /// Only these. What is not there when the cage is closed stays out of reach.
    Only(Vec<Grant>),
}

/// A file, or a folder with all that is below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    Read(PathBuf),
    /// Read, written, made, renamed and removed; never executed, and no devices.
    Write(PathBuf),
    /// A socket that is connected to.
    Connect(PathBuf),
}

/// Which connections, of those that its calls allow at all. A host's other ways out, UDP among them,
/// Landlock does not know.
#[derive(Clone, Debug)]
pub enum Network {
    Any,
    /// TCP from others to this process; none to anywhere.
    Inward,
    /// TCP to anywhere. Nobody is listened to.
    Outward,
    /// TCP to these ports; none where there are none. Nobody is listened to.
    Ports(Vec<u16>),
}

/// What is not there is left out.
pub(crate) fn close(files: &Files, network: &Network) -> Result<Vec<Gap>, RulesetError> {
    let mut rules = Ruleset::default();
    let mut is_empty = true;
    if let Files::Only(_) = files {
        rules = rules.handle_access(AccessFs::from_all(NEWEST))?;
        rules = rules.scope(Scope::from_all(NEWEST))?;
        is_empty = false;
    }
    let handled = match network {
        Network::Any => BitFlags::EMPTY,
        Network::Inward => AccessNet::ConnectTcp.into(),
        Network::Outward => AccessNet::BindTcp.into(),
        Network::Ports(_) => AccessNet::BindTcp | AccessNet::ConnectTcp,
    };
    if !handled.is_empty() {
        rules = rules.handle_access(handled)?;
        is_empty = false;
    }
    if is_empty {
        return Ok(Vec::new());
    }
    let mut rules = rules.create()?;
    if let Files::Only(grants) = files {
        for grant in grants {
            let (Grant::Read(path) | Grant::Write(path) | Grant::Connect(path)) = grant;
            let Ok(place) = PathFd::new(path) else { continue };
            let access = access(grant, path.is_dir());
            rules = rules.add_rule(PathBeneath::new(place, access))?;
        }
    }
    if let Network::Ports(ports) = network {
        for port in ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
    }
    let status = rules.restrict_self()?;
    Ok(gaps(status.landlock).into_iter().collect())
}

fn access(grant: &Grant, is_folder: bool) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let access = match grant {
        Grant::Read(_) => read,
        Grant::Connect(_) => AccessFs::ResolveUnix.into(),
        Grant::Write(_) => {
            read | AccessFs::WriteFile
                | AccessFs::Truncate
                | AccessFs::RemoveFile
                | AccessFs::RemoveDir
                | AccessFs::MakeReg
                | AccessFs::MakeDir
        }
    };
    if is_folder { access } else { access & AccessFs::from_file(NEWEST) }
}

/// What this kernel does not know to refuse.
fn gaps(status: LandlockStatus) -> Option<Gap> {
    let (has, why) = match status {
        LandlockStatus::Available { effective_abi, .. } => {
            (effective_abi, format!("its Landlock is of version {}", effective_abi as u32))
        }
        LandlockStatus::NotEnabled => {
            (ABI::Unsupported, "Landlock is switched off (`lsm=landlock,…`)".to_owned())
        }
        LandlockStatus::NotImplemented => (ABI::Unsupported, "it has no Landlock".to_owned()),
    };
    let missing: Vec<&str> =
        SINCE.iter().filter(|(since, _)| *since > has).map(|(_, what)| *what).collect();
    let what = missing.join(", ");
    (!missing.is_empty()).then(|| Gap(format!("this kernel does not keep from {what}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_does_not_know_is_said() {
        let of = |abi| gaps(LandlockStatus::Available { effective_abi: abi, kernel_abi: None });
        let said = of(ABI::V3).unwrap().0;
        assert!(said.contains("TCP, commands") && said.contains("version 3"), "{said}");
        assert!(!said.contains("files"), "{said}");
        assert_eq!(of(NEWEST), None);
        let none = gaps(LandlockStatus::NotImplemented).unwrap().0;
        assert!(none.contains("from files") && none.ends_with("it has no Landlock"), "{none}");
    }
}
