//! From a tree of words to a graph of questions.
//!
//! A macro is compiled once, and stands in every condition that names it as the same node; so the
//! graph grows with what is written, not with what it stands for.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::event::Call;

use super::operand::{Operand, What};
use super::test::Test;
use super::{Condition, DEPTH_MAX, Node, Predicate, function, literal, show};
use crate::field::{Argument, Kind, OfCall, Shape};
use crate::fields;
use crate::filter::{self, Check, Expression, FieldName, Literal, Operator, Right};
use crate::source::Source;
use crate::suggest;

/// Texts of all conditions of one source by their weight, those of lists as often as they are used;
/// Falco's rules have 30 000.
const LITERALS_MAX: usize = 1 << 20;

/// Regular expressions of one source. Each may take `REGEX_BYTES_MAX` several times over.
const REGEXES_MAX: usize = 512;

/// Doubtful texts of one check that are told one by one.
const DOUBTS_MAX: usize = 8;

/// Words that are compared with names of lists, for all conditions of one source; the slips that
/// come later are not pointed out.
const COMPARISONS_MAX: usize = 1 << 20;

/// What the names in conditions stand for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// None for those that have a mistake, which was told.
    pub(crate) lists: HashMap<String, Option<Vec<Literal>>>,
    pub(crate) macros: HashMap<String, Option<Expression>>,
}

/// Why a condition cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompileError {
    /// Bytes of the text before the mistake.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The macro in whose text it is, if it is in one.
    pub(crate) within: Option<String>,
    /// It is about a name that there is no field of.
    pub(crate) unknown_field: bool,
}

impl CompileError {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { at, message, hint: None, within: None, unknown_field: false }
    }

    fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// Compiles conditions about one source.
pub(crate) struct Compiler<'n> {
    source: Source,
    names: &'n Names,
    operands: HashMap<String, Arc<Operand>>,
    predicates: HashMap<Vec<u8>, Arc<Predicate>>,
    /// None while it is being compiled.
    macros: HashMap<String, Option<Result<Arc<Condition>, CompileError>>>,
    pub(crate) used_lists: BTreeSet<String>,
    /// What may be meant otherwise.
    doubts: Vec<CompileError>,
    literals_left: usize,
    regexes_left: usize,
    comparisons_left: usize,
    /// How many conditions are being compiled, each in the one before.
    depth: usize,
}

impl<'n> Compiler<'n> {
    pub(crate) fn new(source: Source, names: &'n Names) -> Self {
        Self {
            source,
            names,
            operands: HashMap::new(),
            predicates: HashMap::new(),
            macros: HashMap::new(),
            used_lists: BTreeSet::new(),
            doubts: Vec::new(),
            literals_left: LITERALS_MAX,
            regexes_left: REGEXES_MAX,
            comparisons_left: COMPARISONS_MAX,
            depth: 0,
        }
    }

    /// What is doubtful in what was compiled since the last call.
    pub(crate) fn take_doubts(&mut self) -> Vec<CompileError> {
        std::mem::take(&mut self.doubts)
    }

    /// The macros that were named by anything compiled so far.
    pub(crate) fn used_macros(&self) -> impl Iterator<Item = &String> {
        self.macros.keys()
    }

    pub(crate) fn condition(&mut self, tree: &Expression) -> Result<Arc<Condition>, CompileError> {
        self.depth += 1;
        // What is below a macro that was compiled before counts too: it is walked later.
        let compiled = match self.depth > DEPTH_MAX {
            true => Err(too_deep()),
            false => self.node(tree),
        };
        self.depth -= 1;
        compiled
    }

    fn node(&mut self, tree: &Expression) -> Result<Arc<Condition>, CompileError> {
        let (node, depth) = match tree {
            Expression::And(parts) => {
                let (parts, depth) = self.parts(parts)?;
                (Node::And(parts), depth)
            }
            Expression::Or(parts) => {
                let (parts, depth) = self.parts(parts)?;
                (Node::Or(parts), depth)
            }
            Expression::Not(inner) => {
                let inner = self.condition(inner)?;
                let depth = inner.depth;
                (Node::Not(inner), depth)
            }
            Expression::Macro { name, at } => return self.of_macro(name, *at),
            Expression::Check(check) => (Node::Check(self.check(check)?), 0),
        };
        match depth >= DEPTH_MAX {
            true => Err(too_deep()),
            false => Ok(Arc::new(Condition { node, depth: depth + 1 })),
        }
    }

