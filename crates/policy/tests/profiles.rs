//! Events → a profile, word for word, and what deviates from it: a file of `testdata/profiles` is a
//! case. Its lines are events; `testdata/profiles/README.md` says how they read.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case that is written wrongly is the test's failure"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, date};
use model::Place;
use model::event::{
    Act, Call, Container, Descriptor, Endpoint, Event, Executable, File, Layering, Object,
    OpenFlags, PathArgument, Process, Protocol, Question, Socket, Text,
};
use policy::guard::{GuardPolicy, Moment};
use policy::profile::{Fact, Learning, Mode, Observer, Profile, Protections};

const TODAY: Date = date(2026, 3, 1);
/// When the guard began to look; processes are born from then on unless a line says otherwise.
const BEGAN: u64 = 1_000;

/// The processes of a case.
#[derive(Default)]
struct Machine {
    processes: HashMap<u32, (Arc<Process>, u32)>,
    time: u64,
}

impl Machine {
    /// `PID verb …`, `PID<PARENT verb …`.
    fn event(&mut self, line: &str) -> Event {
        let mut words = line.split_whitespace();
        let (who, verb) = (words.next().unwrap(), words.next().unwrap());
        let words: Vec<&str> = words.collect();
        let (pid, parent) =
            who.split_once('<').map_or((who, None), |(pid, parent)| (pid, Some(parent)));
        let pid: u32 = pid.parse().unwrap();
        self.time += 1;
        let born = BEGAN + self.time;
        let (process, above) = self.processes.entry(pid).or_insert_with(|| {
            let process = Process { pid, started: born, control_group: 7, ..Process::default() };
            (Arc::new(process), 0)
        });
        if let Some(parent) = parent {
            *above = parent.parse().unwrap();
        }
        let above = *above;
        change(Arc::make_mut(process), verb, &words);
        let process = Arc::clone(process);
        let ancestors = self.processes.get(&above).map(|(parent, _)| Arc::clone(parent));
        let container =
            Container { id: "c0ffee".to_owned(), described: true, ..Default::default() };
        Event {
            number: self.time,
            time: BEGAN + self.time,
            call: Call::Other,
            thread: pid,
            processor: 0,
            process,
            ancestors: ancestors.into_iter().collect(),
            container: (verb != "host-exec").then(|| Arc::new(container)),
            act: act(verb, &words),
            result: Some(if verb.starts_with("fails-to") { -13 } else { 0 }),
            denied: false,
        }
    }
}

/// What the process is from then on.
fn change(process: &mut Process, verb: &str, words: &[&str]) {
    match (verb, words) {
        ("exec", [path, from]) => {
            let file = Executable { path: (*path).into(), ..Executable::default() };
            process.executable = match *from {
                "image" => Executable { layering: Layering::Lower, ..file },
                "written" => Executable { layering: Layering::Upper, ..file },
                "memory" => Executable { from_memory: true, ..file },
                "mounted" => file,
                other => panic!("`{other}` is no origin"),
            };
        }
        // A program of the host, in a group of the host.
        ("host-exec", [path]) => {
            (process.executable.path, process.control_group) = ((*path).into(), 1);
        }
        // It was there before the guard.
        ("was", [path]) => (process.executable.path, process.started) = ((*path).into(), 1),
        ("named", [name]) => process.name = (*name).into(),
        // A runtime that puts itself into the container's group.
        ("enters", []) => process.control_group = 7,
        _ => {}
    }
}

fn act(verb: &str, words: &[&str]) -> Act {
    match (verb, words) {
        ("exec" | "host-exec", _) => {
            Act::Exec { file: PathArgument::default(), streams: Vec::new() }
        }
        ("was" | "named" | "enters", _) => Act::ChangeDirectory { path: PathArgument::default() },
        ("fork", [child]) => Act::Fork { child: child.parse().unwrap() },
        ("exit", []) => Act::Exit { status: 0 },
        ("write" | "fails-to-write", [path]) => open(path, 0o1, Layering::Upper),
        ("read", [path]) => open(path, 0, Layering::Lower),
        ("read-mounted", [path]) => open(path, 0, Layering::None),
        ("rename", [from, to]) => Act::Rename { from: path(from), to: path(to) },
        ("unlink", [name]) => Act::Unlink { path: path(name) },
        ("connect", [to]) => Act::Connect { descriptor: socket(Protocol::Tcp, None, Some(to)) },
        ("send", [to]) => {
            let descriptor = socket(Protocol::Udp, None, Some(to));
            Act::Send { descriptor, questions: Vec::new() }
        }
        ("dial", [name]) => {
            let remote = Some(Endpoint::Unix(name.replace("\\0", "\0").into()));
            let object = Object::Socket(Socket { remote, ..Socket::default() });
            Act::Connect { descriptor: Descriptor { number: 3, object } }
        }
        ("listen", [at]) => Act::Listen { descriptor: socket(Protocol::Tcp, Some(at), None) },
        ("bind", [at]) => Act::Bind { descriptor: socket(Protocol::Udp, Some(at), None) },
        ("told", [server, name, address]) => {
            let descriptor = socket(Protocol::Udp, None, Some(server));
            let (name, answers) = (Text::from(*name), vec![address.parse().unwrap()]);
            Act::Receive { descriptor, questions: vec![Question { name, kind: 1, answers }] }
        }
        _ => panic!("`{verb} {words:?}` is nothing that somebody does"),
    }
}

