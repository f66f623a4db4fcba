//! Functions of operands: which operands suit them, and what comes of it.

use super::operand::{Operand, What};
use super::options::Options;
use crate::field::{Kind, Shape};
use crate::filter::Function;

/// What a function of these operands is, and what type its value has.
pub(super) fn of(
    function: Function,
    mut operands: Vec<Operand>,
    argument: Option<&str>,
) -> Result<(Kind, Shape, What), String> {
    let word = function.word();
    if argument.is_some() && function != Function::Options {
        return Err(format!("`{word}()` takes nothing in brackets"));
    }
    match function {
        Function::Join => join(operands),
        Function::Options => options(operands, argument),
        Function::Concatenate => {
            let fits = |it: &Operand| it.kind == Kind::Text && it.shape == Shape::One;
            if operands.len() < 2 || !operands.iter().all(fits) {
                return Err("`concat()` takes two or more texts".to_owned());
            }
            Ok((Kind::Text, Shape::One, What::Concatenate(operands)))
        }
        Function::Value
        | Function::Lower
        | Function::Upper
        | Function::Base64
        | Function::Basename
        | Function::Length => {
            let operand = operands.pop().filter(|_| operands.is_empty());
            let operand = operand.ok_or_else(|| format!("`{word}()` takes one operand"))?;
            one(function, operand)
        }
    }
}

fn one(function: Function, operand: Operand) -> Result<(Kind, Shape, What), String> {
    let Operand { name, kind, shape, .. } = &operand;
    let (kind, shape) = (*kind, *shape);
    if matches!(shape, Shape::Any | Shape::Either) {
        return Err(format!("`{name}` has several values, of which a function wants one"));
    }
    let is_text = matches!(kind, Kind::Text | Kind::Bytes);
    if function == Function::Value {
        return Ok((kind, shape, operand.what));
    }
    let is_counted = function == Function::Length && shape == Shape::List;
    if !is_text && !is_counted {
        return Err(format!("`{}()` takes a text, which `{name}` is not", function.word()));
    }
    let operand = Box::new(operand);
    Ok(match function {
        Function::Lower => (kind, shape, What::Lower(operand)),
        Function::Upper => (kind, shape, What::Upper(operand)),
        Function::Base64 => (kind, shape, What::Base64(operand)),
        Function::Basename => (kind, shape, What::Basename(operand)),
        _ => (Kind::Number, Shape::One, What::Length(operand)),
    })
}

fn join(mut operands: Vec<Operand>) -> Result<(Kind, Shape, What), String> {
    let wrong = || "`join()` takes a separator and a list".to_owned();
    let list = operands.pop().filter(|list| list.shape == Shape::List).ok_or_else(wrong)?;
    let separator = operands.pop().filter(|it| it.shape == Shape::One).ok_or_else(wrong)?;
    if !operands.is_empty() {
        return Err(wrong());
    }
    let (separator, list) = (Box::new(separator), Box::new(list));
    Ok((Kind::Text, Shape::One, What::Join { separator, list }))
}

fn options(
    mut operands: Vec<Operand>,
    argument: Option<&str>,
) -> Result<(Kind, Shape, What), String> {
    let wrong = || "`getopt()` takes a list of arguments and a text of options".to_owned();
    let options = match operands.pop().map(|operand| operand.what) {
        Some(What::Text(text)) => Options::new(&text),
        _ => return Err(wrong()),
    };
    let arguments = operands.pop().filter(|list| list.shape == Shape::List).ok_or_else(wrong)?;
    if !operands.is_empty() {
        return Err(wrong());
    }
    let wanted = match argument.map(str::as_bytes) {
        None => None,
        Some([option]) => Some(*option),
        Some(_) => return Err("an option is one character".to_owned()),
    };
    let shape = if wanted.is_some() { Shape::One } else { Shape::List };
    let arguments = Box::new(arguments);
    Ok((Kind::Text, shape, What::Options { arguments, options, wanted }))
}
