//! Conditions of rules: CEL, checked against the facts' types before anything is scanned, and
//! evaluated to true, false or not known.
//!
//! The syntax is that of the Common Expression Language, parsed by the crate `cel`. What follows is
//! ours, for two reasons. A misspelt fact or a comparison that cannot hold has to be an error of the
//! policy, with its place, and not of the one scan in which it is reached. And a fact that is not
//! known must neither be an error nor false: `&&`, `||`, `exists` and `all` follow three-valued
//! logic. Left out of CEL is what makes values rather than questions: arithmetic, `map`, `filter`.
//!
//! An expression ends: its length, its nesting and its steps have limits, patterns are compiled
//! once by an engine that runs in linear time.

mod check;
mod compare;
mod evaluate;
mod node;

use cel::parser::Parser;

use self::check::Checker;
pub(crate) use self::evaluate::VERDICT_STEPS_MAX;
use self::node::Node;
use crate::facts::{On, Scene, Subject};

/// Longer expressions are refused; the longest of our own policies has 200 bytes.
const BYTES_MAX: usize = 4096;
/// How many selections, calls and list elements one may have: the parser descends into a chain of
/// them one by one, on the stack.
const PARTS_MAX: usize = 256;
/// How deep parentheses, lists and conditions may be nested.
const DEPTH_MAX: u16 = 32;

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    text: String,
    root: Node,
}

/// Why a text is no expression that can be asked of these facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpressionError {
    /// How many characters stand before the mistake.
    pub(crate) at: usize,
    /// A lower-case fragment.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// What an expression comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'e> {
    Holds,
    Fails,
    /// Not known, for want of this.
    Unknown(&'e str),
}

impl Expression {
    /// Reads and checks a condition of a rule that looks at `on`.
    pub(crate) fn new(text: &str, on: On) -> Result<Self, ExpressionError> {
        let parts = text.chars().filter(|it| matches!(it, '.' | '[' | '(' | ',' | '!' | '-'));
        if text.len() > BYTES_MAX || parts.count() > PARTS_MAX {
            let message =
                format!("an expression of more than {BYTES_MAX} bytes or {PARTS_MAX} parts");
            let hint = Some("make several rules of it".to_owned());
            return Err(ExpressionError { at: 0, message, hint });
        }
        let parsed = Parser::default().max_recursion_depth(DEPTH_MAX).parse_with_source_info(text);
        let (ast, places) = parsed.map_err(|errors| syntax(text, &errors))?;
        let root = Checker::new(on, &places).condition(&ast)?;
        Ok(Self { text: text.to_owned(), root })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Asks it of one thing.
    pub(crate) fn outcome<'a>(&'a self, scene: &'a Scene<'a>, subject: Subject<'a>) -> Outcome<'a> {
        evaluate::outcome(&self.root, scene, subject)
    }
}

/// The first of the parser's complaints.
fn syntax(text: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let first = errors.errors.first();
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let lines_before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let before: usize =
        text.split_inclusive('\n').take(lines_before).map(|line| line.chars().count()).sum();
    let at = before + usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let message = first.map_or("not an expression", |error| error.msg.as_str());
    let message = message.lines().next().unwrap_or_default();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let hint = message.ends_with("identifier: package").then(|| {
        "that is a word of CEL's own; the package that a rule looks at is called `pkg`".to_owned()
    });
    // What the grammar could go on with is of no help.
    let message = match message.split_once(" expecting ") {
        Some((before, _)) if before.ends_with("'<EOF>'") => "something is missing at the end",
        Some((before, _)) => before,
        None => message,
    };
    let message = message.replace("'<EOF>'", "the end");
    ExpressionError { at: at.min(text.chars().count()), message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `on | expression` and, after `=>`, either `ok` or `at: message` of the mistake in it.
    const CASES: &str = include_str!("../testdata/expressions.txt");

    #[test]
    fn mistakes_are_found_before_anything_is_scanned() {
        let mut answers = String::new();
        for line in CASES.lines() {
            let case = line.split_once(" => ").filter(|_| !line.starts_with('#'));
            let Some((asked, _)) = case else {
                answers.extend([line, "\n"]);
                continue;
            };
            let (on, text) = asked.split_once(" | ").expect("what it is on");
            let on = On::ALL.into_iter().find(|it| it.name() == on).expect("a thing");
            let answer = match Expression::new(text, on) {
                Ok(_) => "ok".to_owned(),
                Err(ExpressionError { at, message, hint }) => {
                    format!(
                        "{at}: {message}{}",
                        hint.map(|hint| format!("; {hint}")).unwrap_or_default()
                    )
                }
            };
            answers.extend([asked, " => ", &answer, "\n"]);
        }
        if std::env::var_os("BLESS").is_some() {
            let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/expressions.txt");
            std::fs::write(page, &answers).unwrap();
            return;
        }
        assert_eq!(answers, CASES);
    }

    #[test]
    fn hostile_expressions_end() {
        let many = |part: &str| part.repeat(BYTES_MAX / part.len());
        for text in [
            many("("),
            many("["),
            many("!"),
            many("-"),
            many("a."),
            many("a["),
            many("a?b:"),
            many("a&&"),
            many("{"),
            many("\""),
            many("\\"),
            many("image.labels.all(x,"),
            many("é"),
            many("1e9"),
            "9".repeat(400),
            "(".repeat(200) + &")".repeat(55),
            "image.name.".repeat(80),
            format!("{}true{}", "(".repeat(100), ")".repeat(100)),
            format!("true{}", "||true".repeat(600)),
            format!("image.name.matches(\"{}\")", "(a{1000}){1000}"),
            format!("image.name{}", "[0]".repeat(250)),
            format!("{}image.incomplete", "!".repeat(250)),
        ] {
            if let Err(error) = Expression::new(&text, On::Image) {
                assert!(error.at <= text.len(), "{error:?}");
            }
        }
    }
}
