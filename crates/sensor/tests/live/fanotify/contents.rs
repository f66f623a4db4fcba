//! Files that containers write and execute are handed over as they are, whatever becomes of their names.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use model::event::Layering;
use sensor::contents::{Contents, Deed, News, Program, Scope, Touched};

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
        News::Missed { why, path } => {
            into.lock().expect("a list").push((Deed::Executed, path.to_string(), why.to_owned()));
        }
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
    let (_contents, told) = watch();
    sleep(Duration::from_millis(500));
    former.shell("echo former > /volume/b");
    assert!(is_told(&told, Deed::Written, "/volume/b", "former\n"), "{:?}", told.lock().unwrap());
    let cage = cages.start(&more);
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

/// Who is to be looked at waits in a bounded place: each that finds no room is told of.
#[test]
fn programs_that_find_no_room_are_counted() {
    const PROGRAMS: usize = 20_000;
    if Cages::ready().is_none() {
        return;
    }
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (missed, is_blocked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, block) = (Arc::clone(&missed), Arc::clone(&is_blocked));
    let take = move |news| {
        if let News::Missed { .. } = news {
            count.fetch_add(1, Ordering::SeqCst);
            if block.swap(false, Ordering::SeqCst) {
                let _released = held.recv();
            }
        }
    };
    let contents = Contents::start(Scope::All, Box::new(take)).expect("the kernel tells");
    // A file system of nobody, so it is not opened.
    let gone = || Program { pid: u32::MAX >> 2, ..Program::default() };
    is_blocked.store(true, Ordering::SeqCst);
    contents.began(gone());
    let begun = Instant::now();
    while is_blocked.load(Ordering::SeqCst) && begun.elapsed() < PATIENCE {
        sleep(Duration::from_millis(1));
    }
    (1..PROGRAMS).for_each(|_| contents.began(gone()));
    release.send(()).expect("it waits");
    while missed.load(Ordering::SeqCst) < PROGRAMS && begun.elapsed() < PATIENCE {
        sleep(Duration::from_millis(10));
    }
    assert_eq!(missed.load(Ordering::SeqCst), PROGRAMS);
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

/// Nobody marked the mount that a container made a moment before.
#[test]
fn what_a_new_mount_holds_is_told_once() {
    let Some(cages) = Cages::ready() else { return };
    let (contents, told) = watch();
    let cage = cages.start(&["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"]);
    let script = "mkdir /mnt /mnt/a; mount -t tmpfs none /mnt && echo script > /mnt/s && \
                  cp /bin/busybox /mnt/busybox && (/mnt/busybox sleep 600 & echo $!)";
    let said = cage.shell(script);
    assert!(said.succeeded, "{said:?}");
    let program = running(&cage, "/mnt/busybox");
    assert!(!is_told_now(&told, "/mnt/busybox"), "it was not marked: {:?}", told.lock().unwrap());
    contents.began(program.clone());
    assert!(
        is_told(&told, Deed::Executed, "/mnt/busybox", "\u{7f}ELF"),
        "{:?}",
        told.lock().unwrap()
    );
    // What was written before is told too, and what happens from now on.
    assert!(is_told(&told, Deed::Written, "/mnt/s", "script\n"), "{:?}", told.lock().unwrap());
    cage.shell("echo later > /mnt/l; /mnt/busybox true");
    assert!(is_told(&told, Deed::Written, "/mnt/l", "later\n"), "{:?}", told.lock().unwrap());
    // One that is gone is found at its path, unless another file is there.
    let gone = Program { pid: u32::MAX >> 2, ..program };
    contents.began(gone.clone());
    contents.began(Program { changed: gone.changed + 1, path: "/mnt/other".into(), ..gone });
    sleep(Duration::from_secs(1));
    let told = told.lock().unwrap();
    let count = |deed, path: &str| told.iter().filter(|it| it.0 == deed && it.1 == path).count();
    assert_eq!(count(Deed::Executed, "/mnt/busybox"), 3, "{told:?}");
    assert_eq!(count(Deed::Written, "/mnt/s"), 1, "{told:?}");
    let missed = told.iter().find(|it| it.1 == "/mnt/other").map(|it| it.2.clone());
    assert!(missed.is_some_and(|why| why.contains("ended before")), "{told:?}");
}

/// What the kernel told of is not told again because its program began.
#[test]
fn a_program_that_was_told_of_is_told_once() {
    let Some(cages) = Cages::ready() else { return };
    let (contents, told) = watch();
    let cage = cages.start(&[]);
    assert!(is_told(&told, Deed::Executed, "/bin/busybox", "\u{7f}ELF"));
    contents.began(running(&cage, "/bin/busybox"));
    sleep(Duration::from_secs(1));
    let told = told.lock().unwrap();
    let count = told.iter().filter(|it| it.1 == "/bin/busybox").count();
    assert_eq!(count, 1, "{told:?}");
}

fn is_told_now(told: &Told, path: &str) -> bool {
    told.lock().expect("a list").iter().any(|it| it.1 == path)
}

/// The program of the container that runs this, as a record would tell of it.
fn running(cage: &super::cage::Cage<'_>, path: &str) -> Program {
    use std::os::unix::fs::MetadataExt;
    let space = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let of_cage = space(cage.pid());
    let pids = std::fs::read_dir("/proc").expect("processes").flatten();
    let mut pids = pids.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let runs = |pid: u32| {
        let link = std::fs::read_link(format!("/proc/{pid}/exe"));
        link.is_ok_and(|link| link == std::path::Path::new(path)) && space(pid) == of_cage
    };
    let pid = pids.find(|pid| runs(*pid)).expect("it runs");
    let file = std::fs::metadata(format!("/proc/{pid}/exe")).expect("it runs");
    let link = of_cage.expect("it runs");
    let number = link.to_string_lossy().replace(|it: char| !it.is_ascii_digit(), "");
    Program {
        pid,
        parent: cage.pid(),
        is_of_container: true,
        path: path.into(),
        // As it is where nothing but the number tells.
        device: 0,
        inode: file.ino(),
        changed: u64::try_from(file.ctime()).expect("after 1970") * 1_000_000_000
            + u64::try_from(file.ctime_nsec()).expect("a part of a second"),
        filesystem: 0x0102_1994,
        space: number.parse().expect("a number"),
        ..Program::default()
    }
}
