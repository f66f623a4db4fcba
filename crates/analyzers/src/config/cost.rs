//! What conditions may cost on all that a scan found.
//!
//! There is no clock here, so the cost is counted before a condition is evaluated: its parts, times
//! the longest list once for each loop that stands in another.

use serde_json::Value;

use super::condition::Condition;

/// Steps that all conditions of a scan may take together: some ten seconds. Our own take a
/// thousandth of it on an image with a history of a hundred steps.
const STEPS_MAX: u64 = 100_000_000;

/// What one evaluation costs beside its steps, in steps.
const EVALUATION: u64 = 20;

/// Bytes of text that a pattern goes through in the time of a step.
const BYTES_A_STEP: u64 = 64;

/// How much of a view a condition may have to walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    longest_list: u64,
    bytes: u64,
}

/// What is left to spend.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(STEPS_MAX)
    }
}

impl Size {
    pub(super) fn of(view: &Value, bytes: usize) -> Self {
        Self { longest_list: longest(view), bytes: bytes as u64 }
    }
}

fn longest(view: &Value) -> u64 {
    match view {
        Value::Array(items) => items.iter().map(longest).fold(items.len() as u64, u64::max),
        Value::Object(fields) => fields.values().map(longest).fold(fields.len() as u64, u64::max),
        _ => 1,
    }
}

impl Budget {
    /// Whether there is enough left; spends it.
    pub(super) fn spend(&mut self, condition: &Condition, size: Size) -> bool {
        let turns = size.longest_list.max(condition.widest).max(1).saturating_pow(condition.loops);
        let steps = condition.nodes.saturating_mul(turns);
        let steps = steps.saturating_add(size.bytes / BYTES_A_STEP).saturating_add(EVALUATION);
        match self.0.checked_sub(steps) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }
}
