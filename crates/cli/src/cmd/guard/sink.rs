//! `--to FORMAT@SINK`: where alerts go.
//!
//! Each sink has an outbox (`courier`): what it does not take waits, on disk with `--spool`, else in
//! memory. The guard never waits for it. What is lost is counted and said while the guard runs, and at
//! the end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use artifact::Stop;
use clap::Args;
use courier::{Carry, Left, Letter, Outbox, Outcome, Place, Reach, Spool, Standing, Token};
use sha2::{Digest, Sha256};

use super::END;
use super::alert::{Alert, Form, Stamp};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{environment, output, quantity};

/// As the user writes it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    form: Form,
    /// None is stdout.
    place: Option<Place>,
    text: String,
}

/// `[HOST=]FILE`.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    host: Option<String>,
    path: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct SinkArguments {
    // In an attribute, because a documentation comment takes its brackets for a link.
    #[arg(
        long,
        value_name = "FORMAT@SINK",
        help = "Where alerts go and in which form (repeatable): human, json, falco-json or cef at stdout, \
                file:PATH, https://HOST/PATH, http://HOST/PATH, syslog:, syslog:PATH, syslog:udp://HOST:PORT, \
                syslog:tcp://HOST:PORT or syslog:tls://HOST:PORT [default: human@stdout]"
    )]
    to: Vec<Wanted>,
    /// Believe the authorities in this PEM file too, for https:// and syslog:tls:// (repeatable)
    #[arg(long, value_name = "FILE")]
    to_ca: Vec<PathBuf>,
    #[arg(
        long,
        value_name = "[HOST=]FILE",
        help = "A file with a bearer token, or a whole header, to post with (repeatable, one a host) \
                [env: LAZARET_TO_TOKEN=]"
    )]
    to_token: Vec<TokenFile>,
    /// Keep alerts in this folder until their sink has taken them, 64 MiB a sink
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, place) = text.split_once('@').ok_or("want FORMAT@SINK")?;
        let place = if place == "stdout" { None } else { Some(place.parse()?) };
        Ok(Self { form: form.parse()?, place, text: text.to_owned() })
    }
}

impl FromStr for TokenFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, path) = match text.split_once('=') {
            Some((host, path)) if !host.contains('/') => (Some(host.to_owned()), path),
            _ => (None, text),
        };
        if path.is_empty() {
            return Err("want FILE or HOST=FILE".to_owned());
        }
        Ok(Self { host, path: PathBuf::from(path) })
    }
}

impl SinkArguments {
    /// Whether none is named.
    pub(super) fn is_empty(&self) -> bool {
        self.to.is_empty()
    }
}

pub(super) struct Sinks {
    sinks: Vec<Sink>,
    hostname: String,
    color: bool,
}

struct Sink {
    form: Form,
    name: String,
    outbox: Outbox,
    /// What was said of it last.
    said: Standing,
}

/// Opens them all: one that cannot be written to is an error before anything is watched.
pub(super) fn open(
    arguments: &SinkArguments,
    color: bool,
    stop: &Stop,
) -> Result<Sinks, UserError> {
    let usual = [Wanted { form: Form::Human, place: None, text: "human@stdout".to_owned() }];
    let wanted = if arguments.to.is_empty() { &usual[..] } else { &arguments.to };
    let hostname = environment::hostname();
    let tokens = Tokens::read(arguments, wanted)?;
    let mut sinks = Vec::new();
    for wanted in wanted {
        let carry = carry(wanted, arguments, &hostname, &tokens, stop)?;
        let spool = arguments.spool.as_deref().map(|folder| spool(folder, wanted)).transpose()?;
        let outbox = Outbox::start(carry, spool);
        let outbox = outbox.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        let name = wanted.place.as_ref().map_or_else(|| "stdout".to_owned(), Place::name);
        sinks.push(Sink { form: wanted.form, name, outbox, said: Standing::default() });
    }
    if let Some(folder) = &arguments.spool {
        say_forgotten(folder, wanted);
    }
    Ok(Sinks { sinks, hostname, color })
}

