//! `lazaret demo`: a scan that needs no network, on material the binary carries.
//!
//! Everything goes the way of a real scan: feeds are imported into a store, an image is written
//! to disk and scanned. What the material is and where it comes from stands in
//! `content/demo/README.md`.

use std::path::Path;
use std::time::Duration;

use advisories::Store;
use document::table;
use include_dir::{Dir, include_dir};
use model::{Digest, ProblemKind};
use sha2::{Digest as _, Sha256};

use crate::cmd::answer::{Answer, show};
use crate::cmd::db;
use crate::cmd::ending::{ending, scan_error};
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stop_on_signals;
use crate::output;

static CONTENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/demo");

/// What the image calls itself.
const NAME: &str = "demo/shop:1";

/// The two layers: which file of the material stands at which path.
const LAYERS: [(&str, &[(&str, &str)]); 2] = [
    (
        "ADD ubuntu-22.04-rootfs / # the base",
        &[("image/os-release", "etc/os-release"), ("image/status.base", "var/lib/dpkg/status")],
    ),
    ("RUN apt-get install curl libwebp7 sudo", &[("image/status.app", "var/lib/dpkg/status")]),
];

pub(crate) fn run(global: &Global) -> Result<ExitCode, UserError> {
    let failed = |error: std::io::Error| {
        UserError::new(ExitCode::Failed, format!("cannot write the demo's files: {error}"))
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let feeds_dir = folder.path().join("feeds");
    std::fs::create_dir(&feeds_dir).map_err(failed)?;
    for file in CONTENT.get_dir("feeds").into_iter().flat_map(Dir::files) {
        let name = file.path().file_name().unwrap_or_default();
        std::fs::write(feeds_dir.join(name), file.contents()).map_err(failed)?;
    }
    let image = folder.path().join("demo-shop.tar");
    write_image(&image).map_err(failed)?;

    let store = Store::open(folder.path().join("db"));
    let stop = stop_on_signals(None)?;
    let answer = Answer::default();
    // The advisories are part of the demonstration, however old.
    let max_age = Duration::MAX;
    let feeds = feeds::Options { offline: true, max_age, ..global.feeds(&stop) };
    db::import_raw(&store, &[feeds_dir], &feeds)?;
    let options = scan::Options {
        artifact: artifact::Options {
            offline: true,
            stop: stop.clone(),
            ..artifact::Options::default()
        },
        cache_dir: None,
        cache_limit: 0,
        clamd: None,
        signatures: None,
        checks: answer.checks.settle(),
        check_set: None,
        declared: false,
        attached: false,
        distro: None,
        feeds,
        now: global.now,
        give_back: confine::give_memory_back,
    };
    let target = format!("docker-archive:{}", image.display());
    let mut result = scan::run(&target, &options, &store)
        .map_err(|error| scan_error(error, &target, &options.artifact.stop))?;
    // The folder's random name says nothing, and would make every run another.
    result.artifact.name = NAME.to_owned();
    // That its advisories are an excerpt is what the demo says of itself.
    result.problems.retain(|problem| problem.kind != ProblemKind::AdvisoriesFew);
    let mut report = answer.report_of(result, global);
    show(&mut report, &answer.filter);
    output::write(None, &table::render(&report, global.look(None)))?;
    Ok(ending(&report, &policy::GateVerdict::default()))
}

/// Writes an archive as `docker save` does.
fn write_image(path: &Path) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(std::fs::File::create(path)?);
    let (mut names, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for (position, (created_by, files)) in LAYERS.into_iter().enumerate() {
        let mut layer = tar::Builder::new(Vec::new());
        for (material, name) in files {
            let content = CONTENT.get_file(material).map(|file| file.contents());
            append(&mut layer, name, content.unwrap_or_default())?;
        }
        let layer = layer.into_inner()?;
        let name = format!("layer-{position}.tar");
        append(&mut archive, &name, &layer)?;
        diff_ids.push(Digest::sha256(Sha256::digest(&layer).into()).to_string());
        history.push(serde_json::json!({ "created_by": created_by }));
        names.push(name);
    }
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2022-12-01T00:00:00Z",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    });
    append(&mut archive, "config.json", config.to_string().as_bytes())?;
    let manifest = serde_json::json!([
        { "Config": "config.json", "RepoTags": [NAME], "Layers": names }
    ]);
    append(&mut archive, "manifest.json", manifest.to_string().as_bytes())?;
    archive.finish()
}

fn append(
    archive: &mut tar::Builder<impl std::io::Write>,
    name: &str,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content)
}
