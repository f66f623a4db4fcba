//! The reference image's packages, as dpkg lists them, and Debian's security tracker.

use std::process::Command;

use serde_json::Value;

use crate::{Expected, assert_same, found, inventory, judges, shared};

const IMAGE: &str = "bench/reference:1";
const FEED: &str = "feeds/debian-tracker-bookworm.json.zst";

#[test]
fn reference_image() {
    let Some(feed) = shared(FEED) else { return };
    if !judges::is_here("dpkg") {
        return;
    }
    let query = "${Package}|${source:Package}|${source:Version}\n";
    let (Some(status), Some(list), Some(os_release)) = (
        in_image(&["cat", "/var/lib/dpkg/status"]),
        in_image(&["dpkg-query", "-W", "-f", query]),
        in_image(&["cat", "/etc/os-release"]),
    ) else {
        eprintln!("skipped: Docker does not have {IMAGE}");
        return;
    };
    let unpacked = Command::new("zstd").arg("-dc").arg(&feed).output().expect("zstd runs").stdout;
    let tracker: Value = serde_json::from_slice(&unpacked).expect("JSON");
    let list = String::from_utf8(list).expect("dpkg speaks UTF-8");
    let expected = expected(&list, &tracker);

    let files = [("var/lib/dpkg/status", status), ("etc/os-release", os_release)];
    let found = found(&inventory(&files), &[feed]);
    assert_same("reference image", &found, &expected);
}

fn in_image(command: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("docker")
        .args(["run", "--rm", "--pull", "never", "--network", "none", IMAGE])
        .args(command)
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

/// The tracker's words for bookworm, taken one by one.
fn expected(list: &str, tracker: &Value) -> Expected {
    let mut expected = Expected::default();
    for line in list.lines() {
        let mut fields = line.split('|');
        let mut field = || fields.next().expect("three fields a line");
        let (name, source, version) = (field(), field(), field());
        for (id, vulnerability) in tracker[source].as_object().into_iter().flatten() {
            expected.held += 1;
            let release = &vulnerability["releases"]["bookworm"];
            let fixed = release["fixed_version"].as_str();
            let row = match (release["status"].as_str(), fixed) {
                (Some("resolved"), Some("0")) => continue,
                (Some("resolved"), Some(fixed)) if judges::dpkg_is_older(version, fixed) => {
                    [id.as_str(), name, "fixed", fixed]
                }
                (Some("resolved"), Some(_)) | (None, _) => continue,
                (Some(other), _) => panic!("this excerpt has no status `{other}`"),
            };
            expected.rows.insert(row.map(str::to_owned).into());
        }
    }
    expected
}
