//! Registries as users meet them: several platforms, digests, logins, what is not an image; and
//! that nobody is asked who need not be.

use serde_json::{Value, json};
use testkit::{
    Authority, Content, Fault, ImageBuilder, LayerBuilder, Reply, Server, TarBuilder, Tls, sha256,
};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

fn image() -> ImageBuilder {
    let tar =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar))
}

/// Scans what `host` has under `reference`, with these variables and arguments.
fn scan(
    sandbox: &Sandbox,
    host: &str,
    reference: &str,
    variables: &[(&str, String)],
    arguments: &[&str],
) -> Ended {
    let target = format!("registry:{host}/team/shop{reference}");
    let mut command = sandbox.command(&["scan", "--format", "json", "--max-age", "9999h"]);
    command.args(["--db-url", "http://127.0.0.1:9", "--insecure-registry", host]);
    command.args(arguments).arg(target).envs(variables.iter().map(|(name, value)| (name, value)));
    sandbox.run_bounded(&mut command)
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn a_platform_is_chosen_from_an_index_of_either_kind() {
    let sandbox = Sandbox::new().with_advisories();
    let images = [image(), image().architecture("arm64")];
    for (index, manifest) in [
        ("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"),
        (
            "application/vnd.docker.distribution.manifest.list.v2+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        ),
    ] {
        let entries: Vec<Value> = images
            .iter()
            .map(|image| {
                let mut entry = image.descriptor();
                entry["mediaType"] = json!(manifest);
                entry
            })
            .collect();
        let list = json!({ "schemaVersion": 2, "mediaType": index, "manifests": entries });
        let content = Content::default()
            .image("team/shop", "amd64", &images[0])
            .image("team/shop", "arm64", &images[1])
            .manifest("team/shop", "1", index, list.to_string().into_bytes());
        let server = Server::registry(content);
        for (platform, code) in [("linux/amd64", 0), ("linux/arm64", 0), ("linux/s390x", 10)] {
            let ended = scan(&sandbox, &server.host(), ":1", &[], &["--platform", platform]);
            assert_eq!(ended.code, Some(code), "{index}: {platform}: {ended:?}");
            if code == 0 {
                assert_eq!(report(&ended)["artifact"]["platform"], platform, "{index}");
            } else {
                assert!(ended.stderr.contains("linux/amd64, linux/arm64"), "{ended:?}");
            }
        }
    }
}

#[test]
fn references_end_as_they_should() {
    let sandbox = Sandbox::new().with_advisories();
    let digest = sha256(&image().manifest()).to_string();
    let foreign = LayerBuilder {
        distributed: false,
        ..LayerBuilder::stored(
            b"elsewhere",
            b"elsewhere".to_vec(),
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        )
    };
    let encrypted = |name: &'static [u8]| {
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
        LayerBuilder::stored(name, name.to_vec(), media_type)
    };
    let only = |layers: Vec<LayerBuilder>| ImageBuilder { layers, ..image() };
    let chart = ImageBuilder {
        config_media_type: "application/vnd.cncf.helm.config.v1+json".to_owned(),
        ..image()
    };
    let content = Content::default()
        .image("team/shop", "1", &image())
        .image("team/shop", "part", &image().layer(foreign))
        .image("team/shop", "chart", &chart)
        .image("team/shop", "sealed", &only(vec![encrypted(b"one"), encrypted(b"two")]))
        .image("team/shop", "half", &image().layer(encrypted(b"three")));
    let server = Server::registry(content);
    let other = sha256(b"something else");
    for (reference, code, words) in [
        (":1", 0, ""),
        (&format!("@{digest}"), 0, ""),
        (&format!(":1@{digest}"), 0, ""),
        (&format!("@{other}"), 10, "was not found"),
        (":2", 10, "tags like it: "),
        (":part", 21, "the layer is not distributed"),
        (":chart", 11, "is not an image"),
        (":sealed", 15, "are encrypted"),
        (":half", 21, "+encrypted` are not read"),
    ] {
        let ended = scan(&sandbox, &server.host(), reference, &[], &[]);
        assert_eq!(ended.code, Some(code), "{reference}: {ended:?}");
        assert!(ended.stderr.contains(words), "{reference}: {ended:?}");
        if code == 0 {
            assert_eq!(report(&ended)["artifact"]["manifest_digest"], digest, "{reference}");
        }
        if code == 21 {
            assert!(!report(&ended)["findings"].as_array().unwrap().is_empty(), "the rest is kept");
        }
    }
}

/// A registry that lets in who shows this `Authorization`.
fn guarded(authorization: &'static str) -> Server {
    let content = Content::default().image("team/shop", "1", &image());
    Server::meddling_registry(content, move |request, reply| {
        let host = request.header("host").unwrap_or_default();
        if request.path.starts_with("/token") {
            let granted = request.method == "POST" && request.body.contains("refresh_token=held");
            let status = if granted { 200 } else { 401 };
            return Reply::new(status, r#"{"access_token":"granted"}"#);
        }
        if request.header("authorization") == Some(authorization) {
            return reply;
        }
        let challenge = match authorization.starts_with("Bearer") {
            true => format!(r#"Bearer realm="http://{host}/token",service="tests""#),
            false => r#"Basic realm="tests""#.to_owned(),
        };
        Reply::new(401, "").header("www-authenticate", challenge)
    })
}

#[test]
fn logins_are_found_where_docker_and_podman_keep_them() {
    // `user:secret`.
    let basic = guarded("Basic dXNlcjpzZWNyZXQ=");
    let bearer = guarded("Bearer granted");
    for (server, file, variable) in [
        (&basic, ".docker/config.json", None),
        (&basic, ".config/containers/auth.json", None),
        (&basic, "run/containers/auth.json", Some("XDG_RUNTIME_DIR")),
        (&bearer, ".docker/config.json", None),
    ] {
        let sandbox = Sandbox::new().with_advisories();
        let host = server.host();
        assert_eq!(scan(&sandbox, &host, ":1", &[], &[]).code, Some(12), "without a login");
        let login = match std::ptr::eq(server, &basic) {
            true => json!({ "auths": { &host: { "auth": "dXNlcjpzZWNyZXQ=" } } }),
            // The helper holds an identity token, as its user name says.
            false => json!({ "credHelpers": { &host: "tests" } }),
        };
        sandbox.file(file, login.to_string());
        let helper = sandbox.file(
            "bin/docker-credential-tests",
            "#!/bin/sh\ncat > /dev/null\necho '{\"Username\":\"<token>\",\"Secret\":\"held\"}'\n",
        );
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&helper, executable).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = sandbox.path("bin").display().to_string();
        let mut variables = vec![("PATH", format!("{bin}:{path}"))];
        variables.extend(variable.map(|it| (it, sandbox.path("run").display().to_string())));
        let ended = scan(&sandbox, &host, ":1", &variables, &[]);
        assert_eq!(ended.code, Some(0), "{file}: {ended:?}");
    }
}

/// Somebody who is logged in and whose login cannot be had is not told to log in.
#[test]
fn a_login_that_cannot_be_had_is_named() {
    let basic = guarded("Basic dXNlcjpzZWNyZXQ=");
    let bearer = guarded("Bearer granted");
    for server in [&basic, &bearer] {
        let host = server.host();
        let cases = [
            (json!({ "credsStore": "gone", "auths": { &host: {} } }), "docker-credential-gone"),
            (json!({ "credHelpers": { &host: "gone" } }), "docker-credential-gone"),
            (json!({ "auths": { &host: { "auth": "%%" } } }), "is not Base64 of a text"),
            (json!({ "auths": { &host: { "auth": "/w==" } } }), "is not Base64 of a text"),
            (json!({ "auths": { &host: {} } }), "docker login"),
        ];
        for (login, said) in cases {
            let sandbox = Sandbox::new().with_advisories();
            sandbox.file(".docker/config.json", login.to_string());
            let ended = scan(&sandbox, &host, ":1", &[], &[]);
            assert_eq!(ended.code, Some(12), "{login}: {ended:?}");
            assert!(ended.stderr.contains(said), "{login}: {ended:?}");
        }
    }
}

#[test]
fn a_certificate_authority_may_be_named() {
    let sandbox = Sandbox::new().with_advisories();
    let authority = Authority::default();
    let content = Content::default().image("team/shop", "1", &image());
    let tls = Tls::new(&authority.identity(&["127.0.0.1"]), None);
    let server = Server::secure(&tls, move |request| content.answer(request));
    let file = sandbox.file("ca.pem", &authority.certificate);
    let target = format!("registry:{}/team/shop:1", server.host());
    for (arguments, code) in [(&[][..], 13), (&["--ca-cert", &file], 0)] {
        let mut command = sandbox.command(&["sbom"]);
        let ended = sandbox.run_bounded(command.args(arguments).arg(&target));
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    }
}

/// Each place that may have a bare name is asked, in order, until one has it.
#[test]
fn a_bare_name_is_looked_for_in_one_place_after_the_other() {
    let sandbox = Sandbox::new().with_advisories();
    let nobody = |name: &str| {
        Server::on_socket(&sandbox.path(name), |_| Reply::new(404, r#"{"message":"no"}"#))
    };
    let (docker, podman) = (nobody("docker.sock"), nobody("podman.sock"));
    let socket = |name: &str| format!("unix://{}", sandbox.path(name).display());
    let server = Server::registry(Content::default().image("team/shop", "1", &image()));
    let host = server.host();
    let mut command = sandbox.command(&["sbom", "--format", "json", "--insecure-registry", &host]);
    command.arg(format!("{host}/team/shop:1"));
    command.env("DOCKER_HOST", socket("docker.sock")).env("CONTAINER_HOST", socket("podman.sock"));
    command.env("CONTAINERD_ROOT", sandbox.path("nothing"));
    let ended = sandbox.run_bounded(&mut command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(report(&ended)["artifact"]["kind"], "registry");
    for (name, server) in [("docker", &docker), ("podman", &podman)] {
        let asked: Vec<String> = server.requests().into_iter().map(|it| it.path).collect();
        assert_eq!(asked, [format!("/images/{host}/team/shop:1/json")], "{name}");
    }
}

/// What must not be asked counts who asks.
#[test]
fn nobody_is_asked_who_need_not_be() {
    let sandbox = Sandbox::new();
    let mirror = Server::new(|_| Reply::new(404, ""));
    let (host, url) = (mirror.host(), format!("http://{}", mirror.host()));
    sandbox.file("image.tar", image().docker_archive());
    let mirrors = ["--db-url", &url, "--feed-mirror", &url];
    let run = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.args(mirrors).env("DOCKER_HOST", format!("tcp://{host}"));
        command.env("CONTAINER_HOST", format!("tcp://{host}")).env("http_proxy", &url);
        command.env("CONTAINERD_ROOT", sandbox.path("nothing"));
        sandbox.run_bounded(&mut command)
    };
    let (named, bare) = (format!("registry:{host}/team/shop:1"), format!("{host}/team/shop:1"));
    for (arguments, code) in [
        (&["sbom", "docker-archive:image.tar"][..], 0),
        (&["scan", "--checks", "secret", "docker-archive:image.tar"], 0),
        (&["scan", "--offline", "docker-archive:image.tar"], 20),
        (&["scan", "--offline", "--insecure-registry", &host, &named], 13),
        (&["scan", "--offline", "--insecure-registry", &host, &bare], 13),
        (&["scan", "--offline", "docker:shop:1"], 13),
        (&["scan", "--offline", "podman:shop:1"], 13),
        (&["scan", "--offline", "container:shop"], 10),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert_eq!(mirror.requests().len(), 0, "{arguments:?}: {:?}", mirror.requests());
    }
    // The counter counts.
    assert_eq!(run(&["scan", "docker-archive:image.tar"]).code, Some(20));
    assert!(!mirror.requests().is_empty());
}

/// A registry that stalls wherever it can is given up within the bounds of every command.
#[test]
fn hostile_registries_end_within_bounds() {
    type Meddle = fn(Reply) -> Reply;
    let meddlings: [(&str, Meddle, i32); 5] = [
        ("silent", |reply| reply.with(Fault::Silent), 13),
        (
            "trickling",
            |reply| Reply { body: vec![b' '; 1 << 20], ..reply }.with(Fault::Trickle),
            13,
        ),
        ("silent in the middle", |reply| reply.with(Fault::SilentAfter(20)), 13),
        ("garbage", |reply| reply.with(Fault::Raw(vec![0xff; 1 << 20])), 13),
        ("without end", |reply| Reply { body: vec![b' '; 32 << 20], ..reply }, 14),
    ];
    // Side by side, for most of it is waiting.
    std::thread::scope(|scope| {
        for (what, meddle, code) in meddlings {
            scope.spawn(move || {
                let sandbox = Sandbox::new();
                let content = Content::default().image("team/shop", "1", &image());
                let server = Server::meddling_registry(content, move |request, reply| {
                    if request.path.contains("/manifests/") { meddle(reply) } else { reply }
                });
                let ended = scan(&sandbox, &server.host(), ":1", &[], &[]);
                assert_eq!(ended.code, Some(code), "{what}: {ended:?}");
            });
        }
    });
}
