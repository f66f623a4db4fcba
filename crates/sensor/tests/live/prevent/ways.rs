//! Ways round, and who is left alone.

use std::fs;
use std::path::Path;
use std::process::Command;

use model::{Place, Prevention, Refused};

use super::stage::{Folder, LOADER, REFUSED, in_the_machine_alone, is_held, preventions, told};
use crate::group::Group;

fn prevention(act: Refused) -> Prevention {
    Prevention { id: "a".to_owned(), act }
}

fn read(path: &str) -> Prevention {
    prevention(Refused::Read(vec![Place::Exactly(path.into())]))
}

fn deed(words: &[&str], folder: &Folder) -> Vec<String> {
    words.iter().map(|word| folder.text(word)).collect()
}

/// A runtime makes a container from inside of its group, by a program that was executed outside;
/// what it executes there is held.
#[test]
fn who_came_from_outside_is_left_alone_until_it_executes() {
    let folder = Folder::make();
    let group = Group::make("outside");
    let Some(mut kernel) = preventions(&[read(&folder.text("@/secret"))]) else { return };
    if !is_held(&kernel) {
        return;
    }
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    let script = folder.text("read word < @/secret; [ -n \"$word\" ]");
    let status = group.shell(&script).status().expect("a shell");
    assert!(status.success(), "the shell began outside");
    assert!(told(&mut kernel, &group).is_empty());
    let script = folder.text("exec /bin/sh -c 'read word < @/secret; [ -n \"$word\" ]'");
    assert!(!group.shell(&script).status().expect("a shell").success(), "this one did not");
    assert_eq!(told(&mut kernel, &group).len(), 1);
}

/// A container makes groups of its own, which are no way out; what is set for one counts in it.
#[test]
fn groups_in_a_group_are_held_with_it() {
    let folder = Folder::make();
    let outer = Group::make("nested");
    let inner = outer.child("inner");
    let innermost = inner.child("innermost");
    let Some(mut kernel) = preventions(&[read(&folder.text("@/secret"))]) else { return };
    if !is_held(&kernel) {
        return;
    }
    let reads = deed(&["read", "@/secret"], &folder);
    kernel.set(outer.number, 1, true).expect("the kernel takes it");
    for group in [&outer, &inner, &innermost] {
        assert_eq!(group.deed(&reads), Some(REFUSED));
    }
    kernel.set(inner.number, 0, true).expect("the kernel takes it");
    assert_eq!(outer.deed(&reads), Some(REFUSED));
    assert_eq!(innermost.deed(&reads), Some(0), "it is in one that is known to have none");
    kernel.forget(inner.number);
    assert_eq!(innermost.deed(&reads), Some(REFUSED));
}

#[test]
fn groups_that_are_not_known_have_the_default() {
    let folder = Folder::make();
    let group = Group::make("unknown");
    let Some(mut kernel) = preventions(&[read(&folder.text("@/secret"))]) else { return };
    if !is_held(&kernel) {
        return;
    }
    let reads = deed(&["read", "@/secret"], &folder);
    kernel.default(1, true).expect("the kernel takes it");
    assert_eq!(group.deed(&reads), Some(REFUSED));
    fs::read(folder.path().join("secret")).expect("we are never refused anything");
    kernel.set(group.number, 0, true).expect("the kernel takes it");
    assert_eq!(group.deed(&reads), Some(0));
    kernel.default(0, true).expect("the kernel takes it");
    kernel.forget(group.number);
    assert_eq!(group.deed(&reads), Some(0));
}

/// Nobody can say where a file is whose path is longer than anybody looks: so it is held.
#[test]
fn a_path_without_end_is_held() {
    let folder = Folder::make();
    let group = Group::make("deep");
    let Some(mut kernel) = preventions(&[read("/none")]) else { return };
    if !is_held(&kernel) {
        return;
    }
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    for (depth, code) in [(90, 0), (150, REFUSED)] {
        let script = "mkdir -p d; cd d;".repeat(depth) + "echo x > file";
        let mut make = Command::new("/bin/sh");
        make.arg("-c").arg(script).current_dir(folder.text("@/free"));
        assert!(make.status().expect("a shell").success());
        let place = folder.text("@/free") + &"/d".repeat(depth);
        let code_now = group.deed(&["relative".to_owned(), place, "file".to_owned()]);
        assert_eq!(code_now, Some(code), "{depth}");
    }
}

