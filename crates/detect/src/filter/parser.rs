//! The grammar of conditions, by recursive descent.
//!
//! ```text
//! or      = and ("or" and)*
//! and     = not ("and" not)*
//! not     = "not"* ( "(" or ")" | check )
//! check   = operand operator right | macro
//! right   = text | "(" texts ")" | list | function | val(field)
//! operand = field | function "(" operands ")"
//! ```

use super::ast::{
    Check, Expression, FieldName, Function, Literal, Modifier, Operand, Operator, Right,
};
use super::lexer::Lexer;
use super::{DEPTH_MAX, FilterError};

/// Reads a whole condition.
pub(crate) fn parse(text: &str) -> Result<Expression, FilterError> {
    let mut parser = Parser { lexer: Lexer::new(text)?, depth: 0 };
    let expression = parser.or()?;
    if parser.lexer.is_at_end() {
        return Ok(expression);
    }
    Err(parser.unexpected("`and` or `or`"))
}

/// Reads a field or function from the beginning of a text, as outputs of rules name them, and says
/// how many bytes it has.
pub(crate) fn operand(text: &str) -> Result<(Operand, usize), FilterError> {
    let mut parser = Parser { lexer: Lexer::new(text)?, depth: 0 };
    match parser.operand()? {
        Some(operand) => Ok((operand, parser.lexer.at())),
        None => Err(parser.unexpected("a field")),
    }
}

/// Whether a text is a function with its operands, and nothing else.
pub(crate) fn is_function(text: &str) -> bool {
    let Ok(lexer) = Lexer::new(text) else { return false };
    let mut parser = Parser { lexer, depth: 0 };
    matches!(parser.right_operand(), Ok(Some(_))) && parser.lexer.is_at_end()
}

