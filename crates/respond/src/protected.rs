//! What is never touched, whoever asks: a mistake here takes down more than an attacker would.
//!
//! Only the host's own processes are protected by their program: in a container anybody may call
//! anything `dockerd`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::container::Container;
use crate::groups;
use crate::process::Process;

/// The beginning of a program's file name, and what ends with it.
const PROGRAMS: &[(&str, &str)] = &[
    ("aardvark-dns", "it tells containers each other's addresses"),
    ("catatonit", "it holds the namespaces of a user's containers"),
    ("conmon", "it holds a container's output and its end"),
    ("containerd", "it and its shims hold the containers of this host"),
    ("crio", "it runs the containers of this host"),
    ("crun", "it is about to make or end a container"),
    ("dbus-", "the host's services speak through it"),
    ("docker-proxy", "it carries a container's published port"),
    ("dockerd", "it runs the containers of this host"),
    ("fuse-overlayfs", "it holds the files of a user's containers"),
    ("k3s", "it runs the pods of this host"),
    ("kubelet", "it runs the pods of this host"),
    ("lazaret", "it is of ourselves"),
    ("passt", "it is the network of a user's containers"),
    ("podman", "it runs containers of this host"),
    ("rke2", "it runs the pods of this host"),
    ("rootlessport", "it carries the published port of a user's container"),
    ("runc", "it is about to make or end a container"),
    ("slirp4netns", "it is the network of a user's containers"),
    ("systemd", "it holds the services of this host"),
];

/// Pods of this namespace keep a cluster alive: its network, its names, its API.
const SYSTEM_NAMESPACE: &str = "kube-system";

/// Why a process may not be killed or stopped, if so. `kin` are ourselves and our ancestors.
pub(crate) fn process(process: &Process, kin: &[u32]) -> Option<String> {
    let pid = process.id.pid;
    if pid == 1 {
        return Some("it is the host's first process".to_owned());
    }
    if process.is_of_kernel || pid == 2 {
        return Some("it is a thread of the kernel".to_owned());
    }
    if kin.contains(&pid) {
        return Some("it is of ourselves, or one that we were started by".to_owned());
    }
    if groups::container_of_process(pid).is_some() {
        return None;
    }
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    // Who is not root may give a file of his own any name.
    let owner = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?.uid();
    let why = (owner == 0).then(|| of_program(&program)).flatten()?;
    Some(format!("`{}`: {why}", program.display()))
}

fn of_program(program: &Path) -> Option<&'static str> {
    let name = program.file_name()?.to_str()?;
    PROGRAMS.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, why)| *why)
}

/// Why a container may not be touched, if so.
pub(crate) fn container(container: &Container) -> Option<&'static str> {
    let ours = groups::container_of_process(std::process::id());
    if ours.is_some_and(|ours| ours.id == container.id) {
        return Some("we run in it");
    }
    match container.namespace.as_deref() {
        Some(SYSTEM_NAMESPACE) => Some("it is of a system pod (namespace kube-system)"),
        Some(_) => None,
        // What is not known to be none of the system is not touched.
        None => container.is_of_pod().then_some("it is of a pod, and no runtime says of which"),
    }
}

/// Ourselves and all that we descend from.
pub(crate) fn kin() -> Vec<u32> {
    let mut kin = Vec::new();
    let mut next = Process::ours();
    while let Some(process) = next {
        kin.push(process.id.pid);
        // Numbers are used again, so a circle could be read.
        let parent = process.parent;
        next = if kin.contains(&parent) { None } else { Process::of(parent) };
    }
    kin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessId;

    #[test]
    fn programs_are_known_by_their_names() {
        for (path, is_protected) in [
            ("/usr/sbin/dockerd", true),
            ("/usr/bin/containerd-shim-runc-v2", true),
            ("/usr/bin/conmon (deleted)", true),
            ("/lib/systemd/systemd-journald", true),
            ("/usr/bin/lazaret", true),
            ("/usr/bin/crun", true),
            ("/usr/bin/slirp4netns", true),
            ("/usr/bin/dockered", false),
            ("/dockerd/sh", false),
            ("/usr/bin/sleep", false),
        ] {
            assert_eq!(of_program(Path::new(path)).is_some(), is_protected, "{path}");
        }
    }

    #[test]
    fn the_first_the_kernel_and_our_own_are_protected() {
        let kin = kin();
        assert_eq!(kin.first(), Some(&std::process::id()));
        assert!(kin.len() > 1 && kin.contains(&1), "{kin:?}");
        let of = |pid, is_of_kernel| Process {
            id: ProcessId { pid, started: 0 },
            name: String::new(),
            state: 'S',
            parent: 0,
            is_of_kernel,
        };
        assert!(process(&of(1, false), &[]).unwrap().contains("first"));
        assert!(process(&of(77, true), &[]).unwrap().contains("kernel"));
        assert!(process(&of(kin[1], false), &kin).unwrap().contains("ourselves"));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let sleep = Process::of(child.id()).unwrap();
        assert_eq!(process(&sleep, &kin), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn system_pods_are_protected() {
        let of = |namespace: Option<&str>| {
            container(&Container {
                namespace: namespace.map(str::to_owned),
                ..Container::default()
            })
        };
        assert!(of(Some("kube-system")).is_some());
        assert_eq!(of(Some("shop")), None);
        assert_eq!(of(None), None);
        let unified = Some("/sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/x".into());
        assert!(container(&Container { unified, ..Container::default() }).is_some());
    }
}
