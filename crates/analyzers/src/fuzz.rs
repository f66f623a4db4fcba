//! Every parser of a stranger's bytes as a plain function, for fuzz targets.
//!
//! Each takes any bytes, must return in time linear to them, and must not panic. What it returns
//! is the number of packages or other facts found, so that nothing is optimized away.

use std::sync::LazyLock;

use model::{HistoryStep, ImageConfig, PathListBuilder};

use crate::config::{self, CheckSet, Scope};
use crate::facts::{FACTS_BYTES_MAX, FileFacts};
use crate::file::NEVER;
use crate::malware::{self, Seen};
use crate::os::rpm;
use crate::scratch::NO_SCRATCH;
use crate::{Analyzer, File, Select};

/// An analyzer on bytes that stand at each place it selects in turn.
pub fn analyze(analyzer: &dyn Analyzer, bytes: &[u8]) -> usize {
    let mut facts = FileFacts::with_room(FACTS_BYTES_MAX);
    for select in analyzer.selects() {
        let path = place(*select);
        let seen = &Seen::default();
        let file = File {
            path: &path,
            bytes,
            mode: 0o755,
            signatures: None,
            seen,
            until: &NEVER,
            scratch: &NO_SCRATCH,
        };
        analyzer.analyze(&file, &mut facts);
    }
    let others = facts.repositories.len().saturating_add(facts.things.len());
    facts.packages.len().saturating_add(others)
}

/// A user's check, held against an image.
pub fn own_check(bytes: &[u8]) -> usize {
    let mut set = CheckSet::empty();
    let text = String::from_utf8_lossy(bytes);
    if set.add("own.toml", &text).is_err() {
        return 0;
    }
    let config = ImageConfig { user: "root".to_owned(), ..ImageConfig::default() };
    config::judge(&[], Some(&config), Scope::default(), &set).misconfigurations.len()
}

/// The record of a step of a build, and the settings of an image.
pub fn image_settings(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let step = |line: &str| HistoryStep { created_by: line.to_owned(), layer: None };
    let config = ImageConfig {
        user: text.lines().next().unwrap_or_default().to_owned(),
        environment: vec![("PATH".to_owned(), text.to_string())],
        exposed_ports: text.lines().map(str::to_owned).collect(),
        history: text.lines().map(step).collect(),
        ..ImageConfig::default()
    };
    let secrets = crate::config_secrets(&config).0.len();
    static SET: LazyLock<CheckSet> = LazyLock::new(CheckSet::default);
    let judged = config::judge(&[], Some(&config), Scope::default(), &SET);
    secrets.saturating_add(judged.misconfigurations.len())
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
    let files = PathListBuilder::within(FACTS_BYTES_MAX);
    rpm::header::installed(bytes, files).is_ok_and(|installed| installed.is_some()).into()
}
