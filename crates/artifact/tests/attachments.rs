//! What lies beside an image in the CNCF distribution server, which knows no request for referrers.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use artifact::{Environment, Options, RegistryOptions, open};
use serde_json::json;
use testkit::{Distribution, ImageBuilder, LayerBuilder, TarBuilder, installed, run};

/// Puts bytes into a registry: a blob in one piece, or a manifest under a tag or its digest.
fn put(host: &str, media_type: Option<&str>, reference: &str, bytes: &[u8]) {
    let base = format!("http://{host}/v2/team/app");
    let url = match media_type {
        Some(_) => format!("{base}/manifests/{reference}"),
        None => {
            let begun = ureq::post(format!("{base}/blobs/uploads/")).send_empty().unwrap();
            let place = begun.headers()["location"].to_str().unwrap().to_owned();
            format!("{place}&digest={}", testkit::sha256(bytes))
        }
    };
    let media_type = media_type.unwrap_or("application/octet-stream");
    let answer = ureq::put(url).header("content-type", media_type).send(bytes).unwrap();
    assert_eq!(answer.status(), 201);
}

/// A server that does not know the request for referrers: its tags are read instead, those that
/// stand for the list and those of cosign.
#[test]
fn a_registry_shows_what_is_attached_under_tags() {
    if !installed("skopeo") {
        return;
    }
    let Some(server) = Distribution::start("", |_| ()) else { return };
    let layer = LayerBuilder::gzip(TarBuilder::new().file("etc/os-release", "ID=test\n"));
    let (built, host) = (ImageBuilder::new("team/app:1").layer(layer), server.host());
    let directory = tempfile::tempdir().unwrap();
    built.write_oci_dir(directory.path());
    let from = format!("oci:{}:1", directory.path().display());
    let to = format!("docker://{host}/team/app:1");
    run("skopeo", &["copy", "--dest-tls-verify=false", &from, &to]);
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let descriptor = |media_type: &str, bytes: &[u8]| {
        let digest = testkit::sha256(bytes).to_string();
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    };
    let subject = testkit::sha256(&built.manifest());
    let tag = format!("sha256-{}", subject.hex());
    put(host, None, "", b"{}");
    let artifact = |document: &[u8], with_subject: bool| {
        put(host, None, "", document);
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": manifest_type,
            "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"),
            "layers": [descriptor("application/json", document)],
        });
        if with_subject {
            manifest["subject"] = descriptor(manifest_type, &built.manifest());
        }
        manifest.to_string().into_bytes()
    };
    let listed = artifact(b"listed", true);
    put(host, Some(manifest_type), &testkit::sha256(&listed).to_string(), &listed);
    let index_type = "application/vnd.oci.image.index.v1+json";
    let entries = [descriptor(manifest_type, &listed)];
    let index = json!({ "schemaVersion": 2, "mediaType": index_type, "manifests": entries });
    put(host, Some(index_type), &tag, index.to_string().as_bytes());
    for (end, document) in [(".sbom", b"a bill".as_slice()), (".att", b"an envelope")] {
        put(host, Some(manifest_type), &format!("{tag}{end}"), &artifact(document, false));
    }
    let registry =
        RegistryOptions { insecure: vec![host.to_owned()], ..RegistryOptions::default() };
    // No configuration of this machine may change a test.
    let environment = Environment::default().with_system("/nonexistent");
    let options = Options { registry, environment, ..Options::default() };
    let name = format!("registry:{host}/team/app:1");
    let (found, problems) = open(&name, &options).unwrap().attached().unwrap();
    let found: Vec<&[u8]> = found.iter().map(|it| it.bytes.as_slice()).collect();
    assert_eq!(found, [b"listed".as_slice(), b"a bill", b"an envelope"], "{problems:?}");
    assert_eq!(problems, []);
}
