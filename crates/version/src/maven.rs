//! The order of Maven versions, as `ComparableVersion` of Maven 3.9 has it.
//!
//! Digits, letters and what sets them apart make a list of items; a hyphen, or a change between
//! digits and letters, begins a list inside the list (Maven, "POM Reference", "Version Order
//! Specification"). Where that text and the code differ, the code counts; the tests ask it.
//! Maven lower-cases letters of all scripts and reads their digits; here only ASCII digits are
//! digits.
//!
//! Zeros and "release" qualifiers count or not by what follows them. So this scheme, unlike the
//! others, writes the items down before it compares them: two short allocations, linear time.

use std::cmp::Ordering;

use crate::number::{Number, split_digits};
use crate::{Refusal, VersionError};

/// Compares item by item; one that is missing is 0, or the release, whichever the other can be.
///
/// # Errors
/// Only an empty version is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (items(a)?, items(b)?);
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ok(Ordering::Equal),
            (Some(item), None) => return Ok(against_nothing(item, a.as_slice())),
            (None, Some(item)) => return Ok(against_nothing(item, b.as_slice()).reverse()),
            (Some(a), Some(b)) => a.cmp(b),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

/// What a version is made of, older first. A list inside the list is always its last item, so that
/// a mark where it begins is enough.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Item<'a> {
    Qualifier(Qualifier<'a>),
    Begin,
    Number(Number<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    Other(Folded<'a>),
}

/// A word whose letters are the same in either case.
#[derive(Clone, Copy)]
struct Folded<'a>(&'a str);

/// How a version that goes on stands to one that has ended: by its first item that counts.
fn against_nothing(first: &Item<'_>, rest: &[Item<'_>]) -> Ordering {
    let decisive = std::iter::once(first).chain(rest).find(|item| !item.is_nothing());
    match decisive {
        None | Some(Item::Begin) => Ordering::Equal,
        Some(Item::Number(_)) => Ordering::Greater,
        Some(Item::Qualifier(qualifier)) => qualifier.cmp(&Qualifier::Release),
    }
}

impl Item<'_> {
    /// It means no more than its absence.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Qualifier(qualifier) => *qualifier == Qualifier::Release,
            Self::Begin => true,
            Self::Number(number) => *number == Number::ZERO,
        }
    }
}

/// The items of a version; those that mean nothing are left out at the end of every list.
fn items(text: &str) -> Result<Vec<Item<'_>>, VersionError> {
    if text.is_empty() {
        return Err(VersionError::new(text, Refusal::Empty));
    }
    let mut list = List { items: Vec::new(), is_empty: true };
    let mut rest = text;
    while !rest.is_empty() {
        rest = list.read(rest);
    }
    list.drop_nothing(true);
    Ok(list.items)
}

struct List<'a> {
    items: Vec<Item<'a>>,
    /// Of the innermost list, before anything is left out.
    is_empty: bool,
}

impl<'a> List<'a> {
    /// Reads one run of digits or letters, if any, and the separator after it.
    fn read(&mut self, text: &'a str) -> &'a str {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit());
        let ends = |c: char| matches!(c, '.' | '-') || c.is_ascii_digit() != is_number;
        let (run, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        let separator = rest.bytes().next().filter(|byte| matches!(byte, b'.' | b'-'));
        // A word that a separator follows stays in the list; all others have one of their own.
        let stands_apart = !is_number && separator.is_none();
        if run.is_empty() {
            self.push(Item::Number(Number::ZERO));
        } else if is_number {
            self.push(Item::Number(Number::new(split_digits(run.as_bytes()).0)));
        } else {
            if stands_apart && !self.is_empty {
                self.begin();
            }
            let before_digit = stands_apart && !rest.is_empty();
            self.push(Item::Qualifier(qualifier(run, before_digit)));
        }
        let ends_list =
            if separator.is_none() { !rest.is_empty() } else { separator == Some(b'-') };
        if ends_list {
            self.begin();
        }
        separator.map_or(rest, |_| rest.split_at(1).1)
    }

    fn push(&mut self, item: Item<'a>) {
        self.items.push(item);
        self.is_empty = false;
    }

    fn begin(&mut self) {
        self.drop_nothing(false);
        self.items.push(Item::Begin);
        self.is_empty = true;
    }

    /// At the end of the version, lists that are empty are left out too.
    fn drop_nothing(&mut self, lists_too: bool) {
        while self
            .items
            .last()
            .is_some_and(|item| item.is_nothing() && (lists_too || *item != Item::Begin))
        {
            self.items.pop();
        }
    }
}

const QUALIFIERS: &[(&str, Qualifier<'static>)] = &[
    ("alpha", Qualifier::Alpha),
    ("beta", Qualifier::Beta),
    ("milestone", Qualifier::Milestone),
    ("rc", Qualifier::Candidate),
    ("cr", Qualifier::Candidate),
    ("snapshot", Qualifier::Snapshot),
    ("ga", Qualifier::Release),
    ("final", Qualifier::Release),
    ("release", Qualifier::Release),
    ("sp", Qualifier::ServicePack),
];

/// `a`, `b` and `m` are short for alpha, beta and milestone, but only before a digit.
fn qualifier(word: &str, before_digit: bool) -> Qualifier<'_> {
    let long = match word {
        "a" | "A" if before_digit => "alpha",
        "b" | "B" if before_digit => "beta",
        "m" | "M" if before_digit => "milestone",
        word => word,
    };
    let known = QUALIFIERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(long));
    known.map_or(Qualifier::Other(Folded(word)), |&(_, qualifier)| qualifier)
}

impl Ord for Folded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.0.chars(), other.0.chars());
        a.flat_map(char::to_lowercase).cmp(b.flat_map(char::to_lowercase))
    }
}

impl PartialOrd for Folded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Folded<'_> {}
