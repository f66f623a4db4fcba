//! A spool that is left in the middle, damaged, full, or somebody else's.

use super::*;

fn letter(text: &str) -> Letter {
    Letter { time: 1, severity: 4, text: text.to_owned() }
}

fn take_all(spool: &mut Spool) -> Vec<String> {
    let mut taken = Vec::new();
    while let Some((position, letter)) = spool.front() {
        taken.push(letter.text);
        spool.take(position);
    }
    taken
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == ENDING));
    files.sort();
    files
}

#[test]
fn letters_are_taken_in_their_order_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&folder.path().join("a/b")).unwrap();
    for text in ["one", "two"] {
        spool.push(&letter(text)).unwrap();
    }
    let (position, first) = spool.front().unwrap();
    assert_eq!(first.text, "one");
    spool.push(&letter("three")).unwrap();
    assert_eq!((spool.front().unwrap().0, spool.waiting()), (position, 3), "until it is taken");
    assert_eq!(take_all(&mut spool), ["one", "two", "three"]);
    assert_eq!((spool.waiting(), spool.lost, spool.damaged), (0, 0, 0));
    assert!(files(&folder.path().join("a/b")).is_empty());
    spool.take(position);
    spool.push(&letter("four")).unwrap();
    assert_eq!(take_all(&mut spool), ["four"]);
}

#[test]
fn what_was_not_taken_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert!(Spool::open(folder.path()).unwrap_err().to_string().contains("another guard"));
    for number in 0..10 {
        spool.push(&letter(&number.to_string())).unwrap();
    }
    for _ in 0..3 {
        let (position, _) = spool.front().unwrap();
        spool.take(position);
    }
    // As the end of a process leaves it: half of a letter is the last.
    drop(spool);
    let file = files(folder.path()).pop().unwrap();
    let half = letter("never").framed().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend(&half[..half.len() - 2]);
    fs::write(&file, bytes).unwrap();

    let mut spool = Spool::open(folder.path()).unwrap();
    spool.push(&letter("ten")).unwrap();
    assert_eq!(spool.waiting(), 8);
    assert_eq!(take_all(&mut spool), ["3", "4", "5", "6", "7", "8", "9", "ten"]);
    assert_eq!((spool.waiting(), spool.lost, spool.damaged), (0, 0, 1));
}

#[test]
fn without_knowing_what_was_taken_it_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    for text in ["one", "two"] {
        spool.push(&letter(text)).unwrap();
    }
    let (position, _) = spool.front().unwrap();
    spool.take(position);
    drop(spool);
    fs::write(folder.path().join("taken"), "damaged, and longer than it was").unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(take_all(&mut spool), ["one", "two"]);
}

#[test]
fn how_far_a_file_was_taken_is_not_said_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    for text in ["one", "two"] {
        spool.push(&letter(text)).unwrap();
    }
    assert_eq!(take_all(&mut spool), ["one", "two"]);
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    spool.push(&letter("three")).unwrap();
    drop(spool);
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!((spool.waiting(), take_all(&mut spool)), (1, vec!["three".to_owned()]));
}

#[test]
fn damage_is_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::with_room(folder.path(), 800).unwrap();
    let text = "x".repeat(50);
    for number in 0..6 {
        spool.push(&letter(&format!("{number}{text}"))).unwrap();
    }
    drop(spool);
    let files = files(folder.path());
    assert_eq!(files.len(), 6, "one letter a file");
    fs::write(&files[0], "nothing of ours").unwrap();
    fs::write(&files[1], "").unwrap();
    fs::remove_file(&files[2]).unwrap();
    std::os::unix::fs::symlink(&files[5], &files[2]).unwrap();
    let mut bytes = fs::read(&files[3]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&files[3], bytes).unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert_eq!(spool.waiting(), 2);
    let taken = take_all(&mut spool);
    assert_eq!(taken, [format!("4{text}"), format!("5{text}")]);
    assert_eq!((spool.damaged, spool.lost), (4, 0));
    assert!(self::files(folder.path()).is_empty());
}

#[test]
fn the_oldest_make_room_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::with_room(folder.path(), 1_000).unwrap();
    for number in 0..100 {
        spool.push(&letter(&format!("{number:080}"))).unwrap();
        let bytes: u64 = files(folder.path()).iter().map(|it| it.metadata().unwrap().len()).sum();
        assert!(bytes <= 1_000, "{bytes}");
        if number == 1 {
            assert!(spool.front().is_some(), "the one being read is dropped too");
        }
    }
    let waiting = spool.waiting();
    assert_eq!(spool.lost + waiting, 100);
    let taken = take_all(&mut spool);
    assert_eq!(taken.len() as u64, waiting);
    assert_eq!(taken.last().unwrap(), &format!("{:080}", 99));
    assert!(taken.is_sorted());
}

#[test]
fn many_letters_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    for number in 0..3_000 {
        spool.push(&letter(&format!("{number:01000}"))).unwrap();
    }
    assert_eq!(files(folder.path()).len(), 3);
    assert_eq!(take_all(&mut spool).len(), 3_000);
    assert!(spool.push(&letter(&"x".repeat(LETTER_BYTES_MAX + 1))).is_err());
    spool.push(&letter(&"x".repeat(LETTER_BYTES_MAX))).unwrap();
    spool.push(&letter("last")).unwrap();
    let taken: Vec<usize> = take_all(&mut spool).iter().map(String::len).collect();
    assert_eq!(taken, [LETTER_BYTES_MAX, 4]);
}