    fn parts(
        &mut self,
        parts: &[Expression],
    ) -> Result<(Vec<Arc<Condition>>, usize), CompileError> {
        let parts: Vec<_> =
            parts.iter().map(|part| self.condition(part)).collect::<Result<_, _>>()?;
        let depth = parts.iter().map(|part| part.depth).max().unwrap_or_default();
        Ok((parts, depth))
    }

    fn of_macro(&mut self, name: &str, at: usize) -> Result<Arc<Condition>, CompileError> {
        match self.macros.get(name) {
            Some(Some(Ok(compiled))) => return Ok(Arc::clone(compiled)),
            Some(Some(Err(error))) => return Err(error.clone()),
            Some(None) => {
                let message = format!("the macro `{name}` is part of itself");
                return Err(CompileError::new(at, message));
            }
            None => {}
        }
        let names = self.names;
        let Some(tree) = names.macros.get(name) else {
            let error = CompileError::new(at, format!("there is no macro `{name}`"));
            return Err(match names.lists.contains_key(name) {
                true => error.hint(Some(format!("`{name}` is a list: write `field in ({name})`"))),
                false => error.hint(suggest::hint(name, names.macros.keys().map(String::as_str))),
            });
        };
        let Some(tree) = tree else {
            return Err(CompileError::new(at, of_broken("macro", name)));
        };
        self.macros.insert(name.to_owned(), None);
        let doubts = self.doubts.len();
        let compiled = self.condition(tree).map_err(|error| {
            let within = error.within.clone().or_else(|| Some(name.to_owned()));
            CompileError { within, ..error }
        });
        self.macros.insert(name.to_owned(), Some(compiled.clone()));
        for doubt in self.doubts.iter_mut().skip(doubts) {
            doubt.within.get_or_insert_with(|| name.to_owned());
        }
        compiled
    }

    fn check(&mut self, check: &Check) -> Result<Arc<Predicate>, CompileError> {
        let left = self.operand(&check.left)?;
        let (test, right, key, with) = match &check.right {
            Right::Nothing => (Test::Exists, None, Vec::new(), String::new()),
            Right::One(literal) => {
                let literals = self.texts(std::slice::from_ref(literal))?;
                if let [_, _, ..] | [] = literals.as_slice() {
                    let name = String::from_utf8_lossy(&literal.text);
                    let message = format!(
                        "the list `{name}` has {} texts where one is wanted",
                        literals.len()
                    );
                    return Err(CompileError::new(literal.at, message)
                        .hint(Some("write `in` with the list in parentheses".to_owned())));
                }
                let (key, with) = (literal::key(&literals), show::literals(&literals, false));
                (self.test(check, &left, literals)?, None, key, with)
            }
            Right::Many(literals) => {
                self.doubt_lists(literals);
                let literals = self.texts(literals)?;
                let (key, with) = (literal::key(&literals), show::literals(&literals, true));
                (self.test(check, &left, literals)?, None, key, with)
            }
            Right::Operand(operand) => {
                let right = self.operand(operand)?;
                self.comparable(check, &left, &right)?;
                let (key, with) = (right.name.clone().into_bytes(), right.name.clone());
                let test = Test::Other(check.operator);
                (all_of_list(check, &left, test), Some(right), key, with)
            }
        };
        let modifier = check.modifier.map_or("", filter::Modifier::word);
        let kind = if right.is_some() { "operand" } else { "" };
        let asked = format!("{} {} {modifier} {kind} ", left.name, check.operator.word());
        let key = [asked.into_bytes(), key].concat();
        let shape = left.shape;
        let text = show::check(&left, check.operator, modifier, &with);
        let predicate = self
            .predicates
            .entry(key)
            .or_insert_with(|| Arc::new(Predicate { left, shape, test, right, text }));
        Ok(Arc::clone(predicate))
    }

