//! Suite files and what is read of them: a section of the page is a case.

/// `== name`, a file's text, `~~`, and its cases or mistakes.
const PAGE: &str = include_str!("../../testdata/suites.txt");

fn answer(text: &str) -> String {
    let (cases, mistakes) = super::read("it.yaml", text.as_bytes());
    let mut answer: String = mistakes.iter().map(|mistake| format!("{mistake}\n")).collect();
    for case in cases.iter().filter(|_| mistakes.is_empty()) {
        answer.extend([format!("{} {:?} of {}\n", case.name, case.values, case.rule)]);
        if case.elsewhere {
            answer.push_str("  elsewhere\n");
        }
        if let Some(container) = &case.container {
            answer.extend([format!("  {container:?}\n")]);
        }
        let work = serde_json::to_string(&(&case.processes, &case.work)).unwrap();
        answer.extend([format!("  {work}\n  {:?}\n", case.outcome)]);
    }
    answer
}

#[test]
fn files_give_cases_or_mistakes() {
    let mut answers = String::new();
    for case in PAGE.split("== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, _) = rest.split_once("~~\n").unwrap();
        answers.extend(["== ", name, "\n", text, "~~\n", &answer(text)]);
    }
    if std::env::var_os("BLESS").is_some() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/suites.txt");
        std::fs::write(page, &answers).unwrap();
        return;
    }
    assert_eq!(answers, PAGE);
}

#[test]
fn hostile_files_reach_a_limit() {
    let list = "0, ".repeat(200);
    let test = |cases: &str| {
        format!("tests:\n- {{name: t, rule: r, runner: HostRunner, cases: [{cases}]}}\n")
    };
    let many = format!("{{strategy: matrix, values: {{a: [{list}], b: [{list}]}}}}");
    let wide: String = (0..300).map(|n| format!("k{n}: [0, 1],")).collect();
    let wide = format!("{{strategy: matrix, values: {{{wide}}}}}");
    for text in [test(&many), test(&wide), "[".repeat(10_000), "x".repeat(2 << 20)] {
        let (cases, mistakes) = super::read("it.yaml", text.as_bytes());
        assert!(cases.is_empty() && !mistakes.is_empty(), "{}", text.len());
    }
    let (_, mistakes) = super::read("it.yaml", b"tests: \xff");
    assert_eq!(mistakes[0].to_string(), "it.yaml:1:1: error: this is not UTF-8");
}
