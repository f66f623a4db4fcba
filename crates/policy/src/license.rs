//! Which licenses may be used: SPDX expressions held against lists and categories.
//!
//! Who may choose (`OR`) takes the mildest, who has to keep both (`AND`) the strictest. A license
//! that is not known could be anything: then the answer is a span, from the mildest to the
//! strictest that it may be, and only a span of one is an answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use model::License;
use serde::Deserialize;
use serde_saphyr::Spanned;
use spdx::expression::{ExprNode, Operator};

use crate::rule::Action;

/// Longer expressions are not read; those of whole distributions have less.
const EXPRESSION_BYTES_MAX: usize = 4096;

/// What a license asks for, the mildest first: `content/licenses/categories.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Category {
    Unencumbered,
    Permissive,
    Notice,
    Reciprocal,
    Restricted,
    Forbidden,
}

/// The names of the categories, in their order.
pub(crate) const CATEGORIES: &[&str] =
    &["unencumbered", "permissive", "notice", "reciprocal", "restricted", "forbidden"];

/// The category of each license.
static TABLE: LazyLock<HashMap<String, Category>> = LazyLock::new(|| {
    let text = include_str!("../../../content/licenses/categories.toml");
    let table: BTreeMap<Category, Vec<String>> =
        toml::from_str(text).expect("a test reads the same table");
    let each = |(category, licenses): (Category, Vec<String>)| {
        licenses.into_iter().map(move |license| (license, category))
    };
    table.into_iter().flat_map(each).collect()
});

/// The part of a policy that speaks of licenses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Licenses {
    pub(crate) allow: Vec<Spanned<String>>,
    pub(crate) deny: Vec<Spanned<String>>,
    /// What is done about a category; licenses of the lists apart.
    pub(crate) categories: BTreeMap<Category, Action>,
    /// What is done about licenses of which nothing else is said: with a list of allowed ones
    /// `deny`, else `allow`.
    pub(crate) otherwise: Option<Action>,
    /// What is done about a license that is not known; the verdict is unknown unless this says
    /// otherwise.
    pub(crate) unknown: Option<crate::rule::OnUnknown>,
    /// Why, for whoever is stopped by it.
    pub(crate) reason: String,
}

/// The mildest and the strictest that something may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    mildest: usize,
    strictest: usize,
}

impl Span {
    fn exactly(level: usize) -> Self {
        Self { mildest: level, strictest: level }
    }

    fn known(self) -> Option<usize> {
        (self.mildest == self.strictest).then_some(self.mildest)
    }
}

impl Licenses {
    /// Whether the policy says anything of licenses.
    pub(crate) fn is_silent(&self) -> bool {
        let Self { allow, deny, categories, otherwise, unknown, reason: _ } = self;
        allow.is_empty()
            && deny.is_empty()
            && categories.is_empty()
            && otherwise.is_none()
            && unknown.is_none()
    }

    /// The category of the strictest license that has to be kept; None if it cannot be told.
    pub(crate) fn category(&self, declared: &str) -> Option<&'static str> {
        let strictest = CATEGORIES.len() - 1;
        let span = span(declared, strictest, |license| category(license).map(|it| it as usize))?;
        CATEGORIES.get(span.known()?).copied()
    }

    /// What is to be done about a package that declares this; None if it cannot be told.
    /// `excused` are licenses that an exception allows.
    pub(crate) fn action(&self, declared: &str, excused: &[&str]) -> Option<Action> {
        let level = |license: &str| {
            if excused.contains(&license) {
                return Some(Action::Allow as usize);
            }
            Some(self.action_on(license)? as usize)
        };
        let known = span(declared, Action::Deny as usize, level)?.known()?;
        Action::ALL.get(known).copied()
    }

    fn action_on(&self, license: &str) -> Option<Action> {
        // With an exception a license is what the lists say of the two together, else what they
        // say of it alone: an exception only ever grants.
        let alone = license.split_once(" WITH ").map(|(alone, _)| alone);
        // Whoever may take a later version may take this one, and is given it.
        let version = |name: &'_ str| name.strip_suffix('+').map(str::to_owned);
        let names = [Some(license), alone].into_iter().flatten();
        let names = names.flat_map(|name| [Some(name.to_owned()), version(name)]);
        for name in names.flatten() {
            if self.deny.iter().any(|it| it.value == name) {
                return Some(Action::Deny);
            }
            if self.allow.iter().any(|it| it.value == name) {
                return Some(Action::Allow);
            }
        }
        let default = if self.allow.is_empty() { Action::Allow } else { Action::Deny };
        let otherwise = self.otherwise.unwrap_or(default);
        match category(license) {
            Some(category) => Some(self.categories.get(&category).copied().unwrap_or(otherwise)),
            // Of a license without a category it is not known what a rule on categories means.
            None if self.categories.is_empty() => Some(otherwise),
            None => None,
        }
    }
}

fn category(license: &str) -> Option<Category> {
    let alone = license.split_once(" WITH ").map(|(alone, _)| alone);
    let find = |name: &str| {
        let later = || TABLE.get(name.strip_suffix('+')?);
        TABLE.get(name).or_else(later).copied()
    };
    find(license).or_else(|| find(alone?))
}

/// What a package declares as an SPDX expression. References to licenses of one's own
/// (`LicenseRef-…`) say nothing certain, and yet a list may name them, and others stand beside them.
fn expression(declared: &str) -> Option<spdx::Expression> {
    let certain = License::of(declared);
    let text = certain.as_ref().map_or(declared, License::as_str);
    spdx::Expression::parse(text).ok().filter(|_| text.len() <= EXPRESSION_BYTES_MAX)
}

