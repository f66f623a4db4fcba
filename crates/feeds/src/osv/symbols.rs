//! The vulnerable functions that Go's vulnerability database names (go.dev/doc/security/vuln/database,
//! `ecosystem_specific.imports`), and on what they are vulnerable.
//!
//! Where one of the packages is named without functions, all of it is vulnerable: then nothing can
//! be told by what a program links. One without `goos` and `goarch` is vulnerable everywhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::record::AffectedPackage;

/// Functions of one record that are kept; beyond that they are as good as unknown, and the
/// statement holds for every program. The longest record so far names some 1 300.
const SYMBOLS_MAX: usize = 8_192;

/// Every operating system, every architecture.
const ANY: &str = "*";
const EVERYWHERE: &str = "*/*";
/// Platforms of one record that are kept; the longest list so far has twelve.
const PLATFORMS_MAX: usize = 256;

/// Each as `package name`, sorted; empty if the record does not tell.
pub(super) fn of(affected: &AffectedPackage<'_>) -> Vec<String> {
    let imports = affected.ecosystem_specific.imports.as_array();
    let mut all = Vec::new();
    for import in imports.into_iter().flatten() {
        let path = import.get("path").and_then(Value::as_str).unwrap_or_default();
        let symbols = import.get("symbols").and_then(Value::as_array);
        let named = symbols.into_iter().flatten().filter_map(Value::as_str);
        let before = all.len();
        all.extend(named.map(|symbol| format!("{path} {symbol}")));
        if all.len() == before || all.len() > SYMBOLS_MAX || path.is_empty() {
            return Vec::new();
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Each as `windows/*`, sorted; empty if the record means all.
pub(super) fn platforms(affected: &AffectedPackage<'_>) -> Vec<String> {
    let imports = affected.ecosystem_specific.imports.as_array();
    let mut all = BTreeSet::new();
    for import in imports.into_iter().flatten() {
        let named = |key: &str| -> Vec<&str> {
            let list = import.get(key).and_then(Value::as_array).into_iter().flatten();
            let named: Vec<&str> = list.filter_map(Value::as_str).collect();
            if named.is_empty() { vec![ANY] } else { named }
        };
        let architectures = named("goarch");
        for os in named("goos") {
            let on = architectures.iter().map(|architecture| format!("{os}/{architecture}"));
            all.extend(on.take(PLATFORMS_MAX));
            if all.len() >= PLATFORMS_MAX {
                return Vec::new();
            }
        }
    }
    if all.contains(EVERYWHERE) { Vec::new() } else { all.into_iter().collect() }
}