fn path(text: &str) -> PathArgument {
    PathArgument { raw: text.into(), path: text.into(), resolved: true }
}

fn open(text: &str, bits: u32, layering: Layering) -> Act {
    let object = Object::File(File { path: text.into(), layering, ..File::default() });
    let flags = OpenFlags { bits, created: false };
    Act::Open { descriptor: Descriptor { number: 3, object }, path: path(text), flags, mode: 0 }
}

fn socket(protocol: Protocol, local: Option<&str>, remote: Option<&str>) -> Descriptor {
    let endpoint = |text: &str| Endpoint::Internet(text.parse::<SocketAddr>().unwrap());
    let (local, remote) = (local.map(endpoint), remote.map(endpoint));
    let object = Object::Socket(Socket { protocol, local, remote, ..Socket::default() });
    Descriptor { number: 3, object }
}

/// Learns the first section, and holds the second against it.
fn told(case: &str) -> (String, String) {
    let mut sections = case.split("\n---");
    let mut profile =
        Profile::new("image:example/case".parse().unwrap(), Learning::new(TODAY, Some(7)));
    let (mut machine, mut observer) = (Machine::default(), Observer::default());
    let mut each = |section: &str, take: &mut dyn FnMut(&str, Vec<Fact>)| {
        for line in
            section.lines().skip(1).filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            take(line, observer.facts(&machine.event(line)));
        }
    };
    let learnt = format!("\n{}", sections.next().unwrap());
    each(&learnt, &mut |_, facts| {
        facts.iter().for_each(|fact| {
            profile.learn(fact);
        });
    });
    profile.mode = Mode::Monitor;
    let yaml = profile.to_yaml();
    let mut deviations = String::new();
    let later = sections.find(|section| section.starts_with(" then")).unwrap_or_default();
    each(later, &mut |line, facts| {
        writeln!(deviations, "{line}").unwrap();
        for deviation in facts.iter().filter_map(|fact| profile.deviates(fact)) {
            writeln!(deviations, "  ! {}", deviation.text).unwrap();
        }
    });
    (yaml, deviations)
}

/// The file with what it has to come to: `--- profile` and `--- deviations`, made by `BLESS=1`.
#[test]
fn events_become_profiles_and_others_deviate() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/profiles");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|kind| kind != "txt") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        let given = text.split("\n--- profile\n").next().unwrap();
        let (yaml, deviations) = told(given);
        let whole = format!("{given}\n--- profile\n{yaml}--- deviations\n{deviations}");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &whole).unwrap();
        }
        assert_eq!(whole, text, "{}", file.display());
        // What is written is read back as the same.
        let read = Profile::parse(&yaml).unwrap();
        assert_eq!(read.to_yaml(), yaml, "{}", file.display());
        assert_eq!(read.facts(), Profile::parse(&read.to_yaml()).unwrap().facts());
    }
    assert!(count >= 4, "{count} cases");
}

const HEAD: &str = "version: 1\nworkload: \"image:a\"\nmode: monitor\nlearnt:\n  from: 2026-03-01\n  \
                    news: 2026-03-01\n  seen: 2026-03-01\n  quiet: 0\n  starts: 1\n";

/// What stands below the head, and the mistakes.
const MISTAKES: &[(&str, &[&str])] = &[
    ("written: [/a, b]", &["line 10, column 15: `b` is no path from the root on"]),
    ("written: /a", &["line 10, column 10: a list is needed here"]),
    ("writen: []", &["line 10, column 1: there is no setting `writen` here"]),
    ("listens: [80]", &["line 10, column 11: `80` is no port: `443/tcp`, `53/udp`, `any`"]),
    (
        "programs:\n  - {path: /a/**/b, origins: [disk], parents: [me]}",
        &["line 11, column 12: `**` stands at the end alone"],
    ),
    (
        "programs:\n  - {path: /a, origins: [disk], parents: [me]}",
        &[
            "line 11, column 26: `disk` is no origin: image, written, memory, mounted",
            "line 11, column 43: `me` is no path from the root on",
        ],
    ),
    (
        "destinations:\n  - {to: a, ports: [any]}\n  - {to: a, ports: [any]}",
        &["line 12, column 10: `a` stands here a second time"],
    ),
    (
        "capabilities: [\"net raw\"]",
        &["line 10, column 16: a name of letters, digits, `_`, `-` and `:` stands here"],
    ),
    ("mode: learn", &["line 10, column 1: `mode` stands here a second time"]),
];

