//! Pulling from registries that behave, and from ones that do not.

mod login;
mod outage;
mod proxies;
mod trust;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use artifact::{
    Environment, Image, LayerRead, OpenError, OpenErrorKind, Options, RegistryOptions, Stop, tags,
};
use model::ProblemKind;
use testkit::{
    Content, Fault, ImageBuilder, LayerBuilder, Recorder, Reply, Request, Server, TarBuilder,
};

use login::{BASIC, open_logged_in};

/// Long enough for a busy machine, short enough for a test.
const PATIENCE: Duration = Duration::from_secs(6);

/// Two layers; the second is big enough to break in the middle.
fn image() -> ImageBuilder {
    let noise: Vec<u8> =
        (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    ImageBuilder::new("team/app:1")
        .layer(LayerBuilder::gzip(TarBuilder::new().file("etc/os-release", "ID=test\n")))
        .layer(LayerBuilder::gzip(
            TarBuilder::new().file("noise", noise).file("last", "the end\n").whiteout("etc/gone"),
        ))
}

fn content() -> Content {
    Content::default().image("team/app", "1", &image())
}

fn options(server: &Server) -> Options {
    let registry = RegistryOptions {
        insecure: vec![server.host()],
        patience: PATIENCE,
        ..RegistryOptions::default()
    };
    // No configuration of this machine may change a test.
    let environment = Environment::default().with_system("/nonexistent");
    Options { registry, environment, ..Options::default() }
}

fn open(server: &Server) -> Result<Image, OpenError> {
    artifact::open(&format!("registry:{}/team/app:1", server.host()), &options(server))
}

fn scan(server: &Server) -> Vec<LayerRead<Recorder>> {
    read(&open(server).expect("the image opens"))
}

fn read(image: &Image) -> Vec<LayerRead<Recorder>> {
    let all: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    image.read(&all, &Recorder::default).expect("nothing interrupts it")
}

/// Fails unless all layers came whole.
fn assert_whole(layers: &[LayerRead<Recorder>]) {
    for layer in layers {
        assert_eq!(layer.problems, [], "layer {}", layer.index);
        assert!(layer.verified, "layer {}", layer.index);
    }
}

fn is_blob(request: &Request) -> bool {
    request.path.contains("/blobs/")
}

fn is_manifest(request: &Request) -> bool {
    request.path.contains("/manifests/")
}

/// Meddles with the reply to the big layer.
fn is_big(reply: &Reply) -> bool {
    reply.body.len() > 500_000 || reply.status == 206
}

#[test]
fn an_honest_registry_gives_an_image() {
    let server = Server::registry(content());
    let opened = open(&server).expect("the image opens");
    let built = image();
    let artifact = opened.artifact();
    assert_eq!(artifact.digest, Some(testkit::sha256(&built.config())));
    assert_eq!(artifact.manifest_digest, Some(testkit::sha256(&built.manifest())));
    assert_eq!(opened.cache_key(0), Some(built.layers[0].diff_id.to_string()));
    let layers = read(&opened);
    assert_eq!(layers[0].visitor.paths(), ["etc/os-release"]);
    assert_eq!(layers[1].visitor.paths(), ["noise", "last", "etc/gone"]);
    assert_whole(&layers);
}

#[test]
fn what_a_registry_refuses_is_told_apart() {
    let kind = |status| {
        let server = Server::new(move |request| match request.path.as_str() {
            "/v2/" => Reply::new(200, ""),
            _ => Reply::new(status, r#"{"errors":[{"code":"X","message":"so\u0007 there"}]}"#),
        });
        let error = open(&server).err().expect("it is refused");
        assert!(error.to_string().contains("it says “so there”"), "{error}");
        error.kind()
    };
    assert_eq!(kind(403), OpenErrorKind::Unauthorized);
    assert_eq!(kind(404), OpenErrorKind::NotFound);
    assert_eq!(kind(410), OpenErrorKind::Network);
}

#[test]
fn a_tag_that_is_not_there_brings_those_that_are() {
    let content = ["1.10", "1.11", "2"]
        .iter()
        .fold(Content::default(), |content, tag| content.image("team/app", tag, &image()));
    let error = open(&Server::registry(content)).err().expect("there is no such tag");
    assert_eq!(error.kind(), OpenErrorKind::NotFound);
    assert_eq!(error.hint_text(), Some("tags like it: 1.10, 1.11, 2"));
}

#[test]
fn tags_come_in_pages() {
    let server = Server::new(|request| match request.path.as_str() {
        "/v2/" => Reply::new(200, ""),
        "/v2/team/app/tags/list?n=1000" => Reply::new(200, r#"{"tags":["b","a"]}"#)
            .header("link", "</v2/team/app/tags/list?last=b>; rel=\"next\""),
        "/v2/team/app/tags/list?last=b" => {
            Reply::new(200, r#"{"tags":["c"]}"#).header("link", "<?last=c>; rel=\"next\"")
        }
        _ => Reply::new(200, r#"{"tags":null}"#),
    });
    let name = format!("{}/team/app", server.host());
    assert_eq!(tags(&name, &options(&server)).expect("a list"), ["a", "b", "c"]);
}

#[test]
fn pages_of_tags_lead_neither_away_nor_round_for_ever() {
    let server = Server::new(|request| match request.path.as_str() {
        "/v2/" => Reply::new(200, ""),
        _ => Reply::new(200, r#"{"tags":["a"]}"#)
            .header("link", "</v2/team/app/tags/list?again>; rel=\"next\""),
    });
    let name = format!("{}/team/app", server.host());
    assert_eq!(tags(&name, &options(&server)).expect("a list"), ["a"]);
    assert!(server.requests().len() < 200);

    let other = Server::new(|_| Reply::new(200, "{}"));
    let link = format!("<http://{}/v2/team/app/tags/list>; rel=\"next\"", other.host());
    let server = Server::new(move |_| Reply::new(200, r#"{"tags":["a"]}"#).header("link", &link));
    let name = format!("{}/team/app", server.host());
    let error = tags(&name, &options(&server)).expect_err("it leads away");
    assert_eq!(error.kind(), OpenErrorKind::Network);
    assert!(other.requests().is_empty());
}

#[test]
fn a_busy_registry_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let server = Server::meddling_registry(content(), move |request, reply| {
        if !is_manifest(request) {
            return reply;
        }
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::new(503, ""),
            1 => Reply::new(429, "").header("retry-after", "1"),
            2 => reply.with(Fault::BreakAfter(10)).claiming(5000),
            _ => reply,
        }
    });
    let begun = Instant::now();
    assert!(open(&server).is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After counts");
}

#[test]
fn a_limit_that_lasts_is_an_error_with_a_hint() {
    let server =
        Server::meddling_registry(content(), |request, reply| match is_manifest(request) {
            true => Reply::new(429, "").header("retry-after", "3600"),
            false => reply,
        });
    let begun = Instant::now();
    let error = open(&server).err().expect("it is limited");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(error.kind(), OpenErrorKind::Network);
    assert!(error.to_string().contains("for another 3600 s"), "{error}");
}

#[test]
fn silence_ends_in_an_error_and_not_in_a_hang() {
    for fault in [Fault::Silent, Fault::SilentAfter(20)] {
        let server = Server::meddling_registry(content(), move |request, reply| {
            if is_manifest(request) { reply.with(fault.clone()) } else { reply }
        });
        let begun = Instant::now();
        let error = open(&server).err().expect("nothing comes");
        assert_eq!(error.kind(), OpenErrorKind::Network, "{error}");
        assert!(begun.elapsed() < PATIENCE * 2, "{:?}", begun.elapsed());
    }
}

#[test]
fn garbage_is_not_an_answer() {
    let junk: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let endless_header = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 300_000]].concat();
    for raw in [junk, endless_header, b"HTTP/1.1 200 OK\r\n".to_vec(), Vec::new()] {
        let server = Server::meddling_registry(content(), move |request, reply| {
            if is_manifest(request) { reply.with(Fault::Raw(raw.clone())) } else { reply }
        });
        let error = open(&server).err().expect("it is no answer");
        assert_eq!(error.kind(), OpenErrorKind::Network, "{error}");
    }
}

#[test]
fn a_manifest_is_what_its_digest_says() {
    let other = ImageBuilder::new("x").manifest();
    let wrong = other.clone();
    let server = Server::meddling_registry(content(), move |request, reply| {
        // Of the right digest, by its header; of another, by its bytes.
        if is_manifest(request) { Reply { body: wrong.clone(), ..reply } } else { reply }
    });
    assert_eq!(open(&server).err().map(|e| e.kind()), Some(OpenErrorKind::Damaged));

    let digest = testkit::sha256(b"asked for");
    let server = Server::new(move |request| {
        if request.path == "/v2/" { Reply::new(200, "") } else { Reply::new(200, other.clone()) }
    });
    let name = format!("registry:{}/team/app@{digest}", server.host());
    let error = artifact::open(&name, &options(&server)).err().map(|e| e.kind());
    assert_eq!(error, Some(OpenErrorKind::Damaged));
}

#[test]
fn a_document_without_end_is_not_taken() {
    let server = Server::meddling_registry(content(), |request, reply| {
        if is_manifest(request) { Reply { body: vec![b' '; 5 << 20], ..reply } } else { reply }
    });
    let error = open(&server).err().expect("it is too long");
    assert!(error.to_string().contains("more than 4194304 bytes"), "{error}");
}

#[test]
fn a_broken_blob_is_taken_up_where_it_broke() {
    let breaks = AtomicUsize::new(0);
    let server = Server::meddling_registry(content(), move |request, reply| {
        match is_blob(request) && is_big(&reply) && breaks.fetch_add(1, Ordering::Relaxed) < 3 {
            true => reply.with(Fault::BreakAfter(300_000)),
            false => reply,
        }
    });
    let layers = scan(&server);
    assert_whole(&layers);
    let requests = server.requests();
    let ranges: Vec<&str> = requests.iter().filter_map(|request| request.header("range")).collect();
    assert_eq!(ranges, ["bytes=300000-", "bytes=600000-", "bytes=900000-"]);
}

#[test]
fn a_server_without_ranges_sends_again_what_we_had() {
    let breaks = AtomicUsize::new(0);
    let honest = content();
    let server = Server::new(move |request| {
        let without_range = Request { headers: Vec::new(), ..request.clone() };
        let reply = honest.answer(&without_range);
        match is_big(&reply) && breaks.fetch_add(1, Ordering::Relaxed) == 0 {
            true => reply.with(Fault::BreakAfter(300_000)),
            false => reply,
        }
    });
    let layers = scan(&server);
    assert_whole(&layers);
}

#[test]
fn lies_about_a_blob_are_problems_of_its_layer() {
    type Lie = fn(Reply) -> Reply;
    let lies: [(&str, Lie, ProblemKind); 6] = [
        (
            "too short",
            |reply| Reply { body: reply.body[..1000].to_vec(), ..reply },
            ProblemKind::Unreadable,
        ),
        (
            "too long",
            |mut reply| {
                reply.body.extend([0; 9]);
                reply
            },
            ProblemKind::Unreadable,
        ),
        (
            "other bytes",
            |mut reply| {
                reply.body[700_000] ^= 1;
                reply
            },
            ProblemKind::Damaged,
        ),
        ("always broken", |reply| reply.with(Fault::BreakAfter(10)), ProblemKind::Unreadable),
        ("silent", |reply| reply.with(Fault::SilentAfter(10)), ProblemKind::Unreadable),
        ("gone", |_| Reply::new(404, ""), ProblemKind::Unreadable),
    ];
    for (what, lie, kind) in lies {
        let server = Server::meddling_registry(content(), move |request, reply| {
            if is_blob(request) && is_big(&reply) { lie(reply) } else { reply }
        });
        let begun = Instant::now();
        let layers = scan(&server);
        assert!(
            layers[0].verified && layers[0].problems.is_empty(),
            "{what}: {:?}",
            layers[1].problems
        );
        assert!(!layers[1].verified, "{what}");
        assert!(
            layers[1].problems.iter().any(|problem| problem.kind == kind),
            "{what}: {:?}",
            layers[1].problems
        );
        assert!(layers[1].problems.iter().all(|problem| problem.layer == Some(1)), "{what}");
        assert!(begun.elapsed() < PATIENCE * 3, "{what} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_trickle_is_a_stall() {
    let server = Server::meddling_registry(content(), |request, reply| {
        if is_blob(request) && is_big(&reply) { reply.with(Fault::Trickle) } else { reply }
    });
    let begun = Instant::now();
    let layers = scan(&server);
    assert!(
        layers[1].problems.iter().any(|p| p.message.contains("next to nothing")),
        "{:?}",
        layers[1].problems
    );
    assert!(begun.elapsed() < PATIENCE * 2, "{:?}", begun.elapsed());
}

/// Every single answer comes in time; all of them together do not.
#[test]
fn many_small_waits_are_a_stall_too() {
    let layer =
        |number: u32| LayerBuilder::gzip(TarBuilder::new().file("number", number.to_string()));
    let image = (0..12).fold(ImageBuilder::new("a:1"), |image, number| image.layer(layer(number)));
    let content = Content::default().image("team/app", "1", &image);
    let server = Server::meddling_registry(content, |_, reply| {
        std::thread::sleep(PATIENCE / 4);
        reply
    });
    let options = Options { jobs: NonZeroUsize::MIN, ..options(&server) };
    let begun = Instant::now();
    let image = artifact::open(&format!("registry:{}/team/app:1", server.host()), &options);
    let layers = read(&image.expect("three answers are in time"));
    let last = layers.last().expect("a layer");
    assert!(last.problems[0].message.contains("too slow"), "{:?}", last.problems);
    assert!(begun.elapsed() < PATIENCE * 3 / 2, "{:?}", begun.elapsed());
}

#[test]
fn what_no_runtime_unpacks_is_not_pulled() {
    let odd = LayerBuilder {
        media_type: "application/vnd.example.layer.v1.tar+gzip".to_owned(),
        ..LayerBuilder::gzip(TarBuilder::new().file("odd", ""))
    };
    let digest = odd.digest.to_string();
    let server = Server::registry(Content::default().image("team/app", "1", &image().layer(odd)));
    let layers = scan(&server);
    assert_whole(&layers[..2]);
    let told: Vec<_> = layers[2].problems.iter().map(|it| (it.kind, it.layer)).collect();
    assert_eq!(told, [(ProblemKind::Unsupported, Some(2))]);
    assert!(server.requests().iter().all(|it| !it.path.ends_with(&digest)));
}

#[test]
fn stop_ends_a_wait_at_once() {
    let server = Server::meddling_registry(content(), |request, reply| {
        if is_manifest(request) { reply.with(Fault::Silent) } else { reply }
    });
    let stop = Stop::default();
    let options = Options { stop: stop.clone(), ..options(&server) };
    let name = format!("registry:{}/team/app:1", server.host());
    let begun = Instant::now();
    let error = std::thread::scope(|scope| {
        let opening = scope.spawn(|| artifact::open(&name, &options).err());
        std::thread::sleep(Duration::from_millis(300));
        stop.stop();
        opening.join().expect("no panic")
    });
    assert_eq!(error.map(|e| e.kind()), Some(OpenErrorKind::Interrupted));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_redirect_takes_no_login_along() {
    let storage = Server::registry(content());
    let elsewhere = format!("http://{}", storage.host());
    let login = BASIC;
    let server = Server::meddling_registry(content(), move |request, reply| {
        if request.header("authorization") != Some(login) {
            return Reply::new(401, "").header("www-authenticate", "Basic realm=\"x\"");
        }
        match is_blob(request) {
            true => Reply::new(307, "").header("location", format!("{elsewhere}{}", request.path)),
            false => reply,
        }
    });
    let layers = read(&open_logged_in(&server).expect("it opens"));
    assert_whole(&layers);
    let requests = storage.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(
        requests.iter().all(|request| request.header("authorization").is_none()),
        "{requests:?}"
    );
}

#[test]
fn redirects_end() {
    let server = Server::new(|request| match request.path.as_str() {
        "/v2/" => Reply::new(200, ""),
        path => Reply::new(302, "").header("location", format!("{path}x")),
    });
    let error = open(&server).err().expect("it never ends");
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
}

#[test]
fn a_mirror_comes_first_and_the_registry_itself_last() {
    let mirror = Server::registry(Content::default().image("cache/team/app", "1", &image()));
    let broken = Server::new(|_| Reply::new(500, ""));
    let own = Server::registry(content());
    let etc = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(etc.path().join("containers")).expect("a directory");
    let conf = |first: &str| {
        format!(
            "[[registry]]\nlocation = \"{own}\"\ninsecure = true\n\
             [[registry.mirror]]\nlocation = \"{first}\"\ninsecure = true\n",
            own = own.host()
        )
    };
    let path = etc.path().join("containers/registries.conf");
    let open = |first: &str| {
        std::fs::write(&path, conf(first)).expect("a file");
        let environment = Environment::default().with_system(etc.path());
        let registry = RegistryOptions { patience: PATIENCE, ..RegistryOptions::default() };
        let options = Options { environment, registry, ..Options::default() };
        artifact::open(&format!("registry:{}/team/app:1", own.host()), &options).expect("it opens")
    };

    let opened = open(&format!("{}/cache", mirror.host()));
    assert_whole(&read(&opened));
    assert!(opened.problems().is_empty());
    assert!(own.requests().is_empty(), "the mirror had all");

    let opened = open(&broken.host());
    assert!(!own.requests().is_empty());
    let problems = opened.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].kind, ProblemKind::Notice);
}

#[test]
fn plain_http_has_to_be_asked_for() {
    let server = Server::registry(content());
    let options = Options {
        registry: RegistryOptions { patience: PATIENCE, ..RegistryOptions::default() },
        ..options(&server)
    };
    let name = format!("registry:{}/team/app:1", server.host());
    let error = artifact::open(&name, &options).err().expect("it speaks no TLS");
    assert_eq!(error.kind(), OpenErrorKind::Network);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("plain HTTP")), "{error:?}");
    assert!(server.requests().is_empty());
}

#[test]
fn offline_means_no_connection() {
    let server = Server::registry(content());
    let options = Options { offline: true, ..options(&server) };
    let name = format!("registry:{}/team/app:1", server.host());
    let error = artifact::open(&name, &options).err().expect("it is not asked");
    assert_eq!(error.kind(), OpenErrorKind::Network);
    assert!(server.requests().is_empty());
}
