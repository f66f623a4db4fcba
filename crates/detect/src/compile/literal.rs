//! Tests out of operators and the texts that stand beside them.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::condition::CompileError;
use super::operand::Operand;
use super::paths::Paths;
use super::test::{self, Network, NumberTest, Test, TextTest};
use crate::field::{Kind, Shape};
use crate::filter::{Check, Literal, Operator};

/// What a regular expression may take once it is compiled, and what its engine may keep. Those of
/// rules stay below 20 KiB.
const REGEX_BYTES_MAX: usize = 256 << 10;

/// Longer patterns are refused: a pattern takes time in proportion to its length at every event.
const PATTERN_BYTES_MAX: usize = 4096;

/// Whether an operator suits what is left of it.
pub(super) fn fits(check: &Check, left: &Operand) -> Result<(), CompileError> {
    use Operator as O;
    let operator = check.operator;
    let name = &left.name;
    let fits = match (left.kind, left.shape) {
        (_, _) if operator == O::Exists => true,
        (_, Shape::List) => matches!(operator, O::In | O::Intersects),
        (Kind::Bool, _) => matches!(operator, O::Equal | O::NotEqual | O::In | O::Intersects),
        (Kind::Address | Kind::Network, _) => {
            matches!(operator, O::Equal | O::NotEqual | O::In | O::Intersects)
        }
        (Kind::Number, _) => operator.is_sign() || matches!(operator, O::In | O::Intersects),
        (Kind::Text | Kind::Any, _) => !matches!(operator, O::BytesContain | O::BytesStartWith),
        (Kind::Bytes, _) => matches!(
            operator,
            O::Equal
                | O::NotEqual
                | O::In
                | O::Intersects
                | O::Contains
                | O::StartsWith
                | O::EndsWith
                | O::BytesContain
                | O::BytesStartWith
        ),
    };
    if fits {
        return Ok(());
    }
    let kind = if left.shape == Shape::List { "a list" } else { told(left.kind) };
    let message = format!("`{}` does not suit `{name}`, which is {kind}", operator.word());
    Err(CompileError::new(check.at, message))
}

/// What tells apart two checks that compare with texts.
pub(super) fn key(literals: &[Literal]) -> Vec<u8> {
    let one = |literal: &Literal| [&literal.text.len().to_le_bytes(), &*literal.text].concat();
    literals.iter().flat_map(one).collect()
}

pub(super) fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Number => "a number",
        Kind::Text => "a text",
        Kind::Bytes => "bytes",
        Kind::Address => "an address",
        Kind::Network => "an address in a network",
        Kind::Any => "a number or a text",
    }
}

/// The test of an operator that suits the kind, with one text or those of a list.
pub(super) fn of(
    operator: Operator,
    kind: Kind,
    literals: &[Literal],
) -> Result<Test, CompileError> {
    let negated = operator == Operator::NotEqual;
    Ok(match kind {
        Kind::Bool => Test::Bool { wanted: all(literals, truth)?, negated },
        Kind::Number => Test::Number(number_test(operator, all(literals, number)?)),
        Kind::Address => Test::Address { any: all(literals, address)?, negated },
        Kind::Network => Test::Network { any: all(literals, network)?, negated },
        Kind::Text | Kind::Bytes => Test::Text(text_test(operator, literals)?),
        Kind::Any => {
            let numbers = all(literals, number).ok();
            let number = numbers.map(|numbers| number_test(operator, numbers));
            Test::Any { text: text_test(operator, literals)?, number }
        }
    })
}

fn all<T>(
    literals: &[Literal],
    read: fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, CompileError> {
    let one = |literal: &Literal| {
        let text = String::from_utf8_lossy(&literal.text);
        read(&text)
            .map_err(|wanted| CompileError::new(literal.at, format!("`{text}` is not {wanted}")))
    };
    literals.iter().map(one).collect()
}

fn truth(text: &str) -> Result<bool, &'static str> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("`true` or `false`"),
    }
}

fn number(text: &str) -> Result<i64, &'static str> {
    test::number(text.as_bytes()).ok_or("a whole number")
}

fn address(text: &str) -> Result<core::net::IpAddr, &'static str> {
    // Events have addresses of version 4 as such, never as `::ffff:192.0.2.1`.
    text.parse().map(|it: core::net::IpAddr| it.to_canonical()).or(Err("an IP address"))
}

fn network(text: &str) -> Result<Network, &'static str> {
    Network::parse(text).ok_or("a network, like `10.0.0.0/8`")
}

