//! Registries that want to know who asks: basic logins, tokens, identity tokens.

use super::*;

/// `user` and `secret`.
pub(crate) const BASIC: &str = "Basic dXNlcjpzZWNyZXQ=";

fn logged_in(server: &Server, login: &str) -> (tempfile::TempDir, Options) {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("auth.json");
    let text = format!(r#"{{"auths":{{"{}":{login}}}}}"#, server.host());
    std::fs::write(&path, text).expect("a file");
    let options = options(server);
    let environment =
        options.environment.clone().with("REGISTRY_AUTH_FILE", path.display().to_string());
    (home, Options { environment, ..options })
}

pub(crate) fn open_logged_in(server: &Server) -> Result<Image, OpenError> {
    let (_home, options) = logged_in(server, r#"{"auth":"dXNlcjpzZWNyZXQ="}"#);
    artifact::open(&format!("registry:{}/team/app:1", server.host()), &options)
}

#[test]
fn a_registry_that_wants_a_login_says_so() {
    let server =
        Server::new(|_| Reply::new(401, "").header("www-authenticate", "Basic realm=\"x\""));
    let error = open(&server).err().expect("there is no login");
    assert_eq!(error.kind(), OpenErrorKind::Unauthorized);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("docker login")), "{error}");

    // A login that is refused is not tried again and again, and not shown.
    let error = open_logged_in(&server).err().expect("the login is wrong");
    assert_eq!(error.kind(), OpenErrorKind::Unauthorized);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    let requests = server.requests();
    assert!(requests.len() < 10, "{requests:?}");
}

/// A registry with a token server, whose tokens are good for so many requests.
fn token_registry(uses: usize) -> (Server, Server) {
    let issued = Arc::new(AtomicUsize::new(0));
    let left = Arc::new(AtomicUsize::new(0));
    let (issuing, filling) = (Arc::clone(&issued), Arc::clone(&left));
    let tokens = Server::new(move |request| {
        let asked = format!("{} {}", request.path, request.body);
        let scope = asked.contains("scope=repository%3Ateam%2Fapp%3Apull");
        let logged_in = request.header("authorization") == Some(BASIC)
            || request.body.contains("refresh_token=the%20refresh%26token");
        if !scope || !asked.contains("service=tests") || !logged_in {
            return Reply::new(401, "");
        }
        let number = issuing.fetch_add(1, Ordering::Relaxed) + 1;
        filling.store(uses, Ordering::Relaxed);
        let name = if request.method == "POST" { "access_token" } else { "token" };
        Reply::new(200, format!(r#"{{"{name}":"token-{number}","expires_in":60}}"#))
    });
    let realm = format!("http://{}/token", tokens.host());
    let registry = Server::meddling_registry(content(), move |request, reply| {
        let good = format!("Bearer token-{}", issued.load(Ordering::Relaxed));
        let shown = request.header("authorization") == Some(&good);
        let spend = |left: usize| left.checked_sub(1);
        if shown && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok() {
            return reply;
        }
        let challenge =
            format!(r#"Bearer realm="{realm}",service="tests",scope="repository:team/app:pull""#);
        Reply::new(401, "").header("www-authenticate", challenge)
    });
    (registry, tokens)
}

#[test]
fn tokens_are_fetched_and_renewed_in_the_middle() {
    for uses in [100, 1] {
        let (registry, tokens) = token_registry(uses);
        let (_home, mut options) = logged_in(&registry, r#"{"auth":"dXNlcjpzZWNyZXQ="}"#);
        // In parallel, one could spend the token that another has just fetched.
        options.jobs = std::num::NonZeroUsize::MIN;
        let name = format!("registry:{}/team/app:1", registry.host());
        let layers = read(&artifact::open(&name, &options).expect("it opens"));
        assert_whole(&layers);
        let fetched = tokens.requests().len();
        assert_eq!(fetched, if uses == 1 { 4 } else { 1 });
    }
}

#[test]
fn an_identity_token_is_exchanged() {
    let (registry, tokens) = token_registry(100);
    let (_home, options) = logged_in(&registry, r#"{"identitytoken":"the refresh&token"}"#);
    let name = format!("registry:{}/team/app:1", registry.host());
    assert!(artifact::open(&name, &options).is_ok());
    let requests = tokens.requests();
    assert_eq!(requests[0].method, "POST");
    assert!(requests[0].body.contains("grant_type=refresh_token"), "{requests:?}");
}

#[test]
fn a_wrong_login_is_refused_by_the_token_server() {
    let (registry, _tokens) = token_registry(100);
    let (_home, options) = logged_in(&registry, r#"{"auth":"dXNlcjp3cm9uZw=="}"#);
    let name = format!("registry:{}/team/app:1", registry.host());
    let error = artifact::open(&name, &options).err().expect("it is refused");
    assert_eq!(error.kind(), OpenErrorKind::Unauthorized);
}

/// Whoever a registry redirects to can ask for a login in its own name; there is none for it.
#[test]
fn only_the_registry_itself_is_answered_when_it_asks_for_a_login() {
    let challenges: [fn(&str) -> String; 3] = [
        |own| format!(r#"Bearer realm="http://{own}/steal",service="x""#),
        |own| format!(r#"Basic realm="x", Bearer realm="http://{own}/steal""#),
        |_| r#"Basic realm="x""#.to_owned(),
    ];
    for challenge in challenges {
        let thief = Server::new(move |request| match request.path.contains("steal") {
            true => Reply::new(200, r#"{"token":"t"}"#),
            false => {
                let own = request.header("host").unwrap_or_default();
                Reply::new(401, "").header("www-authenticate", challenge(own))
            }
        });
        let elsewhere = format!("http://{}", thief.host());
        let server = Server::meddling_registry(content(), move |request, reply| {
            if request.header("authorization") != Some(BASIC) {
                return Reply::new(401, "").header("www-authenticate", "Basic realm=\"x\"");
            }
            let away = format!("{elsewhere}{}", request.path);
            if is_blob(request) { Reply::new(307, "").header("location", away) } else { reply }
        });
        let error = open_logged_in(&server).err().expect("the configuration is not to be had");
        assert_eq!(error.kind(), OpenErrorKind::Unauthorized);
        assert!(error.to_string().contains("to which"), "{error}");
        let asked = thief.requests();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked.iter().all(|it| it.header("authorization").is_none()), "{asked:?}");
    }
}

/// Without a session's folder `podman login` writes below `/run`.
#[test]
fn a_login_that_podman_keeps_for_the_session_is_found() {
    let server = Server::meddling_registry(content(), |request, reply| {
        match request.header("authorization") {
            Some(BASIC) => reply,
            _ => Reply::new(401, "").header("www-authenticate", "Basic realm=\"x\""),
        }
    });
    let run = tempfile::tempdir().expect("a directory");
    let own = run.path().join("containers").join(rustix::process::getuid().as_raw().to_string());
    std::fs::create_dir_all(&own).expect("a directory");
    let text = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpzZWNyZXQ="}}}}}}"#, server.host());
    std::fs::write(own.join("auth.json"), text).expect("a file");
    let target = format!("registry:{}/team/app:1", server.host());
    let options = options(&server);
    let environment = options.environment.clone().with_run(run.path());
    let found = Options { environment, ..options.clone() };
    assert!(artifact::open(&target, &found).is_ok());
    let session = found.environment.with("XDG_RUNTIME_DIR", "/nonexistent");
    let elsewhere = Options { environment: session, ..options };
    assert!(artifact::open(&target, &elsewhere).is_err());
}
