//! PHP's own form of values in text (php.net, "serialize"): `a:1:{s:4:"name";s:4:"Rope";}`.
//!
//! Objects are refused: nothing here has any, and they are how this form does harm.

/// Arrays within arrays. PEAR's own nest some ten deep.
const DEPTH_MAX: usize = 64;

/// A value.
pub(super) enum Value<'a> {
    Text(&'a [u8]),
    /// Keys and values.
    Array(Vec<(Self, Self)>),
    /// Null, a truth value or a number.
    Other,
}

impl<'a> Value<'a> {
    /// The value that makes up the text.
    pub(super) fn of(text: &'a [u8]) -> Result<Self, &'static str> {
        Reader { rest: text }.value(DEPTH_MAX)
    }

    /// What an array holds under a name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Array(entries) = self else { return None };
        let entry = entries.iter().find(|(key, _)| key.bytes() == Some(name.as_bytes()));
        entry.map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Text(bytes) => Some(bytes),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, &'static str> {
        match self.take(2)? {
            b"N;" => Ok(Value::Other),
            b"b:" | b"i:" | b"d:" => self.until(b';').map(|_| Value::Other),
            b"s:" => {
                let length = self.length()?;
                self.expect(b"\"")?;
                let text = self.take(length)?;
                self.expect(b"\";")?;
                Ok(Value::Text(text))
            }
            b"a:" => {
                let depth = depth.checked_sub(1).ok_or("arrays nest too deep")?;
                let length = self.length()?;
                self.expect(b"{")?;
                // The length is a stranger's claim; each entry takes bytes, so the text bounds it.
                let mut entries = Vec::new();
                for _ in 0..length {
                    entries.push((self.value(depth)?, self.value(depth)?));
                }
                self.expect(b"}")?;
                Ok(Value::Array(entries))
            }
            _ => Err("a value of unknown kind"),
        }
    }

    /// A number and the colon behind it.
    fn length(&mut self) -> Result<usize, &'static str> {
        let digits = self.until(b':')?;
        let digits = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        digits.ok_or("a length that is no number")
    }

    fn expect(&mut self, expected: &[u8]) -> Result<(), &'static str> {
        if self.take(expected.len())? == expected { Ok(()) } else { Err("a length that is wrong") }
    }

    fn until(&mut self, end: u8) -> Result<&'a [u8], &'static str> {
        let length = self.rest.iter().position(|byte| *byte == end).ok_or("it ends too early")?;
        let taken = self.take(length)?;
        self.take(1)?;
        Ok(taken)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_add_up_is_refused() {
        let whole = r#"a:3:{s:4:"name";s:4:"Rope";i:0;a:0:{}s:1:"x";d:1.5;}"#;
        let value = Value::of(whole.as_bytes()).ok().unwrap();
        assert_eq!(value.get("name").and_then(Value::text).as_deref(), Some("Rope"));
        let deep = "a:1:{i:0;".repeat(DEPTH_MAX + 1);
        let wrong =
            ["", "s:9:\"x\";", "s:1:\"xy\";", "a:99999999999:{", "O:1:\"a\":0:{}", "s:-1:", &deep];
        for text in wrong {
            assert!(Value::of(text.as_bytes()).is_err(), "{text}");
        }
    }
}
