//! Registries that fail while layers are read: what was had is reported, the cause is named, and
//! the exit code tells a part from nothing.

use serde_json::Value;
use testkit::{Content, Fault, ImageBuilder, LayerBuilder, Reply, Request, Server, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

/// A layer with vulnerable packages, and one that is longer by far.
fn image() -> ImageBuilder {
    let base =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    let noise: Vec<u8> =
        (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(base))
        .layer(LayerBuilder::gzip(TarBuilder::new().file("noise", noise)))
}

fn scan(sandbox: &Sandbox, meddle: fn(&Request, Reply) -> Reply) -> Ended {
    let server = Server::meddling_registry(Content::default().image("shop", "1", &image()), meddle);
    let host = server.host();
    // As people type it: it is looked for everywhere.
    let target = format!("{host}/shop:1");
    let scan = ["scan", "--format", "json", "--max-age", "9999h", "--db-url", "http://127.0.0.1:9"];
    sandbox.run(&[&scan[..], &["--insecure-registry", &host, &target]].concat())
}

/// Whether this is the answer to a request for a layer, and not for the configuration.
fn is_layer(request: &Request, reply: &Reply) -> bool {
    request.path.contains("/blobs/") && !reply.body.starts_with(b"{")
}

fn is_long_layer(request: &Request, reply: &Reply) -> bool {
    is_layer(request, reply) && reply.body.len() > 100_000
}

#[test]
fn a_layer_that_cannot_be_had_makes_the_result_incomplete() {
    let sandbox = Sandbox::new().with_advisories();
    type Meddle = fn(&Request, Reply) -> Reply;
    let cases: [(Meddle, &str, &str); 4] = [
        (
            |request, reply| match is_long_layer(request, &reply) {
                true => reply.with(Fault::BreakAfter(1000)),
                false => reply,
            },
            "unreadable",
            "broke off after",
        ),
        (
            |request, reply| match is_long_layer(request, &reply) {
                true => Reply::new(503, ""),
                false => reply,
            },
            "unreadable",
            "answers 503",
        ),
        (
            |request, reply| match is_long_layer(request, &reply) {
                true => Reply { body: vec![b'?'; reply.body.len()], ..reply },
                false => reply,
            },
            "damaged",
            "not what it is named after",
        ),
        (
            |request, reply| match is_long_layer(request, &reply) {
                true => Reply { body: [&reply.body[..], b"more"].concat(), ..reply },
                false => reply,
            },
            "unreadable",
            "bytes where the manifest says",
        ),
    ];
    for (meddle, kind, cause) in cases {
        let ended = scan(&sandbox, meddle);
        assert_eq!(ended.code, Some(21), "{cause}: {ended:?}");
        assert!(ended.stderr.contains(cause), "{cause}: {ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(!report["findings"].as_array().unwrap().is_empty(), "{cause}: the rest is kept");
        let problems = report["problems"].as_array().unwrap();
        let told = problems.iter().any(|it| it["kind"] == kind && it["layer"] == 1);
        assert!(told, "{cause}: {problems:?}");
    }
}

#[test]
fn an_image_of_which_nothing_can_be_had_gives_no_report() {
    let ended = scan(&Sandbox::new(), |request, reply| match is_layer(request, &reply) {
        true => reply.with(Fault::BreakAfter(0)),
        false => reply,
    });
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(ended.stderr.contains("broke off after 0 of"), "{ended:?}");
    assert!(!ended.stderr.contains("neither Docker"), "it was found: {ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");

    let ended = scan(&Sandbox::new(), |request, reply| match is_layer(request, &reply) {
        true => Reply::new(403, ""),
        false => reply,
    });
    assert_eq!(ended.code, Some(12), "{ended:?}");
}

/// What one run could read serves the next: it need not be had again.
#[test]
fn the_next_run_asks_for_what_is_missing() {
    let sandbox = Sandbox::new().with_advisories();
    let ended = scan(&sandbox, |request, reply| match is_long_layer(request, &reply) {
        true => Reply::new(503, ""),
        false => reply,
    });
    assert_eq!(ended.code, Some(21), "{ended:?}");
    let ended = scan(&sandbox, |request, reply| match is_layer(request, &reply) {
        true if !is_long_layer(request, &reply) => Reply::new(503, ""),
        _ => reply,
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
