//! Policies of the guard: what they make of detections, and what is wrong with them.
//!
//! A folder of `testdata/guard/cases` is a case: `policy.yaml`, `given.yaml` with what happened, and
//! `expected.txt` with what it comes to. BLESS=1 writes the latter anew; read it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what these helpers unwrap is the test's own doing"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::event::{
    Act, Call, Container, Descriptor, Endpoint, Event, Executable, Object, PathArgument, Pod,
    Process, Protocol, Question, RunningImage, Socket, SocketFamily, User,
};
use model::{Priority, Refused};
use policy::guard::{AskedRule, Excuse, GuardPolicy, Moment, Request, Subject, Verdict};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    today: String,
    #[serde(default)]
    enforce: bool,
    #[serde(default)]
    rules: BTreeMap<String, GivenRule>,
    #[serde(default)]
    events: Vec<GivenEvent>,
    /// Of whom it is asked what is refused to them; nothing is the host.
    #[serde(default)]
    held: Vec<GivenContainer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenRule {
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    priority: Option<String>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GivenContainer {
    host: bool,
    undescribed: bool,
    name: Option<String>,
    image: Option<String>,
    digest: Option<String>,
    labels: BTreeMap<String, String>,
    /// `namespace/name`.
    pod: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenEvent {
    rule: String,
    /// A process of the host without.
    container: Option<GivenContainer>,
    #[serde(default)]
    process: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    cut: bool,
    user: Option<String>,
    #[serde(default)]
    ancestors: Vec<String>,
    exec: Option<String>,
    open: Option<String>,
    connect: Option<String>,
    ask: Option<String>,
    rename: Option<[String; 2]>,
    #[serde(default)]
    denied: bool,
    /// It was asked of an API server.
    audited: Option<GivenRequest>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GivenRequest {
    user: Option<String>,
    namespace: Option<String>,
    resource: Option<String>,
}

impl GivenContainer {
    fn container(&self) -> Option<Arc<Container>> {
        let pod = self.pod.as_ref().and_then(|pod| pod.split_once('/'));
        let image = self.image.as_ref().map(|reference| RunningImage {
            reference: reference.clone(),
            digest: self.digest.clone(),
            ..RunningImage::default()
        });
        let container = Container {
            id: "c0ffee".to_owned(),
            described: !self.undescribed,
            name: self.name.clone(),
            image,
            labels: self.labels.clone(),
            pod: pod.map(|(namespace, name)| Pod {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                ..Pod::default()
            }),
            ..Container::default()
        };
        (!self.host).then(|| Arc::new(container))
    }
}

fn path(path: &str) -> PathArgument {
    PathArgument { path: path.into(), resolved: true, ..PathArgument::default() }
}

fn process(path: &str) -> Process {
    let executable = Executable { path: path.into(), ..Executable::default() };
    Process { executable, ..Process::default() }
}

impl GivenEvent {
    fn act(&self) -> (Call, Act) {
        let socket = |address: &str| Descriptor {
            number: 3,
            object: Object::Socket(Socket {
                family: SocketFamily::Inet4,
                protocol: Protocol::Tcp,
                remote: Some(Endpoint::Internet(address.parse().unwrap())),
                ..Socket::default()
            }),
        };
        if let Some(file) = &self.open {
            let (descriptor, path) = (Descriptor::default(), path(file));
            let flags = model::event::OpenFlags::default();
            return (Call::Openat, Act::Open { descriptor, path, flags, mode: 0 });
        }
        if let Some(address) = &self.connect {
            return (Call::Connect, Act::Connect { descriptor: socket(address) });
        }
        if let Some(name) = &self.ask {
            let questions = vec![Question { name: name.as_str().into(), kind: 1, answers: vec![] }];
            return (Call::Sendto, Act::Send { descriptor: socket("10.0.0.53:53"), questions });
        }
        if let Some([from, to]) = &self.rename {
            return (Call::Rename, Act::Rename { from: path(from), to: path(to) });
        }
        let file = path(self.exec.as_ref().unwrap_or(&self.process));
        (Call::Execve, Act::Exec { file, streams: Vec::new() })
    }

    fn event(&self) -> Event {
        let (call, act) = self.act();
        let mut process = process(&self.process);
        process.arguments = self.arguments.iter().map(|it| it.as_str().into()).collect();
        process.cut = self.cut;
        process.credentials.user =
            self.user.as_ref().map(|name| User { name: name.as_str().into(), ..User::default() });
        process.credentials.uid = if self.user.is_some() { 1000 } else { 0 };
        Event {
            number: 1,
            time: 0,
            call,
            thread: 1,
            processor: 0,
            process: Arc::new(process),
            ancestors: self.ancestors.iter().map(|it| Arc::new(self::process(it))).collect(),
            container: self.container.as_ref().and_then(GivenContainer::container),
            act,
            result: Some(0),
            denied: self.denied,
        }
    }
}

impl Given {
    fn moment(&self) -> Moment {
        Moment { today: self.today.parse().unwrap(), enforce: self.enforce }
    }

    fn asked<'a>(&'a self, name: &'a str) -> AskedRule<'a> {
        let rule = self.rules.get(name);
        let priority = rule.and_then(|rule| rule.priority.as_deref());
        let priority = priority.map_or(Priority::Warning, |it| Priority::of_name(it).unwrap());
        AskedRule {
            name,
            tags: rule.map_or(&[], |rule| &rule.tags),
            priority,
            enabled: rule.is_none_or(|rule| !rule.disabled),
        }
    }
}

fn read_lists(folder: &Path) -> impl FnMut(&str) -> Result<String, String> + use<> {
    let folder = folder.to_owned();
    move |name: &str| {
        std::fs::read_to_string(folder.join(name)).map_err(|_why| "no such file".to_owned())
    }
}

fn told(verdict: &Verdict) -> String {
    let mut text = match verdict.told {
        true => format!("told as {}", verdict.priority),
        false => "not told".to_owned(),
    };
    if verdict.blocked {
        text.push_str(", blocked");
    }
    for wanted in &verdict.responses {
        let name = policy::guard::name(wanted.response);
        match wanted.held_back {
            None => write!(text, ", {name}").unwrap(),
            Some(why) => write!(text, ", would {name} ({})", why.why()).unwrap(),
        }
    }
    for because in &verdict.because {
        write!(text, "\n    {} by {}", because.setting, because.entry).unwrap();
        if !because.reason.is_empty() {
            write!(text, ": {}", because.reason).unwrap();
        }
    }
    for note in &verdict.notes {
        write!(text, "\n    note: {note}").unwrap();
    }
    text
}

fn run(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let policy = GuardPolicy::parse(&read("policy.yaml"), "policy.yaml", &mut read_lists(folder));
    let policy = policy.unwrap_or_else(|errors| panic!("{}: {errors:#?}", folder.display()));
    let given: Given = serde_saphyr::from_str(&read("given.yaml")).unwrap();
    let mut text = String::new();
    for note in policy.notes(given.moment().today) {
        writeln!(text, "note: {note}").unwrap();
    }
    for name in given.rules.keys() {
        if policy.choose(&given.asked(name)).asked == given.rules[name].disabled {
            let word = if given.rules[name].disabled { "asked" } else { "never asked" };
            writeln!(text, "{name} is {word}").unwrap();
        }
    }
    for (number, given_event) in given.events.iter().enumerate() {
        let rule = given.asked(&given_event.rule);
        let event = given_event.event();
        let request = given_event.audited.as_ref().map(|it| Request {
            user: it.user.clone(),
            namespace: it.namespace.clone(),
            resource: it.resource.clone(),
        });
        let subject = request.as_ref().map_or(Subject::Event(&event), Subject::Request);
        let verdict = policy.judge(&policy.choose(&rule), subject, given.moment());
        writeln!(text, "{} {}: {}", number + 1, rule.name, told(&verdict)).unwrap();
        if request.is_none() {
            assert_an_excuse_is_narrow(&rule, &event);
        }
    }
    let preventions = policy.preventions();
    for whom in &given.held {
        let held = policy.held(whom.container().as_deref(), given.moment());
        let name = if whom.host { "host" } else { whom.name.as_deref().unwrap_or("container") };
        write!(text, "{name}:").unwrap();
        for (bit, prevention) in preventions.iter().enumerate() {
            let mask = 1 << bit;
            match (held.bits & mask > 0, held.refused & mask > 0) {
                (true, true) => write!(text, " {} refused;", prevention.id).unwrap(),
                (true, false) => write!(text, " {} told;", prevention.id).unwrap(),
                (false, is_refused) => assert!(!is_refused),
            }
        }
        text.push('\n');
    }
    text
}

/// The entry that an alert suggests is refused until somebody answers for it; then it covers what
/// happened, and neither another program nor another image.
fn assert_an_excuse_is_narrow(rule: &AskedRule<'_>, event: &Event) {
    let Some(mut excuse) = Excuse::of(rule.name, event) else { return };
    let parse = |excuse: &Excuse| {
        let text = format!("version: 1\nallow: [{}]", serde_json::to_string(excuse).unwrap());
        GuardPolicy::parse(&text, "excuse", &mut |_| Err(String::new()))
    };
    assert!(parse(&excuse).is_err());
    (excuse.owner, excuse.reason) = ("team".to_owned(), "it is ours".to_owned());
    let policy = parse(&excuse).unwrap_or_else(|errors| panic!("{excuse:?} {errors:?}"));
    let moment = Moment { today: "2026-01-01".parse().unwrap(), enforce: false };
    let is_told = |rule: &AskedRule<'_>, event: &Event| {
        policy.judge(&policy.choose(rule), Subject::Event(event), moment).told
    };
    assert!(!is_told(rule, event) || !rule.enabled, "{excuse:?}");
    let other = AskedRule { name: "another", enabled: true, ..*rule };
    assert!(is_told(&other, event));
    let rule = AskedRule { enabled: true, ..*rule };
    let program = Event { process: Arc::new(process("/elsewhere")), ..event.clone() };
    assert!(is_told(&rule, &program), "{excuse:?}");
    let image = GivenContainer { image: Some("another:1".to_owned()), ..GivenContainer::default() };
    let image = Event { container: image.container(), ..event.clone() };
    assert!(is_told(&rule, &image), "{excuse:?}");
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guard").join(name)
}

fn is_blessed() -> bool {
    std::env::var_os("BLESS").is_some()
}

#[test]
fn detections_come_to_what_policies_say() {
    let folders = std::fs::read_dir(testdata("cases")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|it| it.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 5);
    for folder in folders {
        let (came, golden) = (run(&folder), folder.join("expected.txt"));
        if is_blessed() {
            std::fs::write(golden, came).unwrap();
        } else {
            assert_eq!(came, std::fs::read_to_string(golden).unwrap(), "{}", folder.display());
        }
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let page = testdata("mistakes.txt");
    let cases = std::fs::read_to_string(&page).unwrap();
    let mut answers = Vec::new();
    for case in cases.split("===\n") {
        let (policy, _) = case.split_once("---\n").expect("a policy and its errors");
        let mut lists = read_lists(&testdata(""));
        let errors = match GuardPolicy::parse(policy, "policy.yaml", &mut lists) {
            Ok(policy) => policy.misspelt(&["execution-drift", "network-metadata"]),
            Err(errors) => errors,
        };
        let said = errors.iter().map(|error| {
            let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{error}{hint}\n")
        });
        let said: String = said.collect();
        let said = if said.is_empty() { "none\n".to_owned() } else { said };
        answers.push(format!("{policy}---\n{said}"));
    }
    let answers = answers.join("===\n");
    if is_blessed() {
        std::fs::write(page, &answers).unwrap();
    } else {
        assert_eq!(answers, cases);
    }
}

#[test]
fn hostile_files_end() {
    let wild = |count: usize| "'/*/*', ".repeat(count);
    let list = format!("lists: [{{id: a, items: [{}]}}]\n", "x, ".repeat(90_000));
    let prevention = |it: usize| format!("{{id: p{it}, refuse: mount}}, ");
    let preventions = (0..65).map(prevention).collect::<String>();
    let networks = "10.0.0.1, ".repeat(5_000);
    let cases = [
        (String::new(), "unexpected end"),
        ("[".repeat(100_000), ""),
        ("{a: ".repeat(50_000), ""),
        (format!("version: 1\nrules: [{}]", "{enabled: true}, ".repeat(1_001)), "more than 1000"),
        (
            format!(
                "version: 1\nallow: [{{rules: [a], files: [{}], owner: a, reason: b}}]",
                wild(2_001)
            ),
            "more than 2000 patterns",
        ),
        (
            format!(
                "version: 1\n{list}rules: [{}]",
                "{enabled: true, scope: {users: ['list:a']}}, ".repeat(3)
            ),
            "more than 200000 texts",
        ),
        (format!("version: 1\nprevent: [{preventions}]"), "more than 64 preventions"),
        (
            format!("version: 1\nprevent: [{{id: a, refuse: connect, networks: [{networks}]}}]"),
            "more than 4096 paths and networks",
        ),
        (
            format!("version: 1\nlists: [{{id: a, file: {}}}]", "x".repeat(5 << 20)),
            "more than 4 MiB",
        ),
        (
            format!(
                "version: 1\nallow: [{{rules: ['{}'], owner: a, reason: b}}]",
                "*".repeat(2_000)
            ),
            "more than 1024 bytes",
        ),
    ];
    for (text, said) in cases {
        let errors =
            GuardPolicy::parse(&text, "x", &mut |_| Ok("y\n".repeat(3 << 20))).unwrap_err();
        let all: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        let start = text.get(..60.min(text.len())).unwrap_or_default();
        assert!(all.iter().any(|it| it.contains(said)), "{start}: {:?}", all.first());
    }
}

#[test]
fn a_prevention_is_the_model_s() {
    let text =
        "version: 1\nprevent:\n  - {id: keys, refuse: read, paths: [/root/.ssh/**, /etc/shadow]}\n";
    let policy = GuardPolicy::parse(text, "x", &mut |_| Err(String::new())).unwrap();
    let [prevention] = <[_; 1]>::try_from(policy.preventions()).unwrap();
    let places =
        vec![model::Place::Below("/root/.ssh".into()), model::Place::Exactly("/etc/shadow".into())];
    assert_eq!((prevention.id.as_str(), prevention.act), ("keys", Refused::Read(places)));
}
