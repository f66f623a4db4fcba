//! Records in, lineages out.

use model::event::Credentials;

use super::*;
use crate::record::{Deed, Exit, Inode};

const BOOT: u64 = 1_000_000_000_000;

fn id(pid: u32, started: u64) -> ProcessId {
    ProcessId { pid, started }
}

fn record(process: ProcessId, parent: ProcessId, name: &str) -> Record {
    Record {
        time: process.started + 1_000_000,
        processor: 0,
        thread: process.pid,
        process,
        parent,
        virtual_thread: process.pid,
        virtual_process: process.pid,
        control_group: 1,
        name: name.into(),
        cut: false,
        deed: Deed::Exit(Exit::default()),
    }
}

/// Numbers of processes that do not exist, so that `/proc` knows nothing of them.
const FAR: u32 = 1 << 30;

struct Table(Processes);

impl Table {
    fn new() -> Self {
        Self(Processes::new(Clock::of_boot(BOOT)))
    }

    fn begin(&mut self, name: &str, process: ProcessId, parent: ProcessId) {
        self.0.meet(&record(process, parent, name));
    }

    fn fork(&mut self, name: &str, parent: ProcessId, child: ProcessId) {
        self.clone(name, parent, parent, child);
    }

    fn clone(&mut self, name: &str, maker: ProcessId, parent: ProcessId, child: ProcessId) {
        let by = record(maker, ProcessId::default(), name);
        let fork = Fork {
            child,
            virtual_child: 7,
            parent,
            control_group: 2,
            identity: Identity { uid: 5, ..Identity::default() },
            executable: Inode::default(),
            directory: crate::record::Walk::default(),
        };
        self.0.fork(&by, &fork);
    }

    fn exec(&mut self, process: ProcessId, words: &[&str]) {
        let by = record(process, ProcessId::default(), words[0]);
        let arguments = words.iter().map(|word| (*word).into()).collect();
        self.0.exec(&by, &Exec { arguments, ..Exec::default() });
    }

    fn line(&mut self, of: ProcessId) -> Vec<String> {
        self.0.ancestors(of).iter().map(|process| process.name.to_string()).collect()
    }
}

#[test]
fn a_process_of_a_millisecond_has_arguments_and_ancestors() {
    let mut table = Table::new();
    let (shell, child) = (id(FAR, 10), id(FAR + 1, 20));
    table.begin("bash", shell, ProcessId::default());
    table.fork("bash", shell, child);
    let forked = Arc::clone(table.0.get(child).unwrap());
    assert_eq!(
        (forked.name.to_string(), forked.parent, forked.virtual_pid),
        ("bash".to_owned(), FAR, 7)
    );
    assert_eq!((forked.started, forked.credentials.uid, forked.control_group), (BOOT + 20, 5, 2));
    table.exec(child, &["cat", "/etc/shadow"]);
    table.0.exit(child);
    let process = table.0.get(child).unwrap();
    assert_eq!(*process.arguments, ["cat", "/etc/shadow"]);
    assert_eq!(process.executed, BOOT + 20 + 1_000_000);
    assert_eq!(table.line(child), ["bash"]);
    // Whoever held it before sees it as it was.
    assert_eq!(*forked.arguments, [] as [&str; 0]);
}

#[test]
fn an_environment_that_others_have_is_held_once() {
    let mut table = Table::new();
    let exec = |table: &mut Table, process: ProcessId| {
        table.begin("sh", process, ProcessId::default());
        let by = record(process, ProcessId::default(), "sh");
        let environment = ["PATH=/bin", "HOME=/"].map(Into::into).into();
        table.0.exec(&by, &Exec { environment, ..Exec::default() });
        Arc::clone(&table.0.get(process).unwrap().environment)
    };
    let first = exec(&mut table, id(FAR, 10));
    assert!(Arc::ptr_eq(&first, &exec(&mut table, id(FAR + 1, 20))));
}

/// What a number is called is for the files of the root to say that the process is in.
#[test]
fn names_stay_where_they_were_read() {
    let identity = || Identity { uid: 5, gid: 5, login_uid: Some(5), ..Identity::default() };
    let mount = Identity { mount_namespace: 7, ..identity() };
    let user = Identity { user_namespace: 7, ..identity() };
    let root = Identity { root: Root { mount: 7, inode: 7 }, ..identity() };
    for (to, is_named) in [(identity(), true), (mount, false), (user, false), (root, false)] {
        let mut table = Table::new();
        let [shell, child] = [id(FAR, 1), id(FAR + 1, 2)];
        let by = record(shell, ProcessId::default(), "sh");
        let begin = |table: &mut Table| {
            table.0.meet(&by);
            table.0.identify(shell, &identity());
            table.0.change(shell, |process| {
                let user = model::event::User { name: "nobody".into(), ..Default::default() };
                process.credentials.user = Some(user.clone());
                process.credentials.login_user = Some(user);
                process.credentials.group = Some("nogroup".into());
            });
        };
        let names = |table: &Table, of| {
            let Credentials { user, login_user, group, .. } = &table.0.get(of).unwrap().credentials;
            [user.is_some(), login_user.is_some(), group.is_some()]
        };
        begin(&mut table);
        table.0.identify(shell, &to);
        assert_eq!(names(&table, shell), [is_named; 3], "{to:?}");
        begin(&mut table);
        table.0.exec(&by, &Exec { identity: to.clone(), ..Exec::default() });
        assert_eq!(names(&table, shell), [is_named; 3], "{to:?}");
        begin(&mut table);
        let fork = Fork { child, identity: to.clone(), ..Fork::default() };
        table.0.fork(&by, &fork);
        assert_eq!(names(&table, child), [is_named; 3], "{to:?}");
    }
}

