//! Segments from every feed of `../shared/data/feeds`: time and memory beside those of reading the
//! feeds, and bytes beside the same records as JSON packed by zstd.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{Contender, in_turn, once, succeed};
use super::{Session, floor, packed};

/// Files there that are samples rather than feeds.
const SAMPLES: &str = "upstream-samples.tar.zst";

pub(super) fn run(session: &Session) -> Result<(), String> {
    let db = session.work.join("db-timed");
    let files = files(session)?;
    let import = || {
        drop(std::fs::remove_dir_all(&db));
        import(session, &db, &files)
    };
    let unpack = || floor::unpack(&files);
    let contenders = [
        Contender { name: "lazaret db import", command: &import },
        Contender { name: "floor: zstd -d, gzip -d", command: &unpack },
    ];
    in_turn(&contenders, session.runs)?;
    println!();
    succeed(session.lazaret(&["db", "status"]).arg("--db").arg(&db))?;
    succeed(session.lazaret(&["db", "verify"]).arg("--db").arg(&db))?;
    println!();
    packed::compare(&db)
}

/// A store with all of them, made once, for benches that scan.
pub(super) fn store(session: &Session) -> Result<PathBuf, String> {
    let db = session.work.join("db");
    if !db.exists() {
        // Exit code 21 says that there is a feed among them that is not known yet: an answer too.
        once(&mut import(session, &db, &files(session)?))?;
    }
    Ok(db)
}

fn files(session: &Session) -> Result<Vec<PathBuf>, String> {
    let folder = session.shared("data/feeds")?;
    let entries = std::fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| !path.ends_with(SAMPLES));
    paths.sort();
    Ok(paths)
}

fn import(session: &Session, db: &Path, files: &[PathBuf]) -> Command {
    let mut command = session.lazaret(&["db", "import"]);
    command.arg("--db").arg(db).args(files);
    command
}
