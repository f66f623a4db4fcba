//! Every check on its own fixtures, the content as a whole, and conditions that are refused.

use std::collections::BTreeMap;

use model::{Entry, EntryKind, HistoryStep, ImageConfig, Misconfiguration, ProblemKind, Visitor};

use super::check::{Description, Fixtures};
use super::content::{CheckSet, texts};
use super::judge::{self, Judged, Scope, judge};
use super::thing::On;
use crate::{Checks, LayerCollector};

mod files;

/// The content as it is written.
fn descriptions() -> BTreeMap<&'static str, Description> {
    let read = |(id, text)| (id, toml::from_str(text).unwrap_or_else(|e| panic!("{id}: {e}")));
    texts().into_iter().map(read).collect()
}

/// The configuration that these lines of a Dockerfile make.
fn configuration(lines: &str) -> ImageConfig {
    let mut config = ImageConfig::default();
    for line in lines.lines() {
        let (instruction, rest) = line.split_once(' ').unwrap_or((line, ""));
        let list = || serde_json::from_str(rest).unwrap_or_else(|_| vec![rest.to_owned()]);
        match instruction {
            "USER" => rest.clone_into(&mut config.user),
            "ENV" => {
                let (name, value) = rest.split_once('=').unwrap();
                config.environment.push((name.to_owned(), value.to_owned()));
            }
            "LABEL" => {
                let (name, value) = rest.split_once('=').unwrap();
                config.labels.insert(name.to_owned(), value.to_owned());
            }
            "EXPOSE" => config.exposed_ports.push(rest.to_owned()),
            "VOLUME" => config.volumes.push(rest.to_owned()),
            "ENTRYPOINT" => config.entrypoint = list(),
            "CMD" => config.command = list(),
            "WORKDIR" => rest.clone_into(&mut config.working_dir),
            "ONBUILD" => config.on_build.push(rest.to_owned()),
            "HEALTHCHECK" => config.healthcheck = Some(vec![rest.to_owned()]),
            other => panic!("`{other}` sets nothing in a configuration"),
        }
    }
    config
}

/// A history of these lines, as BuildKit records them.
fn built(lines: &str) -> ImageConfig {
    let step = |line: &str| HistoryStep { created_by: line.to_owned(), layer: None };
    let joined = lines.replace("\\\n", "");
    ImageConfig { history: joined.lines().map(step).collect(), ..ImageConfig::default() }
}

/// What is said of an image that is nothing but its configuration.
fn image(config: &ImageConfig, set: &CheckSet) -> Judged {
    judge(&[], Some(config), Scope::default(), set)
}

/// What is said of a fixture that is such a thing.
fn judged(on: On, fixture: &str, file: Option<&str>, set: &CheckSet) -> Judged {
    match on {
        On::Image => image(&configuration(fixture), set),
        On::History => image(&built(fixture), set),
        On::File => file_system(&[fixture], set),
        On::Line => file_named(file.expect("lines stand in a file"), fixture, set),
        On::Dockerfile | On::Stage => {
            let base = if fixture.contains("FROM ") { "" } else { "FROM a:1\n" };
            file_named("Dockerfile", &format!("{base}{fixture}"), set)
        }
        On::Compose => file_named("compose.yaml", fixture, set),
        On::Object | On::Pod | On::Container | On::Rule => file_named("a.yaml", fixture, set),
    }
}

const ALL: Checks =
    Checks { secrets: false, malware: false, misconfigurations: true, sources: true };
const SYSTEM: Scope = Scope { has_layers: true, is_system: true };

fn file_named(path: &str, content: &str, set: &CheckSet) -> Judged {
    let mut collector = LayerCollector::new(ALL);
    let size = content.len() as u64;
    let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
    collector.entry(&entry);
    collector.content(&entry, content.as_bytes());
    judge(&[collector.finish()], None, SYSTEM, set)
}

/// A layer a text, in which lines are entries: `4755 0:0 usr/bin/su`; a slash at the end is a
/// directory's, an `=` a socket's, a `-` before the path takes it away.
fn file_system(layers: &[&str], set: &CheckSet) -> Judged {
    let layer = |text: &&str| {
        let mut collector = LayerCollector::new(ALL);
        for line in text.lines() {
            let [mode, owner, path] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("`{line}` is no entry");
            };
            let (uid, gid) = owner.split_once(':').unwrap();
            let (kind, path) = match (path.strip_prefix('-'), path.strip_suffix('/')) {
                (Some(removed), _) => (EntryKind::Whiteout, removed),
                (_, Some(directory)) => (EntryKind::Directory, directory),
                _ if path.ends_with('=') => (EntryKind::Special, path.trim_end_matches('=')),
                _ => (EntryKind::File, path),
            };
            let mode = u32::from_str_radix(mode, 8).unwrap();
            let (uid, gid) = (uid.parse().unwrap(), gid.parse().unwrap());
            collector.entry(&Entry { path, kind, mode, uid, gid, size: 0 });
        }
        collector.finish()
    };
    judge(&layers.iter().map(layer).collect::<Vec<_>>(), None, SYSTEM, set)
}

