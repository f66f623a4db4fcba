//! Blobs that break off, stall, or are refused for a while: taken up again where that helps, and
//! in the end told as what they are.

use std::sync::Mutex;

use super::*;

/// What a registry does with one request for the big layer.
type Meddle = fn(Reply) -> Reply;

/// A registry that treats the requests for the big layer with one of `mishaps` after the other,
/// and is honest from then on.
fn unlucky(mishaps: &[Meddle]) -> Server {
    let mishaps = Mutex::new(mishaps.iter().rev().copied().collect::<Vec<_>>());
    Server::meddling_registry(content(), move |request, reply| {
        match is_blob(request) && is_big(&reply) {
            true => match mishaps.lock().expect("no panic").pop() {
                Some(mishap) => mishap(reply),
                None => reply,
            },
            false => reply,
        }
    })
}

/// Gives a part, and never anything again.
fn vanishing(reply: Reply) -> Reply {
    let count = if reply.status == 206 { 0 } else { 300_000 };
    reply.with(Fault::BreakAfter(count))
}

fn ranges(server: &Server) -> Vec<String> {
    let requests = server.requests();
    requests.iter().filter_map(|request| request.header("range").map(str::to_owned)).collect()
}

#[test]
fn what_passes_is_waited_for_and_the_blob_goes_on() {
    let broken: Meddle = |reply| reply.with(Fault::BreakAfter(300_000));
    let other: Meddle =
        |reply| Reply::new(206, reply.body).header("content-range", "bytes 7-1000/1001");
    let cases: [(&str, &[Meddle], &[&str]); 11] = [
        ("500 at first", &[|_| Reply::new(500, "")], &[]),
        ("429 at first", &[|_| Reply::new(429, "").header("retry-after", "1")], &[]),
        ("no answer at first", &[|reply| reply.with(Fault::BreakAfter(0))], &[]),
        ("reset", &[|reply| reply.with(Fault::ResetAfter(300_000))], &["bytes=300000-"]),
        ("a stall", &[|reply| reply.with(Fault::SilentAfter(300_000))], &["bytes=300000-"]),
        ("503 on the way", &[broken, |_| Reply::new(503, "")], &["bytes=300000-"; 2]),
        (
            "429 on the way",
            &[broken, |_| Reply::new(429, "").header("retry-after", "2")],
            &["bytes=300000-"; 2],
        ),
        (
            "a range cut short",
            &[broken, |reply| reply.with(Fault::BreakAfter(9))],
            &["bytes=300000-", "bytes=300009-"],
        ),
        // All of it comes again, and once more if it must.
        ("416 on the way", &[broken, |_| Reply::new(416, "")], &["bytes=300000-"]),
        ("416 and a break", &[broken, |_| Reply::new(416, ""), broken], &["bytes=300000-"]),
        ("another range", &[broken, other], &["bytes=300000-"]),
    ];
    for (what, mishaps, expected) in cases {
        let server = unlucky(mishaps);
        let begun = Instant::now();
        let layers = scan(&server);
        for layer in &layers {
            assert_eq!(layer.problems, [], "{what}");
            assert!(layer.verified && layer.failure.is_none(), "{what}");
        }
        assert_eq!(ranges(&server), expected, "{what}");
        if what.starts_with("429 on the way") {
            assert!(begun.elapsed() >= Duration::from_secs(2), "Retry-After counts");
        }
    }
}

