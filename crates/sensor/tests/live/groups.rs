//! Control groups that are gone at once, and programs before their deeds.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use model::event::{Call, Text};
use sensor::kernel::Settings;
use sensor::record::{Deed, ProcessId, Record};

use crate::watch::kernel;

#[test]
fn a_group_that_is_gone_at_once_is_told_with_its_path() {
    let settings = Settings::new();
    let Some(mut kernel) = kernel(&settings) else { return };
    let hierarchy = settings.hierarchy.mounted.expect("a hierarchy");
    let name = format!("docker-{:064x}.scope", std::process::id());
    let folder = hierarchy.join(&name);
    std::fs::create_dir(&folder).expect("a control group");
    let number = std::fs::metadata(&folder).expect("the group").ino();
    std::fs::remove_dir(&folder).expect("it goes");
    let mut paths: Vec<Text> = Vec::new();
    kernel.receive(Duration::from_secs(5), &mut |record| match record.expect("a record").deed {
        Deed::Group(group) if group.number == number => paths.push(group.path),
        _ => {}
    });
    assert_eq!(paths.len(), 1, "once, though there may be many hierarchies: {paths:?}");
    assert!(paths[0].ends_with(format!("/{name}").as_bytes()), "{paths:?}");
}

/// What a program does is in another buffer than that it began.
#[test]
fn a_program_is_told_before_what_it_does() {
    const PROGRAMS: usize = 300;
    // Whoever else is in our group spends of its budget.
    let settings = Settings { bulk_budget: 1_000_000, ..Settings::new() };
    let Some(mut kernel) = kernel(&settings) else { return };
    kernel.watch(&[Call::Openat].into()).expect("calls can be watched");
    let starts = std::thread::spawn(|| {
        for _ in 0..PROGRAMS {
            let status = Command::new("/bin/cat").arg("/dev/null").status();
            assert!(status.expect("it starts").success());
        }
    });
    let mut began: HashSet<ProcessId> = HashSet::new();
    let (mut opened, mut early) = (0, 0);
    let mut note = |record: &Record| match &record.deed {
        Deed::Exec(exec) if *exec.arguments == ["/bin/cat", "/dev/null"] => {
            began.insert(record.process);
        }
        Deed::Call(call)
            if record.name == "cat" && call.text(1) == Some(&Text::from("/dev/null")) =>
        {
            opened += 1;
            early += usize::from(!began.contains(&record.process));
        }
        _ => {}
    };
    let since = Instant::now();
    loop {
        let has_ended = starts.is_finished();
        // Looked at all the time, so that it looks in between, too.
        let count = kernel.receive(Duration::ZERO, &mut |record| {
            note(&record.expect("a record"));
        });
        assert!(since.elapsed() < Duration::from_secs(120), "it does not end");
        if has_ended && count == 0 {
            break;
        }
    }
    starts.join().expect("they start");
    let losses = kernel.losses().expect("counts");
    assert_eq!((opened, early), (PROGRAMS, 0), "{} began, lost: {losses:?}", began.len());
}
