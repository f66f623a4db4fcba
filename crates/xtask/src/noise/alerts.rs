//! The guard's alerts about the noise, told apart from those about whatever else the machine does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{PLACE, image};

/// A row for each rule and program.
pub(super) fn list(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows: BTreeMap<(String, String, String), (u64, String)> = BTreeMap::new();
    let mut others = 0;
    for line in text.lines() {
        let alert: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if !is_of_noise(&alert) {
            others += 1;
            continue;
        }
        let place = alert["container"]["name"].as_str().unwrap_or("host");
        let program = alert["process"]["executable"].as_str().unwrap_or_default();
        let key = (text_of(&alert["rule"]), place.to_owned(), program.to_owned());
        rows.entry(key).or_insert_with(|| (0, text_of(&alert["message"]))).0 += 1;
    }
    println!("| alerts | rule | where | program | the first |\n|---|---|---|---|---|");
    for ((rule, place, program), (count, message)) in &rows {
        println!("| {count} | {rule} | {place} | `{program}` | {} |", message.replace('|', "\\|"));
    }
    let told: u64 = rows.values().map(|(count, _)| count).sum();
    println!("\n{told} alerts about the noise, {others} about what else this machine did");
    Ok(())
}

fn is_of_noise(alert: &Value) -> bool {
    let container = &alert["container"];
    if container.is_object() {
        let is_noise = |value: &Value| value.as_str().is_some_and(|it| it.starts_with("noise-"));
        return container["image"] == image::NAME || is_noise(&container["name"]);
    }
    let ancestors = alert["ancestors"].as_array().into_iter().flatten();
    let mut words = ancestors.filter_map(|it| it["arguments"].as_array()).flatten();
    words.any(|word| word.as_str().is_some_and(|word| word.starts_with(PLACE)))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
