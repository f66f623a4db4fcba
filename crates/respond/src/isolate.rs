//! Isolate: no packet of the container's sockets comes or goes, but to networks that are kept and
//! within the container.
//!
//! Programs on its control group do that (`bpf/isolate.bpf.c`), held by pins: they outlive us, and
//! end with the group. That needs no program of the host, leaves rules of others alone, and works
//! for containers that use the host's network, where the loopback is the host's and is cut as well.

use core::net::IpAddr;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use aya::EbpfLoader;
use aya::maps::MapData;
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::programs::links::FdLink;
use aya::programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType};
use rustix::mount::{MountFlags, mount};
use sensor::kernel::load_again;
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::network::Network;
use crate::refusal::Refusal;

#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/isolate-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/isolate-aarch64.o");

/// Where systemd mounts it.
const BPF: &str = "/sys/fs/bpf";
/// `statfs` of that filesystem (`BPF_FS_MAGIC`).
const BPF_MAGIC: i64 = 0xcafe_4a11;
const PROGRAMS: [(&str, &str, CgroupSkbAttachType); 2] = [
    ("egress", "isolate_egress", CgroupSkbAttachType::Egress),
    ("ingress", "isolate_ingress", CgroupSkbAttachType::Ingress),
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Isolation {
    /// In the unified hierarchy.
    pub(crate) group: PathBuf,
    inode: u64,
    /// The folder of its pins: one a container.
    pins: PathBuf,
    keep: Vec<Network>,
    keeps_loopback: bool,
}

impl Isolation {
    pub(crate) fn plan(container: &Container, keep: &[Network]) -> Result<Self, Refusal> {
        let failed =
            |why: &dyn ToString| Refusal::failed("isolating", container.title(), &why.to_string());
        let Some(group) = container.unified.clone() else {
            let why = "it has no control group of version 2, which programs are attached to";
            return Err(failed(&why).hinting("mount the unified hierarchy, or `pause` it"));
        };
        let inode = fs::metadata(&group).map_err(|error| failed(&error))?.ino();
        let first = container.first_process()?.id.pid;
        let network = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/net"));
        // Where the first process may not be looked at, ours is the host's.
        let of_host = network(1).or_else(|_denied| network(std::process::id()));
        let of_host = of_host.map_err(|error| failed(&error))?;
        let keeps_loopback = network(first).map_err(|error| failed(&error))? != of_host;
        // The name is that of a group, which cannot hold a slash; dots would lead elsewhere.
        let pins = Path::new(BPF).join("lazaret/isolated").join(format!("c-{}", container.id));
        Ok(Self { group, inode, pins, keep: keep.to_vec(), keeps_loopback })
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        if !self.is_there() {
            return Err(self.failed(&"the container is gone"));
        }
        mount_bpf().map_err(|error| self.failed(&error))?;
        // What was half done by somebody who is gone is done anew; new links first, so that there
        // is no moment without any.
        let attached = self.attach();
        let links = attached.map_err(|why| self.failed(&why))?;
        self.unpin().map_err(|error| self.failed(&error))?;
        fs::create_dir_all(&self.pins).map_err(|error| self.failed(&error))?;
        for (name, link) in links {
            let pinned = link.pin(self.pins.join(name));
            if let Err(error) = pinned {
                self.unpin().map_err(|error| self.failed(&error))?;
                return Err(self.failed(&error));
            }
        }
        let kept: Vec<String> = self.keep.iter().map(Network::to_string).collect();
        let kept = if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") };
        let loopback = if self.keeps_loopback {
            ""
        } else {
            "; it uses the host's network, so its loopback is cut too"
        };
        Ok(format!("cut from every network, {kept} kept{loopback}"))
    }

    fn attach(&self) -> Result<Vec<(&'static str, FdLink)>, String> {
        let loopback = u32::from(self.keeps_loopback);
        let mut ebpf = EbpfLoader::new()
            .override_global("keeps_loopback", &loopback, true)
            .load(OBJECT)
            .map_err(|error| shown(&error))?;
        self.fill(&mut ebpf)?;
        let group = File::open(&self.group).map_err(|error| shown(&error))?;
        let mut links = Vec::new();
        for (pin, name, kind) in PROGRAMS {
            let program = ebpf.program_mut(name).ok_or_else(|| format!("no program `{name}`"))?;
            let program: &mut CgroupSkb = program.try_into().map_err(|error| shown(&error))?;
            load_again(|| program.load()).map_err(|error| shown(&error))?;
            // A link of its own, beside those of others, whatever the mode is called.
            let id = program.attach(&group, kind, CgroupAttachMode::Single);
            let link = program.take_link(id.map_err(|error| shown(&error))?);
            let link = link.map_err(|error| shown(&error))?;
            links.push((pin, FdLink::try_from(link).map_err(|error| shown(&error))?));
        }
        Ok(links)
    }

    fn fill(&self, ebpf: &mut aya::Ebpf) -> Result<(), String> {
        // Borrowed: a map that is taken out goes before the programs that need it are loaded.
        let mut lists = ebpf.maps_mut().collect::<std::collections::BTreeMap<_, _>>();
        let mut list = |name| lists.remove(name).ok_or_else(|| format!("no map `{name}`"));
        let mut v4: LpmTrie<&mut MapData, [u8; 4], u8> =
            list("kept_v4")?.try_into().map_err(|error| shown(&error))?;
        let mut v6: LpmTrie<&mut MapData, [u8; 16], u8> =
            list("kept_v6")?.try_into().map_err(|error| shown(&error))?;
        for Network { address, prefix } in &self.keep {
            let prefix = u32::from(*prefix);
            let inserted = match address {
                IpAddr::V4(address) => v4.insert(&Key::new(prefix, address.octets()), 1, 0),
                IpAddr::V6(address) => v6.insert(&Key::new(prefix, address.octets()), 1, 0),
            };
            inserted.map_err(|error| shown(&error))?;
        }
        Ok(())
    }

    pub(crate) fn revert(&self) -> Result<String, Refusal> {
        self.unpin().map_err(|error| self.failed(&error))?;
        Ok(if self.is_there() { "has its network again" } else { "the container is gone" }
            .to_owned())
    }

    /// Without their pins the links end, and with them the programs.
    fn unpin(&self) -> std::io::Result<()> {
        let absent_is_fine = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        for (name, ..) in PROGRAMS {
            absent_is_fine(fs::remove_file(self.pins.join(name)))?;
        }
        absent_is_fine(fs::remove_dir(&self.pins))
    }

    pub(crate) fn holds(&self) -> bool {
        self.is_there() && PROGRAMS.iter().all(|(name, ..)| self.pins.join(name).exists())
    }

    fn is_there(&self) -> bool {
        fs::metadata(&self.group).is_ok_and(|folder| folder.ino() == self.inode)
    }

    fn failed(&self, why: &impl ToString) -> Refusal {
        Refusal::failed("isolating", format!("`{}`", self.group.display()), why)
            .hinting("root, Linux 5.11 or later, and CONFIG_CGROUP_BPF")
    }
}

/// An error with its causes.
fn shown(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Hosts without systemd may not have it mounted.
fn mount_bpf() -> std::io::Result<()> {
    let is_mounted = rustix::fs::statfs(BPF).is_ok_and(|found| found.f_type == BPF_MAGIC);
    if is_mounted {
        return Ok(());
    }
    fs::create_dir_all(BPF)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    Ok(mount("bpf", BPF, "bpf", flags, c"mode=0700")?)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    #[test]
    fn the_object_is_made_from_its_source() {
        let sum = Sha256::digest(include_bytes!("../bpf/isolate.bpf.c"));
        let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let kept = include_str!("../bpf/prebuilt/source.sha256");
        assert_eq!(kept, hex, "hint: `cargo xtask bpf --write`");
    }
}
