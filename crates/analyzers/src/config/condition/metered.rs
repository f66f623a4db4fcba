//! Makes an expression tell the meter what it takes, and gives it the functions that do.
//!
//! Their names begin with `@`, which no user can write. What a function takes that is not known here
//! is counted by the loop around it, as often as it may go through or copy a text.

use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::{Context, ExecutionError, Value};

use super::super::cost::{Cost, Meter};
use super::{ENVIRONMENT, Patterns};

/// What `matches` becomes, with the number of the pattern.
pub(super) const MATCHES: &str = "@matches";
const CONTAINS: &str = "@contains";
const JOIN: &str = "@join";
const TURN: &str = "@turn";

/// Where conditions are evaluated, before anything is in it.
pub(in crate::config) fn context(patterns: &Patterns, meter: &Meter) -> Context<'static, 'static> {
    const NEW: &str = "the standard library has no function of this name";
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    let patterns = patterns.0.clone();
    let counted = meter.clone();
    let matches = move |text: Arc<String>, pattern: i64| {
        let pattern = usize::try_from(pattern).ok().and_then(|pattern| patterns.get(pattern));
        let Some((pattern, weight)) = pattern else { return Ok(false) };
        enough(counted.reading(text.len(), *weight), MATCHES)?;
        Ok::<bool, ExecutionError>(pattern.is_match(&text))
    };
    context.add_function(MATCHES, matches).expect(NEW);
    let counted = meter.clone();
    let contains = move |text: Arc<String>, part: Arc<String>| {
        enough(counted.reading(text.len(), 1), CONTAINS)?;
        Ok::<bool, ExecutionError>(text.contains(part.as_str()))
    };
    context.add_function(CONTAINS, contains).expect(NEW);
    let counted = meter.clone();
    let join = move |items: Arc<Vec<Value>>, between: Arc<String>| {
        joined(&items, &between, &counted).map(|text| Value::String(Arc::new(text)))
    };
    context.add_function(JOIN, join).expect(NEW);
    let counted = meter.clone();
    let turn = move |nodes: i64, readings: i64, copies: i64| {
        let count = |count: i64| u64::try_from(count).unwrap_or(u64::MAX);
        let (nodes, readings, copies) = (count(nodes), count(readings), count(copies));
        enough(counted.turn(Cost { nodes, readings, copies }), TURN)
    };
    context.add_function(TURN, turn).expect(NEW);
    context
}

fn joined(items: &[Value], between: &str, meter: &Meter) -> Result<String, ExecutionError> {
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::String(text) => texts.push(text.as_str()),
            other => {
                let message = format!("joins texts, and no {}", other.type_of());
                return Err(ExecutionError::function_error("join", message));
            }
        }
    }
    let bytes = texts.iter().map(|text| text.len()).fold(0, usize::saturating_add);
    let bytes = bytes.saturating_add(texts.len().saturating_mul(between.len()));
    enough(meter.writing(bytes), JOIN)?;
    Ok(texts.join(between))
}

fn enough(is_enough: bool, function: &str) -> Result<bool, ExecutionError> {
    let spent = || ExecutionError::function_error(function, "takes too long");
    is_enough.then_some(true).ok_or_else(spent)
}

/// Makes every turn of a loop count what its body costs.
pub(super) fn count_turns(comprehension: &mut ComprehensionExpr, mut body: Cost) {
    let appends = matches!(comprehension.loop_cond.expr, Expr::Literal(_));
    // What is added to a list is copied into it.
    body.add(0, u64::from(appends));
    let number = |count: u64| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        ided(Expr::Literal(LiteralValue::Int(count.into())))
    };
    let arguments = [body.nodes, body.readings, body.copies].map(number).to_vec();
    let turn = ided(call(TURN, arguments));
    // `exists` and `all` ask before each turn whether another is needed; the library is quicker with
    // `map` and `filter` if those do not, but may have a condition for what they add.
    if !appends {
        let ask = std::mem::take(&mut comprehension.loop_cond);
        comprehension.loop_cond = ided(call(operators::LOGICAL_AND, vec![turn, ask]));
        return;
    }
    let mut step = std::mem::take(&mut comprehension.loop_step);
    match &mut step.expr {
        Expr::Call(choice) if choice.func_name == operators::CONDITIONAL => {
            if let Some(guard) = choice.args.first_mut() {
                let asked = std::mem::take(guard);
                *guard = ided(call(operators::LOGICAL_AND, vec![turn, asked]));
            }
            comprehension.loop_step = step;
        }
        _ => {
            let accumulated = ided(Expr::Ident(comprehension.accu_var.clone()));
            let choice = call(operators::CONDITIONAL, vec![turn, step, accumulated]);
            comprehension.loop_step = ided(choice);
        }
    }
}

/// Puts the metered functions in the place of the library's.
pub(super) fn count_texts(id: u64, call: &mut CallExpr) {
    let metered = match call.func_name.as_str() {
        "contains" => CONTAINS,
        "join" => JOIN,
        _ => return,
    };
    let target = call.target.take().map(|target| *target);
    call.args.splice(0..0, target);
    if metered == JOIN && call.args.len() == 1 {
        let nothing = Expr::Literal(LiteralValue::String(String::new().into()));
        call.args.push(IdedExpr { id, expr: nothing });
    }
    metered.clone_into(&mut call.func_name);
}

/// How often a call may go through a text without telling the meter. Next to a literal, whose length
/// is limited, it does not.
pub(super) fn reads_texts(call: &CallExpr) -> u64 {
    let reads = [
        operators::EQUALS,
        operators::NOT_EQUALS,
        operators::IN,
        operators::LESS,
        operators::LESS_EQUALS,
        operators::GREATER,
        operators::GREATER_EQUALS,
        "startsWith",
        "endsWith",
        "size",
        "int",
        "double",
    ];
    let is_literal = |part: &IdedExpr| matches!(part.expr, Expr::Literal(_));
    let mut parts = call.target.iter().map(|it| &**it).chain(&call.args);
    let has_literal = parts.any(|part| match &part.expr {
        Expr::List(list) => list.elements.iter().all(is_literal),
        _ => is_literal(part),
    });
    u64::from(reads.contains(&call.func_name.as_str()) && !has_literal)
}

/// How often a call may copy one.
pub(super) fn copies_texts(call: &CallExpr) -> u64 {
    let copies = [operators::ADD, "lowerAscii", "string"];
    u64::from(copies.contains(&call.func_name.as_str()))
}

fn call(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args })
}

/// A part that stands nowhere in the source.
fn ided(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}
