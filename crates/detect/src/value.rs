//! What a field has at one event.

use core::net::IpAddr;
use std::borrow::Cow;

/// The value of a field. What a field cannot know is `Absent`: every comparison with it fails, `!=`
/// too, and `exists` tells it from the rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Absent,
    Bool(bool),
    /// Unsigned ones of 64 bits wrap around, as they do in Falco.
    Number(i64),
    /// Bytes, as names and arguments are.
    Text(Cow<'a, [u8]>),
    Address(IpAddr),
    /// Never empty: made by [`Value::list`].
    List(Vec<Self>),
}

impl<'a> Value<'a> {
    pub fn text(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::Text(Cow::Borrowed(text.as_ref()))
    }

    pub fn made(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// Many values. None at all is no value: what is asked of each of none would hold.
    pub fn list(values: impl IntoIterator<Item = Self>) -> Self {
        let values: Vec<Self> = values.into_iter().collect();
        if values.is_empty() { Self::Absent } else { Self::List(values) }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// As outputs show it, many values with a space between them; None where there is none.
    pub fn shown(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Absent => None,
            Self::Bool(it) => Some(Cow::Borrowed(if *it { "true" } else { "false" })),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Text(text) => Some(String::from_utf8_lossy(text)),
            Self::Address(address) => Some(Cow::Owned(address.to_string())),
            Self::List(values) => {
                let shown: Vec<_> = values.iter().filter_map(Self::shown).collect();
                (!shown.is_empty()).then(|| Cow::Owned(shown.join(" ")))
            }
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number.cast_signed())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::text(text)
    }
}

impl<'a> From<&'a model::event::Text> for Value<'a> {
    fn from(text: &'a model::event::Text) -> Self {
        let bytes: &[u8] = text;
        Self::Text(Cow::Borrowed(bytes))
    }
}

impl From<IpAddr> for Value<'_> {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Absent, Into::into)
    }
}
