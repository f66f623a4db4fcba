//! HTML: one page that needs nothing else, for people who were not at the terminal.
//!
//! The frame is a template of ours, filled and escaped here; charts are drawn here as SVG, so that
//! they stand without scripts. Rows come as JSON and are made by `page.js` when they are looked at,
//! so that thousands of them load at once. A content security policy allows this page's own style
//! and script, by digest, and nothing else: no request leaves it.

mod chart;
mod rows;
mod verdict;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use model::{Decision, Eol, Severity};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::chart::{Counts, bar, donut, share};
use crate::fault::{self, Fault, Kind};
use crate::text::{printable, shortened, size};
use crate::{DataSource, Report};

const FRAME: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// Every word of the interface, in English and Chinese.
const WORDS: &str = include_str!("html/words.json");

/// Upgrades that the page names, and bars of the layer chart; the rest is in the table.
const UPGRADES_SHOWN: usize = 8;
const LAYERS_CHARTED: usize = 10;
/// Problems that are spelled out; a hostile image can make a million.
const PROBLEMS_SHOWN: usize = 200;
/// A build step that is a script of its own is cut.
const COMMAND_MAX: usize = 600;

/// The report as a page.
pub fn render(report: &Report) -> String {
    let words: BTreeMap<String, [String; 2]> =
        serde_json::from_str(WORDS).expect("a test reads the words");
    let mut environment = Environment::new();
    let english: BTreeMap<String, String> =
        words.iter().map(|(key, [english, _])| (key.clone(), english.clone())).collect();
    environment.add_function("word", move |key: &str| labelled(key, &english));
    environment
        .add_template("page.html", FRAME)
        .and_then(|()| environment.get_template("page.html")?.render(page(report, &words)))
        .expect("the frame is ours, and a test fills it")
}

/// A word that the language switch finds again.
fn labelled(key: &str, english: &BTreeMap<String, String>) -> Value {
    let said = english.get(key).map_or(key, String::as_str);
    Value::from_safe_string(format!("<span data-word=\"{key}\">{said}</span>"))
}

fn page(report: &Report, words: &BTreeMap<String, [String; 2]>) -> Value {
    let faults = fault::faults(report);
    let safe = |text: String| Value::from_safe_string(text);
    let total = Counts::of(faults.iter());
    let exploited = report.findings.iter().filter(|finding| finding.kev.is_some()).count();
    let layers = layers(report, &faults);
    let mut charted: Vec<&Layer> = layers.iter().filter(|layer| layer.count > 0).collect();
    charted.sort_by_key(|layer| (std::cmp::Reverse(layer.count), layer.index));
    charted.truncate(LAYERS_CHARTED);
    charted.sort_by_key(|layer| layer.index);
    let facts = facts(report);
    context! {
        policy => policy(),
        style => safe(STYLE.to_owned()),
        script => safe(SCRIPT.to_owned()),
        json => safe(inert(&rows::data(report, &faults, words))),
        cards => Serde(cards(report, &faults)),
        severities => Serde(total.severities()),
        donut => safe(donut(&total)),
        fixable => report.fixable(),
        unfixed => report.findings.len().saturating_sub(report.fixable()),
        exploited => exploited,
        fixable_share => percent(report.fixable(), report.findings.len()),
        fixable_bar => safe(share(report.fixable(), report.findings.len())),
        layers_shown => Serde(&charted),
        layers => Serde(&layers),
        left_out => fault::all_left_out(report),
        incomplete => report.is_incomplete(),
        clean => is_clean(report, total.sum()),
        upgrades => upgrades(report),
        silenced => silenced(report),
        verdict => verdict::verdict(report),
        problems => problems(report),
        problems_count => report.problems.len(),
        data => report.data.iter().map(source).collect::<Vec<_>>(),
        version => env!("CARGO_PKG_VERSION"),
        ..facts
    }
}

