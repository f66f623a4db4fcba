//! What programs of a control group use is noted by the kernel, from the group's beginning on.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use sensor::kernel::Hierarchy;
use sensor::learn::{Learner, Used};

use crate::group::Group;

/// None, said, where programs cannot be loaded.
fn learner() -> Option<(Learner, Hierarchy)> {
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/kernel/btf/vmlinux").exists() {
        testkit::skip("BPF programs want root and the kernel's type information");
        return None;
    }
    let hierarchy = Hierarchy::find();
    let learner = Learner::start(&hierarchy).expect("the programs load");
    Some((learner, hierarchy))
}

fn calls(used: &Used) -> Vec<&'static str> {
    used.calls.values().flatten().copied().collect()
}

/// A shell comes into the group from outside, as a runtime does, and executes a program there.
#[test]
fn what_is_executed_in_a_group_is_noted_and_what_came_from_outside_is_not() {
    let Some((mut learner, hierarchy)) = learner() else { return };
    let mounted = hierarchy.mounted.expect("a hierarchy");
    let folder = mounted.join(format!("lazaret-learn-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a control group");
    let group = std::fs::metadata(&folder).expect("the group").ino();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let script = "echo $$ > \"$0/cgroup.procs\"; cd /; exec /bin/chown 1 \"$1\"";
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", script]).arg(&folder).arg(file.path()).status();
    assert!(status.expect("it runs").success());
    let used = learner.read(group).expect("a group that was made is learnt about");
    let names = calls(&used);
    // busybox has another one than the other tools.
    let gives = |name: &&str| matches!(*name, "chown" | "fchownat");
    assert!(names.iter().any(gives) && names.contains(&"exit_group"), "{names:?}");
    for outside in ["chdir", "execve", "dup2"] {
        assert!(!names.contains(&outside), "{outside} is of who came from outside: {names:?}");
    }
    match (&used.capabilities, learner.without_capabilities()) {
        (Some(all), None) => assert!(all.contains("chown"), "{all:?}"),
        (None, Some(why)) => println!("capabilities: {why}"),
        other => panic!("{other:?}"),
    }
    assert!(!used.is_gone && learner.read(group).is_none(), "nothing is new");
    std::fs::remove_dir(&folder).expect("it goes");
    assert!(learner.read(group).expect("that is new").is_gone);
    assert!(learner.groups().contains(&group));
    learner.forget(group);
    assert!(!learner.groups().contains(&group) && learner.read(group).is_none());
    assert_eq!(learner.unlearnt(), 0);
}

#[test]
fn a_group_that_was_there_is_learnt_about_from_then_on() {
    let hierarchy = Hierarchy::find();
    let Some(mounted) = &hierarchy.mounted else { return };
    let folder = mounted.join(format!("lazaret-met-{}", std::process::id()));
    if rustix::process::geteuid().is_root() {
        std::fs::create_dir(&folder).expect("a control group");
    }
    let Some((mut learner, _)) = learner() else { return };
    let group = std::fs::metadata(&folder).expect("the group").ino();
    assert!(learner.read(group).is_none(), "nobody asked");
    learner.meet(group).expect("there is room");
    learner.meet(group).expect("it is met once");
    let script = "echo $$ > \"$0/cgroup.procs\"; /bin/true; kill -0 $$";
    let mut shell = Command::new("/bin/sh");
    let status = shell.args(["-c", script]).arg(&folder).status();
    assert!(status.expect("it runs").success());
    let used = learner.read(group).expect("something ran");
    let names = calls(&used);
    assert!(names.contains(&"exit_group") && !names.contains(&"kill"), "{names:?}");
    std::fs::remove_dir(&folder).expect("it goes");
}

/// Of programs of 32 bits, by the names that their architecture has for them.
#[test]
fn calls_of_32_bits_are_noted_as_what_they_are() {
    let Some((mut learner, _)) = learner() else { return };
    let Some(acts) = crate::watch::acts() else { return };
    if !crate::watch::has_acts_of_compat() {
        return;
    }
    let group = Group::make("learn-compat");
    let mut command = group.program(acts);
    assert!(command.args(["compat-open", "/etc/passwd"]).status().expect("it runs").success());
    let used = learner.read(group.number).expect("something ran");
    let architecture = if cfg!(target_arch = "x86_64") { "x86" } else { "arm" };
    assert!(used.calls[architecture].contains("open"), "{used:?}");
    assert_eq!(used.unnamed, 0, "{used:?}");
}
