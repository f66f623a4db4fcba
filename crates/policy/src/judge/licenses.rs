//! The section on licenses, asked of every package.

use std::collections::BTreeSet;

use model::{Decision, Hit, Package, Reason};

use super::{Trace, cover, hit};
use crate::exception::Standing;
use crate::facts::{On, Scene, Subject};
use crate::policy::Policy;
use crate::rule::Action;

/// What reasons call the section, as if it were a rule.
const RULE: &str = "licenses";

impl Policy {
    pub(super) fn ask_licenses(&self, scene: &Scene<'_>) -> Trace {
        let packages = &scene.facts.inventory.packages;
        let (mut warned, mut denied) = (Vec::new(), Vec::new());
        let (mut unknown, mut over) = (Vec::new(), BTreeSet::new());
        let mut excused = 0;
        for package in packages {
            let subject = Subject::Package(package);
            let allowed = self.allowed_licenses(scene, subject, &mut over);
            match self.licenses.action(&package.license, &allowed) {
                Some(Action::Deny) => denied.push(with_license(scene, package)),
                Some(Action::Warn) => warned.push(with_license(scene, package)),
                Some(Action::Allow) => excused += usize::from(!allowed.is_empty()),
                None => unknown.push(package),
            }
        }
        let mut decision = match (denied.len(), warned.len()) {
            (0, 0) => Decision::Allow,
            (0, _) => Decision::Warn,
            _ => Decision::Deny,
        };
        let mut said = scene.facts.unseen(On::Package);
        said.extend(not_known(&unknown, packages.len()));
        if !said.is_empty() {
            decision = decision.max(self.license_unknown);
        }
        let mut hits = denied;
        hits.append(&mut warned);
        let holds = hits.len();
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

/// Of how many packages the license is not known, with an example.
fn not_known(unknown: &[&Package], all: usize) -> Option<String> {
    let first = unknown.first()?;
    let declares = if first.license.is_empty() { "nothing" } else { &first.license };
    Some(format!(
        "the license of {} of {all} packages is not known, such as that of {}, which declares {declares}",
        unknown.len(),
        first.name,
    ))
}

/// The package with what it declares.
fn with_license(scene: &Scene<'_>, package: &Package) -> Hit {
    let hit = hit(scene, Subject::Package(package));
    Hit { place: format!("{} under {}", hit.place, package.license), ..hit }
}

fn remedies(hits: &[Hit]) -> Vec<String> {
    if hits.is_empty() {
        return Vec::new();
    }
    vec![
        "do without the package, or use another".to_owned(),
        "or answer for it: an exception with `license: …`, `package: …`, owner and reason"
            .to_owned(),
    ]
}