#[test]
fn only_what_a_container_sees_is_checked() {
    let set = CheckSet::default();
    let cases: &[(&[&str], &[u32])] = &[
        (&["4755 0:0 opt/x"], &[0]),
        (&["4755 0:0 opt/x", "000 0:0 -opt/x"], &[]),
        (&["4755 0:0 opt/x", "755 0:0 opt/x"], &[]),
        (&["755 0:0 opt/x", "4755 0:0 opt/x"], &[1]),
        (&["4755 0:0 opt/x", "4755 0:0 opt/x"], &[1]),
        (&["4755 0:0 opt/x", "000 0:0 -opt"], &[]),
    ];
    for (layers, expected) in cases {
        let found = file_system(layers, &set).misconfigurations.into_iter();
        let found = found.filter(|it| it.check == "file-setuid");
        let found: Vec<u32> = found.filter_map(|it| it.location.layer).collect();
        assert_eq!(found, *expected, "{layers:?}");
    }
}

#[test]
fn a_directory_that_a_layer_only_implies_is_as_it_was() {
    let set = CheckSet::default();
    let cases: &[(&[&str], usize)] = &[
        (&["777 0:0 srv/"], 1),
        (&["1777 0:0 srv/"], 0),
        (&["777 0:0 srv/", "644 0:0 srv/a"], 1),
        (&["777 0:0 srv/", "755 0:0 srv/\n644 0:0 srv/a"], 0),
        (&["777 0:0 srv/", "000 0:0 -srv", "644 0:0 srv/a"], 0),
    ];
    for (layers, expected) in cases {
        let judged = file_system(layers, &set);
        assert_eq!(reports(&judged, "directory-world-writable"), *expected, "{layers:?}");
    }
}

fn reports(judged: &Judged, id: &str) -> usize {
    judged.misconfigurations.iter().filter(|it| it.check == id).count()
}

