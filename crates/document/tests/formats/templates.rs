//! Templates: the examples of the documentation, mistakes with their place, and loops without end.

use document::Template;

use crate::sample;

const PAGE: &str = include_str!("../../../../docs/templates.md");

fn render(name: &str, source: &str) -> Result<String, String> {
    let template = Template::parse(name, source).map_err(|error| error.to_string())?;
    template.render(&sample::report()).map_err(|error| error.to_string())
}

/// Each example with the name under which it is to be saved: "`NAME`:" and a block.
fn examples() -> Vec<(String, String)> {
    let blocks = PAGE.split("```jinja\n").collect::<Vec<_>>();
    let pairs = blocks.windows(2).map(|pair| {
        let [before, block] = pair else { unreachable!("windows of two") };
        let name = before.trim_end().trim_end_matches("`:").rsplit('`').next().unwrap();
        (name.to_owned(), block.split("```").next().unwrap().to_owned())
    });
    pairs.collect()
}

#[test]
fn the_examples_of_the_page_do_what_it_says() {
    let examples = examples();
    assert_eq!(examples.len(), 3, "{examples:?}");
    let all: Vec<String> =
        examples.iter().map(|(name, source)| render(name, source).unwrap()).collect();
    insta::assert_snapshot!("templates", all.join("\n----\n"));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let table = [
        ("a {% for f in findings %}", "line 1"),
        ("one\n  {{ summary.findings | nope }}", "template `report.txt`, line 2, column"),
        ("{{ artifact.nmae }}", "line 1, column"),
        ("{% include 'other' %}", "template `report.txt`"),
        ("{{ 'loud' | rank }}", "`loud` is no severity"),
    ];
    for (source, said) in table {
        let error = render("report.txt", source).unwrap_err();
        assert!(error.contains(said), "{source}: {error}");
    }
}

#[test]
fn a_loop_without_end_ends() {
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}\
                   {% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}";
    let error = render("report.txt", endless).unwrap_err();
    assert!(error.contains("steps") || error.contains("bytes"), "{error}");
}

#[test]
fn the_extension_decides_what_is_escaped() {
    let template = "{{ artifact.name }}";
    let of = |name: &str| {
        let parsed = Template::parse(name, template).unwrap();
        parsed.render(&sample::hostile("<b>")).unwrap()
    };
    assert_eq!(of("report.html"), "&lt;b&gt;");
    assert_eq!(of("report.txt"), "<b>");
}

/// No filter of ours makes markup of what it is given: what is escaped is for the file to say.
#[test]
fn filters_do_not_get_around_escaping() {
    let of = |name: &str, filter: &str| {
        let parsed = Template::parse(name, &format!("{{{{ artifact.name|{filter} }}}}")).unwrap();
        parsed.render(&sample::hostile("<script>alert(1)</script>")).unwrap()
    };
    for filter in ["csv", "code", "printable", "csv|code", "code|printable"] {
        for name in ["a.html", "a.htm", "a.xml"] {
            let text = of(name, filter);
            assert!(
                !text.contains('<') && text.contains("&lt;script&gt;"),
                "{name}, {filter}: {text}"
            );
        }
        assert!(of("a.md", filter).contains("<script>"), "{filter}");
    }
}

/// What a string may grow to before it is shown is limited as well.
#[test]
fn what_grows_without_end_ends() {
    for source in [
        "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}\
         {% endfor %}{{ n.x|length }}",
        "{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = n.x + ['a' * 100000] %}\
         {% endfor %}",
        "{{ ('a' * 100000000)|length }}",
        "{% set n = namespace(x='a' * 1000000) %}{% for i in range(100) %}\
         {% set n.x = [n.x, n.x, n.x]|join(n.x) %}{% endfor %}",
        "{{ range(100000)|map('string')|join('a' * 100000)|length }}",
        "{% for i in range(100000) %}{{ 'a' * 10000 }}{% endfor %}",
    ] {
        let error = render("report.txt", source).unwrap_err();
        assert!(error.contains("steps") || error.contains("bytes"), "{source}: {error}");
    }
}

#[test]
fn what_large_reports_need_is_within_the_limits() {
    let rows = "{% for it in findings if it.severity|rank >= 0 %}{{ it.id|csv }},{{ it.severity }},\
                {{ it.package.name|csv }},{{ it.fixed_version|csv }},{{ it.description|csv }}\n\
                {% endfor %}";
    let template = Template::parse("report.csv", rows).unwrap();
    let text = template.render(&sample::many(20_000)).unwrap();
    assert_eq!(text.lines().count(), 20_000);
}
