//! Reports whose every text wants to be more than text.

use document::table::Look;
use document::{Format, Report, github, table};
use serde_json::Value;

use crate::{golden, sample};

/// What a package, path, command or description may be called.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\u{1b}[2J\u{1b}]8;;https://example.org\u{7}click\u{1b}]8;;\u{7}",
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>",
        "--><img src=x onerror=alert(1)>",
        "\" onload=\"alert(1)",
        "'><svg/onload=alert(1)>",
        "&lt;b&gt; &#0; &nope;",
        "=HYPERLINK(\"https://example.org\",\"x\")",
        "+1+1",
        "-2+3|cmd",
        "@SUM(1)",
        "＝1",
        "a,b\"c\r\nd\te",
        "[click](https://example.org) ![x](y) <https://example.org> @user #1 **b** | a | `c` \\",
        "``` \n# heading\n| a | b |\n|---|---|",
        "user\u{202e}gpj.exe\u{2066}x\u{200f}",
        "a\0b\u{b}c\u{fffe}d\u{ffff}\u{85}\u{2028}\u{2029}",
        "{{ 7 * 7 }}{% for x in y %}",
        "http://[::1]/%zz",
        "%2e%2e/../../etc/passwd",
        "😀\u{301}漢字",
    ]
    .map(str::to_owned)
    .into();
    texts.extend(random());
    texts.push("<".repeat(70_000));
    texts.push("|`".repeat(20_000));
    texts
}

/// What nobody thought of: signs that mean something to somebody, in any order (xorshift, so that
/// every run has the same).
fn random() -> impl Iterator<Item = String> {
    const SIGNS: &str =
        "<>&'\"`|\\/*_[](){}%#!-+=@:;,.~$^? ab1\n\r\t\0\u{1b}\u{202e}\u{85}é漢😀\u{ffff}";
    let signs: Vec<char> = SIGNS.chars().collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..60).map(move |_| (0..next() % 24 + 1).map(|_| signs[next() % signs.len()]).collect())
}

fn reports() -> impl Iterator<Item = (String, Report)> {
    texts().into_iter().map(|text| (text.chars().take(60).collect(), sample::hostile(&text)))
}

#[test]
fn json_stays_json() {
    let is_json = |format: &Format| format.render(&sample::report()).starts_with('{');
    let formats: Vec<Format> = Format::ALL.into_iter().filter(is_json).collect();
    assert!(formats.contains(&Format::Json), "{formats:?}");
    for (text, report) in reports() {
        let snapshot = github::render(&report, &golden::job());
        for format in &formats {
            let json = format.render(&report);
            assert!(serde_json::from_str::<Value>(&json).is_ok(), "{format:?} of {text:?}");
        }
        assert!(serde_json::from_str::<Value>(&snapshot).is_ok(), "{text:?}");
    }
}

/// Whatever is shown on a terminal may not steer it; what is for eyes may not be turned round either.
#[test]
fn no_format_lets_a_control_character_through() {
    const FOR_EYES: [Format; 4] = [Format::Csv, Format::Html, Format::Junit, Format::Markdown];
    let steers = |c: char| c < ' ' && !"\n\r\t".contains(c) || c == '\u{7f}';
    let is_control = |c: char| {
        (c.is_control() && !"\n\r".contains(c))
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    for (text, report) in reports() {
        let plain = table::render(&report, Look { color: false, width: Some(100) });
        assert!(!plain.contains(is_control), "table of {text:?}");
        for format in Format::ALL {
            let shown = format.render(&report);
            assert!(!shown.contains(steers), "{format:?} of {text:?}");
            assert!(!FOR_EYES.contains(&format) || !shown.contains(is_control), "{format:?}");
        }
    }
}

#[test]
fn csv_keeps_its_rows_and_runs_nothing() {
    let expected = parse_csv(&Format::Csv.render(&sample::report()));
    for (text, report) in reports() {
        let rows = parse_csv(&Format::Csv.render(&report));
        assert_eq!(rows.len(), expected.len(), "{text:?}");
        for row in &rows {
            assert_eq!(row.len(), expected.first().unwrap().len(), "{text:?}");
            let runs = |cell: &String| {
                cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '\t', '\r'])
            };
            assert!(!row.iter().any(runs), "{row:?}");
        }
    }
}

