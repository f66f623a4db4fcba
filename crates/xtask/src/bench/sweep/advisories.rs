//! Time and memory against what publishers say: the same packages against ever larger segments.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use super::{each, file_system, made, root};
use crate::bench::Session;
use crate::bench::measure::once;

/// Source packages of which Debian's tracker speaks, ten vulnerabilities each.
const SOURCES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const EACH: usize = 10;

pub(super) fn run(session: &Session, folder: &Path) -> Result<(), String> {
    println!("Advisories (`scan --checks vuln`, 300 packages of 100 sources):\n");
    let image = made(folder.join("advisories.tar"), |into| root(into, 300, ("opt", 0, 0)))?;
    let target = file_system(&image);
    let mut stores = Vec::new();
    for sources in SOURCES {
        let name = format!("{} statements", sources * EACH);
        stores.push((name, store(session, folder, sources)?));
    }
    let scan = |db: &PathBuf| session.scan(db, "vuln", &["--no-cache", &target]);
    each(session, &stores, scan).map(drop)
}

/// A store in which Debian 12 alone is known.
fn store(session: &Session, folder: &Path, sources: usize) -> Result<PathBuf, String> {
    let feed = made(folder.join(format!("tracker-{sources}.json")), |into| tracker(into, sources))?;
    let db = folder.join(format!("db-{sources}"));
    if !db.exists() {
        once(session.lazaret(&["db", "import"]).arg("--db").arg(&db).arg(&feed))?;
    }
    Ok(db)
}

/// A document of the Debian security tracker's form.
fn tracker(into: &mut dyn Write, sources: usize) -> std::io::Result<()> {
    write!(into, "{{")?;
    for source in 0..sources {
        let mut vulnerabilities = Map::new();
        for number in 0..EACH {
            let release = json!({
                "status": "resolved", "repositories": { "bookworm": "2.0-1" },
                "fixed_version": "1.50-1", "urgency": "not yet assigned",
            });
            let id = format!("CVE-2024-{:04}", source * EACH + number + 1000);
            vulnerabilities
                .insert(id, json!({ "scope": "local", "releases": { "bookworm": release } }));
        }
        let comma = if source == 0 { "" } else { "," };
        write!(into, "{comma}\n\"source-{source}\":{}", json!(vulnerabilities))?;
    }
    write!(into, "}}")
}
