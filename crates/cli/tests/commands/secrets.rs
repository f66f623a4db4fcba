//! Secrets from end to end: found in what is removed, judged by the gate, and shown nowhere.

use std::path::Path;

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::Sandbox;

/// Two access keys that are nobody's, put together so that none lies here.
fn keys() -> [String; 2] {
    ["A5JQ7RZ3TLN2PWGYD", "A6KR4SY7UMP3QXHZE"].map(|rest| format!("AKI{rest}"))
}

/// A key that a layer removes, and one among the build arguments.
fn image() -> Vec<u8> {
    let [in_file, in_history] = keys();
    let lower = TarBuilder::new()
        .file("srv/package.json", r#"{"name": "srv", "version": "1.0.0"}"#)
        .file("srv/.env", format!("AWS_ACCESS_KEY_ID={in_file}\n"));
    let upper = TarBuilder::new().whiteout("srv/.env");
    let command = format!("RUN |1 ID={in_history} /bin/sh -c rm /srv/.env # buildkit");
    let upper = LayerBuilder::gzip(upper).created_by(&command);
    ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(lower)).layer(upper).docker_archive()
}

fn scan(sandbox: &Sandbox, format: &str) -> crate::run::Ended {
    let checks = ["scan", "--offline", "--checks", "secret", "--fail-on", "high"];
    sandbox.run(&[&checks[..], &["--format", format, "shop.tar"]].concat())
}

#[test]
fn a_removed_secret_stops_the_pipeline_and_is_shown_nowhere() {
    let sandbox = Sandbox::new();
    sandbox.file("shop.tar", image());
    // From the layers, and from what was kept of them.
    for format in ["table", "json", "json"] {
        let ended = scan(&sandbox, format);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("AKIA… (20 characters)"), "{ended:?}");
        assert!(ended.stdout.contains("srv/.env"), "{ended:?}");
        for key in keys() {
            assert!(!ended.stdout.contains(&key) && !ended.stderr.contains(&key), "{ended:?}");
        }
        if format == "json" {
            let report: Value = serde_json::from_str(&ended.stdout).unwrap();
            let secrets = report["secrets"].as_array().unwrap();
            let in_file: Vec<&Value> =
                secrets.iter().filter(|secret| secret["path"] == "srv/.env").collect();
            assert_eq!(in_file.len(), 1, "{secrets:?}");
            assert_eq!(in_file[0]["removed"], true);
            assert_eq!(in_file[0]["layer"], 0);
        }
    }
    let mut files = 0;
    assert_no_key_below(&sandbox.path("cache"), &mut files);
    assert!(files >= 2, "the layers were kept");
}

fn assert_no_key_below(directory: &Path, files: &mut u32) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_key_below(&path, files);
            continue;
        }
        *files += 1;
        let bytes = std::fs::read(&path).unwrap();
        for key in keys() {
            let holds = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!holds, "{}", path.display());
        }
    }
}

#[test]
fn without_the_check_nobody_looks() {
    let sandbox = Sandbox::new();
    sandbox.file("shop.tar", image());
    let ended =
        sandbox.run(&["scan", "--offline", "--checks", "vuln", "--fail-on", "low", "shop.tar"]);
    assert!(!ended.stdout.contains("AKIA"), "{ended:?}");
}

fn json(ended: &crate::run::Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// What a company keeps to itself is not published, whatever folder it lies in.
#[test]
fn a_package_for_few_hides_no_secret() {
    let sandbox = Sandbox::new();
    let [key, _] = keys();
    let manifest = r#"{"name": "@acme/config", "version": "1.0.0", "private": true}"#;
    let tar = TarBuilder::new()
        .file("app/node_modules/@acme/config/package.json", manifest)
        .file("app/node_modules/@acme/config/index.js", format!("module.exports = '{key}'\n"));
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar));
    sandbox.file("shop.tar", image.docker_archive());
    let ended = scan(&sandbox, "json");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = json(&ended);
    assert_eq!(report["secrets"][0]["path"], "app/node_modules/@acme/config/index.js");
}

/// Where so many secrets are that the search ends, the report says that it is not whole.
#[test]
fn a_search_that_ended_early_is_no_clean_one() {
    let sandbox = Sandbox::new();
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let mut state = 7_usize;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        letters[(state >> 33) % letters.len()]
    };
    let mut text = String::new();
    for _ in 0..450 {
        let key: String = (0..40).map(|_| random()).collect();
        text.extend(["[r]\ntype = s3\nsecret_access_key = ", key.as_str(), "\n"]);
    }
    sandbox.file("root/rclone.conf", text);
    let arguments = ["scan", "--offline", "--checks", "secret", "--format", "json", "dir:root"];
    let report = json(&sandbox.run(&arguments));
    assert_eq!(report["secrets"].as_array().unwrap().len(), 200);
    assert_eq!(report["problems"][0]["kind"], "limit_reached", "{}", report["problems"]);
    assert_eq!(report["summary"]["incomplete"], true);
}

/// A command and a name of a label hold secrets, too, and no report shows them.
#[test]
fn the_rest_of_the_configuration_is_searched() {
    let sandbox = Sandbox::new();
    let [in_command, in_label] = keys();
    let image = ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(TarBuilder::new().file("a", "b")))
        .settings(serde_json::json!({"Cmd": ["app", format!("--id={in_command}")], "Labels": {&in_label: "v"}}));
    sandbox.file("shop.tar", image.docker_archive());
    let ended = scan(&sandbox, "json");
    let report = json(&ended);
    let places: Vec<(&str, &str)> = report["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["place"].as_str().unwrap(), it["path"].as_str().unwrap()))
        .collect();
    assert_eq!(places, [("label", "AKIA…_20_characters"), ("configuration", "Cmd")]);
    for key in keys() {
        assert!(!ended.stdout.contains(&key), "{ended:?}");
    }
}
