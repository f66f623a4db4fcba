//! `--attached`: what lies beside an image in a registry or a layout is found, used, and called
//! unverified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::{Content, ImageBuilder, LayerBuilder, Reply, Server, TarBuilder, sha256};

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn image() -> ImageBuilder {
    let tar =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", BASE);
    ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar))
}

/// Says that one vulnerability of `openssl` is none.
fn vex() -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "the builder",
        "timestamp": "2024-01-01T00:00:00Z", "version": 1,
        "statements": [{
            "vulnerability": {"name": "CVE-2023-0286"},
            "products": [{"@id": "pkg:deb/ubuntu/openssl"}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
            "impact_statement": "never called",
        }],
    })
}

/// The same in what `cosign attest` puts around it, about the image with this digest.
fn envelope(subject: &str, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "shop", "digest": {"sha256": subject}}],
        "predicate": predicate,
    });
    let envelope = json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": STANDARD.encode(statement.to_string()),
        "signatures": [{"sig": "AA=="}],
    });
    envelope.to_string().into_bytes()
}

/// A manifest with one document.
fn artifact(document: &[u8], subject: Option<&[u8]>) -> Vec<u8> {
    let descriptor = |media_type: &str, bytes: &[u8]| {
        json!({
            "mediaType": media_type, "digest": sha256(bytes).to_string(), "size": bytes.len(),
        })
    };
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.openvex+json",
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [descriptor("application/json", document)],
    });
    if let Some(subject) = subject {
        manifest["subject"] = descriptor(MANIFEST, subject);
    }
    manifest.to_string().into_bytes()
}

fn entry(manifest: &[u8]) -> Value {
    json!({ "mediaType": MANIFEST, "digest": sha256(manifest).to_string(), "size": manifest.len() })
}

fn index(entries: &[Value]) -> Vec<u8> {
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": entries });
    index.to_string().into_bytes()
}

fn scan(sandbox: &Sandbox, content: Content, more: &[&str]) -> Value {
    scan_at(sandbox, &Server::registry(content), more)
}