fn carry(
    wanted: &Wanted,
    arguments: &SinkArguments,
    hostname: &str,
    tokens: &Tokens,
    stop: &Stop,
) -> Result<Carry, UserError> {
    let Some(place) = &wanted.place else {
        let stop = stop.clone();
        return Ok(Box::new(move |letter| to_stdout(letter, &stop)));
    };
    let token = tokens.of(place);
    if place.is_in_the_clear() {
        if token.is_some() {
            let message =
                format!("a token for {} can be read by everybody on the way", place.name());
            return Err(UserError::new(ExitCode::Usage, message).hint(Some("use https://")));
        }
        output::note(&format!("alerts go to {} in the clear", place.name()));
    }
    let (kind, text_type) = (wanted.form.name(), wanted.form.text_type());
    let reach = Reach { hostname, authorities: &arguments.to_ca, token, kind, text_type };
    place.open(reach).map_err(|error| UserError::from_chain(ExitCode::Output, &error))
}

/// The folder of a sink's own: what waits for one is for nobody else.
fn folder_name(wanted: &Wanted) -> String {
    let digest = Sha256::digest(&wanted.text);
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{name}", wanted.form.name())
}

fn spool(folder: &Path, wanted: &Wanted) -> Result<Spool, UserError> {
    let folder = folder.join(folder_name(wanted));
    Spool::open(&folder).map_err(|error| {
        let message = format!("cannot keep alerts in `{}`: {error}", folder.display());
        UserError::new(ExitCode::Output, message)
    })
}

/// What waits for a sink that is not there now.
fn say_forgotten(folder: &Path, wanted: &[Wanted]) {
    let used: Vec<String> = wanted.iter().map(folder_name).collect();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_letters = |file: &Path| file.extension().is_some_and(|it| it == "spool");
        let mut files = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
        if !used.contains(&name) && files.any(|file| is_letters(&file.path())) {
            let path = entry.path();
            output::note(&format!(
                "`{}` holds alerts for a sink that is not named",
                path.display()
            ));
        }
    }
}

/// Who is shown what.
struct Tokens {
    of_hosts: Vec<(String, Token)>,
}

impl Tokens {
    fn read(arguments: &SinkArguments, wanted: &[Wanted]) -> Result<Self, UserError> {
        let mut hosts: Vec<&str> =
            wanted.iter().filter_map(|it| it.place.as_ref()?.http_host()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let only = || match hosts.as_slice() {
            [host] => Ok((*host).to_owned()),
            _ => {
                let message = format!("a token is for one host, and alerts go to {}", hosts.len());
                let hint = "name its host: --to-token HOST=FILE";
                Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)))
            }
        };
        let mut of_hosts: Vec<(String, Token)> = Vec::new();
        for TokenFile { host, path } in &arguments.to_token {
            let host = host.clone().map_or_else(only, Ok)?;
            if !hosts.contains(&host.as_str()) {
                let message = format!("no alerts go to `{host}`, for which there is a token");
                return Err(UserError::new(ExitCode::Usage, message));
            }
            if of_hosts.iter().any(|(known, _)| *known == host) {
                let message = format!("there are two tokens for `{host}`");
                return Err(UserError::new(ExitCode::Usage, message).hint(Some("name one a host")));
            }
            let token = Token::read(path).map_err(|error| {
                UserError::new(ExitCode::Failed, format!("cannot use the token in {error}"))
            })?;
            of_hosts.push((host, token));
        }
        if let Some(text) = environment::sink_token().filter(|_| of_hosts.is_empty()) {
            let token = Token::parse(&text).ok_or_else(|| {
                let message = "LAZARET_TO_TOKEN is neither a token nor a header";
                UserError::new(ExitCode::Usage, message)
            })?;
            of_hosts.push((only()?, token));
        }
        Ok(Self { of_hosts })
    }

    fn of(&self, place: &Place) -> Option<Token> {
        let host = place.http_host()?;
        self.of_hosts.iter().find(|(known, _)| known == host).map(|(_, token)| token.clone())
    }
}

impl Sinks {
    pub(super) fn tell(&self, alert: &Alert<'_>) {
        let stamp = Stamp { id: alert.id(&self.hostname), hostname: &self.hostname };
        for sink in &self.sinks {
            let text = sink.form.text(alert, &stamp, self.color);
            let severity = alert.detection.rule.priority as u8;
            sink.outbox.give(Letter { time: alert.detection.time, severity, text });
        }
    }