    /// The texts themselves, those of lists in their places.
    fn texts(&mut self, literals: &[Literal]) -> Result<Vec<Literal>, CompileError> {
        let mut texts = Vec::new();
        for literal in literals {
            let name = std::str::from_utf8(&literal.text).unwrap_or_default();
            match self.names.lists.get(name).filter(|_| !literal.quoted) {
                Some(list) => {
                    self.used_lists.insert(name.to_owned());
                    let at = literal.at;
                    let list = list.as_ref();
                    let list =
                        list.ok_or_else(|| CompileError::new(at, of_broken("list", name)))?;
                    texts.extend(list.iter().map(|text| Literal { at, ..text.clone() }));
                }
                None => texts.push(literal.clone()),
            }
        }
        let weight = texts.iter().map(Literal::weight).sum();
        self.literals_left = self.literals_left.checked_sub(weight).ok_or_else(|| {
            let at = literals.first().map_or(0, |literal| literal.at);
            let message =
                format!("the conditions compare with more than {LITERALS_MAX} texts in all");
            CompileError::new(at, message)
        })?;
        Ok(texts)
    }

    fn test(
        &mut self,
        check: &Check,
        left: &Operand,
        literals: Vec<Literal>,
    ) -> Result<Test, CompileError> {
        literal::fits(check, left)?;
        self.doubt_calls(check, left, &literals);
        self.doubt_fields(left, &literals);
        if check.operator == Operator::Regex {
            self.regexes_left = self.regexes_left.checked_sub(literals.len()).ok_or_else(|| {
                let message = format!("more than {REGEXES_MAX} regular expressions in all");
                CompileError::new(check.at, message)
            })?;
        }
        let test = match check.modifier {
            None => literal::of(check.operator, left.kind, &literals)?,
            Some(modifier) => {
                let of =
                    |it: &Literal| literal::of(check.operator, left.kind, std::slice::from_ref(it));
                let tests = literals.iter().map(of).collect::<Result<_, _>>()?;
                Test::Several { modifier, tests }
            }
        };
        Ok(all_of_list(check, left, test))
    }

    /// Names of fields that are compared as texts.
    fn doubt_fields(&mut self, left: &Operand, literals: &[Literal]) {
        let is_field = |text: &str| {
            text.contains('.') && fields::fields(self.source).any(|it| it.name == text)
        };
        let doubtful =
            literals.iter().filter(|it| left.kind == Kind::Text && is_field(&it.lossy()));
        self.doubts.extend(some_of(doubtful, |text| {
            let message = format!("`{text}` is compared as a text here, not as a field");
            (message, Some(format!("write `val({text})` for the field")))
        }));
    }

    /// Calls that no sensor reports: a slip, or one of those that Falco has besides.
    fn doubt_calls(&mut self, check: &Check, left: &Operand, literals: &[Literal]) {
        let is_call = matches!(&left.what, What::Field { field, .. }
            if matches!(field.of_call, OfCall::Name));
        let names = matches!(check.operator, Operator::Equal | Operator::In | Operator::Intersects);
        let doubtful = literals.iter().filter(|_| is_call && names);
        let doubtful = doubtful.filter(|it| Call::of_name(&it.lossy()).is_none());
        self.doubts.extend(some_of(doubtful, |name| {
            let message = format!("the sensor reports no call `{name}`");
            (message, suggest::hint(name, Call::ALL.iter().map(|call| call.name())))
        }));
    }

    /// Words that are the name of nothing, and nearly that of a list.
    fn doubt_lists(&mut self, literals: &[Literal]) {
        let names = self.names;
        let left = &mut self.comparisons_left;
        let mut is_near = |word: &str| {
            let after = left.checked_sub(names.lists.len());
            *left = after.unwrap_or(0);
            let lists = names.lists.keys().map(String::as_str);
            after.is_some() && suggest::nearest(word, lists).is_some()
        };
        let words = literals.iter().filter(|it| !it.quoted);
        let words = words.filter(|it| !names.lists.contains_key(&*it.lossy()));
        let doubtful = words.filter(|it| is_near(&it.lossy()));
        self.doubts.extend(some_of(doubtful, |word| {
            let message = format!("there is no list `{word}`: it is compared as a text");
            (message, suggest::hint(word, names.lists.keys().map(String::as_str)))
        }));
    }

    fn comparable(
        &self,
        check: &Check,
        left: &Operand,
        right: &Operand,
    ) -> Result<(), CompileError> {
        literal::fits(check, left)?;
        let refused = matches!(check.operator, Operator::PathMatch | Operator::Regex)
            || matches!(left.kind, Kind::Network)
            || matches!(right.kind, Kind::Network);
        if refused {
            let message = format!("`{}` compares with no other field", check.operator.word());
            return Err(CompileError::new(check.at, message));
        }
        if left.kind != right.kind && left.kind != Kind::Any && right.kind != Kind::Any {
            let message = format!(
                "`{}` is {} and `{}` is {}",
                left.name,
                literal::told(left.kind),
                right.name,
                literal::told(right.kind)
            );
            return Err(CompileError::new(check.at, message));
        }
        Ok(())
    }