fn scan_at(sandbox: &Sandbox, server: &Server, more: &[&str]) -> Value {
    let host = server.host();
    let target = format!("registry:{host}/team/shop:1");
    let fixed = ["scan", "-f", "json", "--max-age", "9999h", "--db-url", "http://127.0.0.1:9"];
    let registry = ["--insecure-registry", &host, "--platform", "linux/amd64", "--checks", "vuln"];
    let ended = sandbox.run(&[&fixed[..], &registry, more, &[&target]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

fn silenced(report: &Value) -> Vec<&str> {
    let all = report["silenced"].as_array().unwrap().iter();
    all.map(|it| it["source"].as_str().unwrap()).collect()
}

#[test]
fn attached_documents_are_found_however_they_are_attached() {
    let sandbox = Sandbox::new().with_advisories();
    let manifest = image().manifest();
    let subject = sha256(&manifest);
    let plain = vex().to_string().into_bytes();
    let wrapped = envelope(subject.hex(), &vex());
    let of = |document: &[u8]| {
        let artifact = artifact(document, Some(&manifest));
        let content = Content::default().image("team/shop", "1", &image());
        let content = content.blob("team/shop", document.to_vec());
        (content.manifest("team/shop", "artifact", MANIFEST, artifact.clone()), entry(&artifact))
    };
    let tag = format!("sha256-{}", subject.hex());
    let index_type = "application/vnd.oci.image.index.v1+json";
    for document in [&plain, &wrapped] {
        let (content, entry) = of(document);
        let by_api =
            content.clone().referrers("team/shop", &subject, index(std::slice::from_ref(&entry)));
        let by_tag = content.clone().manifest("team/shop", &tag, index_type, index(&[entry]));
        let bare = artifact(document, None);
        let by_cosign = content.manifest("team/shop", &format!("{tag}.att"), MANIFEST, bare);
        for content in [by_api, by_tag, by_cosign] {
            assert_eq!(silenced(&scan(&sandbox, content.clone(), &[])), [""; 0]);
            let report = scan(&sandbox, content, &["--attached"]);
            let expected = format!("attached {} (unverified)", sha256(document));
            assert_eq!(silenced(&report), [expected.as_str()]);
            let said = report["problems"].to_string();
            assert!(said.contains("a VEX document with 1 statements"), "{said}");
        }
    }
    // About another image, or damaged: nothing is silenced, and it is said.
    let other = envelope(&"0".repeat(64), &vex());
    for (document, words) in [(&other[..], "about another image"), (b"{", "not used: ")] {
        let (content, entry) = of(document);
        let content = content.referrers("team/shop", &subject, index(&[entry]));
        let report = scan(&sandbox, content, &["--attached"]);
        assert_eq!(silenced(&report), [""; 0]);
        assert!(report["problems"].to_string().contains(words), "{}", report["problems"]);
    }
    // A manifest that refers to another image is none of this one's, whatever a list says.
    let stray = artifact(&plain, Some(b"another"));
    let content = Content::default().image("team/shop", "1", &image());
    let content = content.blob("team/shop", plain.clone());
    let content = content.manifest("team/shop", "stray", MANIFEST, stray.clone());
    let content = content.referrers("team/shop", &subject, index(&[entry(&stray)]));
    assert_eq!(silenced(&scan(&sandbox, content, &["--attached"])), [""; 0]);
}

/// The newer form that signers put around an envelope.
fn bundle(envelope: &[u8]) -> Vec<u8> {
    let envelope: Value = serde_json::from_slice(envelope).unwrap();
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": { "publicKey": { "hint": "x" }, "tlogEntries": [] },
        "dsseEnvelope": envelope,
    });
    bundle.to_string().into_bytes()
}

/// An image of several platforms; what is attached to the whole is attached to each of them.
#[test]
fn what_is_attached_to_an_index_counts_for_the_images_in_it() {
    let sandbox = Sandbox::new().with_advisories();
    let index_type = "application/vnd.oci.image.index.v1+json";
    let images = [image(), image().architecture("arm64")];
    let platforms: Vec<Value> = images.iter().map(ImageBuilder::descriptor).collect();
    let whole = index(&platforms);
    let subject = sha256(&whole);
    let content = (images.iter().zip(["amd64", "arm64"]))
        .fold(Content::default(), |content, (it, tag)| content.image("team/shop", tag, it))
        .manifest("team/shop", "1", index_type, whole.clone());
    let tag = format!("sha256-{}", subject.hex());
    // By its own digest, as those who sign a name of several platforms do.
    let mut of_whole = vex();
    of_whole["statements"][0]["products"] = json!([{
        "@id": format!("pkg:oci/shop@sha256%3A{}", subject.hex()),
        "subcomponents": [{"@id": "pkg:deb/ubuntu/openssl"}],
    }]);
    for predicate in [vex(), of_whole] {
        let enveloped = envelope(subject.hex(), &predicate);
        for document in [bundle(&enveloped), enveloped] {
            let artifact = artifact(&document, Some(&whole));
            let bare = self::artifact(&document, None);
            let content = content.clone().blob("team/shop", document.clone());
            let with =
                content.clone().manifest("team/shop", "artifact", MANIFEST, artifact.clone());
            let list = index(&[entry(&artifact)]);
            let cases = [
                with.clone().referrers("team/shop", &subject, list.clone()),
                with.manifest("team/shop", &tag, index_type, list),
                content.clone().manifest(
                    "team/shop",
                    &format!("{tag}.att"),
                    MANIFEST,
                    bare.clone(),
                ),
                content.manifest("team/shop", &format!("{tag}.sbom"), MANIFEST, bare),
            ];
            for (number, content) in cases.into_iter().enumerate() {
                let report = scan(&sandbox, content, &["--attached"]);
                let expected = format!("attached {} (unverified)", sha256(&document));
                assert_eq!(silenced(&report), [expected.as_str()], "{number}: {report}");
            }
        }
    }
}

/// A list that goes on is read to its end; one that has none, up to a limit that is said, and one
/// that goes on nowhere as far as it goes.
#[test]
fn lists_are_followed_from_page_to_page() {
    let sandbox = Sandbox::new().with_advisories();
    let manifest = image().manifest();
    let subject = sha256(&manifest);
    let document = vex().to_string().into_bytes();
    let attached = artifact(&document, Some(&manifest));
    let content = Content::default()
        .image("team/shop", "1", &image())
        .blob("team/shop", document)
        .manifest("team/shop", "artifact", MANIFEST, attached.clone());
    let place = format!("/v2/team/shop/referrers/{subject}");
    for (last, beyond, count, words) in [
        (3, None, 1, "a VEX document with 1 statements"),
        (usize::MAX, None, 0, "the list has more than 16 pages; the rest is left out"),
        (2, Some("ftp://elsewhere/list"), 1, "the list goes on at a place that is none"),
    ] {
        let (place, list) = (place.clone(), index(&[entry(&attached)]));
        let server = Server::meddling_registry(content.clone(), move |request, reply| {
            let (path, query) = request.path.split_once('?').unwrap_or((&request.path, "page=1"));
            if path != place {
                return reply;
            }
            let page: usize = query.trim_start_matches("page=").parse().unwrap();
            let list = if page == last { list.clone() } else { index(&[]) };
            let next = (page < last).then(|| format!("{place}?page={}", page + 1));
            let next = next.or_else(|| beyond.map(str::to_owned));
            let reply = Reply::new(200, list);
            match next {
                Some(next) => reply.header("link", format!("<{next}>; rel=\"next\"")),
                None => reply,
            }
        });
        let report = scan_at(&sandbox, &server, &["--attached"]);
        assert_eq!(silenced(&report).len(), count, "{report}");
        assert!(report["problems"].to_string().contains(words), "{}", report["problems"]);
    }
}

#[test]
fn a_layout_has_them_too_and_an_archive_of_docker_does_not() {
    let sandbox = Sandbox::new().with_advisories();
    let image = image();
    let write = ["sbom", "-f", "cyclonedx-json", "-o", "bill.json", "shop.tar"];
    sandbox.file("shop.tar", image.docker_archive());
    assert_eq!(sandbox.run(&write).code, Some(0));
    let bill = std::fs::read(sandbox.path("bill.json")).unwrap();
    let artifact = artifact(&bill, Some(&image.manifest()));
    let blobs = [artifact.clone(), bill].map(|bytes| (sha256(&bytes), bytes));
    let index = [image.descriptor(), entry(&artifact)];
    let files = ImageBuilder::oci_files_of(&index, image.blobs().into_iter().chain(blobs));
    ImageBuilder::write_files(&sandbox.path("layout"), &files);
    let scan = |target: &str| {
        sandbox.run(&["scan", "--offline", "--checks", "vuln", "--attached", target])
    };
    let ended = scan("oci-dir:layout:1");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = "a bill of 9 packages; not found in the image: 0; found and not in it: 0";
    assert!(ended.stdout.replace("\n  ", " ").contains(said), "{ended:?}");
    let ended = scan("docker-archive:shop.tar");
    assert_eq!(ended.code, Some(21), "{ended:?}");
    assert!(ended.stdout.contains("only registries and OCI layouts"), "{ended:?}");
}

/// A bill has nothing beside it: what was asked for is not said to be done.
#[test]
fn a_bill_has_nothing_attached() {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("bill.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#);
    let ended = sandbox.run(&["scan", "--offline", "--attached", "--checks", "vuln", "bill.json"]);
    assert_eq!(ended.code, Some(21), "{}", ended.stderr);
    assert!(ended.stdout.contains("hold what is attached to an image"), "{}", ended.stdout);
}