/// A file of the image is known by its path there, whatever it is mounted at; a file of a volume by
/// where the volume is: that is a way round, for whoever may mount.
#[test]
fn a_mount_hides_nothing_of_an_image() {
    let folder = Folder::make();
    let group = Group::make("bound");
    let places = ["/image/private", "@/free/file"]
        .map(|text| Place::Exactly(folder.text(text).as_str().into()));
    let Some(mut kernel) = preventions(&[prevention(Refused::Read(places.to_vec()))]) else {
        return;
    };
    if !is_held(&kernel) {
        return;
    }
    let Some(_image) = Overlay::mount(&folder, &folder.text("@/lower")) else { return };
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    let cases: &[(&[&str], i32)] = &[
        (&["read", "@/merged/image/private"], REFUSED),
        (&["bound", "@/merged/image", "@/mounted", "private"], REFUSED),
        (&["tree", "@/merged/image", "private"], REFUSED),
        (&["chroot", "@/merged/image", "/private"], REFUSED),
        (&["link", "@/merged/image/private", "@/merged/other"], REFUSED),
        (&["rename", "@/merged/image", "@/merged/other"], REFUSED),
        (&["read", "@/merged/image/public"], 0),
        (&["read", "@/free/file"], REFUSED),
        (&["chroot", "@/free", "/file"], REFUSED),
        // What gets through.
        (&["bound", "@/free", "@/mounted", "file"], 0),
        (&["tree", "@/free", "file"], 0),
        (&["read", "@/lower/image/private"], 0),
    ];
    for (words, code) in cases {
        assert_eq!(group.deed(&deed(words, &folder)), Some(*code), "{words:?}");
    }
}

/// Lower layers are the image's; what was written is not.
#[test]
fn what_an_image_did_not_bring_is_foreign() {
    let folder = Folder::make();
    let group = Group::make("foreign");
    let Some(mut kernel) = preventions(&[prevention(Refused::ExecuteForeign)]) else { return };
    if !is_held(&kernel) {
        return;
    }
    let Some(program) = crate::watch::acts() else { return };
    let program = program.to_string_lossy();
    // The machine itself is the image: its programs, loader and libraries are in the lower layer.
    let Some(_image) = Overlay::mount(&folder, "/") else { return };
    let merged = folder.path().join("merged");
    fs::copy(merged.join(program.trim_start_matches('/')), merged.join("written")).expect("a copy");
    // Deeds, whether they are of something foreign, and what else of them gets through.
    let cases: &[(&[&str], bool)] = &[
        (&["exec", &program], false),
        (&["exec", LOADER, &program], false),
        (&["map", &program], false),
        (&["exec", "/written"], true),
        (&["exec-handle", "/written"], true),
        (&["exec-memory", &program], true),
        (&["map", "/written"], true),
        (&["protect", "/written"], true),
    ];
    for (words, is_foreign) in cases {
        for (bits, refuse) in [(0, true), (1, true), (1, false)] {
            kernel.forget(group.number);
            kernel.set(group.number, bits, refuse).expect("the kernel takes it");
            let code = image_deed(&group, words, &merged);
            let is_refused = *is_foreign && bits == 1 && refuse;
            assert_eq!(
                code,
                Some(if is_refused { REFUSED } else { 0 }),
                "{words:?} {bits} {refuse}"
            );
            let told = told(&mut kernel, &group);
            assert_eq!(!told.is_empty(), *is_foreign && bits == 1, "{words:?} {bits}: {told:?}");
            assert!(told.iter().all(|denial| denial.refused == refuse));
        }
    }
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    let by_loader = image_deed(&group, &["exec", LOADER, "/written"], &merged);
    assert_ne!(by_loader, Some(0), "its loader fails to map it");
    let denials = told(&mut kernel, &group);
    let object = folder.text("@/merged/written");
    assert!(denials.iter().any(|denial| denial.object == object.as_str()), "{denials:?}");
}

