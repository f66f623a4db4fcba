//! Conditions in the Common Expression Language, restricted to what can be trusted to end.
//!
//! An expression is refused before any scan if it names what is not there: a field, a function, a
//! variable, a pattern that does not compile. Patterns are texts in the expression and are compiled
//! once. Loops, and functions that go through texts, are made to tell the meter of [`super::cost`]
//! what they take (`condition/metered.rs`).

use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr};
use cel::{Context, Env, Value};
use regex::{Regex, RegexBuilder};

use super::cost::Cost;

mod metered;

pub(super) use self::metered::context;

/// Bytes of one expression; the longest of ours has some 600.
const EXPRESSION_BYTES_MAX: usize = 8 << 10;

/// Loops within loops; each multiplies the cost by the length of a list.
const LOOPS_MAX: u32 = 2;

/// Memory that one compiled pattern may take, and how much longer than a comparison one of that size
/// takes at worst: it has to be in many states at once.
const PATTERN_SIZES: [(usize, u64); 4] =
    [(16 << 10, 1), (64 << 10, 8), (256 << 10, 64), (1 << 20, 512)];

/// What may be called beside operators and the loops that the parser turns into comprehensions.
const FUNCTIONS: [&str; 10] = [
    "contains",
    "double",
    "endsWith",
    "int",
    "join",
    "lowerAscii",
    "matches",
    "size",
    "startsWith",
    "string",
];

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    let added = environment.add_extension(cel::extensions::strings);
    added.expect("the standard library has none of the extension's functions");
    Arc::new(environment)
});

/// Why an expression is none, and where in it: line and column from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

/// The patterns of all conditions of a set, and how long each takes.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<(Regex, u64)>);

/// An expression that may be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    expression: IdedExpr,
    /// Of one evaluation, without its loops.
    pub(super) cost: Cost,
}

impl Condition {
    /// The expression `source` over `variable`, whose fields are those of `example`.
    pub(super) fn compile(
        source: &str,
        variable: &str,
        example: &serde_json::Value,
        patterns: &mut Patterns,
    ) -> Result<Self, Fault> {
        if source.len() > EXPRESSION_BYTES_MAX {
            let message = format!("longer than {EXPRESSION_BYTES_MAX} bytes");
            return Err(Fault { line: 1, column: 1, message });
        }
        let program = ENVIRONMENT.compile(source).map_err(|errors| syntax(&errors))?;
        let mut expression = program.expression().clone();
        let mut inspection = Inspection {
            patterns,
            scope: vec![(variable.to_owned(), Some(example))],
            cost: Cost::default(),
        };
        inspection.visit(&mut expression, 0).map_err(|(id, message)| {
            let offset = program.source_info().offset_for(id).map_or(1, |(start, _)| start);
            let (line, column) = position(source, usize::try_from(offset).unwrap_or(1));
            Fault { line, column, message }
        })?;
        let cost = inspection.cost;
        Ok(Self { expression, cost })
    }

    /// Whether the condition holds.
    pub(super) fn holds(&self, context: &Context<'_, '_>) -> Result<bool, String> {
        match context.resolve(&self.expression) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("gives {} and not true or false", other.type_of())),
            Err(error) => Err(short(&error)),
        }
    }

    /// The text that the expression gives.
    pub(super) fn text(&self, context: &Context<'_, '_>) -> Result<String, String> {
        match context.resolve(&self.expression) {
            Ok(Value::String(text)) => Ok(text.to_string()),
            Ok(other) => Err(format!("gives {} and not a text", other.type_of())),
            Err(error) => Err(short(&error)),
        }
    }
}

/// A value of JSON in the expression language; all whole numbers are of one type there.
pub(super) fn value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(it) => Value::Bool(it),
        serde_json::Value::Number(it) => match it.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(it.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(it) => Value::String(Arc::new(it)),
        serde_json::Value::Array(items) => {
            Value::List(Arc::new(items.into_iter().map(value).collect()))
        }
        serde_json::Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, it)| (name, value(it)));
            fields.collect::<std::collections::HashMap<String, Value>>().into()
        }
    }
}