#[test]
fn mistakes_are_told_with_their_places() {
    for (below, mistakes) in MISTAKES {
        let errors = Profile::parse(&format!("{HEAD}{below}\n")).unwrap_err();
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told, *mistakes, "{below}");
    }
    let errors =
        Profile::parse(&HEAD.replace("monitor", "monitr").replace("image:a", "a")).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2, column 11: `a` is no workload: `kubernetes:…`, `compose:…` or `image:…`",
            "line 3, column 7: `monitr` is no mode of a profile",
        ]
    );
    assert!(Profile::parse("").is_err() && Profile::parse("[").is_err());
}

#[test]
fn a_file_beyond_its_limits_is_refused() {
    let many: String = (0..5_000).map(|it| format!("  - /a/{it}\n")).collect();
    let errors = Profile::parse(&format!("{HEAD}written:\n{many}")).unwrap_err();
    assert_eq!(errors[0].to_string(), "line 4107, column 5: more than 4096 items");
    // A folder that people listed is not widened by reading.
    let some: String = (0..100).map(|it| format!("  - /a/{it}\n")).collect();
    let profile = Profile::parse(&format!("{HEAD}written:\n{some}")).unwrap();
    assert_eq!(profile.written.patterns().len(), 100);
}

#[test]
fn profiles_of_two_hosts_come_together_and_are_compared() {
    let read = |below: &str| Profile::parse(&format!("{HEAD}{below}")).unwrap();
    let mut one = read("written: [/a]\nlistens: [80/tcp]\n");
    let other = read(
        "written: [/b]\nlistens: [80/tcp]\ncalls: {x86_64: [read]}\nincomplete: [something]\n",
    );
    assert_eq!(one.diff(&other), ["- written /a", "+ written /b", "+ calls read (x86_64)"]);
    assert!(one.merge(&other) && !one.merge(&other));
    assert_eq!(other.diff(&one), ["+ written /a"]);
    assert!(one.incomplete.contains("something"));
}

