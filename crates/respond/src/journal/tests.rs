//! A journal survives who writes it.

use std::os::unix::fs::symlink;

use jiff::Timestamp;
use model::Response;

use super::*;
use crate::entry::{Intent, State};
use crate::plan::Plan;
use crate::process::{Process, ProcessId};
use crate::quarantine::Quarantine;
use crate::root::Root;
use crate::target::Target;

/// The longest line, as lengths in memory are.
const LINE: usize = 1 << 20;

/// Of a file that is there, by whoever `actor` is.
fn intent(folder: &Path, actor: ProcessId) -> Step {
    let path = folder.join("file");
    fs::write(&path, "content").unwrap();
    let plan = Quarantine::plan(Root::find(None, None, None).unwrap(), &path, None, folder, false)
        .unwrap();
    Step::Intent(Box::new(Intent {
        response: Response::Quarantine,
        target: Target::File { container: None, path, told: None },
        subject: "file".to_owned(),
        why: "a test".to_owned(),
        who: "nobody".to_owned(),
        until: Some(Timestamp::UNIX_EPOCH),
        actor,
        plan: Plan::Quarantine(plan),
    }))
}

fn ours() -> ProcessId {
    Process::ours().unwrap().id
}

/// Whoever had our number before us.
fn gone() -> ProcessId {
    ProcessId { started: 0, ..ours() }
}

fn state(journal: &Journal, id: Id) -> State {
    journal.open().unwrap().entries[&id].state
}

fn private() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(&folder.path().join("state/respond")).unwrap();
    (folder, journal)
}

#[test]
fn an_entry_goes_through_its_steps() {
    let (folder, journal) = private();
    let mut open = journal.open().unwrap();
    let id = open.next_id();
    open.write(id, intent(folder.path(), ours())).unwrap();
    drop(open);
    let step = |step: Step| {
        journal.open().unwrap().write(id, step).unwrap();
        state(&journal, id)
    };
    assert_eq!(state(&journal, id), State::Underway, "we are there");
    assert_eq!(step(Step::Done { note: String::new() }), State::Active);
    assert!(journal.open().unwrap().entries[&id].is_overdue(Timestamp::now()));
    let undo = |actor| Step::Undo { who: String::new(), actor };
    assert_eq!(step(undo(ours())), State::Underway);
    assert_eq!(step(Step::UndoFailed { why: "no".to_owned() }), State::Active);
    assert_eq!(step(undo(gone())), State::HalfUndone);
    assert_eq!(step(Step::Undone { note: String::new() }), State::Undone);
    assert_eq!(journal.open().unwrap().next_id(), Id(2));
}

#[test]
fn who_is_gone_without_an_outcome_left_it_unfinished() {
    let (folder, journal) = private();
    journal.open().unwrap().write(Id(1), intent(folder.path(), gone())).unwrap();
    assert_eq!(state(&journal, Id(1)), State::Unfinished);
    let finish = Step::Finish { who: String::new(), actor: ours() };
    journal.open().unwrap().write(Id(1), finish).unwrap();
    assert_eq!(state(&journal, Id(1)), State::Underway);
    journal.open().unwrap().write(Id(1), Step::Failed { why: String::new() }).unwrap();
    assert_eq!(state(&journal, Id(1)), State::Failed);
}

/// Cut at every byte: what is whole counts, what comes later stands alone.
#[test]
fn a_line_that_was_cut_off_is_no_line() {
    let (folder, journal) = private();
    journal.open().unwrap().write(Id(1), intent(folder.path(), gone())).unwrap();
    let path = journal.folder().join(NAME);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len() - 1).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let mut open = journal.open().unwrap();
        assert!(open.entries.is_empty(), "{length}");
        assert_eq!(open.damaged, usize::from(length > 1), "{length}");
        let id = open.next_id();
        open.write(id, intent(folder.path(), gone())).unwrap();
        drop(open);
        assert_eq!(state(&journal, id), State::Unfinished, "{length}");
    }
}

