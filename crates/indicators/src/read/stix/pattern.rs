//! A STIX pattern (section 9) as a list of alternatives, as far as it is one.
//!
//! Any one of a list of names or addresses is enough for an alert. What asks for several things at once,
//! in an order or a number, is no such list: a part of it alone says nothing, so it is left out whole.

use stix_pattern::{
    Comparison, ComparisonExpression, ComparisonOperand, ComparisonOperator, Literal,
    ObservationExpression, PathStep, Qualifier,
};

use crate::indicator::Indicator;
use crate::text;

#[derive(Debug)]
pub(super) enum Alternative {
    Is(Indicator),
    Malformed(String),
    Unsupported(String),
}

/// # Errors
/// It is no pattern.
pub(super) fn alternatives(pattern: &str) -> Result<Vec<Alternative>, String> {
    let parsed = stix_pattern::parse(pattern);
    let parsed = parsed.map_err(|error| format!("{} in `{pattern}`", error.message))?;
    let mut found = Vec::new();
    observation(&parsed.expression, &mut found);
    Ok(found)
}

/// Calls itself as deep as patterns nest, for which the parser has a limit.
fn observation(expression: &ObservationExpression, found: &mut Vec<Alternative>) {
    match expression {
        ObservationExpression::Observation { expression, .. } => comparison(expression, found),
        ObservationExpression::Or(parts) => {
            parts.iter().for_each(|part| observation(part, found));
        }
        ObservationExpression::And(_) => found.push(unsupported("several observations at once")),
        ObservationExpression::FollowedBy(_) => {
            found.push(unsupported("observations in an order"));
        }
        // One observation is always within any time.
        ObservationExpression::Qualified {
            expression,
            qualifier: Qualifier::Within { .. },
            ..
        } => {
            observation(expression, found);
        }
        ObservationExpression::Qualified { qualifier, .. } => {
            let what = match qualifier {
                Qualifier::Repeats { .. } => "observations in a number",
                Qualifier::StartStop { .. } | Qualifier::Within { .. } => {
                    "observations between two times"
                }
            };
            found.push(unsupported(what));
        }
    }
}

fn comparison(expression: &ComparisonExpression, found: &mut Vec<Alternative>) {
    match expression {
        ComparisonExpression::Test(test) => one(test, found),
        ComparisonExpression::Or(parts) => parts.iter().for_each(|part| comparison(part, found)),
        ComparisonExpression::And(parts) => {
            // That a reference is to an address, beside the address itself, says nothing more.
            let mut left = parts.iter().filter(|part| !says_type(part));
            match (left.next(), left.next()) {
                (Some(only), None) => comparison(only, found),
                _ => found.push(unsupported("several conditions at once")),
            }
        }
    }
}

fn unsupported(what: &str) -> Alternative {
    Alternative::Unsupported(what.to_owned())
}

/// `network-traffic:dst_ref.type = 'ipv4-addr'`
fn says_type(expression: &ComparisonExpression) -> bool {
    let ComparisonExpression::Test(test) = expression else { return false };
    let ComparisonOperand::Literal(Literal::String(kind)) = &test.value else { return false };
    path(test) == "network-traffic:dst_ref.type"
        && test.operator == ComparisonOperator::Equal
        && !test.negated
        && ["domain-name", "ipv4-addr", "ipv6-addr"].contains(&kind.as_str())
}

type Parse = fn(&str) -> Option<Indicator>;

/// What is compared, and how its value is read.
const PATHS: &[(&str, Parse)] = &[
    ("domain-name:value", text::domain),
    ("ipv4-addr:value", text::network),
    ("ipv6-addr:value", text::network),
    ("url:value", text::url),
    ("network-traffic:dst_ref.value", network_or_domain),
    ("file:hashes.MD5", text::hash),
    ("file:hashes.SHA-1", text::hash),
    ("file:hashes.SHA-256", text::hash),
    // As many write them.
    ("file:hashes.SHA1", text::hash),
    ("file:hashes.SHA256", text::hash),
];

fn network_or_domain(text: &str) -> Option<Indicator> {
    text::network(text).or_else(|| text::domain(text))
}

fn one(test: &Comparison, found: &mut Vec<Alternative>) {
    let path = path(test);
    let Some((_, parse)) = PATHS.iter().find(|(name, _)| *name == path) else {
        return found.push(Alternative::Unsupported(format!("`{path}`")));
    };
    let is_of_addresses = path.starts_with("ipv");
    let parse: Parse = match test.operator {
        ComparisonOperator::Equal | ComparisonOperator::In => *parse,
        ComparisonOperator::IsSubset if is_of_addresses => *parse,
        ComparisonOperator::Like if path == "domain-name:value" => like,
        operator => {
            return found.push(Alternative::Unsupported(format!("`{path}` with {operator:?}")));
        }
    };
    if test.negated {
        return found.push(Alternative::Unsupported(format!("what `{path}` is not")));
    }
    let literals = match &test.value {
        ComparisonOperand::Literal(literal) => std::slice::from_ref(literal),
        ComparisonOperand::Set(literals) => literals.as_slice(),
    };
    found.extend(literals.iter().map(|literal| {
        let Literal::String(text) = literal else {
            return Alternative::Malformed(format!("`{path}` is no text"));
        };
        match parse(text) {
            Some(indicator) => Alternative::Is(indicator),
            None if test.operator == ComparisonOperator::Like => {
                Alternative::Unsupported(format!("`{path}` like `{text}`"))
            }
            None => Alternative::Malformed(format!("`{path}` is not `{text}`")),
        }
    }));
}

/// `%.evil.example` is what is below; a name without wildcards is itself.
fn like(text: &str) -> Option<Indicator> {
    match text.strip_prefix('%') {
        Some(rest) if rest.starts_with('.') => text::suffix(rest),
        _ => text::domain(text),
    }
}

/// As it is written without quotes: `file:hashes.SHA-256`.
fn path(test: &Comparison) -> String {
    let mut path = format!("{}:", test.path.object_type);
    for (number, step) in test.path.steps.iter().enumerate() {
        match step {
            PathStep::Key(key) if number == 0 => path.push_str(key),
            PathStep::Key(key) => path.extend([".", key]),
            PathStep::Index(index) => path.extend(["[", &index.to_string(), "]"]),
            PathStep::AnyIndex => path.push_str("[*]"),
        }
    }
    path
}