/// RFC 4180, without mercy: every line ends with CR LF, a quote stands in quotes only.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, quoted) {
            ('"', true) if rest.peek() == Some(&'"') => cell.extend(rest.next()),
            ('"', true) => {
                quoted = false;
                assert!(matches!(rest.peek(), Some(',' | '\r')), "text behind a quote");
            }
            ('"', false) => {
                assert!(cell.is_empty(), "quote within a bare cell");
                quoted = true;
            }
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(rest.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "cut off");
    rows
}

#[test]
fn junit_keeps_its_elements() {
    let expected = elements(&Format::Junit.render(&sample::report()));
    assert!(expected.len() > 20, "{expected:?}");
    for (text, report) in reports() {
        assert_eq!(elements(&Format::Junit.render(&report)), expected, "{text:?}");
    }
}

/// The elements of a document with the names of their attributes, as a parser of others sees them.
fn elements(xml: &str) -> Vec<String> {
    use quick_xml::XmlVersion;
    use quick_xml::events::{BytesStart, Event};
    let name = |element: &BytesStart<'_>| {
        let attributes = element.attributes().map(|it| it.unwrap());
        let names = attributes.map(|it| {
            it.normalized_value(XmlVersion::Implicit1_0).unwrap();
            it.key.0.to_owned()
        });
        format!("{} {}", element.name().0, names.collect::<Vec<_>>().join(" "))
    };
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => names.push(name(&element)),
            Event::Eof => return names,
            _ => {}
        }
    }
}

/// The frame of the page is the same whatever is in it: nothing from outside opens a tag.
#[test]
fn html_keeps_its_tags() {
    // Parts that are there only if there is something to show come and go with empty texts.
    let expected = tags(&Format::Html.render(&sample::report()));
    assert!(expected.len() > 200);
    for (text, report) in reports().filter(|(text, _)| !text.trim().is_empty()) {
        let page = Format::Html.render(&report);
        assert_eq!(tags(&page), expected, "{text:?}");
        let json = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        assert!(!json.contains('<'), "{text:?}");
        assert!(serde_json::from_str::<Value>(json).is_ok(), "{text:?}");
    }
}

/// Every tag with the names of its attributes; what stands in quotes is no markup.
fn tags(page: &str) -> Vec<String> {
    let page = page.split("<script").next().unwrap();
    let mut tags = Vec::new();
    for tag in page.split('<').skip(1) {
        let (mut shape, mut quoted) = (String::new(), false);
        for c in tag.chars() {
            match c {
                '"' => quoted = !quoted,
                '>' if !quoted => break,
                c if !quoted => shape.push(c),
                _ => {}
            }
        }
        tags.push(shape);
    }
    tags
}

/// Everything from outside stands in a code span: without them, the comment is always the same.
#[test]
fn markdown_keeps_outside_texts_in_code() {
    let expected = without_code(&Format::Markdown.render(&sample::report()));
    for (text, report) in reports().filter(|(text, _)| !text.trim().is_empty()) {
        let comment = Format::Markdown.render(&report);
        assert_eq!(without_code(&comment), expected, "{text:?}");
        assert!(comment.chars().count() < 65_536, "{text:?}");
    }
}

fn without_code(markdown: &str) -> String {
    let line = |line: &str| {
        assert_eq!(line.matches('`').count() % 2, 0, "{line}");
        line.split('`').step_by(2).collect::<Vec<_>>().join("`…`")
    };
    markdown.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_comment_is_never_too_long() {
    let comment = Format::Markdown.render(&sample::many(20_000));
    assert!(comment.chars().count() < 65_536, "{}", comment.len());
    assert!(comment.contains("more are in the full report"), "the rest is not mentioned");
}
