//! What an image was built on: known from what was scanned before, and otherwise not said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::{Content, ImageBuilder, LayerBuilder, Server, TarBuilder};

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const APP: &str = include_str!("../../../../content/demo/image/status.app");

/// A registry in which `base:1` becomes another image when the test says so, with `shop:1` on what
/// it was before.
struct Registry {
    sandbox: Sandbox,
    server: Server,
    is_later: Arc<AtomicBool>,
}

impl Registry {
    fn new() -> Self {
        let layer = |status: &str| {
            let tar = TarBuilder::new().file("etc/os-release", OS_RELEASE);
            LayerBuilder::gzip(tar.file("var/lib/dpkg/status", status))
        };
        let base = ImageBuilder::new("base:1").layer(layer(BASE));
        let newer = BASE.replace("3.0.2-0ubuntu1.6", "3.0.2-0ubuntu1.12");
        let newer =
            ImageBuilder::new("base:1").layer(layer(&newer)).created("2024-06-01T00:00:00Z");
        let app = TarBuilder::new().file("var/lib/dpkg/status", APP);
        let shop = ImageBuilder::new("shop:1").layer(layer(BASE)).layer(LayerBuilder::gzip(app));
        let arm = base.clone().architecture("arm64");
        let common = Content::default()
            .image("team/shop", "1", &shop)
            .image("team/arm", "1", &arm)
            .image("team/other", "1", &newer);
        let (before, after) =
            (common.clone().image("team/base", "1", &base), common.image("team/base", "1", &newer));
        let is_later = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_later);
        let server = Server::new(move |request| match asked.load(Ordering::Relaxed) {
            false => before.answer(request),
            true => after.answer(request),
        });
        Self { sandbox: Sandbox::new().with_advisories(), server, is_later }
    }

    fn host(&self) -> String {
        self.server.host()
    }

    fn scan(&self, repository: &str, more: &[&str]) -> String {
        let host = self.host();
        let target = format!("registry:{host}/team/{repository}:1");
        let fixed = ["scan", "--max-age", "9999h", "--db-url", "http://127.0.0.1:9"];
        let registry = ["--insecure-registry", &host, "--platform"];
        let platform = if repository == "arm" { "linux/arm64" } else { "linux/amd64" };
        let ended =
            self.sandbox.run(&[&fixed[..], &registry, &[platform], more, &[&target]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    }

    fn report(&self, repository: &str) -> Value {
        let report = serde_json::from_str(&self.scan(repository, &["-f", "json"])).unwrap();
        let schema = include_str!("../../../../docs/report.schema.json");
        let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        report
    }
}

#[test]
fn a_base_is_known_once_it_was_scanned_and_so_is_a_newer_one() {
    let registry = Registry::new();
    assert_eq!(registry.report("shop")["base"], Value::Null);
    // The same layers for another platform, and another image of another name, say nothing.
    registry.report("arm");
    registry.report("other");
    assert_eq!(registry.report("shop")["base"], Value::Null);

    let base = registry.report("base");
    // No image is its own base.
    assert_eq!(base["base"], Value::Null);
    let found = registry.report("shop")["base"].clone();
    let name = format!("{}/team/base:1", registry.host());
    assert_eq!((&found["name"], &found["layers"]), (&json!(name), &json!(1)));
    assert_eq!(found["digest"], base["artifact"]["digest"]);
    assert_eq!(found["newer"], Value::Null);
    let text = registry.scan("shop", &["--checks", "vuln"]);
    assert!(text.contains(&format!("  base    {name} (the lowest layer is its): ")), "{text}");
    assert!(!text.contains("newer"), "{text}");

    registry.is_later.store(true, Ordering::Relaxed);
    let newer = registry.report("base");
    assert_ne!(newer["artifact"]["digest"], base["artifact"]["digest"]);
    let shop = registry.report("shop");
    let found = &shop["base"]["newer"];
    assert_eq!(found["digest"], newer["artifact"]["digest"]);
    assert_eq!(found["created"], "2024-06-01T00:00:00Z");
    // What it fixes is what is in the layers of the one and not among the findings of the other.
    let keys = |report: &Value| -> Vec<(Value, Value)> {
        let findings = report["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|it| it["layer"]["index"] == 0);
        findings.map(|it| (it["id"].clone(), it["package"]["name"].clone())).collect()
    };
    let there = keys(&newer);
    let expected: Vec<(Value, Value)> =
        keys(&shop).into_iter().filter(|it| !there.contains(it)).collect();
    let fixes: Vec<(Value, Value)> = (found["fixes"].as_array().unwrap().iter())
        .map(|it| (it["id"].clone(), it["package"].clone()))
        .collect();
    assert_eq!(fixes, expected);
    assert!(fixes.iter().any(|(id, _)| id == "CVE-2023-0286"), "{fixes:?}");
    assert_eq!(found["brings"], json!([]));
    let text = registry.scan("shop", &["--checks", "vuln"]);
    assert!(text.contains("it would fix 6 ("), "{text}");

    // What is left out of the report needs no newer base; a policy or VEX has the same effect.
    let low = registry.scan("shop", &["-f", "json", "--severity", "low"]);
    let low: Value = serde_json::from_str(&low).unwrap();
    assert_eq!(low["base"]["newer"]["fixes"], json!([]));
    // Nothing is kept where nothing may be, and then nothing is known.
    let bare = registry.scan("shop", &["-f", "json", "--no-cache"]);
    assert_eq!(serde_json::from_str::<Value>(&bare).unwrap()["base"], Value::Null);
    assert_eq!(registry.sandbox.run(&["cache", "clean"]).code, Some(0));
    assert_eq!(registry.report("shop")["base"], Value::Null);
}
