//! `lazaret guard audit`: a webhook and logs that are followed, and sinks that are down, stall, die.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Authority, Fault, Reply, Server, run, skip};

use crate::run::Sandbox;

const FALCO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco");

const RULES: &str = "
- rule: Secret read
  desc: d
  condition: ka.verb = get
  output: user=%ka.user.name
  priority: WARNING
  source: k8s_audit
  tags: [shop]
";

const READY: Duration = Duration::from_secs(60);

fn record(id: &str) -> String {
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": id, "stage": "ResponseComplete",
        "stageTimestamp": "2026-01-02T03:04:05.5Z", "verb": "get", "user": {"username": "ana"},
        "sourceIPs": ["192.0.2.7"], "objectRef": {"resource": "secrets", "namespace": "shop", "name": "key"},
    })
    .to_string()
}

fn list(records: &[String]) -> String {
    let items = records.join(",");
    format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{items}]}}"#)
}

/// The verb at work, killed when dropped.
struct Audit<'a> {
    child: Child,
    sandbox: &'a Sandbox,
    address: String,
}

impl<'a> Audit<'a> {
    fn start(sandbox: &'a Sandbox, arguments: &[&str]) -> Self {
        let errors = File::create(sandbox.path("stderr")).unwrap();
        // Equal alerts are of several requests here.
        let merged = arguments.contains(&"--merge-window");
        let each = if merged { &[][..] } else { &["--merge-window", "0"] };
        let mut command = sandbox.command(&[&["guard", "audit"], arguments, each].concat());
        let child = command.stdout(Stdio::null()).stderr(errors).spawn().unwrap();
        let mut audit = Self { child, sandbox, address: String::new() };
        audit.wait_for("Ctrl-C ends");
        let said = audit.said();
        let place = said.split("records are taken at ").nth(1).and_then(|it| it.split('/').nth(2));
        audit.address = place.unwrap_or_default().to_owned();
        audit
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("stderr")).unwrap()
    }

    fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        while !self.said().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < READY, "{ended:?}: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn post(&self, body: &str) -> u16 {
        self.post_with(body, "")
    }

    fn post_with(&self, body: &str, header: &str) -> u16 {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{header}\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        // Who is refused may notice while writing.
        drop(socket.write_all(body.as_bytes()));
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status[9..]).parse().unwrap()
    }

    /// Ends it as Ctrl-C does, and gives the last that it said.
    fn end(mut self) -> String {
        run("kill", &["-INT", &self.child.id().to_string()]);
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.said());
        self.said().lines().last().unwrap().to_owned()
    }
}

impl Drop for Audit<'_> {
    fn drop(&mut self) {
        // It may have ended.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn wait_until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < READY);
        thread::sleep(Duration::from_millis(20));
    }
}

/// Falco's events, as an API server would post them, give what a replay of their files gives.
#[test]
fn posted_records_give_the_alerts_of_a_replay() {
    let falco = Path::new(FALCO);
    let rules = falco.join("rules/k8s_audit_rules.yaml").display().to_string();
    let Ok(entries) = falco.join("k8s-audit-events").read_dir() else {
        return skip("Falco's audit events are not there");
    };
    let sandbox = Sandbox::new();
    let alerts = sandbox.path("alerts.json");
    let to = format!("json@file:{}", alerts.display());
    let audit =
        Audit::start(&sandbox, &["--listen", "127.0.0.1:0", "--rules", &rules, "--to", &to]);
    let mut expected = Vec::new();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 47);
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        // Some hold several, one behind the other; an API server posts lists.
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let mut items = Vec::new();
        for document in documents {
            let mut document = document.unwrap();
            match document["items"].as_array_mut() {
                Some(of_list) => items.append(of_list),
                None => items.push(document),
            }
        }
        let items: Vec<String> = items.iter().map(Value::to_string).collect();
        assert_eq!(audit.post(&list(&items)), 200, "{}", path.display());
        let path = path.display().to_string();
        let replay = ["rules", "replay", "--rules", &rules, "--format", "json", &path];
        for line in sandbox.run(&replay).stdout.lines() {
            expected.push(serde_json::from_str::<Value>(line).unwrap());
        }
    }
    let said = audit.end();
    let told = |alerts: &[Value]| -> Vec<(Value, Value, Value)> {
        let parts = |it: &Value| (it["rule"].clone(), it["message"].clone(), it["fields"].clone());
        alerts.iter().map(parts).collect()
    };
    assert_eq!(told(&lines(&alerts)), told(&expected), "{said}");
    assert!(expected.len() > 47, "{} alerts", expected.len());
}

