//! Policies of the start gate: what they make of starts, and what is wrong with them.
//!
//! A folder of `testdata/start/cases` is a case: `policy.yaml`, `given.yaml` with what is about to start,
//! and `expected.txt` with what it comes to. BLESS=1 writes the latter anew; read it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what these helpers unwrap is the test's own doing"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::Decision;
use model::event::{Container, RunningImage};
use policy::guard::Moment;
use policy::guard::start::{Ask, AskKind, Start, StartPolicy};
use serde::Deserialize;

const PAGE: &str = include_str!("../../../docs/gate.md");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    today: String,
    enforce: bool,
    starts: Vec<GivenStart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct GivenStart {
    image: String,
    id: Option<String>,
    labels: BTreeMap<String, String>,
    undescribed: bool,
    no_image: bool,
    judged: Option<(String, String)>,
    asks: Vec<String>,
}

impl GivenStart {
    fn container(&self) -> Container {
        let image = RunningImage {
            reference: self.image.clone(),
            id: self.id.clone(),
            ..RunningImage::default()
        };
        Container {
            described: !self.undescribed,
            image: (!self.undescribed).then_some(image),
            labels: self.labels.clone(),
            ..Container::default()
        }
    }
}

fn ask(text: &str) -> Ask {
    let (kind, object) = text.split_once(':').unwrap_or((text, ""));
    let kind = match kind {
        "privileged" => AskKind::Privileged,
        "root" => AskKind::Root,
        "capability" => AskKind::Capability,
        "namespace" => AskKind::Namespace,
        "mount" => AskKind::Mount,
        "device" => AskKind::Device,
        "unconfined" => AskKind::Unconfined,
        "around" => AskKind::Around,
        other => panic!("{other}"),
    };
    Ask::new(kind, object)
}

fn parse(text: &str) -> Result<StartPolicy, Vec<policy::PolicyError>> {
    StartPolicy::parse(text, "gate.yaml", &mut |_| Err("no files here".to_owned()))
}

fn run(folder: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let policy = parse(&read("policy.yaml"));
    let policy = policy.unwrap_or_else(|errors| panic!("{}: {errors:#?}", folder.display()));
    let given: Given = serde_saphyr::from_str(&read("given.yaml")).unwrap();
    let moment = Moment { today: given.today.parse().unwrap(), enforce: given.enforce };
    let mut text = String::new();
    for note in policy.notes(moment.today) {
        writeln!(text, "note: {note}").unwrap();
    }
    for (number, given) in given.starts.iter().enumerate() {
        let asks: Vec<Ask> = given.asks.iter().map(|text| ask(text)).collect();
        let judged = given.judged.as_ref().map(|(decision, day)| {
            let decision = Decision::ALL.into_iter().find(|it| it.name() == decision).unwrap();
            (decision, day.parse().unwrap())
        });
        let container = given.container();
        let start =
            Start { container: &container, has_image: !given.no_image, judged, asks: &asks };
        let verdict = policy.judge(&start, moment);
        let refused = if verdict.refused { ", refused" } else { "" };
        let scan = policy.wants_scan(&start, moment.today);
        let scan = if scan { ", a scan is wanted" } else { "" };
        writeln!(text, "{}: {}{refused}{scan}", number + 1, verdict.action.name()).unwrap();
        for ground in &verdict.grounds {
            let held = ground.held_back.map(|it| format!(" ({})", it.why())).unwrap_or_default();
            let action = ground.action.name();
            writeln!(text, "    {} {action} by {}{held}", ground.about, ground.entry).unwrap();
            if !ground.reason.is_empty() {
                writeln!(text, "        {}", ground.reason).unwrap();
            }
        }
        verdict.notes.iter().for_each(|note| writeln!(text, "    note: {note}").unwrap());
    }
    text
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/start").join(name)
}

fn is_blessed() -> bool {
    std::env::var_os("BLESS").is_some()
}

#[test]
fn starts_come_to_what_policies_say() {
    let folders = std::fs::read_dir(testdata("cases")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|it| it.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 7);
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
        let errors = match parse(policy) {
            Ok(policy) => policy.misspelt(&["SYS_ADMIN", "SYS_MODULE"]),
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
    let entry = "{asks: [root], action: deny}, ";
    let cases = [
        (String::new(), "unexpected end"),
        ("[".repeat(100_000), ""),
        (format!("version: 1\nstarts: [{}]", entry.repeat(1_001)), "more than 1000 entries"),
        (
            format!(
                "version: 1\nstarts: [{{asks: [{}], action: deny}}]",
                "'device:*/*', ".repeat(2_001)
            ),
            "more than 2000 patterns",
        ),
        (
            format!(
                "version: 1\nstarts: [{{asks: ['device:{}'], action: deny}}]",
                "x*".repeat(2_000)
            ),
            "more than 1024 bytes",
        ),
    ];
    for (text, said) in cases {
        let errors = parse(&text).unwrap_err();
        let all: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        let start = text.get(..60.min(text.len())).unwrap_or_default();
        assert!(all.iter().any(|it| it.contains(said)), "{start}: {:?}", all.first());
    }
}

#[test]
fn the_page_s_examples_are_policies() {
    let blocks = PAGE.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    let counts: Vec<_> = blocks.map(|block| parse(block).unwrap().counts()).collect();
    assert_eq!(counts, [(3, 5, 2), (1, 0, 0)]);
}

#[test]
fn the_page_names_every_setting() {
    let sections = [
        ("file", "qqqqqqqqqqqq: 1"),
        ("images", "images: [{qqqqqqqqqqqq: 1}]"),
        ("starts", "starts: [{qqqqqqqqqqqq: 1}]"),
        ("allow", "allow: [{qqqqqqqqqqqq: 1}]"),
    ];
    let rows = PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let (section, setting) = (cells.next()?, cells.next()?);
        let setting = setting.strip_prefix('`')?.strip_suffix('`')?;
        Some((section.to_owned(), setting.to_owned()))
    });
    let documented: BTreeSet<(String, String)> =
        rows.filter(|(section, _)| sections.iter().any(|(name, _)| name == section)).collect();
    let mut there_are = BTreeSet::new();
    for (section, mistake) in sections {
        let text =
            if section == "file" { mistake.to_owned() } else { format!("version: 1\n{mistake}") };
        let said = format!("{:?}", parse(&text).unwrap_err());
        let (_, settings) = said.split_once("there are ").expect("a list of settings");
        let settings = settings.split('"').next().unwrap_or_default();
        there_are.extend(settings.split(", ").map(|it| (section.to_owned(), it.to_owned())));
    }
    assert_eq!(documented, there_are);
}
