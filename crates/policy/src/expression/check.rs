//! From syntax to a checked expression: names, types and patterns, with the place of a mistake.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators,
};
use model::Severity;
use regex::RegexBuilder;

use super::ExpressionError;
use super::compare::settle;
use super::node::{Comparison, Node, Quantifier, Test};
use crate::facts::On;
use crate::glob::Glob;
use crate::schema::{self, Read};
use crate::suggest;
use crate::value::{Type, Value, day};

/// How deep a checked expression may be: it is evaluated on the stack.
const DEPTH_MAX: usize = 64;
/// What a compiled pattern may take; a class of all letters repeated 200 times does.
const PATTERN_BYTES_MAX: usize = 1 << 20;

type Checked = Result<(Node, Type), ExpressionError>;

pub(super) struct Checker<'e> {
    on: On,
    places: &'e SourceInfo,
    /// The variables of the loops around, the outermost first.
    items: Vec<String>,
    depth: usize,
}

impl<'e> Checker<'e> {
    pub(super) fn new(on: On, places: &'e SourceInfo) -> Self {
        Self { on, places, items: Vec::new(), depth: 0 }
    }

    /// An expression that is true, false or not known.
    pub(super) fn condition(&mut self, ast: &IdedExpr) -> Result<Node, ExpressionError> {
        match self.check(ast)? {
            (node, Type::Bool | Type::Null) => Ok(node),
            (_, other) => {
                let message = format!("{other} where true or false is needed");
                Err(self.error(ast, message, None))
            }
        }
    }

