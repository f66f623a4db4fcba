//! Lines as collectors read them: apart at pipes and keys, whatever a value holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use detect::{Engine, RuleFile, Ruleset};
use model::event::{Call, File, Pod, RunningImage, SocketFamily, User};

use super::*;
use crate::cmd::guard::alert::Form;
use crate::cmd::guard::merge::Tally;

const RULES: &str = "
- rule: A | B \\ C
  desc: d
  condition: evt.type in (openat, connect, execve, accept4)
  output: \"%proc.cmdline\"
  priority: CRITICAL
  tags: [one, two]
- rule: audit
  desc: d
  condition: ka.verb = get
  output: o=%ka.user.name
  priority: INFO
  source: k8s_audit
";

fn engine() -> Engine {
    let (ruleset, problems) = Ruleset::load(&[RuleFile { name: "r", bytes: RULES.as_bytes() }]);
    assert!(problems.is_empty(), "{problems:?}");
    Engine::new(&ruleset)
}

fn plain<'a>(subject: Subject<'a>, detection: &'a Detection) -> Alert<'a> {
    Alert { subject, detection, verdict: None, tally: Tally::once(detection.time), change: None }
}

fn process(name: &str, pid: u32) -> Process {
    let mut process = Process { name: name.into(), pid, ..Process::default() };
    process.executable.path = format!("/bin/{name}").into();
    process.credentials.uid = 33;
    process.credentials.user = Some(User { name: "www=data".into(), ..User::default() });
    process
}

fn event(call: Call, act: Act) -> Event {
    let mut cat = process("cat", 7);
    cat.arguments = Arc::from(["cat".into(), "a=b\\c|d\ne\u{1b}[2J".into()]);
    Event {
        number: 1,
        time: 1_767_323_045_678_000_000,
        call,
        thread: 7,
        processor: 0,
        process: Arc::new(cat),
        ancestors: Arc::from([Arc::new(process("sh", 6))]),
        container: None,
        act,
        result: Some(3),
        denied: false,
    }
}

/// The header's seven parts, and the extension by its keys, read as the format says.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
    let (mut header, mut part) = (Vec::new(), String::new());
    let mut characters = line.chars();
    while header.len() < 7 {
        match characters.next().unwrap() {
            '\\' => part.push(characters.next().unwrap()),
            '|' => header.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    let rest = characters.as_str();
    let mut extension = BTreeMap::new();
    let is_key = |text: &str| text.chars().all(|it| it.is_ascii_alphanumeric());
    let mut key: Option<&str> = None;
    for word in rest.split(' ') {
        match word.split_once('=').filter(|(name, _)| is_key(name)) {
            Some((name, value)) => {
                key = Some(name);
                assert!(extension.insert(name.to_owned(), value.to_owned()).is_none(), "{name}");
            }
            None => {
                let value = extension.get_mut(key.unwrap()).unwrap();
                value.push(' ');
                value.push_str(word);
            }
        }
    }
    (header, extension)
}

fn told(event: &Event) -> (Vec<String>, BTreeMap<String, String>) {
    let detection = engine().judge(event).remove(0);
    let stamp = Stamp { id: uuid::Uuid::nil(), hostname: "host" };
    let subject = Subject::Event(event);
    read(&line(&plain(subject, &detection), &stamp))
}

fn assert_has(extension: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(extension.get(*key).map(String::as_str), Some(*value), "{key}: {extension:#?}");
    }
}

#[test]
fn what_separates_is_escaped() {
    let path = PathArgument { path: "/etc/a=b c".into(), ..PathArgument::default() };
    let file = File { path: path.path.clone(), ..File::default() };
    let descriptor = Descriptor { number: 3, object: Object::File(file) };
    let flags = model::event::OpenFlags::default();
    let mut event = event(Call::Openat, Act::Open { descriptor, path, flags, mode: 0 });
    let pod = Some(Pod { namespace: "shop".into(), name: "web-1".into(), ..Pod::default() });
    let image = Some(RunningImage { reference: "nginx:1".into(), ..RunningImage::default() });
    let container = Container { id: "c1".into(), image, pod, ..Container::default() };
    event.container = Some(Arc::new(container));
    let (header, extension) = told(&event);
    let version = env!("CARGO_PKG_VERSION");
    let name = "A | B \\ C";
    assert_eq!(header, ["CEF:0", "Lazaret", "lazaret", version, name, name, "8"]);
    assert_has(
        &extension,
        &[
            ("rt", "1767323045678"),
            ("dvchost", "host"),
            ("externalId", "00000000-0000-0000-0000-000000000000"),
            ("cat", "syscall"),
            ("sproc", "/bin/cat"),
            ("spid", "7"),
            ("suid", "33"),
            ("suser", "www\\=data"),
            ("fname", "a\\=b c"),
            ("filePath", "/etc/a\\=b c"),
            ("cs1", "c1"),
            ("cs1Label", "container"),
            ("cs2", "nginx:1"),
            ("cs3", "shop/web-1"),
            ("cs4", "cat a\\=b\\\\c|d\\ne\u{fffd}[2J"),
            ("cs5", "one two"),
            ("cs6", "sh"),
        ],
    );
}