fn number_test(operator: Operator, numbers: Vec<i64>) -> NumberTest {
    match numbers.as_slice() {
        [only] if operator.is_sign() => NumberTest::Compare(operator, *only),
        _ => NumberTest::In(numbers),
    }
}

fn text_test(operator: Operator, literals: &[Literal]) -> Result<TextTest, CompileError> {
    let texts = || literals.iter().map(|literal| literal.text.clone());
    match operator {
        Operator::In | Operator::Intersects => return Ok(TextTest::In(texts().collect())),
        Operator::PathMatch => {
            literals.iter().try_for_each(within_limit)?;
            return Ok(TextTest::Below(Paths::new(literals.iter().map(|it| &*it.text))));
        }
        _ => {}
    }
    let [literal] = literals else {
        let at = literals.first().map_or(0, |literal| literal.at);
        return Err(CompileError::new(at, "one text is wanted here"));
    };
    let text = literal.text.clone();
    Ok(match operator {
        Operator::Equal => TextTest::Equal(text),
        Operator::NotEqual => TextTest::NotEqual(text),
        Operator::Contains => TextTest::Contains(Box::new(Finder::new(&text).into_owned())),
        Operator::FoldedContains => TextTest::FoldedContains(text.to_ascii_lowercase()),
        Operator::StartsWith => TextTest::StartsWith(text),
        Operator::EndsWith => TextTest::EndsWith(text),
        Operator::BytesContain => {
            TextTest::Contains(Box::new(Finder::new(&unhex(literal)?).into_owned()))
        }
        Operator::BytesStartWith => TextTest::StartsWith(unhex(literal)?),
        Operator::Glob | Operator::FoldedGlob => {
            within_limit(literal)?;
            TextTest::Glob { pattern: text, ignore_case: operator == Operator::FoldedGlob }
        }
        Operator::Regex => TextTest::Regex(Box::new(regex(literal)?)),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let with = test::number(&text).ok_or_else(|| {
                let text = String::from_utf8_lossy(&text);
                CompileError::new(literal.at, format!("`{text}` is not a whole number"))
            })?;
            TextTest::Compare(operator, with)
        }
        Operator::Exists | Operator::In | Operator::Intersects | Operator::PathMatch => {
            return Err(CompileError::new(literal.at, "one text is wanted here"));
        }
    })
}

fn within_limit(literal: &Literal) -> Result<(), CompileError> {
    if literal.text.len() <= PATTERN_BYTES_MAX {
        return Ok(());
    }
    let message = format!("a pattern of more than {PATTERN_BYTES_MAX} bytes");
    Err(CompileError::new(literal.at, message))
}

/// Bytes written as pairs of hexadecimal digits.
fn unhex(literal: &Literal) -> Result<Vec<u8>, CompileError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = literal.text.chunks(2).map(pair).collect();
    bytes.ok_or_else(|| {
        let text = String::from_utf8_lossy(&literal.text);
        CompileError::new(literal.at, format!("`{text}` is not pairs of hexadecimal digits"))
    })
}

/// Has to match the whole text, as it does in Falco.
fn regex(literal: &Literal) -> Result<Regex, CompileError> {
    within_limit(literal)?;
    let wrong = |message: String| CompileError::new(literal.at, message);
    let pattern = std::str::from_utf8(&literal.text)
        .map_err(|error| wrong(format!("a regular expression that is not UTF-8: {error}")))?;
    let build = |pattern: &str, unicode: bool| {
        let limits = |builder: &mut RegexBuilder| {
            builder
                .size_limit(REGEX_BYTES_MAX)
                .dfa_size_limit(REGEX_BYTES_MAX)
                .unicode(unicode)
                .build()
        };
        limits(&mut RegexBuilder::new(pattern))
    };
    // By itself first, so that no parenthesis of it closes ours. Bytes rather than characters where
    // that is possible: names need not be UTF-8.
    let unicode = build(pattern, false).is_err();
    build(pattern, unicode).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            wrong(format!("a regular expression that takes more than {limit} bytes"))
        }
        error => {
            let told = error.to_string();
            let last = told.lines().last().unwrap_or_default();
            wrong(format!("no regular expression: {}", last.trim_start_matches("error: ")))
        }
    })?;
    build(&format!("\\A(?:{pattern})\\z"), unicode)
        .map_err(|error| wrong(format!("a regular expression that cannot be used: {error}")))
}