    /// Whether all that was told is kept: on disk with a spool.
    pub(super) fn is_settled(&self) -> bool {
        self.sinks.iter().all(|sink| sink.outbox.is_settled())
    }

    /// Alerts that were lost on their way to where they are kept.
    pub(super) fn dropped(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.outbox.dropped()).sum()
    }

    pub(super) fn has_room(&self) -> bool {
        self.sinks.iter().all(|sink| sink.outbox.has_room())
    }

    /// What is to be said since the last call.
    pub(super) fn news(&mut self) -> Vec<String> {
        self.sinks.iter_mut().flat_map(Sink::news).collect()
    }

    /// Gives them time to write what they have; what became of what they did not take.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let deadline = Instant::now() + END;
        let mut untold = Vec::new();
        for Sink { name, outbox, .. } in self.sinks.drain(..) {
            let Left { lost, kept } =
                outbox.finish(deadline.saturating_duration_since(Instant::now()));
            if lost > 0 {
                untold.push(format!("{} did not get to {name}", quantity::count(lost, "alert")));
            }
            if kept > 0 {
                untold.push(format!("{} for {name} in the spool", quantity::count(kept, "alert")));
            }
        }
        untold
    }
}

impl Sink {
    fn news(&mut self) -> Vec<String> {
        // A disk that is at work says it the next time.
        let Some(now) = self.outbox.standing() else { return Vec::new() };
        let (name, said) = (&self.name, &self.said);
        let mut news = Vec::new();
        if now.lost > said.lost {
            let count = quantity::count(now.lost - said.lost, "alert");
            let why = now.refusal.as_ref().filter(|_| now.refusal != said.refusal);
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            news.push(format!("{count} did not get to {name}{why}"));
        }
        if now.damaged > said.damaged {
            let count = quantity::count(now.damaged - said.damaged, "place");
            news.push(format!("the spool of {name} is damaged in {count}, which are left out"));
        }
        match (&said.trouble, &now.trouble) {
            (None, Some(why)) => news.push(format!("{name} takes no alerts: {why}")),
            (Some(_), None) => news.push(format!("{name} takes alerts again")),
            _ => {}
        }
        if let (None, Some(why)) = (&said.full, &now.full) {
            news.push(format!("the spool of {name} takes no alerts, they wait in memory: {why}"));
        }
        self.said = now;
        news
    }
}

/// A reader that closed the pipe has what it wanted: the guard ends.
fn to_stdout(letter: &Letter, stop: &Stop) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(letter.text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Outcome::Taken,
        Err(error) => {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                stop.stop();
            }
            Outcome::Later { why: error.to_string(), after: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinks_are_read_or_refused_with_what_there_is() {
        for text in [
            "human@stdout",
            "json@file:/tmp/a",
            "cef@syslog:tls://host:6514",
            "falco-json@http:http://host/path",
        ] {
            assert!(text.parse::<Wanted>().is_ok(), "{text}");
        }
        for text in ["", "json", "xml@stdout", "json@file:", "json@stderr", "json@http:host"] {
            let error = text.parse::<Wanted>().unwrap_err();
            assert!(error.contains("want") || error.contains("no "), "{text}: {error}");
        }
    }

    #[test]
    fn each_sink_has_a_folder_of_its_own() {
        let name = |text: &str| folder_name(&text.parse().unwrap());
        assert_ne!(name("cef@https://a/"), name("cef@https://b/"));
        assert_ne!(name("cef@https://a/"), name("json@https://a/"));
        assert_eq!(name("cef@https://a/"), name("cef@https://a/"));
    }

    #[test]
    fn a_token_is_for_a_host() {
        for (text, host, path) in [
            ("/run/token", None, "/run/token"),
            ("siem.example=/run/token", Some("siem.example"), "/run/token"),
            ("/run/a=b", None, "/run/a=b"),
        ] {
            let token: TokenFile = text.parse().unwrap();
            assert_eq!((token.host.as_deref(), token.path), (host, PathBuf::from(path)), "{text}");
        }
        assert!("host=".parse::<TokenFile>().is_err());
    }
}
