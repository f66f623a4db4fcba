//! Which files are read by what they are called, how they are written, and what is said of them.

use super::*;

const SERVICE: &str = "services:\n  web:\n    image: a:1\n    privileged: true\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, \
                   containers: [{name: a, image: \"a:1\"}]}\n";
const DOCKERFILE: &str = "FROM a:1\nUSER root\n";

#[test]
fn files_are_known_by_names_in_any_case_and_by_what_is_in_them() {
    let classes = "services:\n  mailer:\n    class: Mailer\n    privileged: true\n";
    let cases = [
        ("dockerfile", DOCKERFILE, "dockerfile-root-user", 1),
        ("DOCKERFILE", DOCKERFILE, "dockerfile-root-user", 1),
        ("prod.Containerfile", DOCKERFILE, "dockerfile-root-user", 1),
        ("Dockerfile.md", DOCKERFILE, "dockerfile-root-user", 0),
        ("docker-compose.YML", SERVICE, "compose-privileged", 1),
        ("stack.yaml", SERVICE, "compose-privileged", 1),
        ("my.docker-compose.yml", SERVICE, "compose-privileged", 1),
        ("services.yaml", classes, "compose-privileged", 0),
        ("web.yaml", "web:\n  image: a:1\n  privileged: true\n", "compose-privileged", 0),
        ("pod.YAML", POD, "kubernetes-host-pid", 1),
    ];
    for (path, content, check, expected) in cases {
        let judged = file_named(path, content, &CheckSet::default());
        assert_eq!(reports(&judged, check), expected, "{path}: {content}");
        assert_eq!(judged.problems, [], "{path}");
    }
}

#[test]
fn text_of_windows_is_read() {
    for (path, content, check) in [
        ("pod.yaml", POD, "kubernetes-host-pid"),
        ("compose.yaml", SERVICE, "compose-privileged"),
        ("Dockerfile", DOCKERFILE, "dockerfile-root-user"),
    ] {
        let mut collector = LayerCollector::new(ALL);
        let bytes: Vec<u8> = std::iter::once(0xfeff)
            .chain(content.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let size = bytes.len() as u64;
        let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
        collector.entry(&entry);
        collector.content(&entry, &bytes);
        let judged = judge(&[collector.finish()], None, SYSTEM, &CheckSet::default());
        assert_eq!(reports(&judged, check), 1, "{path}");
    }
}

#[test]
fn evidence_names_what_is_wrong_and_nothing_else() {
    let service = |rest: &str| format!("services:\n  web:\n    image: a:1\n    {rest}\n");
    let cases = [
        (
            "compose-database-port",
            service("ports: [\"127.0.0.1:3306:3306\", \"0.0.0.0:5432:5432\"]"),
            "5432:5432",
        ),
        ("compose-management-port", service("ports: [\"127.0.0.1:22:22\", \"21:21\"]"), "21:21"),
        ("compose-sensitive-mount", service("volumes: [\"./x:/x\", \"/etc:/e\"]"), "/etc"),
        ("compose-devices", service("devices: [\"/dev/kvm\", \"/dev/sda\"]"), "/dev/sda"),
    ];
    for (check, content, expected) in cases {
        let judged = file_named("compose.yaml", &content, &CheckSet::default());
        let found: Vec<&str> = (judged.misconfigurations.iter())
            .filter(|it| it.check == check)
            .map(|it| &*it.evidence)
            .collect();
        assert_eq!(found, [expected], "{content}");
    }
}

#[test]
fn a_here_document_that_never_ends_hides_nothing() {
    let text = "FROM a:1\nRUN sed -i \"s/<<VERSION>>/1/\" /a\nRUN cat <<EOF > /b\nUSER root\n";
    let judged = file_named("Dockerfile", text, &CheckSet::default());
    assert_eq!(reports(&judged, "dockerfile-root-user"), 1);
    assert_eq!(problems_of("Dockerfile", text), [ProblemKind::Damaged]);
    assert_eq!(problems_of("Dockerfile", "FROM a:1\nRUN <<EOF\na\nEOF\n"), []);
}

#[test]
fn what_is_done_later_is_checked_where_no_history_tells_of_it() {
    let on_build = vec!["RUN curl -k https://x | sh".to_owned()];
    let config = ImageConfig { on_build, ..ImageConfig::default() };
    let judged = image(&config, &CheckSet::default());
    assert_eq!(reports(&judged, "build-pipe-to-shell"), 1);
    let history = built("ONBUILD RUN curl -k https://x | sh").history;
    let judged = image(&ImageConfig { history, ..config }, &CheckSet::default());
    assert_eq!(reports(&judged, "build-pipe-to-shell"), 1, "once, and not twice");
}
