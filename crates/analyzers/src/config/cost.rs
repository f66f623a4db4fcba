//! What conditions may cost, on one file and on all that a scan found.
//!
//! There is no clock here, so steps are counted while a condition is evaluated: `condition` puts a
//! call of the meter into every loop and every function that goes through texts. Whoever evaluates
//! asks the meter afterwards: where it is spent no result counts, whatever it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde_json::Value;

/// Steps that all conditions may take on one file: some two seconds.
const FILE_STEPS_MAX: u64 = 20_000_000;

/// Steps that all conditions of a scan may take together.
const SCAN_STEPS_MAX: u64 = 400_000_000;

/// What one evaluation costs beside its steps, in steps.
const EVALUATION: u64 = 20;

/// Bytes of text that are gone through in the time of a step.
const BYTES_A_STEP: u64 = 64;

/// Of a text that is put together: it takes memory, too.
const BYTES_WRITTEN_A_STEP: u64 = 8;

/// What one evaluation of a part of an expression costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Its nodes, without those in loops.
    pub(super) nodes: u64,
    /// How often it may go through a text that is no literal.
    pub(super) readings: u64,
    /// How often it may copy one.
    pub(super) copies: u64,
}

impl Cost {
    pub(super) fn add(&mut self, readings: u64, copies: u64) {
        self.readings = self.readings.saturating_add(readings);
        self.copies = self.copies.saturating_add(copies);
    }
}

/// What is left to spend. Its clones are the same meter: functions of an expression have one each.
#[derive(Clone, Debug)]
pub(super) struct Meter(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    file: AtomicU64,
    scan: AtomicU64,
    is_file_spent: AtomicBool,
    is_scan_spent: AtomicBool,
    /// Bytes of the longest text of the view.
    text: AtomicU64,
    /// Of the longest within a list.
    item: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self(Arc::new(Counters {
            file: AtomicU64::new(FILE_STEPS_MAX),
            scan: AtomicU64::new(SCAN_STEPS_MAX),
            is_file_spent: AtomicBool::new(false),
            is_scan_spent: AtomicBool::new(false),
            text: AtomicU64::new(0),
            item: AtomicU64::new(0),
        }))
    }
}

impl Meter {
    /// Another file begins.
    pub(super) fn begin_file(&self) {
        self.0.file.store(FILE_STEPS_MAX, Relaxed);
        self.0.is_file_spent.store(false, Relaxed);
    }

    /// What is looked at next.
    pub(super) fn look_at(&self, view: &Value) {
        let (text, item) = longest(view, false);
        self.0.text.store(text, Relaxed);
        self.0.item.store(item, Relaxed);
    }

    /// Nothing more of this file can be checked.
    pub(super) fn is_file_spent(&self) -> bool {
        self.0.is_file_spent.load(Relaxed)
    }

    /// Nor of any other.
    pub(super) fn is_scan_spent(&self) -> bool {
        self.0.is_scan_spent.load(Relaxed)
    }

    /// Before a condition is evaluated.
    pub(super) fn evaluation(&self, cost: Cost) -> bool {
        self.spend(self.of(cost).saturating_add(EVALUATION))
    }

    /// One turn of a loop whose body costs so much.
    pub(super) fn turn(&self, cost: Cost) -> bool {
        let item = self.0.item.load(Relaxed) / BYTES_A_STEP;
        self.spend(self.of(cost).saturating_add(item).saturating_add(1))
    }

    /// A text is gone through, by something that takes `weight` times as long as a comparison.
    pub(super) fn reading(&self, bytes: usize, weight: u64) -> bool {
        let steps = (bytes as u64 / BYTES_A_STEP).saturating_add(1);
        self.spend(steps.saturating_mul(weight))
    }

    /// A text is put together.
    pub(super) fn writing(&self, bytes: usize) -> bool {
        self.spend((bytes as u64 / BYTES_WRITTEN_A_STEP).saturating_add(1))
    }

    fn of(&self, cost: Cost) -> u64 {
        let text = self.0.text.load(Relaxed);
        let readings = cost.readings.saturating_mul(text / BYTES_A_STEP);
        let copies = cost.copies.saturating_mul(text / BYTES_WRITTEN_A_STEP);
        cost.nodes.saturating_add(readings).saturating_add(copies)
    }

    /// Whether there is enough left; spends it. What is spent to the last step was enough.
    fn spend(&self, steps: u64) -> bool {
        let less = |left: u64| left.checked_sub(steps);
        let is_enough = |left: &AtomicU64| left.fetch_update(Relaxed, Relaxed, less).is_ok();
        if !is_enough(&self.0.scan) {
            self.0.is_scan_spent.store(true, Relaxed);
        } else if is_enough(&self.0.file) {
            return true;
        }
        self.0.is_file_spent.store(true, Relaxed);
        false
    }
}

/// The longest text, and the longest that is in a list or names a field.
fn longest(view: &Value, is_item: bool) -> (u64, u64) {
    let of = |text: &str, is_item: bool| {
        let length = text.len() as u64;
        (length, if is_item { length } else { 0 })
    };
    let both = |(a, b): (u64, u64), (c, d): (u64, u64)| (a.max(c), b.max(d));
    match view {
        Value::String(text) => of(text, is_item),
        Value::Array(items) => items.iter().map(|it| longest(it, true)).fold((0, 0), both),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, it)| both(of(name, true), longest(it, is_item)))
            .fold((0, 0), both),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_to_the_last_step_was_enough() {
        let meter = Meter::default();
        for _ in 0..SCAN_STEPS_MAX / FILE_STEPS_MAX {
            meter.begin_file();
            assert!(meter.spend(FILE_STEPS_MAX));
            assert!(!meter.is_file_spent() && !meter.is_scan_spent());
        }
        meter.begin_file();
        assert!(!meter.spend(1));
        assert!(meter.is_file_spent() && meter.is_scan_spent());
    }
}
