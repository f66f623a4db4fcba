//! What a condition is made of, before anybody knows what its names mean.

use std::borrow::Cow;

/// A condition or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Macro { name: String, at: usize },
    Check(Check),
}

/// One question: `proc.name in (sh, bash)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) left: Operand,
    pub(crate) operator: Operator,
    pub(crate) modifier: Option<Modifier>,
    pub(crate) right: Right,
    /// Bytes of the condition before it.
    pub(crate) at: usize,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// `exists` has none.
    Nothing,
    One(Literal),
    /// In parentheses, or the name of a list.
    Many(Vec<Literal>),
    Operand(Operand),
}

/// A text of the condition itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Without quotes and escapes; `\x` makes any byte.
    pub(crate) text: Vec<u8>,
    /// Without quotes it may be the name of a list.
    pub(crate) quoted: bool,
    pub(crate) at: usize,
}

impl Literal {
    /// What it counts where texts are counted: long ones as several, so that a limit of texts is one
    /// of bytes too.
    pub(crate) fn weight(&self) -> usize {
        1 + self.text.len() / 64
    }

    pub(crate) fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }
}

/// Something that has a value at each event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Field(FieldName),
    Function { function: Function, operands: Vec<Self>, argument: Option<String>, at: usize },
    Literal(Literal),
    List { operands: Vec<Self>, at: usize },
}

/// `proc.aname[2]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldName {
    pub(crate) name: String,
    pub(crate) argument: Option<String>,
    pub(crate) at: usize,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $name { $($variant),* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// Where one word begins with another, the longer one stands first.
    Operator {
        Exists = "exists",
        LessOrEqual = "<=", Less = "<", GreaterOrEqual = ">=", Greater = ">",
        NotEqual = "!=", Equal = "=",
        Glob = "glob", FoldedGlob = "iglob",
        Contains = "contains", FoldedContains = "icontains", BytesContain = "bcontains",
        StartsWith = "startswith", BytesStartWith = "bstartswith", EndsWith = "endswith",
        Regex = "regex",
        Intersects = "intersects", In = "in", PathMatch = "pmatch",
    }
}

words! {
    /// Of how many texts of a list a comparison has to hold.
    Modifier { One = "oneof", Any = "anyof", All = "allof" }
}

words! {
    /// What makes a value out of values.
    Function {
        Value = "val", Lower = "tolower", Upper = "toupper", Base64 = "b64",
        Basename = "basename", Length = "len", Join = "join", Concatenate = "concat",
        Options = "getopt",
    }
}

impl Operator {
    /// Takes a list rather than one text.
    pub(crate) fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Intersects | Self::PathMatch)
    }

    /// Takes a number, whatever it compares with.
    pub(crate) fn takes_number(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }

    /// Written with signs, so that nothing needs to stand between it and its neighbours.
    pub(crate) fn is_sign(self) -> bool {
        self.takes_number() || matches!(self, Self::Equal | Self::NotEqual)
    }
}