    /// One operand for all places where it is written.
    pub(crate) fn operand(&mut self, tree: &filter::Operand) -> Result<Arc<Operand>, CompileError> {
        let operand = self.make(tree)?;
        let name = operand.name.clone();
        Ok(Arc::clone(self.operands.entry(name).or_insert_with(|| Arc::new(operand))))
    }

    /// Calls itself as deep as functions nest, which has a limit.
    fn make(&self, tree: &filter::Operand) -> Result<Operand, CompileError> {
        match tree {
            filter::Operand::Field(field) => self.field(field),
            filter::Operand::Literal(literal) => Ok(Operand {
                // Every byte shows: two of the same name are the same.
                name: format!("\"{}\"", literal.text.escape_ascii()),
                kind: Kind::Text,
                shape: Shape::One,
                what: What::Text(literal.text.clone()),
            }),
            filter::Operand::List { operands, .. } => {
                let operands = self.all(operands)?;
                let name = format!("({})", names_of(&operands));
                Ok(Operand {
                    name,
                    kind: Kind::Text,
                    shape: Shape::List,
                    what: What::List(operands),
                })
            }
            filter::Operand::Function { function, operands, argument, at } => {
                let operands = self.all(operands)?;
                let name = format!("{}({})", function.word(), names_of(&operands));
                let made = function::of(*function, operands, argument.as_deref());
                let (kind, shape, what) =
                    made.map_err(|message| CompileError::new(*at, message))?;
                let name = match argument {
                    Some(argument) => format!("{name}[{argument}]"),
                    None => name,
                };
                Ok(Operand { name, kind, shape, what })
            }
        }
    }

    fn all(&self, operands: &[filter::Operand]) -> Result<Vec<Operand>, CompileError> {
        operands.iter().map(|operand| self.make(operand)).collect()
    }

    fn field(&self, written: &FieldName) -> Result<Operand, CompileError> {
        let FieldName { name, argument, at } = written;
        let found = fields::find(self.source, name, argument.as_deref());
        let (field, argument) = found.map_err(|error| CompileError {
            at: *at,
            message: error.message,
            hint: error.hint,
            within: None,
            unknown_field: true,
        })?;
        let name = match &argument {
            Argument::None => field.name.to_owned(),
            Argument::Index(index) => format!("{}[{index}]", field.name),
            Argument::Key(key) if written.name == field.name => format!("{}[{key}]", field.name),
            Argument::Key(key) => format!("{}.{key}", field.name),
        };
        let shape = field.shape_with(&argument);
        Ok(Operand { name, kind: field.kind, shape, what: What::Field { field, argument } })
    }
}

/// Said of what names something that was left out, whose own mistake was told.
pub(crate) fn of_broken(kind: &str, name: &str) -> String {
    format!("the {kind} `{name}` has a mistake")
}

fn too_deep() -> CompileError {
    let message = format!("with its macros, it is nested more than {DEPTH_MAX} times");
    CompileError::new(0, message)
}

/// What is said of doubtful texts of one check: of a few, and how many there are besides.
fn some_of<'l>(
    mut doubtful: impl Iterator<Item = &'l Literal>,
    say: impl Fn(&str) -> (String, Option<String>),
) -> Vec<CompileError> {
    let mut told = Vec::new();
    for literal in doubtful.by_ref().take(DOUBTS_MAX) {
        let (message, hint) = say(&literal.lossy());
        told.push(CompileError::new(literal.at, message).hint(hint));
    }
    if let Some(first) = doubtful.next() {
        let message = format!("and {} more like these", 1 + doubtful.count());
        told.push(CompileError::new(first.at, message));
    }
    told
}

fn names_of(operands: &[Operand]) -> String {
    operands.iter().map(|operand| operand.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Of a set, `in` asks whether all of it is in the list.
fn all_of_list(check: &Check, left: &Operand, test: Test) -> Test {
    match left.shape == Shape::List && check.operator == Operator::In {
        true => Test::All(Box::new(test)),
        false => test,
    }
}
