//! Time and memory against the layers of an image, and against how many of them are new to the
//! cache.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{append, made, root};
use crate::bench::Session;
use crate::bench::measure::{Contender, in_turn, succeed};
use crate::bench::reference::skopeo;

/// The same 64,000 files of 1,000 bytes in so many layers.
const LAYERS: [usize; 3] = [1, 8, 64];
const FILES: usize = 64_000;

pub(super) fn run(session: &Session, folder: &Path) -> Result<(), String> {
    println!("Layers (`sbom`; each of 64,000 files in all):\n");
    let mut cold = Vec::new();
    for count in LAYERS {
        let path = made(folder.join(format!("layers-{count}.tar")), |into| image(into, count, 0))?;
        cold.push((format!("{count} layers, nothing cached"), path));
    }
    let (_, known) = cold.last().cloned().unwrap_or_default();
    let next = made(folder.join("layers-next.tar"), |into| image(into, 64, 1))?;
    let layout = |name: &str, archive: &Path| layout(&folder.join(name), archive);
    let (known, next) = (layout("known", &known)?, layout("next", &next)?);
    let cached = |target: &str| session.lazaret(&["sbom", target]);
    // A rescan of an image of which one layer changed: the cache knows the others by digest.
    let in_new_cache = |script: &str| {
        let mut command = Command::new("sh");
        let cache = session.work.join("cache-sweep");
        command.args(["-ec", &format!("rm -rf \"$1\"; {script}"), "sh"]).arg(&cache);
        command.arg(&session.lazaret).args([&known, &next]).env("XDG_CACHE_HOME", &cache);
        command
    };
    let first = || in_new_cache("exec \"$2\" sbom \"$3\"");
    let rescan = || in_new_cache("\"$2\" sbom \"$3\" > /dev/null; exec \"$2\" sbom \"$4\"");
    let commands: Vec<_> = cold
        .iter()
        .map(|(name, path)| {
            let target = format!("docker-archive:{}", path.display());
            (name, move || session.lazaret(&["sbom", "--no-cache", &target]))
        })
        .collect();
    let mut contenders: Vec<Contender<'_>> =
        commands.iter().map(|(name, command)| Contender { name, command }).collect();
    let all_known = || cached(&known);
    contenders.extend([
        Contender { name: "64 layers of a layout, all cached", command: &all_known },
        Contender { name: "64 layers of a layout, none cached", command: &first },
        Contender { name: "the same, and again with one layer changed", command: &rescan },
    ]);
    in_turn(&contenders, session.runs)?;
    println!();
    Ok(())
}

/// What `docker save` writes: `count` layers that share the files among them. Images of another
/// `edition` differ in the highest layer alone.
fn image(into: &mut dyn Write, count: usize, edition: usize) -> io::Result<()> {
    let mut archive = tar::Builder::new(into);
    let (mut paths, mut diff_ids) = (Vec::new(), Vec::new());
    for layer in 0..count {
        let mut tar = Vec::new();
        let packages = if layer == 0 { 500 } else { 0 };
        let edition = if layer + 1 == count { edition } else { 0 };
        root(&mut tar, packages, (&format!("opt/{layer}-{edition}"), FILES / count, 1_000))?;
        let path = format!("{layer}/layer.tar");
        append(&mut archive, &path, &tar)?;
        paths.push(path);
        diff_ids.push(format!("sha256:{}", hex(&Sha256::digest(&tar))));
    }
    let config = json!({
        "os": "linux", "architecture": "amd64",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    append(&mut archive, "config.json", config.to_string().as_bytes())?;
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["sweep:1"], "Layers": paths }]);
    append(&mut archive, "manifest.json", manifest.to_string().as_bytes())?;
    archive.finish()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The archive as an OCI layout, whose layers are cached by their digests.
fn layout(folder: &Path, archive: &Path) -> Result<String, String> {
    if !folder.exists() {
        succeed(&mut skopeo(archive, folder))?;
    }
    Ok(format!("oci-dir:{}", folder.display()))
}
