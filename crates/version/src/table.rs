//! Check lines like `1.0 < 1.1` or `^1.0 contains 1.1` against a scheme: this crate's own tests, and
//! `lazaret db vercmp SCHEME --check FILE`, so that anyone can prove us wrong with one line.

use std::cmp::Ordering;
use std::fmt;

use crate::{Range, RangeError, Scheme, VersionError};

/// The lines of `text` that do not hold, in their order.
///
/// A line is `A < B`, `A = B` or `A > B`, the three parts set apart by white space, or
/// `RANGE contains A` or `RANGE excludes A`, where the range may be empty. Blank lines and those that
/// start with `#` or `//` are passed over.
pub fn check_table(scheme: Scheme, text: &str) -> Vec<WrongLine> {
    let lines = text.lines().map(str::trim).zip(1..);
    lines
        .filter(|(text, _)| !(text.is_empty() || text.starts_with('#') || text.starts_with("//")))
        .filter_map(|(text, line)| {
            let fault = check_line(scheme, text).err()?;
            Some(WrongLine { line, text: text.to_owned(), fault })
        })
        .collect()
}

/// `<`, `=` or `>`.
pub fn symbol(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

/// A line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLine {
    /// Counted from 1.
    pub line: usize,
    /// The line without the white space around it.
    pub text: String,
    pub fault: Fault,
}

/// Why a line does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is neither a comparison nor about a range.
    Malformed,
    /// The ecosystem refuses one of the versions.
    Refused(VersionError),
    /// The order is another.
    Order { said: Ordering, found: Ordering },
    /// The ecosystem refuses the range.
    RangeRefused(RangeError),
    /// It is the other way round.
    Range { contains: bool },
}

impl fmt::Display for WrongLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `{}`: ", self.line, self.text)?;
        match &self.fault {
            Fault::Malformed => write!(f, "not of the form `A < B`"),
            Fault::Refused(error) => write!(f, "{error}"),
            Fault::Order { said, found } => {
                write!(f, "says `{}`, the order is `{}`", symbol(*said), symbol(*found))
            }
            Fault::RangeRefused(error) => write!(f, "{error}"),
            Fault::Range { contains: true } => write!(f, "the range contains it"),
            Fault::Range { contains: false } => write!(f, "the range does not contain it"),
        }
    }
}

fn check_line(scheme: Scheme, line: &str) -> Result<(), Fault> {
    let about_range = |verb: &str| {
        line.rsplit_once(verb).or_else(|| Some(("", line.strip_prefix(verb.trim_start())?)))
    };
    match (about_range(" contains "), about_range(" excludes ")) {
        (Some((range, version)), _) => check_range(scheme, range, version, true),
        (_, Some((range, version))) => check_range(scheme, range, version, false),
        _ => check_order(scheme, line),
    }
}

fn check_range(scheme: Scheme, range: &str, version: &str, said: bool) -> Result<(), Fault> {
    let range = Range::parse(scheme, range.trim()).map_err(Fault::RangeRefused)?;
    let contains = range.contains(version.trim()).map_err(Fault::Refused)?;
    if said == contains { Ok(()) } else { Err(Fault::Range { contains }) }
}

fn check_order(scheme: Scheme, line: &str) -> Result<(), Fault> {
    let mut parts = line.split_whitespace();
    let (Some(a), Some(sign), Some(b), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::Malformed);
    };
    let said = match sign {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => return Err(Fault::Malformed),
    };
    let found = scheme.compare(a, b).map_err(Fault::Refused)?;
    if said == found { Ok(()) } else { Err(Fault::Order { said, found }) }
}
