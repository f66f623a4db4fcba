//! A journal survives who writes it.

use std::os::unix::fs::symlink;

use jiff::Timestamp;
use model::Response;

use super::*;
use crate::entry::{Intent, State};
use crate::plan::Plan;
use crate::process::{Process, ProcessId};
use crate::quarantine::Quarantine;
use crate::target::Target;

/// Of a file that is there, by whoever `actor` is.
fn intent(folder: &Path, actor: ProcessId) -> Step {
    let path = folder.join("file");
    fs::write(&path, "content").unwrap();
    let plan = Quarantine::plan(None, &path, folder, false).unwrap();
    Step::Intent(Box::new(Intent {
        response: Response::Quarantine,
        target: Target::File { container: None, path },
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

#[test]
fn a_long_journal_is_put_away_and_nothing_open_is_forgotten() {
    let (folder, journal) = private();
    let mut open = journal.open().unwrap();
    open.write(Id(1), intent(folder.path(), gone())).unwrap();
    open.write(Id(2), intent(folder.path(), gone())).unwrap();
    open.write(Id(2), Step::Failed { why: "x".repeat(usize::try_from(BYTES_MAX).unwrap()) })
        .unwrap();
    drop(open);
    let open = journal.open().unwrap();
    assert_eq!((open.entries.keys().collect::<Vec<_>>(), open.next_id()), (vec![&Id(1)], Id(3)));
    drop(open);
    let open = journal.open().unwrap();
    assert_eq!((open.entries.keys().collect::<Vec<_>>(), open.next_id()), (vec![&Id(1)], Id(3)));
    assert!(open.length < 4_096, "{}", open.length);
    assert!(fs::metadata(journal.folder().join("journal-2.jsonl")).unwrap().len() > BYTES_MAX);
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
