//! Settings that make attacks easier: in images, in folders of sources, by users' own checks.

use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::Sandbox;

fn scan(sandbox: &Sandbox, checks: &str, target: &str) -> (Option<i32>, Value) {
    let ended = sandbox.run(&["scan", "--offline", "--checks", checks, "-f", "json", target]);
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

fn checks(report: &Value) -> Vec<&str> {
    let all = report["misconfigurations"].as_array().unwrap();
    all.iter().map(|it| it["check"].as_str().unwrap()).collect()
}

#[test]
fn an_image_says_what_is_wrong_with_its_settings() {
    let sandbox = Sandbox::new();
    let token = concat!("gh", "p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB");
    let image = ImageBuilder::new("shop:1")
        .settings(json!({
            "Env": ["DB_PASSWORD=hunter2", format!("GITHUB_TOKEN={token}")],
            "ExposedPorts": { "22/tcp": {} },
        }))
        .step(&format!("RUN |1 NPM_TOKEN={token} /bin/sh -c npm ci # buildkit"))
        .layer(
            LayerBuilder::plain(TarBuilder::new().file("etc/passwd", "toor:x:0:0::/:/bin/sh\n"))
                .created_by("RUN /bin/sh -c curl https://example.org/i.sh | sh # buildkit"),
        );
    image.write_oci_dir(&sandbox.path("layout"));
    let (code, report) = scan(&sandbox, "secret,config", "oci-dir:layout");
    assert_eq!(code, Some(0), "{report:#}");
    let found = checks(&report);
    for check in [
        "build-pipe-to-shell",
        "build-secret-argument",
        "image-root-user",
        "image-secret-in-environment",
        "image-ssh-port",
        "passwd-second-root",
    ] {
        assert!(found.contains(&check), "{check} is not in {found:?}");
    }
    let places: Vec<&str> = (report["secrets"].as_array().unwrap().iter())
        .map(|secret| secret["place"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["environment", "history"], "{report:#}");
    let text = report["misconfigurations"].to_string() + &report["secrets"].to_string();
    assert!(!text.contains("hunter2") && !text.contains(token), "{text}");
}

#[test]
fn a_folder_of_sources_is_checked_and_what_is_not_rendered_is_said() {
    let sandbox = Sandbox::new();
    sandbox.file("repo/Dockerfile", "FROM alpine\nUSER root\n");
    sandbox.file("repo/compose.yaml", "services:\n  a:\n    image: a:1\n    privileged: true\n");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n  \
               containers:\n    - name: a\n      image: a:1\n";
    sandbox.file("repo/deploy/pod.yaml", pod);
    let (code, report) = scan(&sandbox, "config", "dir:repo");
    assert_eq!(code, Some(0), "{report:#}");
    let found = checks(&report);
    for check in ["dockerfile-root-user", "compose-privileged", "kubernetes-host-pid"] {
        assert!(found.contains(&check), "{check} is not in {found:?}");
    }
    let table = sandbox.run(&["scan", "--offline", "--checks", "config", "dir:repo"]).stdout;
    assert!(table.contains("Dockerfile:1"), "{table}");
    assert!(table.contains("misconfigurations: "), "{table}");

    sandbox.file("repo/chart/templates/web.yaml", "apiVersion: v1\nkind: Pod\nx: {{ .a }}\n");
    let (code, report) = scan(&sandbox, "config", "dir:repo");
    assert_ne!(code, Some(0), "what was not rendered was not checked");
    assert!(report["problems"].to_string().contains("not rendered"), "{report:#}");
}

#[test]
fn users_checks_are_read_before_anything_is_scanned() {
    let sandbox = Sandbox::new();
    let check = "title = 'no owner'\nwhy = 'Nobody answers.'\nseverity = 'high'\n\
                 remediation = 'Say who.'\non = ['image']\nwhen = '!(\"owner\" in image.labels)'\n";
    sandbox.file("checks/no-owner.toml", check);
    ImageBuilder::new("a:1")
        .layer(LayerBuilder::plain(TarBuilder::new().file("a", "b")))
        .write_oci_dir(&sandbox.path("layout"));
    let arguments =
        ["scan", "--offline", "--checks", "config", "--checks-from", "checks", "oci-dir:layout"];
    let ended = sandbox.run(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("no owner"), "{}", ended.stdout);

    sandbox.file("checks/no-owner.toml", check.replace("image.labels", "image.label"));
    let ended = sandbox.run(&arguments);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("no-owner.toml`, line 6, column"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no field `label`"), "{}", ended.stderr);
}