/// As Docker's own profiles are, and no wider than Docker's default where that looks at arguments.
#[test]
fn what_was_learnt_becomes_a_seccomp_profile() {
    let read = |below: &str| Profile::parse(&format!("{HEAD}{below}")).unwrap();
    assert!(read("").seccomp().is_err(), "what was not looked at is not refused");
    assert!(read("calls: {}\n").seccomp().is_err());
    assert!(read("calls: {vax: [read]}\n").seccomp().is_err());
    let profile = read("calls: {x86_64: [read, socket, clone, mkdir], x86: [mkdir]}\n");
    let json = serde_json::to_value(profile.seccomp().unwrap()).unwrap();
    assert_eq!(json["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(json["architectures"], serde_json::json!(["SCMP_ARCH_X86", "SCMP_ARCH_X86_64"]));
    let of = |name: &str| -> Vec<&serde_json::Value> {
        let rules = json["syscalls"].as_array().unwrap().iter();
        rules.filter(|rule| rule["names"].as_array().unwrap().contains(&name.into())).collect()
    };
    assert_eq!(of("mkdir").len(), 1);
    assert!(of("ptrace").is_empty() && of("personality").is_empty());
    assert_eq!(of("clone")[0]["args"][0]["op"], "SCMP_CMP_MASKED_EQ");
    assert_eq!(of("socket")[0]["args"][0]["op"], "SCMP_CMP_NE");
    assert_eq!(of("clone3")[0]["errnoRet"], 38);
    // Programs of 32-bit arm begin with a call that nobody can see.
    let names = |calls: &str| serde_json::to_string(&read(calls).seccomp().unwrap()).unwrap();
    assert!(names("calls: {aarch64: [read], arm: [read]}\n").contains("\"set_tls\""));
    assert!(!names("calls: {aarch64: [read]}\n").contains("\"set_tls\""));
}

/// What it never does, and nothing that it does.
#[test]
fn what_a_workload_never_does_becomes_a_policy() {
    let programs =
        |origin: &str| format!("programs: [{{path: /a, origins: [{origin}], parents: [any]}}]\n");
    let of = |workload: &str, mode: &str, below: &str| {
        let head = HEAD.replace("image:a", workload).replace("monitor", mode);
        Profile::parse(&format!("{head}{below}")).unwrap().to_policy()
    };
    let refused = |text: &str| -> Vec<String> {
        let policy = GuardPolicy::parse(text, "test", &mut |_| Err(String::new())).unwrap();
        policy.preventions().into_iter().map(|it| it.id).collect()
    };
    let all =
        of("image:a/b", "protect", &format!("{}calls: {{x86_64: [read]}}\n", programs("image")));
    assert_eq!(
        refused(&all),
        ["execute-foreign", "execute-except", "mount", "trace", "load-module", "load-bpf"]
            .map(|it| format!("image:a/b {it}"))
    );
    let policy = GuardPolicy::parse(&all, "test", &mut |_| Err(String::new())).unwrap();
    let image = |reference: &str| {
        let image =
            model::event::RunningImage { reference: reference.to_owned(), ..Default::default() };
        let container = Container { described: true, image: Some(image), ..Default::default() };
        policy.held(Some(&container), Moment { today: TODAY, enforce: true }).refused
    };
    assert_eq!((image("a/b:1"), image("a/bc:1")), (0b111_111, 0));
    let some = of(
        "compose:shop/api",
        "monitor",
        &format!("{}calls: {{x86_64: [ptrace]}}\n", programs("written")),
    );
    assert_eq!(refused(&some).len(), 4);
    assert!(some.contains("# not refused: execute-foreign: it runs /a\n"), "{some}");
    assert!(
        some.contains("# not refused: trace: it calls ptrace\n") && !some.contains("enforce"),
        "{some}"
    );
    let pod = of("kubernetes:shop/api/server", "protect", &programs("image"));
    let whose = ["execute-foreign", "execute-except"];
    assert_eq!(refused(&pod), whose.map(|it| format!("kubernetes:shop/api/server {it}")));
    assert!(pod.contains("labels: {io.kubernetes.container.name: server}"), "{pod}");
    let nothing = of("kubernetes:shop/api/server", "protect", "");
    assert!(
        refused(&nothing).is_empty() && nothing.contains("calls were not looked at"),
        "{nothing}"
    );
}

/// Acts without a list have one prevention for all, and are the first to find room; each list of programs
/// has its own.
#[test]
fn profiles_that_protect_refuse_what_was_never_learnt() {
    let read = |workload: &str, mode: &str, programs: &str, calls: &str| {
        let head = HEAD.replace("image:a", workload).replace("monitor", mode);
        Profile::parse(&format!("{head}programs: [{programs}]\ncalls: {{x86_64: [{calls}]}}\n"))
            .unwrap()
    };
    let program = |path: &str, origin: &str| {
        format!("{{path: '{path}', origins: [{origin}], parents: [any]}}")
    };
    let two = [program("/bin/b", "image"), program("/opt/*", "written")].join(", ");
    let profiles = [
        read("image:docker.io/library/a", "protect", &program("/bin/a", "image"), "read"),
        read("image:docker.io/library/b", "protect", &two, "mount"),
        read("image:docker.io/library/c", "monitor", &program("/bin/c", "image"), "read"),
        read("image:docker.io/library/d", "protect", &program("memfd:d", "memory"), "read"),
        read("image:docker.io/library/e", "protect", &program(r"/bin/\x2a", "image"), "read"),
    ];
    let protections = Protections::of(&profiles);
    let ids: Vec<&str> = protections.preventions().iter().map(|it| it.id.as_str()).collect();
    let of = |image: &str| format!("profile image:docker.io/library/{image}: execute-except");
    let expected = [
        "profiles: execute-foreign",
        "profiles: mount",
        "profiles: trace",
        "profiles: load-module",
        "profiles: load-bpf",
        &of("a"),
        &of("b"),
    ];
    assert_eq!(ids, expected);
    let places = [Place::Exactly("/bin/b".into()), Place::Below("/opt".into())];
    assert_eq!(protections.preventions()[6].act.places(), places);
    let held = |image: &str| {
        let reference = format!("docker.io/library/{image}:1");
        let image = model::event::RunningImage { reference, ..Default::default() };
        let container = Container { described: true, image: Some(image), ..Default::default() };
        protections.held(&container).to_vec()
    };
    assert_eq!(held("a"), [0, 5, 1, 2, 3, 4]);
    assert_eq!(held("b"), [6, 2, 3, 4]);
    assert_eq!(held("c"), Vec::<usize>::new());
    assert_eq!(held("d"), [1, 2, 3, 4]);
    let not = protections.not.join("\n");
    for why in [
        "profile `image:docker.io/library/b`: not refused: execute-foreign: it runs /opt/*",
        "profile `image:docker.io/library/b`: not refused: mount: it calls mount",
        "profile `image:docker.io/library/b`: not refused: programs at /opt/**: it runs /opt/*",
        "profile `image:docker.io/library/d`: not refused: execute-except: it runs memfd:d, which has no path",
        r"not refused: execute-except: it runs /bin/\x2a, which no entry can name",
    ] {
        assert!(not.contains(why), "{why}: {not}");
    }
}