#[test]
fn what_is_not_ours_alone_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| match Journal::at(path) {
        Err(Refusal::State { why, .. }) => why,
        _ => String::new(),
    };
    let at = folder.path().join("state");
    Journal::at(&at).unwrap();
    assert_eq!(fs::metadata(&at).unwrap().mode() & 0o777, 0o700);
    fs::set_permissions(&at, fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(refused(&at), "others may look into it");
    symlink("state", folder.path().join("link")).unwrap();
    assert_eq!(refused(&folder.path().join("link")), "not a folder");
    let journal = Journal::at(&folder.path().join("other")).unwrap();
    drop(journal.open().unwrap());
    for file in [NAME, "lock"] {
        let mode = fs::metadata(journal.folder().join(file)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// A journal with one open entry, and others whose lines make it long.
fn long() -> (tempfile::TempDir, Journal) {
    let (folder, journal) = private();
    let mut open = journal.open().unwrap();
    open.write(Id(1), intent(folder.path(), gone())).unwrap();
    for _ in 0..6 {
        let id = open.next_id();
        open.write(id, intent(folder.path(), gone())).unwrap();
        open.write(id, Step::Failed { why: "x".repeat(LINE - 200) }).unwrap();
    }
    drop(open);
    (folder, journal)
}

fn names(journal: &Journal) -> Vec<String> {
    let entries = fs::read_dir(journal.folder()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("journal")).collect();
    names.sort();
    names
}

#[test]
fn a_long_journal_is_put_away_and_nothing_open_is_forgotten() {
    assert_eq!(LINE as u64, LINE_BYTES_MAX);
    let (_folder, journal) = long();
    for _ in 0..2 {
        let open = journal.open().unwrap();
        let ids: Vec<_> = open.entries.keys().collect();
        assert_eq!((ids, open.next_id(), open.damaged), (vec![&Id(1)], Id(8), 0));
        assert!(open.length < 4_096, "{}", open.length);
    }
    assert_eq!(names(&journal), ["journal-7.jsonl", "journal.jsonl"]);
    assert!(fs::metadata(journal.folder().join("journal-7.jsonl")).unwrap().len() > BYTES_MAX);
}

/// What is on disk at each moment at which somebody may die who puts it away.
#[test]
fn whoever_dies_while_it_is_put_away_loses_nothing() {
    type Die = fn(&mut Open);
    let deaths: [(&str, Die); 5] = [
        ("a part of the next one", |open| {
            fs::write(open.folder.join(FRESH), "{\"id\":7").unwrap();
        }),
        ("the next one", |open| open.write_fresh().unwrap()),
        ("the old one has two names", |open| {
            open.write_fresh().unwrap();
            open.keep_old().unwrap();
        }),
        ("the next one is in its place", |open| {
            open.write_fresh().unwrap();
            open.keep_old().unwrap();
            open.replace().unwrap();
        }),
        ("an older one has the name", |open| {
            fs::write(open.folder.join("journal-7.jsonl"), "older").unwrap();
        }),
    ];
    for (said, die) in deaths {
        let (_folder, journal) = long();
        let whole = fs::read(journal.folder().join(NAME)).unwrap();
        let file = File::options().append(true).open(journal.folder().join(NAME)).unwrap();
        let Told { entries, last, damaged, .. } = read(&*whole).unwrap();
        let (folder, length) = (journal.folder().to_owned(), whole.len() as u64);
        let lock = file.try_clone().unwrap();
        die(&mut Open { folder, file, length, entries, damaged, last, _lock: lock });
        assert_eq!(state(&journal, Id(1)), State::Unfinished, "{said}");
        let open = journal.open().unwrap();
        assert_eq!((open.next_id(), open.length < 4_096), (Id(8), true), "{said}");
        let kept = names(&journal).into_iter().map(|name| fs::read(journal.folder().join(name)));
        let mut kept = kept.map(Result::unwrap);
        assert!(kept.any(|there| there == whole), "{said}: what was put away is whole");
        assert!(!journal.folder().join(FRESH).exists(), "{said}");
    }
}

/// More than could be held at once, all of it open: it is read to its end, and stays.
#[test]
fn what_is_open_is_read_however_long_it_is() {
    let (folder, journal) = private();
    let mut open = journal.open().unwrap();
    let Step::Intent(mut intent) = intent(folder.path(), gone()) else { unreachable!() };
    intent.why = "x".repeat(LINE - 4_096);
    let mut text = Vec::new();
    for number in 1..=70 {
        let line = Line { id: Id(number), time: time::now(), step: Step::Intent(intent.clone()) };
        text.extend(serde_json::to_vec(&line).unwrap());
        text.push(b'\n');
    }
    open.file.write_all(&text).unwrap();
    drop(open);
    let mut open = journal.open().unwrap();
    assert!(open.length > 64 << 20);
    assert_eq!((open.entries.len(), open.next_id(), open.damaged), (70, Id(71), 0));
    open.write(Id(70), Step::Failed { why: String::new() }).unwrap();
    drop(open);
    assert_eq!(state(&journal, Id(70)), State::Failed);
    assert_eq!(state(&journal, Id(69)), State::Unfinished);
    assert_eq!(names(&journal), ["journal.jsonl"]);
}

#[test]
fn a_line_without_end_is_none_and_hides_no_other() {
    let (folder, journal) = private();
    journal.open().unwrap().write(Id(1), intent(folder.path(), gone())).unwrap();
    let mut file = File::options().append(true).open(journal.folder().join(NAME)).unwrap();
    file.write_all(&vec![b'x'; 2 * LINE + 7]).unwrap();
    let mut open = journal.open().unwrap();
    assert_eq!(open.damaged, 1);
    let long = Step::Failed { why: "x".repeat(LINE) };
    assert!(open.write(Id(1), long).is_err(), "nobody would read it");
    open.write(Id(2), intent(folder.path(), gone())).unwrap();
    drop(open);
    let open = journal.open().unwrap();
    assert_eq!((open.entries.len(), open.damaged), (2, 1));
}

/// Many at once: no line is lost, no id is given twice.
#[test]
fn writers_wait_for_each_other() {
    let (folder, journal) = private();
    let step = intent(folder.path(), gone());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let mut open = journal.open().unwrap();
                    let id = open.next_id();
                    open.write(id, step.clone()).unwrap();
                }
            });
        }
    });
    let open = journal.open().unwrap();
    assert_eq!((open.entries.len(), open.damaged, open.next_id()), (100, 0, Id(101)));
}
