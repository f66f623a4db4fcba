//! Files that containers write and execute are handed over as they are, whatever becomes of their names.

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use model::event::{Executable, Layering};
use sensor::contents::{Contents, Deed, News, Scope, Touched};

use super::PATIENCE;
use super::cage::Cages;

const BYTES_MAX: u64 = 64;

/// What was told: the deed, the path, the beginning of the content.
type Told = Arc<Mutex<Vec<(Deed, String, String)>>>;

fn watch() -> (Contents, Told) {
    let told = Told::default();
    let into = Arc::clone(&told);
    let take = move |news| match news {
        News::Touched(touched) => into.lock().expect("a list").push(look(&touched)),
        News::Gap(_) => {}
        News::Overflow | News::Unopened(_) => panic!("{news:?}"),
    };
    (Contents::start(Scope::Containers, Box::new(take)).expect("the kernel tells"), told)
}

fn look(touched: &Touched) -> (Deed, String, String) {
    let mut content = Vec::new();
    let is_regular = touched.print().is_some();
    if is_regular {
        let file = File::from(touched.readable().expect("a file"));
        file.take(BYTES_MAX).read_to_end(&mut content).expect("its content");
    }
    let content = String::from_utf8_lossy(&content).into_owned();
    (touched.deed, touched.path().to_string(), content)
}

