//! What became different from one artifact to the next: packages, and everything that is wrong.
//!
//! Two reports are held against each other; the table and the JSON of it are other files. Only what
//! was looked for in both is compared: a bill of materials knows no secrets, so that none of an
//! image's are new because of it. Nothing is judged here; the order of versions and what the user
//! wants to see are the caller's to tell.

mod faults;
mod packages;

use std::cmp::Ordering;

use model::{Finding, Inventory, PackageKind, Severity};

pub(crate) use self::faults::{Faults, LeftOut};
pub(crate) use self::packages::{Direction, PackageChange, PackageChanges};
use crate::fault::{Kind, Of};
use crate::{DataSource, Report};

/// Which of two versions of a kind of package is the later; None where nobody can tell.
pub type Order = fn(PackageKind, &str, &str) -> Option<Ordering>;

/// The difference between two reports.
#[derive(Debug)]
pub struct Diff<'a> {
    pub(crate) before: &'a Report,
    pub(crate) after: &'a Report,
    pub(crate) packages: PackageChanges<'a>,
    /// In the order of [`Kind::ALL`]; None where not both were searched.
    pub(crate) faults: Vec<(Kind, Option<Faults<'a>>)>,
}

/// The checks, as reports name them, that were not made of both.
pub fn not_compared(before: &Report, after: &Report) -> impl Iterator<Item = &'static str> {
    let lacking = Kind::ALL.into_iter().filter(move |kind| !faults::compares(before, after, *kind));
    lacking.map(Kind::check)
}

impl<'a> Diff<'a> {
    /// Of everything that both reports have, what somebody says not to report excepted.
    pub fn of(before: &'a Report, after: &'a Report, order: Order) -> Self {
        let (old, new) = (&before.inventory.packages, &after.inventory.packages);
        let packages = PackageChanges::of(old, new, order);
        Self { before, after, packages, faults: faults::of(before, after) }
    }

    /// Leaves out what the user does not want to see, and counts it. What was there before and is
    /// less severe now is no less the same: so this comes after the comparison.
    pub fn leave_out(&mut self, keeps: impl Fn(Severity, Option<&Finding>) -> bool) {
        for (_, faults) in &mut self.faults {
            faults.iter_mut().for_each(|it| it.leave_out(&keeps));
        }
    }

    /// What is wrong now and was not before, in the shape in which a gate takes it.
    pub fn brought(&self) -> (Vec<Finding>, Inventory) {
        let (mut findings, mut inventory) = (Vec::new(), Inventory::default());
        for fault in self.faults.iter().flat_map(|(_, it)| it).flat_map(|it| &it.new) {
            match fault.of {
                Of::Finding(it) => findings.push(it.clone()),
                Of::Malware(it) => inventory.malware.push(it.clone()),
                Of::Secret(it) => inventory.secrets.push(it.clone()),
                Of::Misconfiguration(it) => inventory.misconfigurations.push(it.clone()),
                // Exceptions are not compared.
                Of::Excepted(_) => {}
            }
        }
        (findings, inventory)
    }

    /// The checks that were not made of both.
    pub fn not_compared(&self) -> impl Iterator<Item = &'static str> {
        not_compared(self.before, self.after)
    }

    /// Whether something may be missing on either side.
    pub fn is_incomplete(&self) -> bool {
        self.before.is_incomplete() || self.after.is_incomplete()
    }

    /// How many layers both have in common, from the lowest up.
    pub(crate) fn shared_layers(&self) -> usize {
        let layers = self.before.artifact.layers.iter().zip(&self.after.artifact.layers);
        layers
            .take_while(|(one, other)| one.diff_id.is_some() && one.diff_id == other.diff_id)
            .count()
    }

    /// The advisories that are not of the same state: what they say may differ for that alone.
    pub(crate) fn uneven_data(&self) -> Vec<(&'a DataSource, &'a DataSource)> {
        let state = |data: &'a DataSource| data.modified.as_ref().unwrap_or(&data.built_at);
        let other = |after: &'a DataSource| {
            let same = |before: &&DataSource| {
                before.source == after.source && before.stream == after.stream
            };
            let before = self.before.data.iter().find(same)?;
            (state(before) != state(after)).then_some((before, after))
        };
        self.after.data.iter().filter_map(other).collect()
    }
}
