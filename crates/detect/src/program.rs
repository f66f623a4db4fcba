//! All that is asked of events of one call, as one graph.
//!
//! What a call alone decides is decided here, before there is an event: checks of `evt.type` and of
//! arguments that the call has not become true or false, and what follows from them vanishes. A rule
//! of which nothing is left is not asked of such calls at all, which is the index; it is sound, for
//! it is the condition itself. What is left stands once, however many rules share it, and is
//! answered once an event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indicators::Lists;
use model::event::Call;

use crate::compile::{Condition, Lacking, Node, Operand, Predicate, Subject, operands};
use crate::source::Source;
use crate::value::Value;

/// Larger parts stay what they are, or macros of macros would be copied over and over.
const FLATTENED_MAX: usize = 64;

/// What is asked of events of one call.
#[derive(Debug, Default)]
pub(crate) struct Program {
    nodes: Vec<Step>,
    /// What has a value, each once.
    slots: Vec<Arc<Operand>>,
    /// Rules by number, with what decides them; the rest never holds.
    rules: Vec<(usize, Folded)>,
}

#[derive(Debug, PartialEq, Eq, Hash, Clone)]
enum Step {
    And(Vec<usize>),
    Or(Vec<usize>),
    Not(usize),
    Check(Asked),
}

#[derive(Debug, Clone)]
struct Asked {
    predicate: Arc<Predicate>,
    left: usize,
    right: Option<usize>,
}

/// What is left of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Folded {
    Known(bool),
    Node(usize),
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.predicate, &other.predicate)
    }
}

impl Eq for Asked {}

impl std::hash::Hash for Asked {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.predicate).hash(state);
    }
}

impl Program {
    /// The program for a call; None for events that are no calls. What lists say is asked where they
    /// have something to say.
    pub(crate) fn new<'c>(
        call: Option<Call>,
        lists: &Lists,
        conditions: impl Iterator<Item = (usize, &'c Arc<Condition>)>,
    ) -> Self {
        let mut builder = Builder { call, lists: Some(lists), ..Builder::default() };
        let mut rules = Vec::new();
        for (rule, condition) in conditions {
            match builder.fold(condition) {
                Folded::Known(false) => {}
                folded => rules.push((rule, folded)),
            }
        }
        Self { nodes: builder.nodes, slots: builder.slots, rules }
    }

    /// The numbers of the rules that may hold.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().map(|(rule, _)| *rule)
    }

    /// The numbers of the rules that hold, in order.
    pub(crate) fn holding(&self, subject: Subject<'_>, mut found: impl FnMut(usize)) {
        if self.rules.is_empty() {
            return;
        }
        let mut state = State {
            subject,
            answers: vec![Answer::Open; self.nodes.len()],
            values: vec![None; self.slots.len()],
        };
        for (rule, folded) in &self.rules {
            let holds = match folded {
                Folded::Known(known) => *known,
                Folded::Node(node) => self.holds(*node, &mut state),
            };
            if holds {
                found(*rule);
            }
        }
    }

    /// Calls itself as deep as conditions are nested, which has a limit.
    fn holds<'a>(&'a self, node: usize, state: &mut State<'a>) -> bool {
        match state.answers.get(node) {
            Some(Answer::Yes) => return true,
            Some(Answer::No) | None => return false,
            Some(Answer::Open) => {}
        }
        let holds = match self.nodes.get(node) {
            Some(Step::And(parts)) => parts.iter().all(|part| self.holds(*part, state)),
            Some(Step::Or(parts)) => parts.iter().any(|part| self.holds(*part, state)),
            Some(Step::Not(inner)) => !self.holds(*inner, state),
            Some(Step::Check(asked)) => self.asks(asked, state),
            None => false,
        };
        if let Some(answer) = state.answers.get_mut(node) {
            *answer = if holds { Answer::Yes } else { Answer::No };
        }
        holds
    }

    fn asks<'a>(&'a self, asked: &'a Asked, state: &mut State<'a>) -> bool {
        self.fill(asked.left, state);
        if let Some(right) = asked.right {
            self.fill(right, state);
        }
        let value = |slot: usize| state.values.get(slot).and_then(Option::as_ref);
        let left = value(asked.left).unwrap_or(&Value::Absent);
        asked.predicate.holds(left, asked.right.and_then(value))
    }

    fn fill<'a>(&'a self, slot: usize, state: &mut State<'a>) {
        if let (Some(value @ None), Some(operand)) =
            (state.values.get_mut(slot), self.slots.get(slot))
        {
            *value = Some(operand.get(state.subject));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Open,
    Yes,
    No,
}

