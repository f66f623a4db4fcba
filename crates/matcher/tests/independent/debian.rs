//! The reference image's packages, as dpkg lists them, and Debian's security tracker.

use std::collections::BTreeSet;
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

/// Open, ignored and undetermined states, which the excerpt beside the repository lacks. Each package
/// is installed below, at and above every version that the tracker names.
#[test]
fn states_of_an_excerpt() {
    if !judges::is_here("dpkg") {
        return;
    }
    let tracker: Value = serde_json::from_str(STATES).expect("JSON");
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let feed = folder.path().join("tracker.json");
    std::fs::write(&feed, STATES).expect("it can be written");
    let mut seen = BTreeSet::new();
    let os_release = b"ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n".to_vec();
    for versions in [["1.0-1", "2:0.9-1"], ["1.0-2", "2:1.0-1~deb12u1"], ["1.0-3+b1", "2:1.0-1"]] {
        let [first, second] = versions;
        let list = format!("liba|a|{first}\nb|b|{second}\n");
        let entry = |name: &str, source: &str, version: &str| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n\
                 Source: {source}\nVersion: {version}\n\n"
            )
        };
        let status = entry("liba", "a", first) + &entry("b", "b", second);
        let files =
            [("var/lib/dpkg/status", status.into_bytes()), ("etc/os-release", os_release.clone())];
        let found = found(&inventory(&files), std::slice::from_ref(&feed));
        let expected = states_expected(&list, &tracker);
        assert_eq!(found, expected.rows, "{versions:?}");
        seen.extend(found.into_iter().map(|(_, _, status, _)| status));
    }
    let all = ["affected", "fix_deferred", "fixed", "undetermined", "will_not_fix"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

/// Written for this test, in the tracker's form; the packages do not exist.
const STATES: &str = r#"{
  "a": {
    "CVE-2099-0001": {"releases": {"bookworm": {"status": "open", "urgency": "high",
      "repositories": {"bookworm": "1.0-1", "bookworm-security": "1.0-2"}},
      "sid": {"status": "resolved", "urgency": "high", "fixed_version": "1.0-3",
      "repositories": {"sid": "1.0-3"}}}},
    "CVE-2099-0002": {"releases": {"bookworm": {"status": "open", "urgency": "low",
      "nodsa": "Minor issue", "nodsa_reason": "", "repositories": {"bookworm": "1.0-2"}}}},
    "CVE-2099-0003": {"releases": {"bookworm": {"status": "open", "urgency": "unimportant",
      "nodsa": "Not worth it", "nodsa_reason": "ignored", "repositories": {"bookworm": "1.0-2"}}}},
    "CVE-2099-0004": {"releases": {"bookworm": {"status": "open", "urgency": "medium",
      "nodsa": "Later", "nodsa_reason": "postponed", "repositories": {"bookworm": "1.0-2"}}}},
    "CVE-2099-0005": {"releases": {"bookworm": {"status": "undetermined", "urgency": "medium",
      "repositories": {"bookworm": "1.0-2"}}}},
    "CVE-2099-0006": {"releases": {"bookworm": {"status": "resolved", "urgency": "medium",
      "fixed_version": "1.0-2", "repositories": {"bookworm": "1.0-2"}}}}
  },
  "b": {
    "CVE-2099-0001": {"releases": {"bookworm": {"status": "resolved", "urgency": "high",
      "fixed_version": "2:1.0-1~deb12u1", "repositories": {"bookworm": "2:1.0-1~deb12u1"}}}},
    "CVE-2099-0007": {"releases": {"bookworm": {"status": "open", "urgency": "high",
      "repositories": {"bookworm": "2:1.0-1~deb12u1"}}}},
    "CVE-2099-0008": {"releases": {"sid": {"status": "open", "urgency": "high",
      "repositories": {"sid": "2:1.0-1"}}}}
  }
}"#;

/// What is open in the release is open in every version before the one that fixed it in unstable;
/// what is undetermined nobody knows.
fn states_expected(list: &str, tracker: &Value) -> Expected {
    let mut expected = Expected::default();
    for line in list.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, source, version] = fields.as_slice() else { panic!("{line}") };
        for (id, vulnerability) in tracker[source].as_object().into_iter().flatten() {
            expected.held += 1;
            let release = &vulnerability["releases"]["bookworm"];
            let unstable = &vulnerability["releases"]["sid"];
            let is_newer = unstable["status"] == "resolved"
                && unstable["fixed_version"]
                    .as_str()
                    .is_some_and(|fixed| !judges::dpkg_is_older(version, fixed));
            let (status, fixed) =
                match (release["status"].as_str(), release["fixed_version"].as_str()) {
                    (Some("resolved"), Some(fixed)) if judges::dpkg_is_older(version, fixed) => {
                        ("fixed", fixed)
                    }
                    (Some("open"), _) if is_newer => continue,
                    (Some("open"), _) => match release["nodsa_reason"].as_str() {
                        Some("ignored") => ("will_not_fix", "-"),
                        Some(_) => ("fix_deferred", "-"),
                        None => ("affected", "-"),
                    },
                    (Some("undetermined"), _) => ("undetermined", "-"),
                    _ => continue,
                };
            expected.rows.insert([id.as_str(), name, status, fixed].map(str::to_owned).into());
        }
    }
    expected
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
