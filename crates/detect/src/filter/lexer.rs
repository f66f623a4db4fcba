//! The words of a condition.
//!
//! Which word may stand at a place depends on the grammar: what is a macro's name in one place is a
//! text in another. So there is no list of tokens; the parser asks for what it wants next.

use super::ast::{Function, Literal, Operator};
use super::{BYTES_MAX, FilterError};

/// A place in a condition.
#[derive(Clone, Copy)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, FilterError> {
        if text.len() > BYTES_MAX {
            let message = format!("a condition of more than {BYTES_MAX} bytes");
            return Err(FilterError::new(0, message).hint("make several rules or a list of it"));
        }
        Ok(Self { text, at: 0 })
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What stands here, for people.
    pub(super) fn next_word(&self) -> &'t str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',');
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest.find(ends).map_or(rest.len(), |end| end.max(first));
        rest.get(..end).unwrap_or_default()
    }

    /// True if there was any space.
    pub(super) fn blank(&mut self) -> bool {
        let is_blank = |c| matches!(c, ' ' | '\t' | '\u{8}' | '\r' | '\n');
        let before = self.at;
        let rest = self.rest();
        self.at += rest.find(|c| !is_blank(c)).unwrap_or(rest.len());
        self.at > before
    }

    /// Takes exactly this text.
    pub(super) fn exactly(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    /// Takes this word, if nothing follows that would make it a longer one.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let follows = self.rest().strip_prefix(word).and_then(|rest| rest.chars().next());
        let is_there = self.rest().starts_with(word) && !follows.is_some_and(is_of_name);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    /// The beginning that consists of such characters; None if there is none.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> Option<&'t str> {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let run = rest.get(..end).filter(|run| !run.is_empty())?;
        self.at += end;
        Some(run)
    }

    /// `[a-zA-Z][a-zA-Z0-9_]*`
    pub(super) fn identifier(&mut self) -> Option<&'t str> {
        self.rest().starts_with(|c: char| c.is_ascii_alphabetic()).then_some(())?;
        self.run(is_of_name)
    }

    /// Identifiers with dots between them, at least two.
    pub(super) fn field_name(&mut self) -> Option<&'t str> {
        let begin = *self;
        let mut parts = 0;
        let mut end = self.at;
        loop {
            if self.identifier().is_none() {
                break;
            }
            (parts, end) = (parts + 1, self.at);
            if !self.exactly(".") {
                break;
            }
        }
        self.at = if parts > 1 { end } else { begin.at };
        (parts > 1).then(|| self.text.get(begin.at..end).unwrap_or_default())
    }

    /// What stands in brackets after a field, without quotes it ends at a bracket or space.
    pub(super) fn argument(&mut self) -> Result<Option<String>, FilterError> {
        if !self.exactly("[") {
            return Ok(None);
        }
        let at = self.at;
        let argument = match self.quoted()? {
            Some(quoted) => String::from_utf8_lossy(&quoted.text).into_owned(),
            None => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'');
                let argument = self.run(|c| !ends(c));
                argument.ok_or_else(|| FilterError::new(at, "nothing between the brackets"))?.into()
            }
        };
        if self.exactly("]") {
            return Ok(Some(argument));
        }
        Err(FilterError::new(self.at, "a `]` is missing after the argument of the field"))
    }

    /// A number, decimal or hexadecimal. That of a fraction is read, so that it can be told that there
    /// are none.
    pub(super) fn number(&mut self) -> Option<Literal> {
        let begin = *self;
        let _signed = self.exactly("-") || self.exactly("+");
        let is_hexadecimal = self.exactly("0x") || self.exactly("0X");
        let digits = match is_hexadecimal {
            true => self.run(|c| c.is_ascii_hexdigit()),
            false => self.run(|c| c.is_ascii_digit()),
        };
        if digits.is_none() {
            self.at = begin.at;
            return None;
        }
        if !is_hexadecimal {
            self.fraction();
        }
        let text = self.text.get(begin.at..self.at).unwrap_or_default();
        Some(Literal { text: text.into(), quoted: true, at: begin.at })
    }

    /// What may follow the digits of a decimal number.
    fn fraction(&mut self) {
        if self.exactly(".") {
            self.run(|c| c.is_ascii_digit());
        }
        let before = self.at;
        let has_exponent = (self.exactly("e") || self.exactly("E"))
            && (self.exactly("+") || self.exactly("-"))
            && self.run(|c| c.is_ascii_digit()).is_some();
        if !has_exponent {
            self.at = before;
        }
    }

    /// A text in quotes, or one that ends at a space, parenthesis, comma, equals sign or quote.
    pub(super) fn string(&mut self) -> Result<Option<Literal>, FilterError> {
        if let Some(quoted) = self.quoted()? {
            return Ok(Some(quoted));
        }
        let at = self.at;
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | '=' | ',');
        let run = self.run(|c| !ends(c));
        Ok(run.map(|text| Literal { text: text.into(), quoted: false, at }))
    }

    pub(super) fn quoted(&mut self) -> Result<Option<Literal>, FilterError> {
        let at = self.at;
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(None);
        };
        let inner = self.rest().get(1..).unwrap_or_default();
        let Some(end) = end_of_quoted(inner, quote) else {
            return Err(FilterError::new(at, format!("the closing {quote} is missing")));
        };
        let text = unescape(inner.get(..end).unwrap_or_default(), quote)
            .map_err(|(offset, message)| FilterError::new(at + 1 + offset, message))?;
        self.at += end + 2;
        Ok(Some(Literal { text, quoted: true, at }))
    }

    /// An operator; a word needs a space after it, but before a parenthesis a list's needs none.
    pub(super) fn operator(&mut self) -> Option<Operator> {
        let operator = Operator::ALL.iter().copied().find(|operator| {
            let mut ahead = *self;
            if operator.is_sign() {
                return ahead.exactly(operator.word());
            }
            ahead.word(operator.word())
                && (operator.takes_list()
                    || *operator == Operator::Exists
                    || ahead.blank()
                    || ahead.is_at_end())
        })?;
        self.at += operator.word().len();
        // Both spellings of equality.
        if operator == Operator::Equal {
            self.exactly("=");
        }
        Some(operator)
    }

    /// The name of a function with its parenthesis.
    pub(super) fn function(&mut self) -> Option<Function> {
        let mut ahead = *self;
        let name = ahead.identifier()?;
        let function = Function::ALL.iter().copied().find(|it| it.word() == name);
        let function = function.filter(|_| ahead.exactly("("))?;
        *self = ahead;
        Some(function)
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where a text in quotes ends. In Falco a quote after a backslash never ends it, even where the
/// backslash is itself escaped; so that is tried first, and what everybody else does second.
fn end_of_quoted(inner: &str, quote: char) -> Option<usize> {
    let as_falco = inner
        .match_indices(quote)
        .map(|(end, _)| end)
        .find(|&end| !inner.get(..end).unwrap_or_default().ends_with('\\'));
    as_falco.or_else(|| {
        let mut escaped = false;
        inner.char_indices().find_map(|(at, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at)
        })
    })
}

/// The text without its escapes, or where and why that fails.
fn unescape(text: &str, quote: char) -> Result<Vec<u8>, (usize, String)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next().map(|(_, c)| c) {
            Some('b') => bytes.push(8),
            Some('f') => bytes.push(12),
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            // A backslash before a space stands for itself, and the space goes.
            Some('\\' | ' ') => bytes.push(b'\\'),
            Some('/') => bytes.push(b'/'),
            Some('"') if quote == '"' => bytes.push(b'"'),
            Some('\'') if quote == '\'' => bytes.push(b'\''),
            Some('x') => {
                let digit = |next: Option<(usize, char)>| next.and_then(|(_, c)| c.to_digit(16));
                let (high, low) = (digit(chars.next()), digit(chars.next()));
                let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                let message = || "`\\x` needs two hexadecimal digits".to_owned();
                bytes.push(byte.ok_or_else(|| (at, message()))?);
            }
            Some(c) => return Err((at, format!("there is no escape `\\{c}`"))),
            None => return Err((at, "nothing follows the backslash".to_owned())),
        }
    }
    Ok(bytes)
}
