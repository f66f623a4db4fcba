//! A scenario's script, with what its first lines say of it.
//!
//! ```text
//! # in: container --privileged     or `host`, and the programs that it needs there
//! # fires: escape-kernel-helper    the rules that tell it, and no others; none of a benign twin
//! ```

use std::path::{Path, PathBuf};

pub(super) struct Script {
    /// `escape/kernel-helper`.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) place: Place,
    pub(super) fires: Vec<String>,
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
    let words = |key: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {key}:")));
        assert!(line.is_some(), "{} has no line `# {key}:`", name.display());
        line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let mut place = words("in");
    let rest = place.split_off(1);
    let is_on_host = place == ["host"];
    assert!(is_on_host || place == ["container"], "{} runs in {place:?}", name.display());
    let place = if is_on_host { Place::Host(rest) } else { Place::Container(rest) };
    Script { fires: words("fires"), name: name.display().to_string(), text, place }
}
