//! How long a verdict takes: 500 findings under 20 rules, and one that was given before.
//!
//! `cargo bench -p policy`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use model::{
    Artifact, ArtifactKind, Cvss, Eol, Finding, ImageConfig, Inventory, Package, PackageKind,
    Severity, Status,
};
use policy::{Facts, Policy, VerdictCache, VerdictKey};

const FINDINGS: usize = 500;
const RUNS: usize = 2000;
const REPEATED: u32 = 1_000_000;
const TODAY: Date = Date::constant(2026, 1, 1);

/// Ten rules as people write them, each twice.
const CONDITIONS: [&str; 10] = [
    "finding.severity >= critical && finding.fixable",
    "finding.severity >= high && finding.fix_age_days > 30",
    "finding.kev",
    "finding.epss != null && finding.epss > 0.5",
    "finding.cvss >= 9.0 && finding.package.is_os",
    "finding.package.name.matches('^lib.*ssl.*$') && finding.severity >= medium",
    "finding.aliases.exists(id, id.startsWith('GHSA-')) && !finding.fixable",
    "finding.path.glob('usr/lib/**') && finding.status in ['will_not_fix', 'fix_deferred']",
    "'CWE-79' in finding.cwes || finding.published < date('2020-01-01')",
    "image.labels['team'] == 'shop' && finding.severity >= high && finding.in_base == null",
];

fn main() {
    let policy = Policy::parse(&file(), "bench").expect("a policy");
    let artifact = artifact();
    let (eol, inventory) = (Eol::Unknown, Inventory::default());
    let findings: Vec<Finding> = (0..FINDINGS).map(finding).collect();
    let checks = ["vuln".to_owned()];
    let facts = Facts {
        artifact: &artifact,
        inventory: &inventory,
        eol: &eol,
        findings: &findings,
        problems: &[],
        checks: &checks,
        base: None,
    };
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            black_box(policy.judge(black_box(facts), TODAY));
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let verdict = policy.judge(facts, TODAY);
    let hits: usize = verdict.reasons.iter().map(|reason| reason.hits.len()).sum();
    let at = |share: usize| times[(RUNS * share / 100).min(RUNS - 1)].as_secs_f64() * 1e3;
    println!("{FINDINGS} findings, 20 rules, {hits} hits, {RUNS} verdicts");
    println!("median {:.2} ms, p99 {:.2} ms", at(50), at(99));
    repeated(&policy, verdict);
}

fn repeated(policy: &Policy, verdict: model::Verdict) {
    let key = |image: u8| VerdictKey {
        result: u128::from(image),
        name: "registry.example.com/team/shop:1".to_owned(),
        policy: policy.version(),
        today: TODAY,
    };
    let mut cache = VerdictCache::new(1000);
    let verdict = Arc::new(verdict);
    (0..=u8::MAX).for_each(|image| cache.put(key(image), Arc::clone(&verdict)));
    let keys: Vec<VerdictKey> = (0..=u8::MAX).map(key).collect();
    let begun = Instant::now();
    let mut found = 0u32;
    for key in keys.iter().cycle().take(REPEATED as usize) {
        found += u32::from(black_box(cache.get(black_box(key))).is_some());
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "given before: {:.1} million a second, {found} found",
        f64::from(REPEATED) / seconds / 1e6
    );
}

fn file() -> String {
    let rules = CONDITIONS.iter().chain(&CONDITIONS).enumerate().map(|(position, condition)| {
        format!("  - {{id: r{position}, on: finding, action: deny, when: \"{condition}\"}}\n")
    });
    format!("version: 1\nrules:\n{}", rules.collect::<String>())
}

fn artifact() -> Artifact {
    let labels = [("team".to_owned(), "shop".to_owned())].into();
    Artifact {
        name: "example.com/shop:1".to_owned(),
        kind: ArtifactKind::Registry,
        references: Vec::new(),
        digest: None,
        manifest_digest: None,
        platform: None,
        size_bytes: None,
        created: None,
        config: Some(ImageConfig { labels, ..ImageConfig::default() }),
        layers: Vec::new(),
    }
}

fn finding(number: usize) -> Finding {
    let severity = Severity::ALL[number % 5];
    let mut package = Package::new(PackageKind::Deb, &format!("libpackage{number}"), "1.2.3-4");
    package.location.path = "var/lib/dpkg/status".to_owned();
    Finding {
        id: format!("CVE-2024-{number}"),
        aliases: vec![format!("GHSA-{number}")],
        package,
        status: if number.is_multiple_of(2) { Status::Fixed } else { Status::Affected },
        fixed_version: (number.is_multiple_of(2)).then(|| "1.2.3-5".to_owned()),
        severity,
        severity_source: "nvd".to_owned(),
        opinions: Vec::new(),
        cvss: vec![Cvss {
            source: "nvd".to_owned(),
            version: "3.1".to_owned(),
            vector: String::new(),
            score: 7.5,
        }],
        epss: Some((0.1, 0.5)),
        kev: (number.is_multiple_of(50)).then(|| "2024-05-01".to_owned()),
        cwes: vec!["CWE-416".to_owned(), "CWE-787".to_owned()],
        title: String::new(),
        description: String::new(),
        references: Vec::new(),
        published: Some("2024-04-01T00:00:00Z".to_owned()),
        modified: None,
        evidence: Vec::new(),
    }
}
