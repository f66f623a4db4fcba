//! The section on licenses, asked of every package.

use std::collections::BTreeSet;

use model::{Decision, Reason};

use super::tally::Tally;
use super::{Trace, cover};
use crate::exception::Standing;
use crate::facts::{On, Scene, Subject};
use crate::policy::Policy;
use crate::rule::Action;

/// What reasons call the section, as if it were a rule.
const RULE: &str = "licenses";

impl Policy {
    pub(super) fn ask_licenses(&self, scene: &Scene<'_>) -> Trace {
        let packages = &scene.facts.inventory.packages;
        let mut tallies = [Tally::default(), Tally::default()];
        let mut unknown = Vec::new();
        let mut excused = 0;
        let mut over = BTreeSet::new();
        for package in packages {
            let subject = Subject::Package(package);
            let allowed = self.allowed_licenses(scene, subject, &mut over);
            let [warned, denied] = &mut tallies;
            match self.licenses.action(&package.license, &allowed) {
                Some(Action::Deny) => denied.hold(scene, subject, false),
                Some(Action::Warn) => warned.hold(scene, subject, false),
                Some(Action::Allow) if !allowed.is_empty() => excused += 1,
                Some(Action::Allow) => {}
                None => unknown.push(package),
            }
        }
        let [warned, denied] = tallies;
        let mut decision = Decision::Allow;
        if !warned.hits.is_empty() {
            decision = Decision::Warn;
        }
        if !denied.hits.is_empty() {
            decision = Decision::Deny;
        }
        let mut said = scene.facts.unseen(On::Package);
        if let Some(first) = unknown.first() {
            let count = unknown.len();
            let license = if first.license.is_empty() { "nothing" } else { &first.license };
            let name = &first.name;
            said.push(format!(
                "the license of {count} of {} packages is not known, such as that of {name}, which declares {license}",
                packages.len()
            ));
        }
        if !said.is_empty() {
            decision = decision.max(self.license_unknown);
        }
        let holds = warned.holds + denied.holds;
        let mut hits = if decision == Decision::Deny { denied.hits } else { Vec::new() };
        hits.extend(warned.hits);
        let declared = |name: &str| packages.iter().find(|it| it.name == name).map(|it| &it.license);
        for hit in &mut hits {
            if let Some(license) = declared(&hit.id) {
                hit.place = format!("{} under {license}", hit.place);
            }
        }
        let reason = (decision > Decision::Allow).then(|| Reason {
            rule: RULE.to_owned(),
            title: RULE.to_owned(),
            decision,
            because: self.licenses.reason.clone(),
            observed_until: None,
            on: On::Package.name().to_owned(),
            remedies: remedies(&hits),
            hits,
            unknown: said,
        });
        Trace {
            rule: RULE.to_owned(),
            applies: Some(true),
            looked_at: packages.len(),
            holds,
            excused,
            reason,
            notes: over.into_iter().collect(),
        }
    }

    /// The licenses that exceptions allow this package.
    fn allowed_licenses(
        &self,
        scene: &Scene<'_>,
        subject: Subject<'_>,
        over: &mut BTreeSet<String>,
    ) -> Vec<&str> {
        let mut allowed = Vec::new();
        let speaking = self.exceptions.iter().filter_map(|it| Some((it, it.license.as_deref()?)));
        for (exception, license) in speaking {
            match exception.standing(scene, subject) {
                Standing::Counts => allowed.push(license),
                Standing::Over(why) => drop(over.insert(cover::over(exception, license, &why))),
                Standing::Elsewhere => {}
            }
        }
        allowed
    }
}

fn remedies(hits: &[model::Hit]) -> Vec<String> {
    if hits.is_empty() {
        return Vec::new();
    }
    vec![
        "do without the package, or use another".to_owned(),
        "or answer for it: an exception with `license: …`, `package: …`, owner and reason".to_owned(),
    ]
}