#[test]
fn a_number_that_is_used_again_is_another_process() {
    let mut table = Table::new();
    let (old, child, new) = (id(FAR, 10), id(FAR + 1, 20), id(FAR, 30));
    table.begin("old", old, ProcessId::default());
    table.fork("old", old, child);
    table.begin("new", new, ProcessId::default());
    assert_eq!(table.0.get(old), None);
    assert_eq!(table.0.get(new).unwrap().name, "new");
    assert_eq!(table.line(child), ["old"], "the child of the one before stays its child");
}

#[test]
fn lineages_follow_what_ancestors_become_and_outlive_them() {
    let mut table = Table::new();
    let [init, shell, child] = [id(FAR, 1), id(FAR + 1, 2), id(FAR + 2, 3)];
    table.begin("init", init, ProcessId::default());
    table.fork("init", init, shell);
    table.fork("init", shell, child);
    assert_eq!(table.line(child), ["init", "init"]);
    table.exec(shell, &["sh"]);
    assert_eq!(table.line(child), ["sh", "init"]);
    let line = table.0.ancestors(child);
    assert!(Arc::ptr_eq(&line, &table.0.ancestors(child)), "made once");
    // The shell exits: the kernel gives its child to init, and we do not.
    table.0.exit(shell);
    table.0.meet(&record(child, init, "init"));
    assert_eq!(table.line(child), ["sh", "init"]);
    // And when it is forgotten, its child still remembers.
    for number in 0..=ENDED_MAX as u64 {
        let other = id(FAR + 10 + u32::try_from(number).unwrap(), 100 + number);
        table.begin("other", other, init);
        table.0.exit(other);
    }
    assert_eq!(table.0.get(shell), None);
    assert_eq!(table.line(child), ["sh", "init"]);
    assert!(table.0.len() <= ENDED_MAX + 3);
}

/// A kilobyte of empty words is many times that here.
#[test]
fn programs_with_many_words_are_forgotten_sooner() {
    let mut table = Table::new();
    let words: Vec<&str> = std::iter::once("x").chain([""; 1_000]).collect();
    for number in 0..5_000 {
        let process = id(FAR + number, u64::from(number) + 1);
        table.begin("x", process, ProcessId::default());
        table.exec(process, &words);
        table.0.exit(process);
    }
    assert!(table.0.len() * 1_000 * size_of::<Text>() <= ENDED_BYTES_MAX, "{}", table.0.len());
    assert!(table.0.len() > 1_000);
    let held: usize = table.0.ended.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(table.0.ended_bytes, held);
}

#[test]
fn a_child_shares_the_words_of_its_maker() {
    let mut table = Table::new();
    let [shell, child] = [id(FAR, 1), id(FAR + 1, 2)];
    table.begin("sh", shell, ProcessId::default());
    table.exec(shell, &["sh", "-c"]);
    table.fork("sh", shell, child);
    let [shell, child] = [shell, child].map(|id| Arc::clone(table.0.get(id).unwrap()));
    assert!(Arc::ptr_eq(&shell.arguments, &child.arguments));
}

#[test]
fn a_sibling_that_was_forked_for_its_parent_has_that_parent() {
    let mut table = Table::new();
    let [runc, stage, container] = [id(FAR, 1), id(FAR + 1, 2), id(FAR + 2, 3)];
    table.begin("runc", runc, ProcessId::default());
    table.fork("runc", runc, stage);
    table.clone("runc", stage, runc, container);
    assert_eq!(table.0.get(container).unwrap().parent, runc.pid);
    // The same by a kernel that did not say so at the fork.
    let container = id(FAR + 3, 4);
    table.fork("runc", stage, container);
    table.0.meet(&record(container, runc, "runc:[2:INIT]"));
    assert_eq!(table.line(container), ["runc"]);
    assert_eq!(table.0.get(container).unwrap().parent, runc.pid);
}

#[test]
fn a_chain_of_forks_without_end_is_cut() {
    let mut table = Table::new();
    table.begin("p", id(FAR, 1), ProcessId::default());
    for number in 0..1000 {
        let parent = id(FAR + number, u64::from(number) + 1);
        table.fork("p", parent, id(FAR + number + 1, u64::from(number) + 2));
    }
    assert_eq!(table.line(id(FAR + 1000, 1001)).len(), Event::MAX_ANCESTORS);
}