#[test]
fn every_check_tells_its_fixtures_apart() {
    let set = CheckSet::default();
    let mut wrong = Vec::new();
    assert!(set.checks.len() >= 80, "{} checks", set.checks.len());
    for (id, description) in descriptions() {
        let Fixtures { failing, passing, file } = &description.fixtures;
        assert!(!failing.is_empty() && !passing.is_empty(), "{id} lacks fixtures");
        for name in description.on.get_ref() {
            let on = On::from_name(name).unwrap();
            let mut look = |fixture: &str, fails: bool| {
                let judged = judged(on, fixture, file.as_deref(), &set);
                if !judged.problems.is_empty() {
                    wrong.push(format!("{id} on {name}: {:?} in `{fixture}`", judged.problems));
                }
                if (reports(&judged, id) > 0) != fails {
                    wrong.push(format!("{id} on {name}: `{fixture}` should fail: {fails}"));
                }
            };
            failing.iter().for_each(|fixture| look(fixture, true));
            passing.iter().for_each(|fixture| look(fixture, false));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_is_well_described() {
    let set = CheckSet::default();
    assert_eq!(set.checks.len(), descriptions().len());
    for check in &set.checks {
        let id = &check.id;
        assert!(super::content::is_id(id), "{id}");
        // Lower case but for what is always written in capitals.
        let begin = check.title.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let is_plain = !begin.starts_with(char::is_uppercase) || begin == begin.to_uppercase();
        assert!(is_plain, "{id}: {}", check.title);
        for sentence in [&check.why, &check.remediation] {
            assert!(sentence.ends_with('.'), "{id}: {sentence}");
        }
        judge::rehearse(check, &set.patterns).unwrap_or_else(|error| panic!("{id}: {}", error.1));
    }
}

/// A check whose condition is `when`.
fn own(on: &str, when: &str) -> String {
    format!(
        "title = 'x'\nwhy = 'Y.'\nseverity = 'low'\nremediation = 'Z.'\non = ['{on}']\nwhen = {when}\n"
    )
}

#[test]
fn what_is_wrong_with_a_check_is_said_with_its_place() {
    let cases = [
        (own("image", "'image.usr == \"\"'"), 6, 9, "no field `usr`"),
        (own("image", "'step.text == \"\"'"), 6, 9, "no `step` here"),
        (own("image", "'image.user =='"), 6, 9, "not an expression"),
        (own("image", "'image.user.matches(\"(\")'"), 6, 9, "does not compile"),
        (own("image", "'image.user.matches(image.user)'"), 6, 9, "written out"),
        (own("image", "'now() > 0'"), 6, 9, "no function `now`"),
        (own("image", "'image.user'"), 6, 8, "not true or false"),
        (own("image", "'image.user > 3'"), 6, 8, "`when`"),
        (own("image", "'true'\nevidence = 'image.runs_as_root'"), 7, 12, "`evidence`"),
        (own("image", "'''\ntrue\n&& image.x'''"), 8, 4, "no field `x`"),
        (own("moon", "'true'"), 5, 6, "`moon` is nothing to check"),
        (own("image", "'true'").replace("'low'", "'mild'"), 3, 12, "`mild` is no severity"),
        (own("image", "'true'\nfoo = 1"), 7, 1, "unknown field `foo`"),
        ("title = ".to_owned(), 1, 9, ""),
        (
            own("image", "'image.labels.all(a, image.labels.all(b, image.labels.all(c, true)))'"),
            6,
            9,
            "loops within each other",
        ),
    ];
    for (text, line, column, message) in cases {
        let error = CheckSet::default().add("mine/own-check.toml", &text).unwrap_err();
        assert_eq!(error.line, line, "{error}\n{text}");
        assert!(error.message.contains(message), "{error}\n{text}");
        // The parser of expressions points at the part, not always at its first letter.
        assert!(error.column >= column && error.column < column + 60, "{error}\n{text}");
    }
}

#[test]
fn a_users_check_counts_as_ours_do() {
    let mut set = CheckSet::default();
    let text = own("image", "'!(\"owner\" in image.labels)'\nevidence = '\"no label owner\"'");
    set.add("checks/label-owner.toml", &text).unwrap();
    let report = |config: &ImageConfig| -> Vec<Misconfiguration> {
        let all = image(config, &set).misconfigurations.into_iter();
        all.filter(|it| it.check == "label-owner").collect()
    };
    assert_eq!(report(&configuration("USER app"))[0].evidence, "no label owner");
    assert!(report(&configuration("LABEL owner=me")).is_empty());
    let twice = set.add("elsewhere/label-owner.toml", &text).unwrap_err();
    assert!(twice.message.contains("already"), "{twice}");
    assert!(set.add("Bad Name.toml", &text).is_err());
}

#[test]
fn no_report_shows_a_secret() {
    let lines = "ENV DB_PASSWORD=hunter2correct\nENV PATH=/tmp:hunter2correct\nUSER root";
    let mut config = configuration(lines);
    config.history = built("ENV DB_PASSWORD=hunter2correct\nRUN chmod 777 /a && DB_PASSWORD=hunter2correct x\n|1 API_KEY=hunter2correct /bin/sh -c chmod 777 /x").history;
    config.environment.remove(1);
    let judged = image(&config, &CheckSet::default());
    assert!(judged.misconfigurations.len() > 5);
    let all = format!("{judged:?}");
    assert!(!all.contains("hunter2"), "{all}");
}

/// An image that makes conditions take long: many labels, and a user of many letters.
fn hostile_image() -> ImageConfig {
    let label = |number: u32| (number.to_string(), String::new());
    let labels = (0..9000).map(label).collect();
    ImageConfig { labels, user: "a".repeat(100_000), ..ImageConfig::default() }
}

#[test]
fn what_costs_too_much_is_said() {
    let conditions = [
        // All pairs.
        "image.labels.all(a, image.labels.all(b, image.labels[a] != \"x\"))",
        // A long text, again and again.
        "image.labels.exists(a, image.labels.exists(b, image.user.matches(\"b\")))",
        "image.labels.exists(a, image.labels.exists(b, image.user.contains(\"b\")))",
        "image.labels.exists(a, image.labels.exists(b, image.user == image.user + a))",
        // A pattern that is in many states at once.
        "image.labels.exists(a, image.user.matches(\"(a|b|ab|ba|aab){1,500}c\"))",
        // A text that grows.
        "image.labels.map(a, image.labels.map(b, image.user).join()).join() == \"\"",
        "image.labels.map(a, image.labels.filter(b, true)).size() == 0",
        "image.labels.map(a, image.user).exists(u, image.labels.exists(b, u == b))",
    ];
    for condition in conditions {
        let mut set = CheckSet::default();
        set.add("hostile.toml", &own("image", &format!("'{condition}'"))).unwrap();
        let begun = std::time::Instant::now();
        let problems = image(&hostile_image(), &set).problems;
        let said = problems.iter().any(|it| it.message.contains("too much to be checked"));
        assert!(said, "{condition}: {problems:?}");
        let taken = begun.elapsed();
        assert!(taken.as_secs() < 60, "{condition} took {taken:?}");
    }
}

#[test]
fn a_long_file_is_checked_whole() {
    // As long as the longest that people write: three hundred instructions, some of them scripts.
    let package = |number: u32| format!("package-{number}=1.{number}-1 \\\n  ");
    let packages: String = (0..60).map(package).collect();
    let run = format!("RUN apt-get update && apt-get install -y {packages} && rm -rf /a\n");
    let script = format!(
        "RUN <<EOF\n{}EOF\n",
        "if test -f a; then cp a b && sed -i s/a/b/ b; fi\n".repeat(400)
    );
    let text = format!("FROM a:1\n{}{}USER root\n", run.repeat(290), script.repeat(10));
    let judged = file_named("Dockerfile", &text, &CheckSet::default());
    assert_eq!(judged.problems.iter().filter(|it| it.message.contains("too much")).count(), 0);
    assert_eq!(reports(&judged, "dockerfile-root-user"), 1);
}

#[test]
fn commands_that_are_not_told_apart_are_told() {
    let text = format!("FROM a:1\nRUN {}curl x | sh\nUSER a\n", "true; ".repeat(5000));
    let judged = file_named("Dockerfile", &text, &CheckSet::default());
    let expected = "line 2: too many commands, not all are checked";
    let problems: Vec<&str> = judged.problems.iter().map(|it| &*it.message).collect();
    assert_eq!(problems, [expected]);
}

#[test]
fn names_of_variables_are_not_repeated_in_every_view() {
    let name = |number: u32| format!("ENV A{number}{}=b\n", "A".repeat(500));
    let names: String = (0..100).map(name).collect();
    let text = format!("FROM a:1\n{names}{}", "RUN a\n".repeat(2000));
    assert_eq!(problems_of("Dockerfile", &text), []);
}

#[test]
fn evidence_has_its_price() {
    let mut set = CheckSet::default();
    let evidence = "image.labels.map(a, image.labels.map(b, image.user).join()).join()";
    let text = own("image", &format!("'true'\nevidence = '{evidence}'"));
    set.add("hostile.toml", &text).unwrap();
    let judged = image(&hostile_image(), &set);
    assert_eq!(reports(&judged, "hostile"), 1, "what was found counts more than how it is shown");
    let said = judged.problems.iter().any(|it| it.message.contains("too much to be checked"));
    assert!(said, "{:?}", judged.problems);
}

#[test]
fn a_hostile_file_does_not_hide_another() {
    let mut set = CheckSet::default();
    let when = "'step.words.all(a, step.words.all(b, a + b != \"x\"))'";
    set.add("all-pairs.toml", &own("dockerfile", when)).unwrap();
    let mut collector = LayerCollector::new(ALL);
    let many = format!("FROM a:1\nRUN {}\nUSER root\n", "a ".repeat(20_000));
    for (path, content) in [("a/Dockerfile", &*many), ("b/Dockerfile", "FROM a:1\nUSER root\n")] {
        let size = content.len() as u64;
        let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
        collector.entry(&entry);
        collector.content(&entry, content.as_bytes());
    }
    let judged = judge(&[collector.finish()], None, SYSTEM, &set);
    let problems: Vec<&str> = judged.problems.iter().map(|it| &*it.subject).collect();
    assert_eq!(problems, ["a/Dockerfile"], "{:?}", judged.problems);
    let found = |it: &&Misconfiguration| it.check == "dockerfile-root-user";
    let found = judged.misconfigurations.iter().filter(found).map(|it| &*it.location.path);
    assert_eq!(found.collect::<Vec<_>>(), ["b/Dockerfile"]);
}

#[test]
fn of_charts_what_is_not_rendered_is_said_and_what_is_plain_is_checked() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, \
               containers: [{name: a, image: a:1}]}\n";
    let values = format!("image: a:1\nextraDeploy:\n  - {}", pod.replace('\n', "\n    "));
    let reference = "autoscaling:\n  target: {apiVersion: v1, kind: ServiceAccount, name: a}\n";
    let cases: &[(&str, &str, usize, usize)] = &[
        ("chart/templates/a.yaml", pod, 1, 0),
        ("chart/templates/a.yaml", "apiVersion: v1\nkind: Pod\nx: {{ .a }}\n", 0, 1),
        ("chart/templates/a.yaml", "{{ include \"common.pod\" . }}\n", 0, 1),
        ("chart/templates/a.yaml", "{{- if .Values.a }}\na: b\n{{- end }}\n", 0, 1),
        ("mail/templates/a.yaml", "subject: hello {{ name }}\n", 0, 0),
        ("chart/charts/b-1.0.tgz", "\u{1f}", 0, 1),
        ("chart/values.yaml", &values, 1, 0),
        ("chart/values.yaml", "image: a:1\n", 0, 0),
        ("chart/values.yaml", reference, 0, 0),
    ];
    for (path, content, expected, problems) in cases {
        let judged = file_named(path, content, &CheckSet::default());
        assert_eq!(reports(&judged, "kubernetes-host-pid"), *expected, "{path}: {content}");
        assert_eq!(problems_of(path, content).len(), *problems, "{path}: {content}");
    }
}

#[test]
fn the_page_lists_every_check() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checks.md");
    let text = std::fs::read_to_string(page).unwrap();
    let rows = descriptions().into_iter().map(|(id, it)| {
        let (title, on) = (it.title.get_ref(), it.on.get_ref().join(", "));
        let benchmarks = it.benchmarks.join("; ");
        format!(
            "| `{id}` | {title} | {} | {on} | {} | {benchmarks} |\n",
            it.severity.get_ref(),
            it.why
        )
    });
    let head = "|---|---|---|---|---|---|\n";
    let (before, _) = text.split_at(text.find(head).expect("the head of the table"));
    let expected = format!("{before}{head}{}", rows.collect::<String>());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(page, expected).unwrap();
    } else {
        assert!(text == expected, "BLESS=1 cargo test -p analyzers the_page writes the table");
    }
}

