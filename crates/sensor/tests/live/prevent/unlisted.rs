//! Programs that are on no list.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use model::{Place, Prevention, Refused};

use super::stage::{Folder, LOADER, LOADER_NAME, REFUSED, is_held, preventions, told};
use super::ways::{Overlay, image_deed};
use crate::group::Group;

/// A deed, and what the denial names; nothing, if it is done.
const CASES: &[(&[&str], &str)] = &[
    (&["exec", "@/bin/held"], ""),
    (&["exec", "@/free/program"], "@/free/program"),
    (&["exec-handle", "@/free/program"], "@/free/program"),
    (&["exec", "@/free/shell-script"], ""),
    (&["exec", "@/free/other-script"], "@/free/program"),
    (&["exec", LOADER, "@/bin/held"], LOADER_NAME),
    // A library is no program, and no list names those.
    (&["map", "@/free/program"], ""),
];

fn script(folder: &Folder, name: &str, interpreter: &str) {
    let path = folder.path().join(name);
    fs::write(&path, format!("#!{interpreter}\nexit 0\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
}

fn real(path: &Path) -> Place {
    let path = path.canonicalize().expect("it is there");
    Place::Exactly(path.to_str().expect("a path").into())
}

#[test]
fn what_is_not_listed_is_not_executed() {
    let folder = Folder::make();
    let group = Group::make("unlisted");
    let Some(acts) = crate::watch::acts() else { return };
    let listed = vec![
        real(acts),
        real(Path::new("/bin/sh")),
        Place::Below(folder.text("@/bin").as_str().into()),
    ];
    let unlisted = Prevention { id: "a".to_owned(), act: Refused::ExecuteExcept(listed) };
    let Some(mut kernel) = preventions(&[unlisted]) else { return };
    if !is_held(&kernel) {
        return;
    }
    script(&folder, "free/shell-script", "/bin/sh");
    script(&folder, "free/other-script", &folder.text("@/free/program"));
    for (words, object) in CASES {
        for (bits, refuse) in [(0, true), (1, true), (1, false)] {
            kernel.forget(group.number);
            kernel.set(group.number, bits, refuse).expect("the kernel takes it");
            let deed: Vec<String> = words.iter().map(|word| folder.text(word)).collect();
            let code = group.deed(&deed);
            let is_refused = !object.is_empty() && bits == 1 && refuse;
            assert_eq!(code == Some(REFUSED), is_refused, "{words:?} {bits} {refuse}: {code:?}");
            let told = told(&mut kernel, &group);
            let is_told = !object.is_empty() && bits == 1;
            assert_eq!(told.len(), usize::from(is_told), "{words:?} {bits} {refuse}: {told:?}");
            let object = folder.text(object);
            let is_right = |path: &[u8]| path.ends_with(object.as_bytes());
            assert!(told.iter().all(|it| it.refused == refuse && is_right(&it.object)), "{told:?}");
        }
    }
}

/// What has no path is on no list.
#[test]
fn memory_is_not_executed() {
    let folder = Folder::make();
    let group = Group::make("unlisted-memory");
    let Some(acts) = crate::watch::acts() else { return };
    let act = Refused::ExecuteExcept(vec![real(acts)]);
    let Some(mut kernel) = preventions(&[Prevention { id: "a".to_owned(), act }]) else { return };
    if !is_held(&kernel) {
        return;
    }
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    let deed = ["exec-memory".to_owned(), folder.text("@/bin/held")];
    assert_eq!(group.deed(&deed), Some(REFUSED));
    assert_eq!(told(&mut kernel, &group).len(), 1);
}

/// What is mounted over a listed path is what it was where the image, or a write, put it.
#[test]
fn a_mount_lists_nothing() {
    let folder = Folder::make();
    let group = Group::make("unlisted-bound");
    let Some(acts) = crate::watch::acts() else { return };
    let merged = folder.path().join("merged");
    let listed = [acts.canonicalize().expect("it is there"), "/bin/sh".into(), "/listed".into()];
    let listed = listed.map(|path| {
        let path = merged.join(path.strip_prefix("/").expect("from the root on"));
        let real = path.canonicalize().unwrap_or(path);
        Place::Exactly(real.to_str().expect("a path").into())
    });
    let act = Refused::ExecuteExcept(listed.to_vec());
    let Some(mut kernel) = preventions(&[Prevention { id: "a".to_owned(), act }]) else { return };
    if !is_held(&kernel) {
        return;
    }
    let Some(_image) = Overlay::mount(&folder, "/") else { return };
    for name in ["listed", "other"] {
        fs::copy(acts, merged.join(name)).expect("a copy");
    }
    kernel.set(group.number, 1, true).expect("the kernel takes it");
    assert_eq!(image_deed(&group, &["exec", "/listed"], &merged), Some(0));
    assert_eq!(image_deed(&group, &["exec", "/other"], &merged), Some(REFUSED));
    let bind = |how: &[&str]| {
        let mut mount = std::process::Command::new(how[0]);
        assert!(mount.args(&how[1..]).status().expect("it runs").success());
    };
    let [listed, other] = ["@/merged/listed", "@/merged/other"].map(|it| folder.text(it));
    bind(&["mount", "--bind", &other, &listed]);
    let code = image_deed(&group, &["exec", "/listed"], &merged);
    bind(&["umount", &listed]);
    assert_eq!(code, Some(REFUSED));
}
