//! What the image was built on: how much of what is wrong came with it, and what a newer one would
//! change. Said only where it is known.

use model::{BaseChange, NewerBase};

use super::{Look, count, line};
use crate::Report;
use crate::text::{printable, wrap};

/// How many vulnerabilities are named; the JSON report has them all.
const SHOWN: usize = 5;

pub(super) fn base(text: &mut String, report: &Report, look: Look) {
    let Some(base) = &report.base else { return };
    let mut say = |said: &str| {
        let width = look.width.map(|width| width.saturating_sub(2));
        line(text, format_args!("  {}", wrap(&printable(said), width)));
    };
    let layers = match base.layers {
        1 => "the lowest layer is its".to_owned(),
        many => format!("the lowest {many} layers are its"),
    };
    let came = report.findings.iter().filter(|it| base.holds(it.package.location.layer)).count();
    let number = count(report.findings.len(), "vulnerability", "vulnerabilities");
    say(&format!("base    {} ({layers}): {came} of {number} came with it", base.name));
    let Some(NewerBase { digest, created, change }) = &base.newer else { return };
    let day = created.get(..10).unwrap_or(created);
    say(&format!("newer   {}@{digest} of {day}", base.name));
    let Some(BaseChange { fixes, brings }) = change else {
        return say("        what it would fix is not known: the advisories at hand do not tell");
    };
    say(&format!("        it would fix {}", named(fixes)));
    if !brings.is_empty() {
        say(&format!("        and bring {}", named(brings)));
    }
}

/// `3 (CVE-2024-1 in openssl, …)`
fn named(all: &[(String, String)]) -> String {
    let mut names: Vec<String> =
        all.iter().take(SHOWN).map(|(id, package)| format!("{id} in {package}")).collect();
    names.extend((all.len() > SHOWN).then(|| "…".to_owned()));
    match names.as_slice() {
        [] => "none".to_owned(),
        names => format!("{} ({})", all.len(), names.join(", ")),
    }
}
