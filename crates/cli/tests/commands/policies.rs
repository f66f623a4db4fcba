//! Policies as pipelines use them: a scan that is stopped, why, and what lets it pass.

use serde_json::Value;

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.app");

/// A root file system with vulnerable packages, and advisories for them.
fn vulnerable() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("root/etc/os-release", OS_RELEASE);
    sandbox.file("root/var/lib/dpkg/status", STATUS);
    sandbox
}

fn scan(sandbox: &Sandbox, more: &[&str]) -> Ended {
    let mut arguments = vec!["scan", "--offline", "--checks", "vuln,secret"];
    arguments.extend(["--today", TODAY]);
    arguments.extend(more);
    arguments.push("dir:root");
    sandbox.run(&arguments)
}

/// Policies know no other clock: what time documents carry changes no verdict.
const TODAY: &str = "2026-01-01";

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

const HIGH: &str = "version: 1
rules:
  - id: high
    title: High vulnerabilities
    on: finding
    when: finding.severity >= high
    action: deny
    reason: one is enough
  - id: listed
    on: image
    when: image.os.family == 'ubuntu'
    action: warn
";

#[test]
fn a_pipeline_stops_for_what_the_policy_says_and_passes_when_exceptions_cover_it() {
    let sandbox = vulnerable();
    sandbox.file("policy.yaml", HIGH);
    let ended = scan(&sandbox, &["--policy", "policy.yaml"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for said in
        ["deny  High vulnerabilities (high): ", "because one is enough", "to pass: upgrade "]
    {
        assert!(ended.stdout.contains(said), "`{said}` in {}", ended.stdout);
    }
    assert!(ended.stdout.ends_with("verdict: DENY by policy.yaml\n"), "{}", ended.stdout);

    let ended = scan(&sandbox, &["--policy", "policy.yaml", "-f", "json"]);
    let report = json(&ended);
    let reasons = report["verdict"]["reasons"].as_array().unwrap();
    assert_eq!(report["verdict"]["decision"], "deny");
    assert_eq!(
        reasons.iter().map(|it| it["rule"].as_str().unwrap()).collect::<Vec<_>>(),
        ["high", "listed"]
    );
    let hits = reasons[0]["hits"].as_array().unwrap();
    let high = |it: &&Value| matches!(it["severity"].as_str(), Some("high" | "critical"));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(hits.len(), findings.iter().filter(high).count());
    assert!(ended.stderr.contains("policy: deny by high: "), "{}", ended.stderr);

    // Every one of them answered for: the pipeline goes on, and the warning is still said.
    let exception = |hit: &Value| {
        let id = hit["id"].as_str().unwrap();
        let for_it = "owner: team-shop, reason: not reachable, expires: 2026-06-30";
        format!("  - {{cve: {id}, {for_it}}}\n")
    };
    let exceptions: String = hits.iter().map(exception).collect();
    let policy = format!("{HIGH}exceptions:\n{exceptions}");
    sandbox.file("policy.yaml", &policy);
    let ended = scan(&sandbox, &["--policy", "policy.yaml", "--fail-on", "high"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.ends_with("verdict: WARN by policy.yaml\n"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("not reachable (team-shop, up to 2026-06-30)"),
        "{}",
        ended.stdout
    );
    let report = json(&scan(&sandbox, &["--policy", "policy.yaml", "-f", "json"]));
    assert!(report["summary"]["silenced"].as_u64().unwrap() >= 1, "{report}");

    // The day after, they count no more, and that is said.
    let after = ["--today", "2026-07-01"];
    let mut arguments = vec!["scan", "--offline", "--policy", "policy.yaml", "dir:root"];
    arguments.extend(after);
    let ended = sandbox.run(&arguments);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("counts no more: it expired on 2026-06-30"), "{}", ended.stdout);

    // The clock of whoever repeats a build does not bring them back.
    let mut command = sandbox.command(&arguments);
    let output = command.env("SOURCE_DATE_EPOCH", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cannot_be_judged_is_3_and_comes_after_a_denial() {
    let sandbox = vulnerable();
    let rule = |on: &str, when: &str| {
        format!("  - {{id: {on}-rule, on: {on}, when: '{when}', action: deny}}\n")
    };
    let labeled = |rule: &str| rule.replace("action", "scope: {labels: {a: b}}, action");
    // (rules, arguments, exit code, decision)
    let signed = rule("image", "image.signed == true");
    let malware = rule("malware", "true");
    let never = rule("finding", "finding.id == \"x\"");
    let always = rule("finding", "finding.id != \"x\"");
    let table = [
        (&signed, &[][..], 3, "unknown"),
        (&malware, &[], 3, "unknown"),
        (&never, &[], 0, "allow"),
        // A directory has no labels that could say whether the rule is for it.
        (&labeled(&always), &[], 3, "unknown"),
        (&labeled(&never), &[], 0, "allow"),
        (&format!("{signed}{always}"), &[], 1, "deny"),
        (&never, &["--fail-on", "low"], 1, "allow"),
        // What a filter hides is judged all the same.
        (&always, &["--severity", "critical"], 1, "deny"),
    ];
    for (rules, more, code, decision) in table {
        sandbox.file("policy.yaml", format!("version: 1\nrules:\n{rules}"));
        let mut arguments = vec!["--policy", "policy.yaml", "-f", "json"];
        arguments.extend(more);
        let ended = scan(&sandbox, &arguments);
        assert_eq!(ended.code, Some(code), "{rules} {more:?}: {}", ended.stderr);
        assert_eq!(json(&ended)["verdict"]["decision"], decision, "{rules} {more:?}");
    }
    // Without advisories nothing is known of vulnerabilities: neither allowed nor just incomplete.
    sandbox.file("policy.yaml", format!("version: 1\nrules:\n{never}"));
    let ended = scan(&sandbox, &["--db", "none", "--policy", "policy.yaml"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    sandbox.file("policy.yaml", "version: 1\nrules: []\n");
    let ended = scan(&sandbox, &["--db", "none", "--policy", "policy.yaml"]);
    assert_eq!(ended.code, Some(20), "{ended:?}");
    assert_eq!(json(&scan(&sandbox, &["-f", "json"]))["verdict"], Value::Null);
}

#[test]
fn mistakes_are_told_before_anything_is_scanned() {
    let sandbox = Sandbox::new();
    sandbox.file("policy.yaml", "version: 1\nrules:\n  - id: a\n    on: finding\n    when: finding.severty >= high\n    action: deny\n");
    // The target does not exist; that would be 10.
    let ended = sandbox.run(&["scan", "--offline", "--policy", "policy.yaml", "dir:nowhere"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let said = "error: `policy.yaml`: line 5, column 18: `finding` has no `severty`\nhint: did you mean `severity`?\n";
    assert_eq!(ended.stderr, said);
    assert!(ended.stdout.is_empty());
    let ended = sandbox.run(&["policy", "check", "policy.yaml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), said));
    for (name, content, said) in [
        ("a.yaml", "version: 1\nrules: [", "line 2, column 8"),
        ("b.yaml", "", "line 1, column 1: `version` is missing"),
        ("c.yaml", "version: 1\nnaem: x\n", "line 2, column 1: there is no setting `naem`"),
    ] {
        sandbox.file(name, content);
        let ended = sandbox.run(&["scan", "--offline", "--policy", name, "dir:nowhere"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(said), "`{said}` in {}", ended.stderr);
    }
    sandbox.file("ignore", "CVE-1 exp:never\n");
    let ended = sandbox.run(&["scan", "--offline", "--ignore-file", "ignore", "dir:nowhere"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("line 1, column 1: `never` is no date"), "{}", ended.stderr);
}

#[test]
fn an_ignore_file_silences_only_when_it_is_named() {
    let sandbox = vulnerable();
    let all = json(&scan(&sandbox, &["-f", "json"]));
    let first = all["findings"][0]["id"].as_str().unwrap().to_owned();
    let with = |report: &Value| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|it| it["id"] == first.as_str()).count()
    };
    for place in [".trivyignore", "root/.trivyignore"] {
        sandbox.file(place, format!("{first}\n"));
    }
    assert!(with(&json(&scan(&sandbox, &["-f", "json"]))) > 0, "it lies about and is not named");
    let ended = scan(&sandbox, &["-f", "json", "--ignore-file", ".trivyignore"]);
    let report = json(&ended);
    assert_eq!(with(&report), 0, "{report}");
    assert_eq!(report["silenced"][0]["source"], ".trivyignore");
    assert_eq!(report["verdict"], Value::Null);
    sandbox.file(
        ".trivyignore",
        format!("vulnerabilities:\n  - id: {first}\n    expired_at: 2025-01-01\n"),
    );
    let ended = scan(&sandbox, &["-f", "json", "--ignore-file", ".trivyignore"]);
    assert!(with(&json(&ended)) > 0);
    assert!(ended.stderr.contains("counts no more: it expired on 2024-12-31"), "{}", ended.stderr);
}

#[test]
fn a_secret_that_somebody_answers_for_is_told_apart() {
    let sandbox = vulnerable();
    sandbox.file("root/srv/netrc", "machine example.com login me password hunter2xyz\n");
    sandbox.file("root/root/.netrc", "machine example.com login me password hunter2xyz\n");
    let before = json(&scan(&sandbox, &["-f", "json"]));
    let secrets = before["secrets"].as_array().unwrap();
    assert!(!secrets.is_empty(), "{before}");
    let (kind, path) = (secrets[0]["kind"].as_str().unwrap(), secrets[0]["path"].as_str().unwrap());
    sandbox.file(
        "policy.yaml",
        format!(
            "version: 1\nrules:\n  - {{id: secrets, on: secret, when: \"true\", action: deny}}\nexceptions:\n  - {{secret: {kind}, path: {path}, owner: me, reason: a fixture}}\n"
        ),
    );
    let ended = scan(&sandbox, &["-f", "json", "--policy", "policy.yaml"]);
    let report = json(&ended);
    assert_eq!(report["excepted"][0]["id"], kind, "{report}");
    assert_eq!(
        report["secrets"].as_array().unwrap().len() + report["excepted"].as_array().unwrap().len(),
        secrets.len()
    );
}

#[test]
fn a_policy_is_tested_and_explained() {
    let sandbox = vulnerable();
    sandbox.file("policy.yaml", format!("{HIGH}tests:
  - {{name: high is denied, today: 2026-01-01, expect: deny, rules: [high, listed], given: {{image: {{os: ubuntu 22.04}}, findings: [{{id: CVE-1, package: a, severity: high}}]}}}}
"));
    let ended = sandbox.run(&["policy", "test", "policy.yaml"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "ok  high is denied\n1 passed, 0 failed\n")
    );
    let ended = sandbox.run(&["policy", "check", "policy.yaml"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "well-formed: 2 rules, 0 exceptions\n")
    );
    sandbox.file("wrong.yaml", format!("{HIGH}tests:
  - {{name: high is allowed, today: 2026-01-01, expect: allow, given: {{findings: [{{id: CVE-1, package: a, severity: high}}]}}}}
"));
    let ended = sandbox.run(&["policy", "test", "wrong.yaml"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("failed  high is allowed\n  deny where allow was expected\n"),
        "{ended:?}"
    );

    let ended = sandbox.run(&["policy", "explain", "policy.yaml"]);
    let said = "high: denies an image with a finding for which `finding.severity >= high`\n";
    assert!(ended.stdout.starts_with(said), "{ended:?}");
    scan(&sandbox, &["-f", "json", "-o", "report.json"]);
    let ended = sandbox.run(&["policy", "explain", "policy.yaml", "--report", "report.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("  -> deny: holds of "), "{ended:?}");
    assert!(ended.stdout.ends_with("verdict: DENY by policy.yaml\n"), "{ended:?}");
    sandbox.file("report.json", "{}");
    let ended = sandbox.run(&["policy", "explain", "policy.yaml", "--report", "report.json"]);
    assert_eq!(ended.code, Some(14), "{ended:?}");

    let ended = sandbox.run(&["policy", "facts", "secret"]);
    assert!(ended.stdout.starts_with("secret.kind: "), "{ended:?}");
    assert_eq!(sandbox.run(&["policy", "facts", "sekret"]).code, Some(2));
}