#[test]
fn who_calls_is_the_source() {
    let ends = |server| Socket {
        family: SocketFamily::Inet4,
        protocol: Protocol::Tcp,
        local: Some(Endpoint::Internet(([10, 0, 0, 1], 40_000).into())),
        remote: Some(Endpoint::Internet(([192, 0, 2, 7], 443).into())),
        server: Some(server),
        ..Socket::default()
    };
    let descriptor = |server| Descriptor { number: 3, object: Object::Socket(ends(server)) };
    let (_, calls) = told(&event(Call::Connect, Act::Connect { descriptor: descriptor(false) }));
    let expected = [("proto", "TCP"), ("src", "10.0.0.1"), ("spt", "40000"), ("dst", "192.0.2.7")];
    assert_has(&calls, &expected);
    assert_has(&calls, &[("dpt", "443")]);
    let (_, called) = told(&event(Call::Accept4, Act::Accept { descriptor: descriptor(true) }));
    assert_has(&called, &[("src", "192.0.2.7"), ("spt", "443"), ("dst", "10.0.0.1")]);
}

#[test]
fn a_program_is_begun_by_its_parent() {
    let file = PathArgument { path: "/bin/cat".into(), ..PathArgument::default() };
    let mut event = event(Call::Execve, Act::Exec { file, streams: Vec::new() });
    event.denied = true;
    let (_, extension) = told(&event);
    let expected = [("sproc", "/bin/sh"), ("spid", "6"), ("dproc", "/bin/cat"), ("dpid", "7")];
    assert_has(&extension, &expected);
    assert_has(&extension, &[("duser", "www\\=data"), ("filePath", "/bin/cat"), ("act", "denied")]);
}

#[test]
fn long_values_are_cut() {
    let file = PathArgument { path: "é".repeat(5_000).into(), ..PathArgument::default() };
    let mut event = event(Call::Execve, Act::Exec { file, streams: Vec::new() });
    let mut process = (*event.process).clone();
    process.arguments = Arc::from(["é".repeat(9_000).as_str().into()]);
    event.process = Arc::new(process);
    let (_, extension) = told(&event);
    assert_eq!(extension["filePath"].chars().count(), TEXT_MAX);
    assert_eq!(extension["cs4"].chars().count(), CUSTOM_MAX);
}

#[test]
fn a_request_of_an_api_server_is_told() {
    let text = r#"{"auditID":"a1","stage":"ResponseComplete","stageTimestamp":"2026-01-02T03:04:05Z",
        "verb":"get","requestURI":"/api?a=b","user":{"username":"ana"},"sourceIPs":["192.0.2.7"],
        "userAgent":"kubectl","objectRef":{"resource":"secrets","namespace":"shop","name":"key"},
        "responseStatus":{"code":200}}"#;
    let record = Record::read(text).unwrap();
    let detection = engine().judge_record(&record).remove(0);
    let stamp = Stamp { id: uuid::Uuid::nil(), hostname: "host" };
    let alert = plain(Subject::Record(&record), &detection);
    let (header, extension) = read(&line(&alert, &stamp));
    assert_eq!(header[6], "2");
    assert_has(
        &extension,
        &[
            ("cat", "k8s_audit"),
            ("msg", "o\\=ana"),
            ("suser", "ana"),
            ("src", "192.0.2.7"),
            ("requestMethod", "get"),
            ("request", "/api?a\\=b"),
            ("requestClientApplication", "kubectl"),
            ("outcome", "200"),
            ("cs1", "a1"),
            ("cs2", "secrets"),
            ("cs3", "shop"),
            ("cs4", "key"),
        ],
    );
    let again = Record { number: 9, ..record.clone() };
    let again = Alert { subject: Subject::Record(&again), ..alert };
    assert_eq!(alert.id("a"), again.id("b"), "whoever is posted it, and however often");
}

/// Collectors and terminals take more than a newline for the end of a line, and some characters turn what
/// stands behind them.
#[test]
fn no_form_lets_a_name_end_a_line_or_turn_it() {
    const BAD: &str = "\u{2028}\u{2029}\u{85}\u{61c}\u{202e}\u{2066}\u{9b}";
    let name = format!("/tmp/a{BAD}CEF:0|b");
    let file = PathArgument { path: name.as_str().into(), ..PathArgument::default() };
    let mut event = event(Call::Execve, Act::Exec { file, streams: Vec::new() });
    let mut process = (*event.process).clone();
    process.arguments = Arc::from([name.as_str().into()]);
    process.name = name.as_str().into();
    event.process = Arc::new(process);
    let id = name.clone();
    event.container = Some(Arc::new(Container { id, name: Some(name), ..Container::default() }));
    let detection = engine().judge(&event).remove(0);
    let stamp = Stamp { id: uuid::Uuid::nil(), hostname: "host" };
    for form in Form::ALL {
        let text = form.text(&plain(Subject::Event(&event), &detection), &stamp, false);
        assert!(!text.contains(|it: char| BAD.contains(it)), "{}: {text:?}", form.name());
    }
}
