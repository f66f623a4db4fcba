//! Credential helpers: programs named `docker-credential-NAME` that keep logins elsewhere.
//!
//! The protocol (docker-credential-helpers): `docker-credential-NAME get` reads a server's name on
//! standard input and writes `{"ServerURL", "Username", "Secret"}`. It must never be waited for
//! without end, nor believed to be brief.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::credentials::Credential;
use crate::http::Secret;
use crate::{Environment, Stop};

/// Helpers ask a cloud's token service at worst; a desktop keychain may ask the user.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Tokens are a few KiB.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;
/// The user name by which a helper says that the secret is an identity token.
const IDENTITY_USER: &str = "<token>";
/// How long its output may trail behind its end.
const AFTERWARDS: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// Asks the helper `name` for the login at `server`; None if it has none.
pub(super) fn get(
    name: &str,
    server: &str,
    environment: &Environment,
    stop: &Stop,
) -> Result<Option<Credential>, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err("the name of a credential helper is not a plain word".to_owned());
    }
    let program = format!("docker-credential-{name}");
    let (succeeded, output) = run(&program, server, environment, stop)
        .map_err(|why| format!("credential helper `{program}` failed: {why}"))?;
    if !succeeded {
        // Helpers have no code for "nothing here", only this text on standard output.
        let text = String::from_utf8_lossy(&output).to_ascii_lowercase();
        if text.contains("not found") || text.contains("no credentials") {
            return Ok(None);
        }
        return Err(format!("credential helper `{program}` failed"));
    }
    // The error could show a part of the secret.
    let Ok(answer) = serde_json::from_slice::<Answer>(&output) else {
        return Err(format!("credential helper `{program}` did not answer in JSON"));
    };
    if answer.secret.is_empty() {
        return Ok(None);
    }
    let secret = Secret::new(answer.secret);
    if answer.username == IDENTITY_USER {
        return Ok(Some(Credential::Identity(secret)));
    }
    Ok(Some(Credential::Password { user: answer.username, password: secret }))
}

/// Runs the helper within its limits. Returns whether it succeeded, and its output.
fn run(
    program: &str,
    server: &str,
    environment: &Environment,
    stop: &Stop,
) -> Result<(bool, Vec<u8>), String> {
    let mut child = Command::new(locate(program, environment))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| why.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input will say so by its answer.
        let _ignored = input.write_all(server.as_bytes());
    }
    let (sender, output) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes).map(|_| bytes);
            // Nobody listens any more if the helper took too long.
            let _ignored = sender.send(read);
        });
    }
    let succeeded = wait(&mut child, stop)?;
    // A process that the helper left behind may hold its output open.
    match output.recv_timeout(AFTERWARDS) {
        Ok(Ok(bytes)) => Ok((succeeded, bytes)),
        _ => Err("its output could not be read".to_owned()),
    }
}

/// Where the program is according to `$PATH`; its bare name if it is nowhere, for the error.
fn locate(program: &str, environment: &Environment) -> PathBuf {
    let directories = environment.get("PATH").unwrap_or_default().split(':');
    let mut candidates =
        directories.filter(|dir| !dir.is_empty()).map(|dir| Path::new(dir).join(program));
    candidates.find(|candidate| candidate.is_file()).unwrap_or_else(|| PathBuf::from(program))
}

/// Waits for the end of the helper, and brings it about where it does not come.
fn wait(child: &mut Child, stop: &Stop) -> Result<bool, String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|why| why.to_string())? {
            return Ok(status.success());
        }
        let late = begun.elapsed() > TIME_MAX;
        if late || stop.check().is_err() {
            let _ignored = child.kill();
            let _ignored = child.wait();
            let waited = TIME_MAX.as_secs();
            return Err(if late {
                format!("no answer within {waited} s")
            } else {
                "interrupted".into()
            });
        }
        thread::sleep(POLL);
    }
}
