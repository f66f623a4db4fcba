//! The order of Alpine versions, as apk-tools 3 has it.
//!
//! `number{.number}…{letter}{_suffix{number}}…{~hash}{-r#}`: apk-package(5), "package names and
//! versions". A version that apk-tools 3 accepts is ordered exactly as it orders it, but for numbers
//! above 2^64, where its integers wrap around and ours do not.
//!
//! One that it refuses has an order here all the same: older branches, and their advisories, hold
//! such versions (`6.6.2p1-r0`), and refusing them would hide what is known. Two kinds are read as
//! apk-tools 2 read them: a number may follow the letter, and `-r` without a number is `-r0`. For
//! all others apk-tools 3 has an answer inside, though its command does not give it: what it cannot
//! read is newer than a pre-release and older than all else, the end of the version included.
//! Where it then gives up and calls two versions equal, a component that merely lacks its number
//! (`1..2`, `.1`) is read on from.

use std::cmp::Ordering;

use crate::number::{Number, split_digits, split_while};
use crate::{Refusal, VersionError};

/// Compares token by token: the first that differs decides.
///
/// # Errors
/// Only an empty version is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (mut a, mut b) = (Tokens::new(a)?, Tokens::new(b)?);
    loop {
        let (a_token, b_token) = (a.next(), b.next());
        let order = a_token.cmp(&b_token);
        if order.is_ne() || a_token == Token::End {
            return Ok(order);
        }
    }
}

/// What a version is made of, older first, when two versions are the same up to here.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    PreRelease(PreRelease),
    /// What apk-tools refuses here.
    Invalid,
    End,
    Revision(Number<'a>),
    Hash(&'a [u8]),
    SuffixNumber(Number<'a>),
    PostRelease(PostRelease),
    Letter(u8),
    Component(Component<'a>),
    FirstNumber(Number<'a>),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PreRelease {
    Alpha,
    Beta,
    Pre,
    Rc,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PostRelease {
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

/// A number after the first. A leading zero makes it a decimal fraction, as Gentoo has it:
/// `1.05` < `1.1` < `1.10`.
#[derive(PartialEq, Eq)]
struct Component<'a>(&'a [u8]);

impl Ord for Component<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0.starts_with(b"0") || other.0.starts_with(b"0") {
            self.0.cmp(other.0)
        } else {
            Number::new(self.0).cmp(&Number::new(other.0))
        }
    }
}

impl PartialOrd for Component<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Tokens<'a> {
    rest: &'a [u8],
    last: Part,
}

/// The parts of a version in the order in which they may stand: what was read last says what may
/// follow.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Part {
    Nothing,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::new(text, Refusal::Empty));
        }
        Ok(Self { rest: text.as_bytes(), last: Part::Nothing })
    }

    /// The next token; `End` for ever once nothing is left.
    fn next(&mut self) -> Token<'a> {
        let token = match self.rest {
            _ if self.last == Part::Nothing => Some(self.first_number()),
            [] => Some(Token::End),
            [letter @ b'a'..=b'z', rest @ ..] if self.last == Part::Number => {
                (self.rest, self.last) = (rest, Part::Letter);
                Some(Token::Letter(*letter))
            }
            [b'.', rest @ ..] if self.last == Part::Number => {
                self.rest = rest;
                Some(self.component())
            }
            [b'0'..=b'9', ..] if self.last == Part::Letter => Some(self.component()),
            [b'0'..=b'9', ..] if self.last == Part::Suffix => {
                self.last = Part::SuffixNumber;
                Some(Token::SuffixNumber(Number::new(self.take_digits())))
            }
            [b'_', rest @ ..] if self.last <= Part::SuffixNumber => self.suffix(rest),
            [b'~', rest @ ..] if self.last < Part::Hash => self.hash(rest),
            [b'-', b'r', rest @ ..] if self.last < Part::Revision => self.revision(rest),
            _ => None,
        };
        token.unwrap_or_else(|| {
            self.rest = &[];
            Token::Invalid
        })
    }

    fn first_number(&mut self) -> Token<'a> {
        self.last = Part::Number;
        match self.take_digits() {
            [] => Token::Invalid,
            digits => Token::FirstNumber(Number::new(digits)),
        }
    }

    fn component(&mut self) -> Token<'a> {
        self.last = Part::Number;
        match self.take_digits() {
            [] => Token::Invalid,
            digits => Token::Component(Component(digits)),
        }
    }

    fn suffix(&mut self, text: &'a [u8]) -> Option<Token<'a>> {
        let (name, rest) = split_while(text, |byte| byte.is_ascii_lowercase());
        let token = match name {
            b"alpha" => Token::PreRelease(PreRelease::Alpha),
            b"beta" => Token::PreRelease(PreRelease::Beta),
            b"pre" => Token::PreRelease(PreRelease::Pre),
            b"rc" => Token::PreRelease(PreRelease::Rc),
            b"cvs" => Token::PostRelease(PostRelease::Cvs),
            b"svn" => Token::PostRelease(PostRelease::Svn),
            b"git" => Token::PostRelease(PostRelease::Git),
            b"hg" => Token::PostRelease(PostRelease::Hg),
            b"p" => Token::PostRelease(PostRelease::P),
            _ => return None,
        };
        (self.rest, self.last) = (rest, Part::Suffix);
        Some(token)
    }

    fn hash(&mut self, text: &'a [u8]) -> Option<Token<'a>> {
        let (hash, rest) = split_while(text, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hash.is_empty() {
            return None;
        }
        (self.rest, self.last) = (rest, Part::Hash);
        Some(Token::Hash(hash))
    }

    /// A word that merely begins with `r` (`-ruff`) is no revision.
    fn revision(&mut self, text: &'a [u8]) -> Option<Token<'a>> {
        if text.first().is_some_and(u8::is_ascii_alphabetic) {
            return None;
        }
        (self.rest, self.last) = (text, Part::Revision);
        Some(Token::Revision(Number::new(self.take_digits())))
    }

    fn take_digits(&mut self) -> &'a [u8] {
        let (digits, rest) = split_digits(self.rest);
        self.rest = rest;
        digits
    }
}
