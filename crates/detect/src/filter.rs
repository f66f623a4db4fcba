//! The condition language: text in, tree out.
//!
//! It is the language of Falco's rules: checks of fields (`proc.name in (sh, bash)`), put together
//! with `and`, `or`, `not` and parentheses, and names of macros. This part knows the grammar alone:
//! which fields there are, what lists and macros stand for, and whether an operator suits a field
//! is for `rules` and `compile` to say. Mistakes are told with their offset in the text.

mod ast;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

pub(crate) use ast::{
    Check, Expression, FieldName, Function, Literal, Modifier, Operand, Operator, Right,
};
pub(crate) use parser::{is_function, literal, operand, parse};

/// Longer conditions are refused; the longest of Falco's has 6 KiB with its exceptions.
const BYTES_MAX: usize = 256 << 10;

/// How deep parentheses, negations and functions may stand in each other. The parser and all that
/// walks its trees call themselves, so this bounds the stack; people stay below 10.
pub(crate) const DEPTH_MAX: usize = 50;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterError {
    /// Bytes before the mistake.
    pub(crate) at: usize,
    /// A lower-case fragment.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl FilterError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