#[test]
fn alerts_are_as_their_schema_says() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let alerts = sandbox.path("alerts.json");
    let to = format!("json@file:{}", alerts.display());
    let audit =
        Audit::start(&sandbox, &["--listen", "127.0.0.1:0", "--rules", &rules, "--to", &to]);
    let body = list(&[record("a1"), "{}".to_owned(), record("a2")]);
    assert_eq!((audit.post(&body), audit.post(&body)), (200, 200));
    let said = audit.end();
    assert!(said.starts_with("4 records, 4 alerts; 2 records could not be read"), "{said}");
    let alerts = lines(&alerts);
    let schema = include_str!("../../../../docs/alert.schema.json").parse::<Value>().unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for alert in &alerts {
        let wrong: Vec<String> = schema.iter_errors(alert).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}: {alert:#}");
    }
    assert_eq!(alerts[0]["request"]["user"], "ana");
    assert_eq!(alerts[0]["fields"]["ka.user.name"], "ana");
    // Who posts again means the same.
    assert_eq!(alerts[0]["id"], alerts[2]["id"]);
    assert_ne!(alerts[0]["id"], alerts[1]["id"]);
    let mut other = alerts[0].clone();
    other["id"] = 7.into();
    assert!(!schema.is_valid(&other), "the schema says something");
}

const POLICY: &str = "
version: 1
rules:
  - {id: bank, select: {rules: [Secret read]}, scope: {namespaces: [bank]}, severity: critical}
  - {id: tests, select: {rules: [Secret read]}, scope: {namespaces: [test]}, action: allow}
allow:
  - {id: backups, rules: [Secret read], scope: {users: [backup], resources: [secrets]}, owner: team, reason: at night}
";

#[test]
fn a_policy_decides_and_equal_alerts_become_one() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let policy = sandbox.file("guard.yaml", POLICY);
    let alerts = sandbox.path("alerts.json");
    let to = format!("json@file:{}", alerts.display());
    let listen = ["--listen", "127.0.0.1:0", "--rules", &rules, "--to", &to];
    let with = ["--policy", &policy, "--merge-window", "60"];
    let audit = Audit::start(&sandbox, &[&listen[..], &with].concat());
    let of = |id: &str, user: &str, namespace: &str| {
        let mut record: Value = record(id).parse().unwrap();
        record["user"]["username"] = user.into();
        record["objectRef"]["namespace"] = namespace.into();
        record.to_string()
    };
    let posted: Vec<String> = [
        ("ana", "shop"),
        ("ana", "shop"),
        ("ana", "shop"),
        ("bob", "shop"),
        ("ana", "bank"),
        ("ana", "test"),
        ("backup", "shop"),
    ]
    .iter()
    .enumerate()
    .map(|(number, (user, namespace))| of(&number.to_string(), user, namespace))
    .collect();
    assert_eq!(audit.post(&list(&posted)), 200);
    let said = audit.end();
    assert_eq!(said, "7 records, 5 alerts; 2 not told, as the policy says");
    let told: Vec<(String, String, String, u64)> = lines(&alerts)
        .iter()
        .map(|alert| {
            let text = |at: &str| alert.pointer(at).unwrap().as_str().unwrap().to_owned();
            let [user, namespace] = ["/request/user", "/request/namespace"].map(text);
            (user, namespace, text("/priority"), alert["count"].as_u64().unwrap())
        })
        .collect();
    let one = |user: &str, namespace: &str, priority: &str, count| {
        (user.to_owned(), namespace.to_owned(), priority.to_owned(), count)
    };
    assert_eq!(
        told,
        [
            one("ana", "shop", "Warning", 1),
            one("bob", "shop", "Warning", 1),
            one("ana", "bank", "Critical", 1),
            one("ana", "shop", "Warning", 3),
        ]
    );
    let ended =
        sandbox.run(&["guard", "audit", "--log", "x", "--rules", &rules, "--policy", &rules]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn what_is_no_list_of_records_is_refused() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let token = sandbox.file("token", "s3cret\n");
    let arguments = ["--listen", "127.0.0.1:0", "--rules", &rules, "--token", &token];
    let audit = Audit::start(&sandbox, &arguments);
    let header = "authorization: Bearer s3cret\r\n";
    let many = list(&vec!["0".to_owned(); 10_001]);
    for (body, header, status) in [
        (list(&[record("a")]), "", 401),
        (list(&[record("a")]), header, 200),
        (record("a"), header, 400),
        ("not JSON".to_owned(), header, 400),
        ("[".repeat(1 << 20), header, 400),
        (many, header, 413),
        (" ".repeat((16 << 20) + 1), header, 413),
    ] {
        assert_eq!(audit.post_with(&body, header), status, "{body:.80}");
    }
    let said = audit.end();
    assert!(said.contains("1 record, 1 alert") && said.contains("6 requests refused"), "{said}");
}

