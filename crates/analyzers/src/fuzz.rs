//! Every parser of a stranger's bytes as a plain function, for fuzz targets.
//!
//! Each takes any bytes, must return in time linear to them, and must not panic. What it returns
//! is the number of packages or other facts found, so that nothing is optimized away.

use crate::facts::{FACTS_BYTES_MAX, FileFacts};
use crate::malware;
use crate::os::rpm;
use crate::{Analyzer, File, Select};

/// An analyzer on bytes that stand at each place it selects in turn.
pub fn analyze(analyzer: &dyn Analyzer, bytes: &[u8]) -> usize {
    let mut facts = FileFacts::with_room(FACTS_BYTES_MAX);
    for select in analyzer.selects() {
        let path = place(*select);
        analyzer.analyze(&File { path: &path, bytes, mode: 0o755, signatures: None }, &mut facts);
    }
    facts.packages.len().saturating_add(facts.repositories.len())
}

/// A path that is selected.
fn place(select: Select) -> String {
    match select {
        Select::Path(path) => path.to_owned(),
        Select::In { directory, suffix } | Select::Consulted { directory, suffix } => {
            format!("{directory}/a{suffix}")
        }
        Select::Below { directory, name } => format!("{directory}/a/{name}"),
        Select::Anywhere { directory, name } => format!("a/{directory}/{name}").replace('*', "a"),
        Select::Executable | Select::Any => "usr/bin/a".to_owned(),
    }
}

/// Signatures in each of ClamAV's forms.
pub fn clam_signatures(bytes: &[u8]) -> usize {
    malware::signatures(bytes)
}

/// One package header, as all rpm databases hold them.
pub fn rpm_header(bytes: &[u8]) -> usize {
    rpm::header::installed(bytes).is_ok_and(|installed| installed.is_some()).into()
}
