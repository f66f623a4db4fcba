//! The vulnerable functions that Go's vulnerability database names (go.dev/doc/security/vuln/database,
//! `ecosystem_specific.imports`).
//!
//! Where one of the packages is named without functions, all of it is vulnerable: then nothing can
//! be told by what a program links.

use serde_json::Value;

use super::record::AffectedPackage;

/// Functions of one record that are kept; beyond that they are as good as unknown, and the
/// statement holds for every program. The longest record so far names some 1 300.
const SYMBOLS_MAX: usize = 8_192;

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