#[test]
fn other_machines_need_tls_and_a_name() {
    let sandbox = Sandbox::new();
    let identity = Authority::default().identity(&["localhost"]);
    sandbox.file("cert.pem", identity.certificate);
    sandbox.file("key.pem", identity.key);
    sandbox.file("token", "s3cret");
    let secure = ["--cert", "cert.pem", "--key", "key.pem"];
    for options in [&[][..], &["--token", "token"], &secure] {
        let arguments = [&["guard", "audit", "--listen", "0.0.0.0:0"], options].concat();
        let ended = sandbox.run(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("--client-ca or --token"), "{ended:?}");
    }
    let options = [&["--listen", "0.0.0.0:0", "--token", "token"], &secure[..]].concat();
    let audit = Audit::start(&sandbox, &options);
    assert!(audit.said().contains("https://0.0.0.0:"), "{}", audit.said());
    drop(audit);
    assert_eq!(sandbox.run(&["guard", "audit"]).code, Some(2), "neither --listen nor --log");
}

#[test]
fn a_log_is_followed_over_its_rotation() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let log = sandbox.file("audit.log", record("old") + "\n");
    let alerts = sandbox.path("alerts.json");
    let to = format!("json@file:{}", alerts.display());
    let audit = Audit::start(&sandbox, &["--log", &log, "--rules", &rules, "--to", &to]);
    let add = |text: &str| {
        let file = OpenOptions::new().create(true).append(true).open(&log);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    };
    let (one, two) = (record("one"), record("two"));
    let (begin, rest) = two.split_at(40);
    add(&format!("{one}\nno record\n{begin}"));
    wait_until(|| lines(&alerts).len() == 1);
    add(rest);
    add("\n");
    std::fs::rename(&log, sandbox.path("audit-1.log")).unwrap();
    add(&format!("{}\n", record("three")));
    wait_until(|| lines(&alerts).len() == 3);
    let said = audit.end();
    assert!(said.starts_with("3 records, 3 alerts; 1 record could not be read"), "{said}");
    let ids: Vec<Value> =
        lines(&alerts).iter().map(|it| it["request"]["audit_id"].clone()).collect();
    assert_eq!(ids, ["one", "two", "three"]);
}

/// A server that answers with what is in the number, and the bodies it said yes to.
fn server(status: u16) -> (Arc<AtomicU16>, Server) {
    let now = Arc::new(AtomicU16::new(status));
    let says = Arc::clone(&now);
    let server = Server::new(move |_| match says.load(Ordering::Relaxed) {
        0 => Reply::new(200, "").with(Fault::Silent),
        1 => Reply::new(500, "x").with(Fault::ResetAfter(0)),
        status => Reply::new(status, "").header("retry-after", "1"),
    });
    (now, server)
}