/// Reads an expression once, from the outside in.
struct Inspection<'e, 'p> {
    patterns: &'p mut Patterns,
    /// The variables, the innermost last, with what they look like as far as that is known.
    scope: Vec<(String, Option<&'e serde_json::Value>)>,
    /// Of what is read, up to the loop around it.
    cost: Cost,
}

/// The part that is wrong, and why.
type Wrong = (u64, String);

impl<'e> Inspection<'e, '_> {
    /// Returns what the value looks like, if that is known.
    fn visit(
        &mut self,
        part: &mut IdedExpr,
        loops: u32,
    ) -> Result<Option<&'e serde_json::Value>, Wrong> {
        self.cost.nodes = self.cost.nodes.saturating_add(1);
        let id = part.id;
        match &mut part.expr {
            Expr::Ident(name) => {
                let known = self.scope.iter().rev().find(|(known, _)| known == name);
                let known = known.ok_or_else(|| (id, format!("there is no `{name}` here")))?;
                return Ok(known.1);
            }
            Expr::Select(select) => return self.field(id, select, loops),
            Expr::Call(call) => self.call(id, call, loops)?,
            Expr::List(list) => {
                for element in &mut list.elements {
                    self.visit(element, loops)?;
                }
            }
            Expr::Comprehension(comprehension) => {
                // What is gone through is made once.
                let over = self.visit(&mut comprehension.iter_range, loops)?;
                let loops = loops.saturating_add(1);
                if loops > LOOPS_MAX {
                    return Err((id, format!("more than {LOOPS_MAX} loops within each other")));
                }
                self.visit(&mut comprehension.accu_init, loops)?;
                let element = over.and_then(|over| over.get(0));
                let depth = self.scope.len();
                self.scope.push((comprehension.iter_var.clone(), element));
                let second = comprehension.iter_var2.clone();
                self.scope.extend(second.map(|name| (name, None)));
                self.scope.push((comprehension.accu_var.clone(), None));
                let around = std::mem::take(&mut self.cost);
                self.visit(&mut comprehension.loop_cond, loops)?;
                self.visit(&mut comprehension.loop_step, loops)?;
                let body = std::mem::replace(&mut self.cost, around);
                metered::count_turns(comprehension, body);
                self.visit(&mut comprehension.result, loops)?;
                self.scope.truncate(depth);
            }
            Expr::Literal(_) => {}
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                return Err((id, "conditions make no maps or structures".to_owned()));
            }
        }
        Ok(None)
    }

    fn field(
        &mut self,
        id: u64,
        select: &mut SelectExpr,
        loops: u32,
    ) -> Result<Option<&'e serde_json::Value>, Wrong> {
        let Some(serde_json::Value::Object(fields)) = self.visit(&mut select.operand, loops)?
        else {
            return Ok(None);
        };
        // An example without fields stands for those that the input names.
        if fields.is_empty() {
            return Ok(None);
        }
        fields.get(&select.field).map(Some).ok_or_else(|| {
            let known: Vec<&str> = fields.keys().map(String::as_str).collect();
            (id, format!("there is no field `{}`, only {}", select.field, known.join(", ")))
        })
    }

    fn call(&mut self, id: u64, call: &mut CallExpr, loops: u32) -> Result<(), Wrong> {
        let name = call.func_name.as_str();
        let is_operator = name.starts_with(['_', '@', '!', '-']);
        if !is_operator && !FUNCTIONS.contains(&name) {
            return Err((id, format!("there is no function `{name}`")));
        }
        let is_matches = name == "matches";
        self.cost.add(metered::reads_texts(call), metered::copies_texts(call));
        for part in call.target.iter_mut().map(|it| &mut **it).chain(&mut call.args) {
            self.visit(part, loops)?;
        }
        if is_matches {
            self.pattern(id, call)?;
        }
        metered::count_texts(id, call);
        Ok(())
    }

    /// Turns `text.matches('…')` into a look-up of the compiled pattern.
    fn pattern(&mut self, id: u64, call: &mut CallExpr) -> Result<(), Wrong> {
        let arguments = call.target.take().map(|it| *it).into_iter();
        let mut arguments: Vec<IdedExpr> = arguments.chain(call.args.drain(..)).collect();
        let (Some(pattern), 1) = (arguments.pop(), arguments.len()) else {
            return Err((id, "`matches` takes a text and a pattern".to_owned()));
        };
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err((id, "the pattern of `matches` has to be written out".to_owned()));
        };
        let compiled = compiled(text.inner()).map_err(|error| {
            let error = error.to_string();
            (id, format!("a pattern that does not compile: {}", error.replace('\n', " ")))
        })?;
        let number = i64::try_from(self.patterns.0.len()).unwrap_or(i64::MAX);
        self.patterns.0.push(compiled);
        let number = Expr::Literal(LiteralValue::Int(number.into()));
        arguments.push(IdedExpr { id: pattern.id, expr: number });
        metered::MATCHES.clone_into(&mut call.func_name);
        call.args = arguments;
        Ok(())
    }
}

/// The pattern, and how long it takes.
fn compiled(pattern: &str) -> Result<(Regex, u64), regex::Error> {
    let compile = |size: usize| RegexBuilder::new(pattern).size_limit(size).build();
    let [(least, weight), more @ ..] = PATTERN_SIZES;
    let first = compile(least).map(|pattern| (pattern, weight));
    more.into_iter().fold(first, |compiled, (size, weight)| {
        compiled.or_else(|_| compile(size).map(|pattern| (pattern, weight)))
    })
}

fn syntax(errors: &cel::ParseErrors) -> Fault {
    let at = |place: isize| usize::try_from(place).unwrap_or(1).max(1);
    let first = errors.errors.first();
    let (line, column) = first.map_or((1, 1), |error| (at(error.pos.0), at(error.pos.1)));
    let message = first.map_or("", |error| error.msg.as_str());
    Fault { line, column, message: format!("not an expression: {}", message.replace('\n', " ")) }
}

/// Line and column, from 1, of a character.
fn position(source: &str, at: usize) -> (usize, usize) {
    let before = source.chars().take(at.saturating_sub(1));
    before.fold((1, 1), |(line, column): (usize, usize), character| match character {
        '\n' => (line.saturating_add(1), 1),
        _ => (line, column.saturating_add(1)),
    })
}

/// The error of an evaluation without the values in it: they may be long.
fn short(error: &cel::ExecutionError) -> String {
    let text = error.to_string();
    text.chars().take(120).collect::<String>().replace('\n', " ")
}