/// What is known of one event.
struct State<'a> {
    subject: Subject<'a>,
    answers: Vec<Answer>,
    values: Vec<Option<Value<'a>>>,
}

#[derive(Default)]
struct Builder<'l> {
    call: Option<Call>,
    /// None where any may come.
    lists: Option<&'l Lists>,
    /// What no such event has is taken for something that one may have.
    lenient: bool,
    /// No event has a question for a name.
    unasked: bool,
    nodes: Vec<Step>,
    costs: Vec<u32>,
    positions: HashMap<Step, usize>,
    slots: Vec<Arc<Operand>>,
    slot_positions: HashMap<*const Operand, usize>,
    folded: HashMap<*const Condition, Folded>,
}

impl Builder<'_> {
    fn fold(&mut self, condition: &Arc<Condition>) -> Folded {
        if let Some(folded) = self.folded.get(&Arc::as_ptr(condition)) {
            return *folded;
        }
        let folded = match &condition.node {
            Node::And(parts) => self.chain(parts, false),
            Node::Or(parts) => self.chain(parts, true),
            Node::Not(inner) => match self.fold(inner) {
                Folded::Known(known) => Folded::Known(!known),
                Folded::Node(node) => {
                    let cost = self.costs.get(node).copied().unwrap_or_default();
                    Folded::Node(self.intern(Step::Not(node), cost))
                }
            },
            Node::Check(predicate) => self.check(predicate),
        };
        self.folded.insert(Arc::as_ptr(condition), folded);
        folded
    }

    /// Parts of which one that is `decisive` decides all.
    fn chain(&mut self, parts: &[Arc<Condition>], decisive: bool) -> Folded {
        let mut nodes = Vec::new();
        let mut seen = HashSet::new();
        for part in parts {
            match self.fold(part) {
                Folded::Known(known) if known == decisive => return Folded::Known(decisive),
                Folded::Known(_) => {}
                Folded::Node(node) => {
                    let inner = self.inner(node, decisive);
                    nodes.extend(inner.into_iter().filter(|node| seen.insert(*node)));
                }
            }
        }
        // No part changes anything, so the cheap ones go first.
        let cost = |node: &usize| self.costs.get(*node).copied().unwrap_or_default();
        nodes.sort_by_key(cost);
        let cost = nodes.iter().map(cost).fold(0, u32::saturating_add);
        match nodes.as_slice() {
            [] => Folded::Known(!decisive),
            [only] => Folded::Node(*only),
            _ if decisive => Folded::Node(self.intern(Step::Or(nodes), cost)),
            _ => Folded::Node(self.intern(Step::And(nodes), cost)),
        }
    }

    /// The parts of a part that is of the same kind: one walk instead of two, and the cheapest of
    /// them all first.
    fn inner(&self, node: usize, decisive: bool) -> Vec<usize> {
        match self.nodes.get(node) {
            Some(Step::Or(parts)) if decisive && parts.len() <= FLATTENED_MAX => parts.clone(),
            Some(Step::And(parts)) if !decisive && parts.len() <= FLATTENED_MAX => parts.clone(),
            _ => vec![node],
        }
    }

    fn check(&mut self, predicate: &Arc<Predicate>) -> Folded {
        let left = self.known(&predicate.left);
        let right = predicate.right.as_ref().and_then(|right| self.known(right));
        match (&left, &right, &predicate.right) {
            (Some(Value::Absent), _, _) | (_, Some(Value::Absent), _) => {
                return Folded::Known(false);
            }
            (Some(value), _, None) => return Folded::Known(predicate.holds(value, None)),
            _ => {}
        }
        let left = self.slot(&predicate.left);
        let right = predicate.right.as_ref().map(|right| self.slot(right));
        let asked = Asked { predicate: Arc::clone(predicate), left, right };
        Folded::Node(self.intern(Step::Check(asked), predicate.cost()))
    }

    fn known(&self, operand: &Operand) -> Option<Value<'static>> {
        if self.unasked && operand.is_of_questions()
            || self.lists.is_some_and(|lists| operand.is_never_of(lists))
        {
            return Some(Value::Absent);
        }
        match self.lenient && operand.lacking(self.call).is_some() {
            true => None,
            false => operand.known(self.call),
        }
    }

    fn slot(&mut self, operand: &Arc<Operand>) -> usize {
        let next = self.slots.len();
        let slot = *self.slot_positions.entry(Arc::as_ptr(operand)).or_insert(next);
        if slot == next {
            self.slots.push(Arc::clone(operand));
        }
        slot
    }

    fn intern(&mut self, step: Step, cost: u32) -> usize {
        let next = self.nodes.len();
        let position = *self.positions.entry(step.clone()).or_insert(next);
        if position == next {
            self.nodes.push(step);
            self.costs.push(cost);
        }
        position
    }
}