/// Whether it was told by now, or soon.
fn is_told(told: &Told, deed: Deed, path: &str, content: &str) -> bool {
    let begun = Instant::now();
    loop {
        let all = told.lock().expect("a list");
        let is_it = |it: &&(Deed, String, String)| {
            it.0 == deed && it.1 == path && it.2.starts_with(content)
        };
        if all.iter().any(|it| is_it(&it)) {
            return true;
        }
        drop(all);
        if begun.elapsed() > PATIENCE / 4 {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_written_is_told_whatever_becomes_of_it() {
    let Some(cages) = Cages::ready() else { return };
    let folder = tempfile::tempdir().unwrap();
    let volume = format!("{}:/volume", folder.path().display());
    let more = ["-v", &volume, "--tmpfs", "/run"];
    // One that runs already, and one that begins.
    let former = cages.start(&more);
    let (contents, told) = watch();
    sleep(Duration::from_millis(500));
    former.shell("echo former > /volume/b");
    assert!(is_told(&told, Deed::Written, "/volume/b", "former\n"), "{:?}", told.lock().unwrap());
    let cage = cages.start(&more);
    contents.look_at(cage.pid());
    sleep(Duration::from_millis(300));
    for (script, path, content) in [
        ("echo first > /tmp/a", "/tmp/a", "first\n"),
        ("echo more >> /tmp/a", "/tmp/a", "first\nmore\n"),
        ("cp /etc/secret /tmp/copied", "/tmp/copied", "ran\n"),
        ("echo moved > /tmp/b; mv /tmp/b /tmp/c", "", "moved\n"),
        ("echo image > /etc/secret", "/etc/secret", "image\n"),
        ("echo data > /volume/a", "/volume/a", "data\n"),
        ("echo fast > /run/a", "/run/a", "fast\n"),
        ("echo memory > /dev/shm/a", "/dev/shm/a", "memory\n"),
        ("cd /tmp; echo here > d", "/tmp/d", "here\n"),
        ("unshare -m /bin/echo; echo own > /tmp/e", "/tmp/e", "own\n"),
    ] {
        cage.shell(script);
        let is_one = match path {
            // Told before or after it was renamed.
            "" => ["/tmp/b", "/tmp/c"].iter().any(|it| is_told(&told, Deed::Written, it, content)),
            path => is_told(&told, Deed::Written, path, content),
        };
        assert!(is_one, "{script}: {:?}", told.lock().unwrap());
    }
    // Gone before anybody looked, or replaced by a link to something else: what was written is told.
    cage.shell("echo gone > /tmp/f; rm /tmp/f; echo first > /tmp/g; ln -sf /etc/shadow /tmp/g");
    assert!(is_told(&told, Deed::Written, "/tmp/f", "gone\n"), "{:?}", told.lock().unwrap());
    assert!(is_told(&told, Deed::Written, "/tmp/g", "first\n"), "{:?}", told.lock().unwrap());
    // Neither makes anybody wait.
    let begun = Instant::now();
    cage.shell("mkfifo /tmp/p; (sleep 1; cat /tmp/p) & echo x > /tmp/p; wait");
    cage.shell("echo x > /dev/null; echo last > /tmp/z");
    assert!(is_told(&told, Deed::Written, "/tmp/z", "last\n"), "{:?}", told.lock().unwrap());
    assert!(begun.elapsed() < PATIENCE);
    let told = told.lock().unwrap();
    assert!(!told.iter().any(|(_, path, _)| path.starts_with("/dev/null")), "{told:?}");
}

#[test]
fn what_is_executed_is_told_even_if_it_is_gone() {
    let Some(cages) = Cages::ready() else { return };
    let layers: Arc<Mutex<Vec<(String, Deed, Touched)>>> = Arc::default();
    let into = Arc::clone(&layers);
    let take = move |news| {
        if let News::Touched(touched) = news {
            let path = touched.path().to_string();
            into.lock().unwrap().push((path, touched.deed, touched));
        }
    };
    let contents = Contents::start(Scope::Containers, Box::new(take)).unwrap();
    // Its first program is told already.
    assert!(cages.run(&["/opt/ran"]).ran());
    let cage = cages.start(&[]);
    assert!(cage.shell("cp /opt/ran /tmp/x; /tmp/x; rm /tmp/x").ran());
    assert!(cage.shell("printf '#!/bin/sh\\necho ran' > /tmp/s; chmod +x /tmp/s; /tmp/s").ran());
    sleep(Duration::from_millis(300));
    let all = layers.lock().unwrap();
    let of = |path: &str| {
        let mut found = all.iter().filter(|it| it.0 == path && it.1 == Deed::Executed);
        found.next().map(|(_, _, touched)| {
            let mut content = [0; 4];
            File::from(touched.readable().unwrap()).read_exact(&mut content).unwrap();
            (contents.layering(touched), content)
        })
    };
    assert_eq!(of("/opt/ran"), Some((Layering::Lower, *b"\x7fELF")));
    assert_eq!(of("/tmp/x"), Some((Layering::Upper, *b"\x7fELF")));
    assert_eq!(of("/tmp/s"), Some((Layering::Upper, *b"#!/b")));
}

/// The kernel's queue is bounded; what it does not tell, it says.
#[test]
fn a_flood_is_told_or_said_to_be_lost() {
    const FILES: usize = 20_000;
    let Some(cages) = Cages::ready() else { return };
    let counts = Arc::new(Mutex::new((0_usize, 0_usize)));
    let into = Arc::clone(&counts);
    let take = move |news| {
        let mut counts = into.lock().unwrap();
        match news {
            News::Touched(touched) if touched.deed == Deed::Written => counts.0 += 1,
            News::Overflow => counts.1 += 1,
            _ => {}
        }
    };
    let contents = Contents::start(Scope::Containers, Box::new(take)).unwrap();
    let cage = cages.start(&[]);
    let script =
        format!("mkdir /tmp/x; i=0; while [ $i -lt {FILES} ]; do : > /tmp/x/$i; i=$((i+1)); done");
    assert!(cage.shell(&script).succeeded);
    sleep(Duration::from_secs(1));
    drop(contents);
    let (written, overflows) = *counts.lock().unwrap();
    println!("{FILES} files: {written} told, {overflows} overflows");
    assert!(written >= FILES || overflows > 0, "{written} {overflows}");
}

#[test]
fn memory_that_runs_is_found_by_its_process() {
    let executable = Executable { inode: 1, from_memory: true, ..Executable::default() };
    assert!(!sensor::contents::tells_of(&executable));
    assert!(Touched::running(std::process::id(), &executable, 0).is_none(), "another file");
    assert!(Touched::running(u32::MAX >> 2, &executable, 0).is_none(), "no process");
    use std::os::unix::fs::MetadataExt;
    let inode = std::fs::metadata("/proc/self/exe").unwrap().ino();
    let executable = Executable { inode, ..executable };
    let touched = Touched::running(std::process::id(), &executable, 0).unwrap();
    let mut content = [0; 4];
    File::from(touched.readable().unwrap()).read_exact(&mut content).unwrap();
    assert_eq!(content, *b"\x7fELF");
}