/// What an expression comes to, given what each license does; None where it is no expression.
fn span(declared: &str, strictest: usize, level: impl Fn(&str) -> Option<usize>) -> Option<Span> {
    let expression = expression(declared)?;
    let mut stack: Vec<Span> = Vec::new();
    for node in expression.iter() {
        let span = match node {
            ExprNode::Req(requirement) => match level(&requirement.req.to_string()) {
                Some(level) => Span::exactly(level),
                None => Span { mildest: 0, strictest },
            },
            ExprNode::Op(operator) => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                let either = match operator {
                    Operator::And => usize::max,
                    Operator::Or => usize::min,
                };
                Span {
                    mildest: either(left.mildest, right.mildest),
                    strictest: either(left.strictest, right.strictest),
                }
            }
        };
        stack.push(span);
    }
    stack.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_come_to_what_has_to_be_kept() {
        let table = [
            ("MIT", Some("notice")),
            ("GPL-2.0-only OR MIT", Some("notice")),
            ("GPL-2.0-only AND MIT", Some("restricted")),
            ("MIT AND (GPL-2.0-only OR Apache-2.0)", Some("notice")),
            ("GPL-2.0-only WITH Classpath-exception-2.0", Some("reciprocal")),
            ("GPL-2.0-only WITH Linux-syscall-note", Some("restricted")),
            ("Apache-2.0+", Some("notice")),
            ("GPLv2+", Some("restricted")),
            ("MS-PL", Some("notice")),
            ("MIT/Apache-2.0", Some("notice")),
            ("GFDL-NIV-1.2+", Some("restricted")),
            ("LicenseRef-ours", None),
            ("LicenseRef-ours OR Unlicense", Some("unencumbered")),
            ("LicenseRef-ours OR MIT", None),
            ("LicenseRef-ours AND AGPL-3.0-only", Some("forbidden")),
            ("LicenseRef-ours AND MIT", None),
            ("see the file", None),
            ("", None),
        ];
        for (declared, want) in table {
            assert_eq!(Licenses::default().category(declared), want, "{declared}");
        }
    }

    #[test]
    fn lists_and_categories_act() {
        let of = |text: &str| serde_saphyr::from_str::<Licenses>(text).expect("a section");
        let allow = "allow: [MIT, Apache-2.0, 'GPL-2.0-only WITH Classpath-exception-2.0']";
        let deny = "deny: [GPL-3.0-only]\notherwise: allow";
        let categories = "categories: {forbidden: deny, restricted: warn}\nallow: [GPL-3.0-only]\notherwise: allow";
        let table = [
            (allow, "MIT", Some(Action::Allow)),
            (allow, "ISC", Some(Action::Deny)),
            (allow, "ISC OR MIT", Some(Action::Allow)),
            (allow, "ISC AND MIT", Some(Action::Deny)),
            (allow, "LicenseRef-x", Some(Action::Deny)),
            (allow, "nobody knows", None),
            (allow, "GPL-2.0-only", Some(Action::Deny)),
            (allow, "GPL-2.0-only WITH Classpath-exception-2.0", Some(Action::Allow)),
            (allow, "Apache-2.0+", Some(Action::Allow)),
            ("deny: [MPL-1.1]", "MPL-1.1+", Some(Action::Deny)),
            ("deny: [MPL-1.1]", "MPL-2.0", Some(Action::Allow)),
            (deny, "GPL-3.0-only", Some(Action::Deny)),
            (deny, "GPL-3.0-only WITH GCC-exception-3.1", Some(Action::Deny)),
            (deny, "GPL-3.0-or-later", Some(Action::Allow)),
            (categories, "AGPL-3.0-only", Some(Action::Deny)),
            (categories, "GPL-2.0-only", Some(Action::Warn)),
            (categories, "GPL-3.0-only", Some(Action::Allow)),
            (categories, "GPL-2.0-only OR AGPL-3.0-only", Some(Action::Warn)),
            (categories, "LicenseRef-x", None),
            (categories, "LicenseRef-x OR MIT", Some(Action::Allow)),
            (categories, "LicenseRef-x AND AGPL-3.0-only", Some(Action::Deny)),
        ];
        for (section, declared, want) in table {
            assert_eq!(of(section).action(declared, &[]), want, "{section}: {declared}");
        }
        assert_eq!(of(allow).action("ISC", &["ISC"]), Some(Action::Allow));
    }

    #[test]
    fn every_license_of_the_table_is_on_the_list_and_in_one_category() {
        let text = include_str!("../../../content/licenses/categories.toml");
        let table: BTreeMap<String, Vec<String>> = toml::from_str(text).expect("a table");
        let mut seen = std::collections::BTreeSet::new();
        for (category, licenses) in &table {
            assert!(CATEGORIES.contains(&category.as_str()), "{category}");
            for license in licenses {
                let expression = spdx::Expression::parse(license);
                assert!(expression.is_ok(), "{license}");
                let of = License::of(license).map(|it| it.as_str().to_owned());
                assert_eq!(of.as_ref(), Some(license), "is as SPDX spells it now");
                assert!(seen.insert(license), "{license} stands twice");
            }
        }
        assert_eq!(table.len(), CATEGORIES.len());
    }
}