/// Ids of records whose alerts the server was sent, from the `after`th request on.
fn sent(server: &Server, after: usize) -> Vec<String> {
    let requests = server.requests();
    let bodies = requests.iter().skip(after).map(|it| it.body.parse::<Value>().unwrap());
    bodies.map(|it| it["request"]["audit_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_taken_survives_a_sink_that_is_down_and_a_guard_that_is_killed() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    for status in [503, 429, 0, 1] {
        let (now, server) = server(status);
        let to = format!("json@http://{}/alerts", server.host());
        let spool = format!("spool-{status}");
        let arguments =
            ["--listen", "127.0.0.1:0", "--rules", &rules, "--to", &to, "--spool", &spool];
        let mut audit = Audit::start(&sandbox, &arguments);
        let names: Vec<String> = (0..50).map(|number| format!("r{number}")).collect();
        for name in &names {
            assert_eq!(audit.post(&list(&[record(name)])), 200);
        }
        // At once: what was answered with 200 is in the spool.
        audit.child.kill().unwrap();
        audit.child.wait().unwrap();
        let before = server.requests().len();
        now.store(200, Ordering::Relaxed);
        let audit = Audit::start(&sandbox, &arguments);
        wait_until(|| server.requests().len() >= before + 50);
        let said = audit.end();
        assert_eq!(said, "0 records, 0 alerts", "{status}");
        assert_eq!(sent(&server, before), names, "{status}: in order, none missing, none twice");
    }
}

#[test]
fn a_sink_that_is_down_is_said_and_what_waits_too() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    let (now, server) = server(500);
    let to = format!("json@http://{}/", server.host());
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--rules", &rules, "--to", &to];
    let mut audit = Audit::start(&sandbox, &arguments);
    assert_eq!(audit.post(&list(&[record("one")])), 200);
    audit.wait_for("takes no alerts: it answers 500");
    now.store(200, Ordering::Relaxed);
    audit.wait_for("takes alerts again");
    assert_eq!(audit.end(), "1 record, 1 alert");
    now.store(500, Ordering::Relaxed);
    for (spool, said) in [(false, "did not get to"), (true, "for")] {
        arguments.extend(["--spool", "spool"].iter().filter(|_| spool));
        let mut audit = Audit::start(&sandbox, &arguments);
        assert_eq!(audit.post(&list(&[record("two")])), 200);
        audit.wait_for("takes no alerts");
        let last = audit.end();
        assert!(last.contains(&format!("1 record, 1 alert; 1 alert {said} `http://")), "{last}");
    }
    now.store(200, Ordering::Relaxed);
    let audit = Audit::start(&sandbox, &arguments);
    wait_until(|| sent(&server, 0).last().is_some_and(|it| it == "two"));
    assert_eq!(audit.end(), "0 records, 0 alerts");
}

/// The spool is on a disk without room: alerts wait in memory, and go out when the sink is back.
#[test]
fn a_full_disk_stops_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file("rules.yaml", RULES);
    let (now, server) = server(503);
    let body = list(&[record("one"), record("two")]);
    sandbox.file("body.json", &body);
    let script = format!(
        "dd if=/dev/zero of=small/full bs=1k 2>&-
        \"$LAZARET\" guard audit --log audit.log --rules rules.yaml --spool small/spool \\
            --merge-window 0 --to json@http://{}/ 2>said & guard=$!
        until grep -q 'Ctrl-C ends' said; do sleep 0.1; done
        printf '%s\\n%s\\n' '{}' '{}' >>audit.log
        until grep -q 'wait in memory' said; do sleep 0.1; done
        rm -f small/full; printf '%s\\n' '{}' >>audit.log; sleep 2
        kill -INT $guard; wait $guard; code=$?; cat said; exit $code",
        server.host(),
        record("one"),
        record("two"),
        record("three"),
    );
    let Some(ended) = sandbox.run_with_small_disk(&script) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("3 records, 3 alerts; 3 alerts for `http://"), "{ended:?}");
    now.store(200, Ordering::Relaxed);
}

#[test]
fn tokens_are_shown_to_their_host_alone() {
    let sandbox = Sandbox::new();
    let rules = sandbox.file("rules.yaml", RULES);
    sandbox.file("token", "s3cret");
    let (_now, server) = server(200);
    let to = format!("cef@http://{}/", server.host());
    let usage = |arguments: &[&str], words: &str| {
        let log = ["guard", "audit", "--log", "audit.log", "--rules", &rules];
        let ended = sandbox.run(&[&log, arguments].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    };
    usage(&["--to", "json@http://siem.example/", "--to-token", "token"], "use https://");
    let two = ["--to", &to, "--to", "json@https://siem.example/"];
    usage(&[&two[..], &["--to-token", "token"]].concat(), "--to-token HOST=FILE");
    usage(&["--to", &to, "--to-token", "other=token"], "no alerts go to `other`");
    usage(&["--to", &to, "--to-token", "token", "--to-token", "token"], "two tokens for");
    usage(&["--to", "json@https://u:p@host/"], "read by everybody");
    sandbox.file("key", "X-Key: s3cret");
    usage(&["--listen", "127.0.0.1:0", "--token", "key"], "no API server sends");

    let log = sandbox.file("audit.log", "");
    let arguments = ["--log", &log, "--rules", &rules, "--to", &to, "--to-token", "token"];
    let audit = Audit::start(&sandbox, &arguments);
    std::fs::write(&log, record("one") + "\n").unwrap();
    wait_until(|| !server.requests().is_empty());
    assert_eq!(audit.end(), "1 record, 1 alert");
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer s3cret"));
    assert!(request.body.starts_with("CEF:0|Lazaret|lazaret|"), "{}", request.body);
}