#[test]
fn names_change_with_the_first_thread_alone() {
    let mut table = Table::new();
    let process = id(FAR, 1);
    table.begin("java", process, ProcessId::default());
    let worker = Record { thread: FAR + 5, ..record(process, ProcessId::default(), "worker") };
    table.0.meet(&worker);
    assert_eq!(table.0.get(process).unwrap().name, "java");
    table.begin("renamed", process, ProcessId::default());
    assert_eq!(table.0.get(process).unwrap().name, "renamed");
}

#[test]
fn a_record_of_before_the_program_does_not_rename_it() {
    let mut table = Table::new();
    let process = id(FAR, 1);
    table.begin("runc:[2:INIT]", process, ProcessId::default());
    table.exec(process, &["sh"]);
    let before = record(process, ProcessId::default(), "runc:[2:INIT]");
    table.0.meet(&Record { time: before.time - 1, ..before });
    assert_eq!(table.0.get(process).unwrap().name, "sh");
}

#[test]
fn what_runs_now_is_known_from_the_start() {
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    // `spawn` returns when the old memory is gone, an instant before the new has its arguments.
    let words = format!("/proc/{}/cmdline", child.id());
    while std::fs::read(&words).unwrap() != b"sleep\x0060\0" {
        std::thread::yield_now();
    }
    let clock = Clock::now();
    let mut table = Processes::of_host(clock);
    let of =
        |table: &Processes, pid: u32| table.ids().into_iter().find(|it| it.pid == pid).unwrap();
    let sleep = of(&table, child.id());
    let process = Arc::clone(table.get(sleep).unwrap());
    assert_eq!(*process.arguments, ["sleep", "60"]);
    assert_eq!(process.parent, std::process::id());
    assert!(process.executable.path.starts_with(b"/"), "{:?}", process.executable.path);
    assert_ne!(process.executable.inode, 0);
    // 0 where whoever started us began no session: a first process, or one of another namespace.
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
    assert_eq!(process.session.to_string(), session);
    assert!(process.environment.iter().any(|it| it.starts_with(b"PATH=")));
    assert!(clock.now_epoch() - process.started < 60_000_000_000, "{}", process.started);
    assert_eq!(table.ancestors(sleep)[0].pid, std::process::id());
    // A record tells the time of birth exactly; a hundredth of a second later it is another.
    let exact = ProcessId { started: sleep.started + TICK / 2, ..sleep };
    assert!(table.get(exact).is_some());
    assert!(table.get(ProcessId { started: sleep.started + 3 * TICK, ..sleep }).is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    table.sweep();
    assert!(table.entry(sleep).unwrap().has_ended);
    let ours = of(&table, std::process::id());
    assert!(!table.entry(ours).unwrap().has_ended);
}

#[test]
fn a_program_from_memory_is_called_what_its_maker_called_it() {
    let mut table = Table::new();
    for (name, path) in [("memfd:x", "memfd:x"), ("/memfd:x", "memfd:x"), ("x", "memfd:x")] {
        let process = id(FAR, 10);
        table.begin("x", process, ProcessId::default());
        let walk = crate::record::Walk { path: name.into(), ..crate::record::Walk::default() };
        let executable = Inode { from_memory: true, walk, ..Inode::default() };
        let by = record(process, ProcessId::default(), "x");
        table.0.exec(&by, &Exec { executable, ..Exec::default() });
        assert_eq!(table.0.get(process).unwrap().executable.path, path, "{name}");
    }
}

#[test]
fn in_another_root_numbers_have_other_names() {
    let mut table = Table::new();
    let shell = id(FAR, 10);
    table.begin("bash", shell, ProcessId::default());
    table.exec(shell, &["bash"]);
    table.0.change(shell, |process| process.credentials.group = Some("wheel".into()));
    table.exec(shell, &["bash"]);
    let group = |table: &Table| table.0.get(shell).unwrap().credentials.group.clone();
    assert_eq!(group(&table).unwrap(), "wheel");
    let root = crate::record::Root { mount: 7, inode: 0 };
    table.0.identify(shell, &Identity { root, ..Identity::default() });
    assert_eq!(group(&table), None);
}

#[test]
fn a_clock_that_jumps_costs_nobody_his_birth() {
    let mut table = Table::new();
    let (parent, child) = (id(FAR, 10 * TICK), id(FAR + 1, 20 * TICK));
    table.begin("sh", parent, ProcessId::default());
    table.fork("sh", parent, child);
    table.exec(child, &["true"]);
    let born = |table: &mut Table| {
        let ancestor = table.0.ancestors(child).first().map(|it| it.started);
        let process = table.0.get(child).unwrap();
        (process.started, process.executed > process.started, ancestor)
    };
    for boot in [BOOT, BOOT + 3_600_000_000_000, BOOT - 600_000_000_000, BOOT] {
        table.0.set_clock(Clock::of_boot(boot));
        let expected = (boot + child.started, true, Some(boot + parent.started));
        assert_eq!(born(&mut table), expected);
    }
    // Measuring it takes a moment, which is no jump; many of them are.
    for step in 1..=10 {
        table.0.set_clock(Clock::of_boot(BOOT + step * TICK / 10));
        let (started, ..) = born(&mut table);
        let clock = BOOT + step * TICK / 10;
        assert!((clock + child.started).abs_diff(started) < TICK / 2, "{step}");
    }
}