/// Of which events conditions may hold. What conditions share is looked at once, as in a program.
pub(crate) struct Reach {
    /// One a kind of event: each call, or None for the events of other sources.
    strict: Vec<Builder<'static>>,
    /// The same of events that have what none has.
    lenient: Vec<Builder<'static>>,
    /// The same of events without a question for a name.
    unasked: Vec<Builder<'static>>,
    /// What was asked about: builders know conditions by their addresses.
    kept: Vec<Arc<Condition>>,
}

impl Reach {
    pub(crate) fn new(source: Source) -> Self {
        let kinds: Vec<Option<Call>> = match source {
            Source::Syscall => Call::ALL.iter().copied().map(Some).collect(),
            Source::K8sAudit => vec![None],
        };
        let builders = |lenient: bool, unasked: bool| {
            let builder = |call: &Option<Call>| Builder {
                call: *call,
                lenient,
                unasked,
                ..Builder::default()
            };
            kinds.iter().map(builder).collect()
        };
        Self {
            strict: builders(false, false),
            lenient: builders(true, false),
            unasked: builders(false, true),
            kept: Vec::new(),
        }
    }

    /// The kinds of events of which some may make the condition hold.
    pub(crate) fn kinds(&mut self, condition: &Arc<Condition>) -> Vec<Option<Call>> {
        self.kept.push(Arc::clone(condition));
        holding(&mut self.strict, condition)
    }

    /// The same of events without a question for a name.
    pub(crate) fn kinds_unasked(&mut self, condition: &Arc<Condition>) -> Vec<Option<Call>> {
        self.kept.push(Arc::clone(condition));
        holding(&mut self.unasked, condition)
    }

    /// Why none can, where that is so: of the events that the condition is about, what all of them
    /// lack is to blame.
    pub(crate) fn lacking(&mut self, condition: &Arc<Condition>) -> Vec<Lacking> {
        self.kept.push(Arc::clone(condition));
        let wanted = holding(&mut self.lenient, condition);
        let mut lacking: Vec<Lacking> = Vec::new();
        for operand in operands(condition).into_iter().filter(|_| !wanted.is_empty()) {
            let lacks = |call: &Option<Call>| operand.lacking(*call);
            let first = wanted.first().and_then(lacks);
            let Some(first) = first.filter(|_| wanted.iter().all(|call| lacks(call).is_some()))
            else {
                continue;
            };
            if !lacking.contains(&first) {
                lacking.push(first);
            }
        }
        lacking
    }
}

fn holding(builders: &mut [Builder<'static>], condition: &Arc<Condition>) -> Vec<Option<Call>> {
    let holds = |it: &mut &mut Builder<'static>| it.fold(condition) != Folded::Known(false);
    let kinds = builders.iter_mut().filter_map(|mut it| holds(&mut it).then_some(it.call));
    kinds.collect()
}