    pub(super) fn error(
        &self,
        ast: &IdedExpr,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> ExpressionError {
        let at = self.places.offset_for(ast.id).map_or(0, |(start, _)| start);
        let at = usize::try_from(at).unwrap_or_default();
        ExpressionError { at, message: message.into(), hint }
    }

    pub(super) fn check(&mut self, ast: &IdedExpr) -> Checked {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(ast, "an expression that is nested too deep", None));
        }
        let checked = match &ast.expr {
            Expr::Literal(literal) => self.literal(ast, literal),
            Expr::Ident(name) => self.name(ast, name),
            Expr::Select(select) => self.select(ast, select),
            Expr::Call(call) => self.call(ast, call),
            Expr::Comprehension(loops) => self.comprehension(ast, loops),
            Expr::List(_) => {
                Err(self.error(ast, "a list that does not stand on the right of `in`", None))
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err(self.error(ast, "a value that policies do not use", None))
            }
        };
        self.depth -= 1;
        checked
    }

    fn literal(&self, ast: &IdedExpr, literal: &LiteralValue) -> Checked {
        let number = |number: f64| Ok((Node::Constant(Value::Number(number)), Type::Number));
        match literal {
            LiteralValue::Boolean(it) => Ok((Node::Constant(Value::Bool(*it.inner())), Type::Bool)),
            LiteralValue::Int(it) => number(nearest(i128::from(*it.inner()))),
            LiteralValue::UInt(it) => number(nearest(i128::from(*it.inner()))),
            LiteralValue::Double(it) => number(*it.inner()),
            LiteralValue::String(it) => {
                Ok((Node::Constant(Value::Owned(it.inner().to_owned())), Type::Text))
            }
            LiteralValue::Null => Ok((Node::Constant(Value::Null), Type::Null)),
            LiteralValue::Bytes(_) => Err(self.error(ast, "bytes, which no fact is", None)),
        }
    }

    fn name(&self, ast: &IdedExpr, name: &str) -> Checked {
        if let Some(depth) = self.items.iter().rposition(|item| item == name) {
            return Ok((Node::Item(depth), Type::Text));
        }
        if name == "today" {
            return Ok((Node::Today, Type::Date));
        }
        let rated = Severity::ALL.into_iter().filter(|it| *it != Severity::Unknown);
        if let Some(severity) = rated.clone().find(|it| it.name() == name) {
            return Ok((Node::Constant(Value::Severity(severity)), Type::Severity));
        }
        let roots = schema::roots(self.on);
        if let Some((_, Type::Object(table))) = roots.iter().find(|(root, _)| *root == name) {
            let message = format!("`{name}` is a thing, not a fact of it");
            let facts = schema::table(table).iter().map(|fact| fact.name);
            let hint = format!("its facts are {}", facts.collect::<Vec<_>>().join(", "));
            return Err(self.error(ast, message, Some(hint)));
        }
        let message = format!("there is no `{name}`");
        let hint = if name == "unknown" {
            "what is not known is null: `x == null`".to_owned()
        } else if let Some(on) = On::ALL.into_iter().find(|on| on.called() == name) {
            format!("a rule that asks for it says `on: {}`", on.name())
        } else {
            let words: Vec<&str> =
                roots.iter().map(|(root, _)| *root).chain(rated.map(Severity::name)).collect();
            suggest::hint(name, words)
        };
        Err(self.error(ast, message, Some(hint)))
    }

    /// The table that a name or a selection leads to, and what it is called; None if to none.
    fn object(&self, ast: &IdedExpr) -> Option<(&'static str, String)> {
        match &ast.expr {
            Expr::Ident(name) if !self.items.contains(name) => {
                let root = schema::roots(self.on).into_iter().find(|(root, _)| root == name)?;
                if let Type::Object(table) = root.1 { Some((table, name.clone())) } else { None }
            }
            Expr::Select(select) if !select.test => {
                let (table, called) = self.object(&select.operand)?;
                let fact = schema::table(table).iter().find(|it| it.name == select.field)?;
                let Type::Object(inner) = fact.kind else { return None };
                Some((inner, format!("{called}.{}", select.field)))
            }
            _ => None,
        }
    }

    fn select(&mut self, ast: &IdedExpr, select: &SelectExpr) -> Checked {
        let SelectExpr { operand, field, test } = select;
        let (node, kind) = match self.object(operand) {
            Some((table, called)) => self.fact(ast, table, &called, field)?,
            None => match self.check(operand)? {
                (map, Type::Map) => {
                    let key = Node::Constant(Value::Owned(field.clone()));
                    (Node::Entry(Box::new(map), Box::new(key)), Type::Text)
                }
                (_, other) => {
                    let message = format!("{other} has no `{field}`");
                    return Err(self.error(ast, message, None));
                }
            },
        };
        if !test {
            return Ok((node, kind));
        }
        Ok((
            match node {
                // Whether a label is there is another question than what it says.
                Node::Entry(map, key) => Node::In(key, map),
                fact => Node::Not(Box::new(Node::IsNull(Box::new(fact)))),
            },
            Type::Bool,
        ))
    }

    fn fact(&self, ast: &IdedExpr, table: &'static str, called: &str, field: &str) -> Checked {
        let facts = schema::table(table);
        let Some(fact) = facts.iter().find(|fact| fact.name == field) else {
            let message = format!("`{called}` has no `{field}`");
            let hint = suggest::hint(field, facts.iter().map(|fact| fact.name));
            return Err(self.error(ast, message, Some(hint)));
        };
        let called = format!("{called}.{field}");
        if matches!(fact.read, Read::Table) {
            let message = format!("`{called}` is a thing, not a fact of it");
            return Err(self.error(ast, message, None));
        }
        Ok((Node::Fact(fact, called.into()), fact.kind))
    }

    fn call(&mut self, ast: &IdedExpr, call: &CallExpr) -> Checked {
        let CallExpr { func_name, target, args } = call;
        let name = func_name.as_str();
        match (name, target.as_deref(), args.as_slice()) {
            (operators::LOGICAL_AND, None, [left, right]) => {
                self.join(Quantifier::All, left, right)
            }
            (operators::LOGICAL_OR, None, [left, right]) => self.join(Quantifier::Any, left, right),
            (operators::LOGICAL_NOT, None, [it]) => {
                Ok((Node::Not(Box::new(self.condition(it)?)), Type::Bool))
            }
            (operators::CONDITIONAL, None, [condition, then, otherwise]) => {
                let nodes =
                    [self.condition(condition)?, self.condition(then)?, self.condition(otherwise)?];
                Ok((Node::If(Box::new(nodes)), Type::Bool))
            }
            (operators::IN, None, [item, list]) => self.membership(item, list),
            (operators::INDEX, None, [map, key]) => self.entry(map, key),
            ("size", None, [it]) | ("size", Some(it), []) => self.size(it),
            ("date", None, [it]) => self.date(it),
            ("lowerAscii", Some(it), []) => Ok((Node::Lower(Box::new(self.text(it)?)), Type::Text)),
            (_, Some(it), [argument]) => self.test(ast, name, it, argument),
            (_, None, [left, right]) if comparison(name).is_some() => {
                let comparison = comparison(name).unwrap_or(Comparison::Equal);
                self.compare(ast, comparison, left, right)
            }
            _ => Err(self.no_function(ast, name)),
        }
    }

    fn join(&mut self, quantifier: Quantifier, left: &IdedExpr, right: &IdedExpr) -> Checked {
        let nodes = [self.condition(left)?, self.condition(right)?];
        Ok((Node::Join(quantifier, Box::new(nodes)), Type::Bool))
    }

    fn compare(
        &mut self,
        ast: &IdedExpr,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Checked {
        let pair = [self.check(left)?, self.check(right)?];
        let node =
            settle(comparison, pair).map_err(|(message, hint)| self.error(ast, message, hint))?;
        Ok((node, Type::Bool))
    }

    fn membership(&mut self, item: &IdedExpr, list: &IdedExpr) -> Checked {
        if let Expr::List(literal) = &list.expr {
            let (item, kind) = self.check(item)?;
            let mut equals = Vec::new();
            for element in &literal.elements {
                let pair = [(item.clone(), kind), self.check(element)?];
                let settled = settle(Comparison::Equal, pair);
                equals.push(settled.map_err(|(message, hint)| self.error(element, message, hint))?);
            }
            return Ok((Node::Among(equals), Type::Bool));
        }
        let item = self.text(item)?;
        match self.check(list)? {
            (node, Type::List | Type::Map) => {
                Ok((Node::In(Box::new(item), Box::new(node)), Type::Bool))
            }
            (_, other) => Err(self.error(list, format!("{other} where a list is needed"), None)),
        }
    }

    fn entry(&mut self, map: &IdedExpr, key: &IdedExpr) -> Checked {
        match self.check(map)? {
            (node, Type::Map) => {
                let key = self.text(key)?;
                Ok((Node::Entry(Box::new(node), Box::new(key)), Type::Text))
            }
            (_, other) => Err(self.error(map, format!("{other} has no entries"), None)),
        }
    }

    fn size(&mut self, it: &IdedExpr) -> Checked {
        match self.check(it)? {
            (node, Type::List | Type::Map | Type::Text | Type::Word(_)) => {
                Ok((Node::Size(Box::new(node)), Type::Number))
            }
            (_, other) => Err(self.error(it, format!("{other} has no size"), None)),
        }
    }

    fn date(&self, it: &IdedExpr) -> Checked {
        let text = self.constant(it)?;
        match day(text).filter(|_| text.len() == 10) {
            Some(date) => Ok((Node::Constant(Value::Date(date)), Type::Date)),
            None => Err(self.error(it, format!("`{text}` is no date (YYYY-MM-DD)"), None)),
        }
    }

    fn text(&mut self, it: &IdedExpr) -> Result<Node, ExpressionError> {
        match self.check(it)? {
            (node, Type::Text | Type::Word(_)) => Ok(node),
            (_, other) => Err(self.error(it, format!("{other} where a text is needed"), None)),
        }
    }

    /// A text that stands in the expression itself.
    fn constant<'a>(&self, it: &'a IdedExpr) -> Result<&'a str, ExpressionError> {
        match &it.expr {
            Expr::Literal(LiteralValue::String(text)) => Ok(text.inner()),
            _ => Err(self.error(it, "has to be a text in quotes", None)),
        }
    }

    fn test(&mut self, ast: &IdedExpr, name: &str, it: &IdedExpr, argument: &IdedExpr) -> Checked {
        let bad = |checker: &Self, message: String| checker.error(argument, message, None);
        let test = match name {
            "startsWith" => Test::StartsWith(Box::new(self.text(argument)?)),
            "endsWith" => Test::EndsWith(Box::new(self.text(argument)?)),
            "contains" => Test::Contains(Box::new(self.text(argument)?)),
            "matches" => {
                let pattern = self.constant(argument)?;
                let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
                Test::Matches(Box::new(built.map_err(|error| bad(self, told(&error)))?))
            }
            "glob" => {
                let pattern = self.constant(argument)?;
                let glob = Glob::path(pattern).map_err(|message| bad(self, message))?;
                Test::Glob(Box::new(glob))
            }
            _ => return Err(self.no_function(ast, name)),
        };
        Ok((Node::Test(Box::new(self.text(it)?), test), Type::Bool))
    }

    fn comprehension(&mut self, ast: &IdedExpr, loops: &ComprehensionExpr) -> Checked {
        // As the parser writes `exists` and `all`: what was reached so far, joined to the condition.
        let Expr::Call(CallExpr { func_name, args, .. }) = &loops.loop_step.expr else {
            return Err(self.no_values(ast));
        };
        let quantifier = match (func_name.as_str(), args.as_slice()) {
            (operators::LOGICAL_AND, _) => Quantifier::All,
            (operators::LOGICAL_OR, _) => Quantifier::Any,
            _ => return Err(self.no_values(ast)),
        };
        let over = match self.check(&loops.iter_range)? {
            (node, Type::List | Type::Map) => node,
            (_, other) => {
                let message = format!("{other} where a list is needed");
                return Err(self.error(&loops.iter_range, message, None));
            }
        };
        let Some(condition) = args.last() else { return Err(self.no_values(ast)) };
        self.items.push(loops.iter_var.clone());
        let body = self.condition(condition)?;
        self.items.pop();
        let (over, body) = (Box::new(over), Box::new(body));
        Ok((Node::Loop { over, quantifier, body }, Type::Bool))
    }

    fn no_values(&self, ast: &IdedExpr) -> ExpressionError {
        let hint = "`exists` and `all` ask of the items of a list".to_owned();
        self.error(ast, "there is no `map`, `filter` or `exists_one` here", Some(hint))
    }

    fn no_function(&self, ast: &IdedExpr, name: &str) -> ExpressionError {
        const FUNCTIONS: [&str; 10] = [
            "startsWith",
            "endsWith",
            "contains",
            "matches",
            "glob",
            "lowerAscii",
            "size",
            "date",
            "exists",
            "all",
        ];
        let is_operator = name.contains('_') && !name.contains(' ') && name.starts_with(['_', '-']);
        let (message, hint) = if is_operator {
            ("policies compare facts and do not calculate".to_owned(), None)
        } else {
            let hint = suggest::hint(name, FUNCTIONS);
            (format!("there is no `{name}` of this form"), Some(hint))
        };
        self.error(ast, message, hint)
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// What the engine says of a pattern, in one line.
fn told(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "a pattern that takes too much memory".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("no pattern: {}", last.trim_start_matches("error: "))
        }
    }
}

/// Facts are smaller than 2⁵³, up to which this is exact.
#[expect(clippy::cast_precision_loss, reason = "the doc says why that is fine")]
fn nearest(number: i128) -> f64 {
    number as f64
}