/// Seconds that overflow what they are added to: a limit that lasts, wherever it is met.
#[test]
fn a_wait_beyond_all_time_is_not_waited_for() {
    type Meets = fn(&Request) -> bool;
    let places: [(&str, Meets); 3] = [
        ("manifest", is_manifest),
        ("blob", is_blob),
        ("token", |request| request.path.contains("token")),
    ];
    for (what, meets) in places {
        let server = Server::meddling_registry(content(), move |request, reply| {
            let own = request.header("host").unwrap_or_default();
            if meets(request) {
                // So that there is something to add the wait to.
                std::thread::sleep(Duration::from_millis(1300));
                return Reply::new(429, "").header("retry-after", u64::MAX.to_string());
            }
            let challenge = format!(r#"Bearer realm="http://{own}/token""#);
            match what {
                "token" => Reply::new(401, "").header("www-authenticate", challenge),
                _ => reply,
            }
        });
        let begun = Instant::now();
        let error = open(&server).err().unwrap_or_else(|| panic!("{what}: it is limited"));
        assert_eq!(error.kind(), OpenErrorKind::Network, "{what}: {error}");
        assert!(begun.elapsed() < PATIENCE, "{what}");
    }
}

/// After all repetitions: what came is kept, the cause is named, and the other layers are whole.
#[test]
fn what_does_not_pass_is_a_problem_with_its_cause() {
    let cases: [(&str, Meddle, &str, bool); 9] = [
        ("stall", |reply| reply.with(Fault::SilentAfter(9)), "nothing came for", true),
        ("vanishing", vanishing, "broke off after 300000 of 16", true),
        ("silence", |reply| reply.with(Fault::Silent), "is too slow", true),
        ("breaks", |reply| reply.with(Fault::BreakAfter(100)), "broke off after", true),
        ("500", |_| Reply::new(500, ""), "answers 500", true),
        ("429", |_| Reply::new(429, "").header("retry-after", "900"), "another 900 s", true),
        ("403", |_| Reply::new(403, ""), "refuses access", true),
        ("404", |_| Reply::new(404, ""), "was not found", false),
        (
            "short",
            |reply| Reply { body: reply.body[..9].to_vec(), ..reply },
            "9 bytes where",
            false,
        ),
    ];
    // Side by side, for most of it is waiting.
    std::thread::scope(|scope| {
        for (what, mishap, cause, is_sources) in cases {
            scope.spawn(move || assert_told(what, mishap, cause, is_sources));
        }
    });
}

fn assert_told(what: &str, mishap: Meddle, cause: &str, is_sources: bool) {
    let server = Server::meddling_registry(content(), move |request, reply| {
        if is_blob(request) && is_big(&reply) { mishap(reply) } else { reply }
    });
    let begun = Instant::now();
    let layers = scan(&server);
    assert!(begun.elapsed() < PATIENCE * 3, "{what} took {:?}", begun.elapsed());
    assert!(layers[0].verified && layers[0].failure.is_none(), "{what}");
    let told = &layers[1].problems;
    assert_eq!(told.len(), 1, "{what}: {told:?}");
    assert_eq!((told[0].kind, told[0].layer), (ProblemKind::Unreadable, Some(1)), "{what}");
    assert!(told[0].message.contains(cause), "{what}: {}", told[0]);
    let failure = layers[1].failure.as_ref().map(ToString::to_string);
    assert_eq!(failure.is_some(), is_sources, "{what}: {failure:?}");
}

#[test]
fn a_stop_ends_the_wait_for_the_rest_of_a_blob() {
    let server = unlucky(&[|reply| reply.with(Fault::SilentAfter(300_000))]);
    let stop = Stop::default();
    let options = Options { stop: stop.clone(), ..options(&server) };
    let name = format!("registry:{}/team/app:1", server.host());
    let image = artifact::open(&name, &options).expect("it opens");
    let begun = Instant::now();
    let error = std::thread::scope(|scope| {
        let reading = scope.spawn(|| image.read(&[0, 1], &Recorder::default).err());
        std::thread::sleep(Duration::from_millis(300));
        stop.stop();
        reading.join().expect("no panic")
    });
    assert_eq!(error.map(|error| error.kind()), Some(OpenErrorKind::Interrupted));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// Nobody waits for a host that does not answer once the user has had enough.
#[test]
fn a_stop_ends_the_wait_for_a_connection() {
    let full = testkit::Full::start();
    let stop = Stop::default();
    let registry = RegistryOptions {
        insecure: vec![full.host()],
        // A quarter of it is for connecting.
        patience: Duration::from_secs(60),
        ..RegistryOptions::default()
    };
    let environment = Environment::default().with_system("/nonexistent");
    let options = Options { registry, environment, stop: stop.clone(), ..Options::default() };
    let name = format!("registry:{}/team/app:1", full.host());
    let begun = Instant::now();
    let error = std::thread::scope(|scope| {
        let opening = scope.spawn(|| artifact::open(&name, &options).err());
        std::thread::sleep(Duration::from_millis(500));
        assert!(!opening.is_finished(), "the host answered");
        stop.stop();
        opening.join().expect("no panic")
    });
    assert_eq!(error.map(|error| error.kind()), Some(OpenErrorKind::Interrupted));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
