//! A scenario's script, with what its first lines say of it.
//!
//! ```text
//! # in: container --privileged     or `host`, and the programs that it needs there
//! # fires: escape-kernel-helper    the rules that tell it, and no others; none of a benign twin
//! # may: malware-executed           those that tell it where the machine is quick enough, if any
//! ```

use std::path::{Path, PathBuf};

pub(super) struct Script {
    /// `escape/kernel-helper`.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) fires: Vec<String>,
    pub(super) may_fire: Vec<String>,
}

pub(super) enum Place {
    /// With these options of `docker run`.
    Container(Vec<String>),
    /// Where these programs are installed.
    Host(Vec<String>),
}

/// Those of the folders below a folder, by their names.
pub(super) fn all(folder: &Path) -> Vec<Script> {
    let sorted = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    sorted(folder)
        .iter()
        .flat_map(|folder| sorted(folder))
        .map(|path| read(folder, &path))
        .collect()
}

fn read(folder: &Path, path: &Path) -> Script {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(folder).unwrap().with_extension("");
    let said = |key: &str| -> Option<Vec<String>> {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {key}:")))?;
        Some(line.split_whitespace().map(str::to_owned).collect())
    };
    let words = |key: &str| {
        let words = said(key);
        assert!(words.is_some(), "{} has no line `# {key}:`", name.display());
        words.unwrap_or_default()
    };
    let mut place = words("in");
    let rest = place.split_off(1);
    let is_on_host = place == ["host"];
    assert!(is_on_host || place == ["container"], "{} runs in {place:?}", name.display());
    let place = if is_on_host { Place::Host(rest) } else { Place::Container(rest) };
    let may_fire = said("may").unwrap_or_default();
    Script { fires: words("fires"), may_fire, name: name.display().to_string(), text, place }
}