/// Reads a text in quotes.
pub(crate) fn literal(text: &str) -> Result<Literal, FilterError> {
    let mut lexer = Lexer::new(text)?;
    match lexer.quoted()? {
        Some(literal) if lexer.is_at_end() => Ok(literal),
        _ => Err(FilterError::new(lexer.at(), "something stands after the closing quote")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, FilterError> {
        self.chain("or", Self::and, Expression::Or)
    }

    fn and(&mut self) -> Result<Expression, FilterError> {
        self.chain("and", Self::not, Expression::And)
    }

    /// Parts with one word between them.
    fn chain(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expression, FilterError>,
        whole: fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, FilterError> {
        let mut parts = vec![part(self)?];
        self.lexer.blank();
        while self.lexer.word(word) {
            parts.push(part(self)?);
            self.lexer.blank();
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                Ok(whole(parts))
            }
            None => Err(self.unexpected("a condition")),
        }
    }

    fn not(&mut self) -> Result<Expression, FilterError> {
        let mut negated = false;
        loop {
            self.lexer.blank();
            if !self.lexer.word("not") {
                break;
            }
            negated = !negated;
        }
        let inner = if self.lexer.exactly("(") { self.group()? } else { self.check()? };
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    /// What stands in parentheses, the first one having been read.
    fn group(&mut self) -> Result<Expression, FilterError> {
        let at = self.lexer.at();
        self.descend()?;
        let inner = self.or()?;
        self.depth -= 1;
        self.lexer.blank();
        if self.lexer.exactly(")") {
            return Ok(inner);
        }
        let error = self.unexpected("`and`, `or` or a closing parenthesis");
        Err(if self.lexer.is_at_end() {
            FilterError::new(at.saturating_sub(1), "this parenthesis is never closed")
        } else {
            error
        })
    }

    fn descend(&mut self) -> Result<(), FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} parentheses stand in each other");
            return Err(FilterError::new(self.lexer.at(), message));
        }
        Ok(())
    }

    fn check(&mut self) -> Result<Expression, FilterError> {
        let at = self.lexer.at();
        let Some(left) = self.operand()? else {
            let Some(name) = self.lexer.identifier() else {
                return Err(self.unexpected("a field, a macro or a parenthesis"));
            };
            return Ok(Expression::Macro { name: name.to_owned(), at });
        };
        self.lexer.blank();
        let Some(operator) = self.lexer.operator() else { return Err(self.no_operator()) };
        let (modifier, right) = self.right(operator)?;
        Ok(Expression::Check(Check { left, operator, modifier, right, at }))
    }

    fn right(&mut self, operator: Operator) -> Result<(Option<Modifier>, Right), FilterError> {
        if operator == Operator::Exists {
            return Ok((None, Right::Nothing));
        }
        let apart = self.lexer.blank();
        if operator.takes_list() {
            return Ok((None, self.many()?));
        }
        if apart
            && !operator.takes_number()
            && let Some(modifier) = self.modifier()
        {
            return Ok((Some(modifier), self.many()?));
        }
        if let Some(operand) = self.right_operand()? {
            return Ok((None, Right::Operand(operand)));
        }
        let literal =
            if operator.takes_number() { self.lexer.number() } else { self.lexer.string()? };
        let wanted = if operator.takes_number() { "a number" } else { "a text" };
        let literal = literal.ok_or_else(|| self.unexpected(wanted))?;
        Ok((None, Right::One(literal)))
    }

    /// `oneof` and the like, if a list follows; else it is a text like any other.
    fn modifier(&mut self) -> Option<Modifier> {
        let mut ahead = self.lexer;
        let word = ahead.identifier()?;
        let modifier = Modifier::ALL.iter().copied().find(|it| it.word() == word)?;
        ahead.blank().then_some(())?;
        let mut follows = ahead;
        let is_list = follows.exactly("(")
            || follows.identifier().is_some_and(|word| !matches!(word, "and" | "or" | "not"));
        is_list.then_some(())?;
        self.lexer = ahead;
        Some(modifier)
    }

    /// A list in parentheses, the name of one, or an operand with many values.
    fn many(&mut self) -> Result<Right, FilterError> {
        if self.lexer.exactly("(") {
            return Ok(Right::Many(self.texts()?));
        }
        if let Some(operand) = self.right_operand()? {
            return Ok(Right::Operand(operand));
        }
        let at = self.lexer.at();
        match self.lexer.identifier() {
            Some(name) => {
                let text = name.as_bytes().to_vec();
                Ok(Right::Many(vec![Literal { text, quoted: false, at }]))
            }
            None => Err(self.unexpected("a list in parentheses or the name of one")),
        }
    }

    /// Texts with commas between them, until the closing parenthesis.
    fn texts(&mut self) -> Result<Vec<Literal>, FilterError> {
        let mut texts = Vec::new();
        self.lexer.blank();
        if self.lexer.exactly(")") {
            return Ok(texts);
        }
        loop {
            self.lexer.blank();
            texts.push(self.lexer.string()?.ok_or_else(|| self.unexpected("a text"))?);
            self.lexer.blank();
            if self.lexer.exactly(")") {
                return Ok(texts);
            }
            if !self.lexer.exactly(",") {
                return Err(self.unexpected("a comma or a closing parenthesis"));
            }
        }
    }

    /// A function on the right side; a field stands there in `val()` only.
    fn right_operand(&mut self) -> Result<Option<Operand>, FilterError> {
        let at = self.lexer.at();
        match self.lexer.function() {
            Some(Function::Value) => {
                let operand = self.function(Function::Value, at)?;
                let is_field = matches!(&operand, Operand::Function { operands, .. }
                    if matches!(operands.as_slice(), [Operand::Field(_)]));
                match is_field {
                    true => Ok(Some(operand)),
                    false => Err(FilterError::new(at, "`val()` takes a field")),
                }
            }
            Some(function) => self.function(function, at).map(Some),
            None => Ok(None),
        }
    }

    fn operand(&mut self) -> Result<Option<Operand>, FilterError> {
        let at = self.lexer.at();
        if let Some(name) = self.lexer.field_name() {
            let (name, argument) = (name.to_owned(), self.lexer.argument()?);
            return Ok(Some(Operand::Field(FieldName { name, argument, at })));
        }
        match self.lexer.function() {
            Some(Function::Value) => {
                let message = "`val()` makes a field of a text, which is a field already here";
                Err(FilterError::new(at, message))
            }
            Some(function) => self.function(function, at).map(Some),
            None => Ok(None),
        }
    }

    /// The operands of a function and what may stand in brackets after it.
    fn function(&mut self, function: Function, at: usize) -> Result<Operand, FilterError> {
        self.descend()?;
        let mut operands = Vec::new();
        loop {
            self.lexer.blank();
            operands.push(self.function_operand()?);
            self.lexer.blank();
            if self.lexer.exactly(")") {
                break;
            }
            if !self.lexer.exactly(",") {
                return Err(self.unexpected("a comma or a closing parenthesis"));
            }
        }
        self.depth -= 1;
        let argument = self.lexer.argument()?;
        Ok(Operand::Function { function, operands, argument, at })
    }

    fn function_operand(&mut self) -> Result<Operand, FilterError> {
        let at = self.lexer.at();
        if self.lexer.exactly("(") {
            return self.list(at);
        }
        match self.single()? {
            Some(operand) => Ok(operand),
            None => Err(self.unexpected("a field, a function, a number or a text in quotes")),
        }
    }

    fn single(&mut self) -> Result<Option<Operand>, FilterError> {
        if let Some(literal) = self.lexer.quoted()? {
            return Ok(Some(Operand::Literal(literal)));
        }
        if let Some(number) = self.lexer.number() {
            return Ok(Some(Operand::Literal(number)));
        }
        self.operand()
    }

    /// Operands in parentheses.
    fn list(&mut self, at: usize) -> Result<Operand, FilterError> {
        let mut operands = Vec::new();
        self.lexer.blank();
        if self.lexer.exactly(")") {
            return Ok(Operand::List { operands, at });
        }
        loop {
            self.lexer.blank();
            let single = self.single()?;
            operands.push(single.ok_or_else(|| self.unexpected("a field, a number or a text"))?);
            self.lexer.blank();
            if self.lexer.exactly(")") {
                return Ok(Operand::List { operands, at });
            }
            if !self.lexer.exactly(",") {
                return Err(self.unexpected("a comma or a closing parenthesis"));
            }
        }
    }

    fn unexpected(&self, wanted: &str) -> FilterError {
        let message = match self.lexer.next_word() {
            "" => format!("the condition ends where {wanted} has to follow"),
            word => format!("`{word}` where {wanted} has to stand"),
        };
        FilterError::new(self.lexer.at(), message)
    }

    fn no_operator(&self) -> FilterError {
        let error = self.unexpected("an operator");
        let words = Operator::ALL.iter().map(|operator| operator.word());
        let word = self.lexer.next_word();
        match crate::suggest::nearest(word, words) {
            Some(near) if near == word => error.hint(format!("`{near}` needs a space after it")),
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }
}