/// What is known of the artifact itself.
fn facts(report: &Report) -> Value {
    let artifact = &report.artifact;
    let plain = |os: &model::Os| format!("{} {}", os.family, os.version).trim_end().to_owned();
    let system = report.inventory.os.as_ref();
    let system = system.map(|os| os.pretty_name.clone().unwrap_or_else(|| plain(os)));
    let (eol_word, eol_class, eol_date) = match &report.eol {
        Eol::Ended(date) => ("eol.ended", "warning", date.as_str()),
        Eol::Ends(date) => ("eol.ends", "muted", date.as_str()),
        Eol::Unknown => ("", "", ""),
    };
    context! {
        name => printable(&artifact.name).into_owned(),
        source => artifact.kind.name(),
        digest => artifact.digest.as_ref().map(ToString::to_string),
        platform => artifact.platform.as_ref().map(|it| printable(&it.to_string()).into_owned()),
        system => system.map(|name| printable(&name).into_owned()),
        eol_word, eol_class, eol_date,
        packages => report.inventory.packages.len(),
        now => report.now.as_str(),
        now_shown => report.now.replace('T', " ").replace('Z', " UTC"),
    }
}

/// What the page may do: its own style and script, and nothing else.
fn policy() -> String {
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// JSON that cannot end its element or open another.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[derive(Serialize)]
struct Card {
    kind: &'static str,
    /// Whether the check ran; what it found is shown all the same.
    checked: bool,
    count: usize,
    bar: Value,
    counts: Vec<chart::Share>,
}

fn cards(report: &Report, faults: &[Fault<'_>]) -> Vec<Card> {
    let card = |kind: Kind| {
        let counts = Counts::of(faults.iter().filter(|fault| fault.kind == kind));
        let ran = report.checks.iter().any(|check| check == kind.check());
        Card {
            kind: kind.name(),
            checked: ran || counts.sum() > 0,
            count: counts.sum(),
            bar: Value::from_safe_string(bar(&counts, counts.sum())),
            counts: counts.present(),
        }
    };
    [Kind::Vulnerability, Kind::Malware, Kind::Secret, Kind::Misconfiguration].map(card).into()
}

#[derive(Serialize)]
struct Layer {
    index: u32,
    created_by: String,
    size: String,
    packages: usize,
    count: usize,
    bar: Value,
    counts: Vec<chart::Share>,
}

fn layers(report: &Report, faults: &[Fault<'_>]) -> Vec<Layer> {
    if !report.artifact.kind.has_layers() {
        return Vec::new();
    }
    let mut of_layer = BTreeMap::<u32, Vec<&Fault<'_>>>::new();
    for fault in faults {
        fault.layer.into_iter().for_each(|layer| of_layer.entry(layer).or_default().push(fault));
    }
    let mut packages = BTreeMap::<u32, usize>::new();
    for layer in report.inventory.packages.iter().filter_map(|package| package.location.layer) {
        *packages.entry(layer).or_default() += 1;
    }
    let most = of_layer.values().map(Vec::len).max().unwrap_or_default();
    let layer = |layer: &model::Layer| {
        let counts = Counts::of(of_layer.get(&layer.index).into_iter().flatten().copied());
        Layer {
            index: layer.index,
            created_by: shortened(&printable(&layer.created_by), COMMAND_MAX).into_owned(),
            size: layer.size_bytes.map(size).unwrap_or_default(),
            packages: packages.get(&layer.index).copied().unwrap_or_default(),
            count: counts.sum(),
            bar: Value::from_safe_string(bar(&counts, most)),
            counts: counts.present(),
        }
    };
    report.artifact.layers.iter().map(layer).collect()
}

fn upgrades(report: &Report) -> Vec<Value> {
    let mut sorted: Vec<_> = report.upgrades.iter().collect();
    sorted.sort_by_key(|upgrade| std::cmp::Reverse(upgrade.fixes.len()));
    let most = sorted.first().map_or(0, |upgrade| upgrade.fixes.len());
    let shown = sorted.into_iter().take(UPGRADES_SHOWN).map(|upgrade| {
        context! {
            package => printable(&upgrade.package).into_owned(),
            to => printable(&upgrade.to).into_owned(),
            fixes => upgrade.fixes.len(),
            bar => Value::from_safe_string(chart::plain(upgrade.fixes.len(), most)),
        }
    });
    shown.collect()
}

fn silenced(report: &Report) -> Vec<Value> {
    let row = |fault: &Fault<'_>| {
        let by = fault.silenced;
        let text = |text: Option<&str>| printable(text.unwrap_or_default()).into_owned();
        context! {
            severity => fault.severity.name(),
            id => printable(fault.rule).into_owned(),
            subject => printable(&fault.subject).into_owned(),
            reason => text(by.map(|it| it.reason)),
            source => text(by.map(|it| it.source)),
            owner => text(by.map(|it| it.owner)),
            by => by.map(|it| it.by.name()),
            expires => by.and_then(|it| it.expires),
        }
    };
    fault::silenced(report).iter().map(row).collect()
}

fn problems(report: &Report) -> Vec<Value> {
    let problem = |it: &model::Problem| {
        context! {
            kind => it.kind.name(),
            text => printable(&it.to_string()).into_owned(),
            incomplete => it.kind.makes_incomplete(),
        }
    };
    report.problems.iter().take(PROBLEMS_SHOWN).map(problem).collect()
}

fn source(it: &DataSource) -> Value {
    let time = it.modified.as_ref().unwrap_or(&it.built_at);
    context! {
        stream => printable(&it.stream).into_owned(),
        source => printable(&it.source).into_owned(),
        date => printable(time.get(..10).unwrap_or(time)).into_owned(),
        license => printable(&it.license).into_owned(),
    }
}

/// Whether nothing found means that nothing is wrong, as far as anybody knows: not if something was
/// not read, not shown or told apart, nor if there was nothing to look vulnerabilities up for, nor
/// if a policy says otherwise.
fn is_clean(report: &Report, total: usize) -> bool {
    let looked_up = report.checks.iter().any(|check| check == "vuln");
    let had_nothing = looked_up && report.inventory.packages.is_empty();
    let may_pass = report.verdict.as_ref().is_none_or(|it| it.decision == Decision::Allow);
    let is_all =
        fault::all_left_out(report) == 0 && report.told_apart() == 0 && !report.is_incomplete();
    total == 0 && is_all && !had_nothing && may_pass
}

fn percent(part: usize, whole: usize) -> String {
    (part * 100).checked_div(whole).map_or_else(|| "–".to_owned(), |share| format!("{share}%"))
}

/// The number that `page.js` orders severities by.
fn rank(severity: Severity) -> usize {
    Severity::ALL.iter().rev().position(|it| *it == severity).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word that only one side knows would be shown as its key, or never.
    #[test]
    fn every_word_is_there_in_both_languages_and_used() {
        let words: BTreeMap<String, [String; 2]> = serde_json::from_str(WORDS).unwrap();
        for (key, said) in &words {
            assert!(said.iter().all(|it| !it.is_empty()), "{key}");
            let stem = key.rsplit_once('.').map_or("", |(stem, _)| stem);
            let made = [format!("\"{stem}.\" ~"), format!("`{stem}.${{")];
            let named = [format!("\"{key}\""), format!("\\\"{key}\\\"")];
            let source = [FRAME, SCRIPT, include_str!("html.rs"), include_str!("html/chart.rs")];
            let is_used = |it: &String| source.iter().any(|text| text.contains(it));
            assert!(named.iter().chain(&made).any(is_used), "`{key}` is used nowhere");
        }
        let calls = FRAME.split("word(\"").skip(1).filter_map(|it| it.split('"').next());
        let calls =
            calls.chain(SCRIPT.split("word(\"").skip(1).filter_map(|it| it.split('"').next()));
        for key in calls.filter(|key| !key.ends_with('.')) {
            assert!(words.contains_key(key), "`{key}` is no word");
        }
    }
}
