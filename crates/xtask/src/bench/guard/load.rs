//! The loads: each a name, and a function that makes it for a moment and tells how much was done.

use std::process::Command;

use super::stage::{LOADED, NGINX, REDIS, Stage, said};

/// Seconds that a load runs, where it takes a time; long enough for thousands of requests.
const SECONDS: &str = "1.5";
/// Requests of the others, which take about as long.
const REQUESTS: &str = "60000";

pub(super) struct Load {
    pub(super) name: &'static str,
    /// Done a second.
    pub(super) run: fn(&Stage) -> Result<f64, String>,
}

pub(super) const ALL: &[Load] = &[
    Load { name: "redis GET", run: |stage| redis(stage, "get") },
    Load { name: "redis SET", run: |stage| redis(stage, "set") },
    Load { name: "nginx, `wrk`", run: nginx },
    Load { name: "exec storm", run: |stage| storm(stage, &["exec", SECONDS]) },
    Load { name: "open storm", run: |stage| storm(stage, &["open", SECONDS, "0"]) },
];

fn redis(stage: &Stage, test: &str) -> Result<f64, String> {
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", &stage.address(REDIS)?, "-n", REQUESTS, "-c", "50", "-t", test, "--csv"]);
    let text = said(&mut command)?;
    // "test","rps",… and "GET","61728.39",…
    let row = text.lines().find(|line| line.to_lowercase().starts_with(&format!("\"{test}")));
    let rate = row.and_then(|row| row.split('"').nth(3));
    number(rate.unwrap_or_default(), &text)
}

fn nginx(stage: &Stage) -> Result<f64, String> {
    let url = format!("http://{}/", stage.address(NGINX)?);
    let text = said(Command::new("wrk").args(["-t", "1", "-c", "32", "-d", "2", &url]))?;
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    number(rate.unwrap_or_default().trim(), &text)
}

fn storm(stage: &Stage, words: &[&str]) -> Result<f64, String> {
    let text = said(&mut stage.storm(LOADED, words))?;
    number(&text, &text)
}

fn number(text: &str, all: &str) -> Result<f64, String> {
    text.parse().map_err(|error| format!("no rate ({error}) in: {all}"))
}