#[test]
fn what_the_server_of_ssh_includes_counts_as_its_own() {
    let cases = [
        ("etc/ssh/sshd_config", 1),
        ("etc/ssh/sshd_config.d/90-cloud.conf", 1),
        ("etc/ssh/sshd_config.d/90-cloud.conf.bak", 0),
        ("etc/ssh/sshd_config.d/a/b.conf", 0),
        ("usr/share/doc/ssh/sshd_config", 0),
    ];
    for (path, expected) in cases {
        let judged = file_named(path, "PermitRootLogin yes\n", &CheckSet::default());
        assert_eq!(judged.misconfigurations.len(), expected, "{path}");
    }
}

#[test]
fn hostile_yaml_ends_at_a_limit() {
    let level = |level: usize| {
        let below = format!("*a{}, ", level - 1).repeat(10);
        format!("a{level}: &a{level} [{below}]\n")
    };
    let levels: String = (1..8).map(level).collect();
    let bomb =
        format!("apiVersion: v1\nkind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{levels}");
    let deep = format!("apiVersion: v1\nkind: Pod\na: {}{}", "[".repeat(90), "]".repeat(90));
    for text in [bomb, deep] {
        let judged = file_named("a.yaml", &text, &CheckSet::default());
        assert!(judged.misconfigurations.is_empty());
        assert_eq!(problems_of("a.yaml", &text), [ProblemKind::LimitReached]);
    }
}

/// The problems that the reader of a file has.
fn problems_of(path: &str, content: &str) -> Vec<ProblemKind> {
    let mut collector = LayerCollector::new(ALL);
    let size = content.len() as u64;
    let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
    collector.entry(&entry);
    collector.content(&entry, content.as_bytes());
    let inventory = crate::squash(&[collector.finish()], false);
    inventory.problems.into_iter().map(|problem| problem.kind).collect()
}

#[test]
fn a_hostile_line_costs_linear_time() {
    let hostile = [
        "a|".repeat(20_000),
        "A=b ".repeat(20_000),
        "$(".repeat(20_000),
        "<<E ".repeat(20_000),
        "\"".repeat(20_001),
    ];
    for text in hostile {
        let begun = std::time::Instant::now();
        file_named("Dockerfile", &format!("FROM a\nRUN {text}"), &CheckSet::default());
        assert!(begun.elapsed().as_secs() < 20, "{:.8} took {:?}", text, begun.elapsed());
    }
}
