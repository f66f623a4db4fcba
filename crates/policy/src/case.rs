//! Cases of a policy: facts in a few words, and the verdict that is expected of them.
//!
//! They stand in the policy itself, under `tests`, so that whoever changes a rule sees what else
//! changes.

mod given;

use jiff::civil::Date;
use model::Decision;
use serde::Deserialize;
use serde_saphyr::Spanned;

use self::given::Given;
use crate::error::PolicyError;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::rule::{OnUnknown, date};

/// One case as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    name: String,
    #[serde(default)]
    given: Given,
    today: Spanned<String>,
    expect: OnUnknown,
    /// The rules that have to have something to say, and no others.
    rules: Option<Vec<String>>,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    pub name: String,
    /// What is other than expected; empty if the case passed.
    pub wrong: Vec<String>,
}

impl CaseFile {
    pub(crate) fn check(&self, errors: &mut Vec<PolicyError>) {
        date(Some(&self.today), errors);
        self.given.check(errors);
    }
}

impl Policy {
    /// Runs the policy's own cases.
    pub fn test(&self) -> Vec<CaseResult> {
        self.cases.iter().map(|case| self.run(case)).collect()
    }

    fn run(&self, case: &CaseFile) -> CaseResult {
        let today = date(Some(&case.today), &mut Vec::new()).unwrap_or(Date::ZERO);
        let given = &case.given;
        let (artifact, eol, base) = (given.artifact(), given.eol(), given.base());
        let (mut findings, mut inventory) = (given.findings(), given.inventory());
        let (problems, checks) = (given.problems(), given.checks());
        self.cover(&artifact, &mut findings, &mut inventory, today);
        let facts = Facts {
            artifact: &artifact,
            inventory: &inventory,
            eol: &eol,
            findings: &findings,
            problems: &problems,
            checks: &checks,
            base: base.as_ref(),
        };
        let verdict = self.judge(facts, today);
        let mut wrong = Vec::new();
        let expected: Decision = case.expect.decision();
        if verdict.decision != expected {
            wrong.push(format!(
                "{} where {} was expected",
                verdict.decision.name(),
                expected.name()
            ));
        }
        let mut spoke: Vec<&str> = verdict.reasons.iter().map(|it| it.rule.as_str()).collect();
        spoke.sort_unstable();
        if let Some(rules) = &case.rules {
            let mut rules: Vec<&str> = rules.iter().map(String::as_str).collect();
            rules.sort_unstable();
            if rules != spoke {
                wrong.push(format!(
                    "the rules [{}] spoke, expected were [{}]",
                    spoke.join(", "),
                    rules.join(", ")
                ));
            }
        } else if !wrong.is_empty() && !spoke.is_empty() {
            wrong.push(format!("the rules [{}] spoke", spoke.join(", ")));
        }
        CaseResult { name: case.name.clone(), wrong }
    }
}
