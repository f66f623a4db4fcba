//! A rule: what it looks at, on which images, when it holds, and what is done then.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::{Decision, ImageConfig};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::error::PolicyError;
use crate::expression::{Expression, ExpressionError};
use crate::facts::{On, Scene};
use crate::glob::Glob;
use crate::value::day;

/// What is done where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Rules further down do not look at it.
    Allow = 0,
    Warn = 1,
    Deny = 2,
}

impl Action {
    pub(crate) const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    pub(crate) fn decision(self) -> Decision {
        match self {
            Self::Allow => Decision::Allow,
            Self::Warn => Decision::Warn,
            Self::Deny => Decision::Deny,
        }
    }
}

/// What is done where a rule cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnUnknown {
    Allow,
    Warn,
    Unknown,
    Deny,
}

impl OnUnknown {
    pub(crate) fn decision(self) -> Decision {
        match self {
            Self::Allow => Decision::Allow,
            Self::Warn => Decision::Warn,
            Self::Unknown => Decision::Unknown,
            Self::Deny => Decision::Deny,
        }
    }
}

/// A rule as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    pub(crate) id: Spanned<String>,
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) on: Option<On>,
    pub(crate) when: Option<Spanned<String>>,
    pub(crate) action: Option<Action>,
    pub(crate) unknown: Option<OnUnknown>,
    pub(crate) observe_until: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) scope: ScopeFile,
    /// Why the rule exists.
    #[serde(default)]
    pub(crate) reason: String,
    /// What to do about it, where nothing better is known.
    #[serde(default)]
    pub(crate) remedy: String,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
}

fn yes() -> bool {
    true
}

/// On which images a rule is asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScopeFile {
    images: Vec<Spanned<String>>,
    except: Vec<Spanned<String>>,
    labels: BTreeMap<String, Spanned<String>>,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) on: On,
    pub(crate) when: Expression,
    pub(crate) action: Action,
    pub(crate) unknown: Decision,
    /// From this day on it is enforced.
    pub(crate) observe_until: Option<Date>,
    pub(crate) scope: Scope,
    pub(crate) because: String,
    pub(crate) remedy: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) images: Vec<Glob>,
    pub(crate) except: Vec<Glob>,
    pub(crate) labels: Vec<(String, Glob)>,
}

impl RuleFile {
    /// Checks a rule that is switched on; what is wrong with it goes to `errors`.
    pub(crate) fn check(&self, unknown: OnUnknown, errors: &mut Vec<PolicyError>) -> Option<Rule> {
        let (Some(on), Some(when), Some(action)) = (self.on, &self.when, self.action) else {
            let message = format!("rule `{}` has to say `on`, `when` and `action`", self.id.value);
            errors.push(PolicyError::at(&self.id, message));
            return None;
        };
        let before = errors.len();
        let expression = Expression::new(&when.value, on);
        let expression = expression.map_err(|error| errors.push(within(when, error))).ok();
        if action == Action::Allow && (self.unknown.is_some() || self.observe_until.is_some()) {
            let message = "a rule that allows has no `unknown` and no `observe_until`: where it \
                           does not hold for sure, the rules after it are asked";
            errors.push(PolicyError::at(&self.id, message));
        }
        let unknown = self.unknown.map_or_else(
            || match action {
                Action::Deny => unknown.decision(),
                other => other.decision(),
            },
            OnUnknown::decision,
        );
        let observe_until = date(self.observe_until.as_ref(), errors);
        let scope = self.scope.check(errors);
        let rule = Rule {
            id: self.id.value.clone(),
            title: if self.title.is_empty() { self.id.value.clone() } else { self.title.clone() },
            on,
            when: expression?,
            action,
            unknown,
            observe_until,
            scope,
            because: self.reason.clone(),
            remedy: self.remedy.clone(),
        };
        (errors.len() == before).then_some(rule)
    }
}

impl ScopeFile {
    fn check(&self, errors: &mut Vec<PolicyError>) -> Scope {
        let labels = self.labels.iter();
        Scope {
            images: globs(&self.images, Glob::name, errors),
            except: globs(&self.except, Glob::name, errors),
            labels: labels
                .filter_map(|(name, pattern)| {
                    Some((name.clone(), glob(pattern, Glob::name, errors)?))
                })
                .collect(),
        }
    }
}

impl Scope {
    /// Whether the rule is asked of this image; None where its name or labels are not known.
    pub(crate) fn holds(&self, scene: &Scene<'_>) -> Option<bool> {
        let is_named = match self.images.is_empty() {
            true => Some(true),
            false => scene.is_named(&self.images),
        };
        let is_excepted = match self.except.is_empty() {
            true => Some(false),
            false => scene.is_named(&self.except),
        };
        if is_named == Some(false)
            || is_excepted == Some(true)
            || self.is_labeled(scene) == Some(false)
        {
            return Some(false);
        }
        let known = is_named.is_some() && is_excepted.is_some() && self.is_labeled(scene).is_some();
        known.then_some(true)
    }

    fn is_labeled(&self, scene: &Scene<'_>) -> Option<bool> {
        if self.labels.is_empty() {
            return Some(true);
        }
        let config = scene.facts.artifact.config.as_ref()?;
        let label = |config: &ImageConfig, name: &str| config.labels.get(name).cloned();
        let matches = |(name, glob): &(String, Glob)| {
            label(config, name).is_some_and(|value| glob.matches(&value))
        };
        Some(self.labels.iter().all(matches))
    }
}

pub(crate) fn globs(
    patterns: &[Spanned<String>],
    compile: fn(&str) -> Result<Glob, String>,
    errors: &mut Vec<PolicyError>,
) -> Vec<Glob> {
    patterns.iter().filter_map(|pattern| glob(pattern, compile, errors)).collect()
}

pub(crate) fn glob(
    pattern: &Spanned<String>,
    compile: fn(&str) -> Result<Glob, String>,
    errors: &mut Vec<PolicyError>,
) -> Option<Glob> {
    compile(&pattern.value).map_err(|message| errors.push(PolicyError::at(pattern, message))).ok()
}

/// A date, or nothing; a text that is none is an error.
pub(crate) fn date(text: Option<&Spanned<String>>, errors: &mut Vec<PolicyError>) -> Option<Date> {
    let text = text?;
    let date = day(&text.value).filter(|_| text.value.len() == 10);
    if date.is_none() {
        let message = format!("`{}` is no date (YYYY-MM-DD)", text.value);
        errors.push(PolicyError::at(text, message));
    }
    date
}

/// The place of a mistake in an expression. Of an expression that stands in one line without
/// quotes the column is that of the mistake; of others, that of the expression, and the message
/// says how far into it.
fn within(when: &Spanned<String>, error: ExpressionError) -> PolicyError {
    let ExpressionError { at, message, hint } = error;
    let mut place = PolicyError::at(when, message).hint(hint);
    let written = when.referenced.span().len();
    if usize::try_from(written).is_ok_and(|length| length == when.value.chars().count()) {
        place.column += u64::try_from(at).unwrap_or_default();
    } else if at > 0 {
        let seen: String = when.value.chars().take(at).collect();
        let tail: String =
            seen.chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect();
        place.message = format!("{} (after `{}`)", place.message, tail.trim());
    }
    place
}