/// By a program of the image, whose root is `merged`.
pub(super) fn image_deed(group: &Group, words: &[&str], merged: &Path) -> Option<i32> {
    let mut shell = Command::new("/bin/sh");
    let inside = "echo $$ >&9 && exec \"$@\"";
    let script = "exec 9> \"$0/cgroup.procs\"; exec chroot \"$@\"";
    shell.args(["-c", script]).arg(group.folder()).arg(merged);
    shell.args(["/bin/sh", "-c", inside, "sh"]).arg(crate::watch::acts()?).arg("deed").args(words);
    shell.status().expect("a shell").code()
}

/// An overlay at `merged`.
pub(super) struct Overlay(std::path::PathBuf);

impl Overlay {
    /// None, said, where the kernel has none.
    pub(super) fn mount(folder: &Folder, lower: &str) -> Option<Self> {
        let path = folder.path();
        for name in ["lower/image", "layers/upper", "layers/work", "merged"] {
            fs::create_dir_all(path.join(name)).expect("a folder");
        }
        for name in ["lower/image/private", "lower/image/public"] {
            fs::write(path.join(name), "x").expect("a file");
        }
        let layers = format!("lowerdir={lower},upperdir=@/layers/upper,workdir=@/layers/work");
        let options = folder.text(&layers);
        let merged = path.join("merged");
        let mounted = mount("overlay", &merged, &options);
        if !mounted {
            testkit::skip("an overlay cannot be mounted");
            return None;
        }
        Some(Self(merged))
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(&self.0).status();
        assert!(status.is_ok_and(|status| status.success()), "it is unmounted");
    }
}

fn mount(kind: &str, place: &Path, options: &str) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", kind, "-o", options, "none"]).arg(place);
    mount.status().is_ok_and(|status| status.success())
}

/// Modules: two of the kernel's own that nothing needs, and one that is asked for by name.
#[test]
fn modules_are_not_loaded() {
    let folder = Folder::make();
    let group = Group::make("module");
    let Some(modules) = std::env::var_os("LAZARET_TEST_MODULES") else {
        in_the_machine_alone("there are no modules to load");
        return;
    };
    let Some(mut kernel) = preventions(&[prevention(Refused::LoadModule)]) else { return };
    if !is_held(&kernel) {
        return;
    }
    // What the kernel runs when it wants a module.
    let asked = folder.text("@/asked");
    let program = folder.path().join("modprobe");
    fs::write(&program, format!("#!/bin/sh\necho > {asked}\n")).expect("a program");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a program");
    fs::write("/proc/sys/kernel/modprobe", program.as_os_str().as_encoded_bytes()).expect("root");
    let modules = Path::new(&modules);
    let module = |name: &str| modules.join(format!("{name}.ko")).to_string_lossy().into_owned();
    let deeds = [
        vec!["module".to_owned(), module("crc7"), "crc7".to_owned()],
        vec!["module-data".to_owned(), module("crc-itu-t"), "crc_itu_t".to_owned()],
        vec!["module-request".to_owned(), asked],
    ];
    for deed in &deeds {
        for (bits, refuse, code) in [(0, true, 0), (1, true, REFUSED), (1, false, 0)] {
            kernel.set(group.number, 0, !refuse).expect("the kernel takes it");
            kernel.set(group.number, bits, refuse).expect("the kernel takes it");
            assert_eq!(group.deed(deed), Some(code), "{deed:?} {bits} {refuse}");
            let told = told(&mut kernel, &group);
            assert_eq!(!told.is_empty(), bits == 1, "{deed:?} {bits} {refuse}");
            assert!(told.iter().all(|denial| denial.refused == refuse));
        }
    }
}
