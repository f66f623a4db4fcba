//! `--to FORMAT@SINK`: where alerts go.
//!
//! Each sink has an outbox (`courier`): what it does not take waits, on disk with `--spool`, else in
//! memory. The guard never waits for it. What is lost is counted and said while the guard runs, and at
//! the end. Sinks that somebody else is at have theirs in a helper (`carry`), one each.

mod token;
mod way;

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use artifact::Stop;
use clap::Args;
use confine::Nursery;
use courier::{Carry, Left, Letter, Outbox, Outcome, Place, Reach, Spool, Standing};
use sha2::{Digest, Sha256};

use self::token::{TokenFile, Tokens};
use self::way::Way;
use super::alert::{Alert, Form, Stamp};
use super::{END, carry};
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

impl SinkArguments {
    /// The folders that this process writes to; that of the spool is made.
    pub(super) fn folders(&self) -> Result<Vec<PathBuf>, UserError> {
        let written = self.to.iter().filter_map(|wanted| wanted.place.as_ref()?.file());
        let mut folders: Vec<PathBuf> = written.map(folder_of).collect();
        if let Some(folder) = &self.spool {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| {
                let message = format!("cannot keep alerts in `{}`: {error}", folder.display());
                UserError::new(ExitCode::Output, message)
            })?;
            folders.push(folder.clone());
        }
        Ok(folders)
    }

    /// Files with tokens.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &PathBuf> {
        self.to_token.iter().map(|token| &token.path)
    }

    pub(super) fn spool(&self) -> Option<&PathBuf> {
        self.spool.as_ref()
    }
}

/// Where a file is, or will be.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new(".")).to_owned()
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
    way: Way,
    /// What was said of it last.
    said: Standing,
}

/// What a helper needs, all of it open.
pub(super) struct Prepared {
    pub(super) place: Place,
    pub(super) carry: Carry,
    /// Of its spool.
    pub(super) folder: Option<PathBuf>,
}

/// Opens them all: one that cannot be written to is an error before anything is watched. What others are
/// at is left to helpers.
pub(super) fn open(
    arguments: &SinkArguments,
    color: bool,
    stop: &Stop,
    nursery: &Nursery,
) -> Result<Sinks, UserError> {
    let usual = [Wanted { form: Form::Human, place: None, text: "human@stdout".to_owned() }];
    let wanted = if arguments.to.is_empty() { &usual[..] } else { &arguments.to };
    let hostname = environment::hostname();
    let tokens = Tokens::read(arguments, wanted)?;
    let mut sinks = Vec::new();
    for wanted in wanted {
        let place = wanted.place.as_ref();
        if let Some(place) = place.filter(|place| place.is_in_the_clear()) {
            tokens.keep_from(place)?;
            output::note(&format!("alerts go to {} in the clear", place.name()));
        }
        let way = match place.filter(|place| place.is_elsewhere()) {
            Some(place) => {
                let (words, shows_token) = of_helper(arguments, wanted, place, &tokens)?;
                let is_kept = arguments.spool.is_some();
                Way::There(carry::remote(nursery, place, words, shows_token, is_kept)?)
            }
            None => {
                let carry: Carry = match place {
                    Some(place) => reach(place, wanted.form, arguments, &hostname, &tokens)?,
                    None => {
                        let stop = stop.clone();
                        Box::new(move |letter: &Letter| to_stdout(letter, &stop))
                    }
                };
                let folder = arguments.spool.as_deref().map(|it| it.join(folder_name(wanted)));
                let spool = folder.as_deref().map(open_spool).transpose()?;
                let outbox = Outbox::start(carry, spool);
                Way::Here(outbox.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?)
            }
        };
        let name = place.map_or_else(|| "stdout".to_owned(), Place::name);
        sinks.push(Sink { form: wanted.form, name, way, said: Standing::default() });
    }
    if let Some(folder) = &arguments.spool {
        say_forgotten(folder, wanted);
    }
    Ok(Sinks { sinks, hostname, color })
}

/// In a helper: its only sink, open, with the name of its spool's folder.
pub(super) fn prepare(arguments: &SinkArguments) -> Result<Prepared, UserError> {
    let [wanted] = arguments.to.as_slice() else {
        return Err(UserError::new(ExitCode::Usage, "a helper carries to one sink"));
    };
    let Some(place) = wanted.place.clone() else {
        return Err(UserError::new(ExitCode::Usage, "a helper carries to elsewhere"));
    };
    let tokens = Tokens::read(arguments, &arguments.to)?;
    let carry = reach(&place, wanted.form, arguments, &environment::hostname(), &tokens)?;
    let folder = arguments.spool.as_deref().map(|folder| folder.join(folder_name(wanted)));
    Ok(Prepared { place, carry, folder })
}

/// What a helper for this sink is told, and whether its environment has the token.
fn of_helper(
    arguments: &SinkArguments,
    wanted: &Wanted,
    place: &Place,
    tokens: &Tokens,
) -> Result<(Vec<OsString>, bool), UserError> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path);
        path.map_err(|error| UserError::from_chain(ExitCode::Failed, &error))
    };
    let mut words: Vec<OsString> = vec!["--to".into(), wanted.text.clone().into()];
    for file in &arguments.to_ca {
        words.extend(["--to-ca".into(), absolute(file)?.into()]);
    }
    let host = place.http_host();
    let is_alone = arguments.to_token.len() == 1;
    let is_its = |token: &&TokenFile| match &token.host {
        Some(of) => Some(of.as_str()) == host,
        None => is_alone && host.is_some(),
    };
    for TokenFile { path, .. } in arguments.to_token.iter().filter(is_its) {
        words.extend(["--to-token".into(), absolute(path)?.into()]);
    }
    if let Some(folder) = &arguments.spool {
        words.extend(["--spool".into(), absolute(folder)?.into()]);
    }
    Ok((words, arguments.to_token.is_empty() && tokens.of(place).is_some()))
}

fn reach(
    place: &Place,
    form: Form,
    arguments: &SinkArguments,
    hostname: &str,
    tokens: &Tokens,
) -> Result<Carry, UserError> {
    let (kind, text_type, token) = (form.name(), form.text_type(), tokens.of(place));
    let reach = Reach { hostname, authorities: &arguments.to_ca, token, kind, text_type };
    place.open(reach).map_err(|error| UserError::from_chain(ExitCode::Output, &error))
}

/// The folder of a sink's own: what waits for one is for nobody else.
fn folder_name(wanted: &Wanted) -> String {
    let digest = Sha256::digest(&wanted.text);
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{name}", wanted.form.name())
}

pub(super) fn open_spool(folder: &Path) -> Result<Spool, UserError> {
    Spool::open(folder).map_err(|error| {
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

impl Sinks {
    pub(super) fn tell(&self, alert: &Alert<'_>) {
        let stamp = Stamp { id: alert.id(&self.hostname), hostname: &self.hostname };
        let takes = |sink: &&Sink| alert.change.is_none() || sink.form.tells_changes();
        for sink in self.sinks.iter().filter(takes) {
            let text = sink.form.text(alert, &stamp, self.color);
            let severity = alert.detection.rule.priority as u8;
            sink.way.give(Letter { time: alert.detection.time, severity, text });
        }
    }

    /// The helpers' processes.
    pub(super) fn processes(&self) -> Vec<u32> {
        let processes = self.sinks.iter().map(|sink| sink.way.process());
        processes.filter(|process| *process != 0).collect()
    }

    /// Which helpers ended by themselves since the last call, and how.
    pub(super) fn ends(&self) -> Vec<String> {
        let of_sink = |sink: &Sink| {
            let named = |how| format!("what carries alerts to {} ended: {how}", sink.name);
            sink.way.ends().into_iter().map(named).collect::<Vec<_>>()
        };
        self.sinks.iter().flat_map(of_sink).collect()
    }

    /// Whether all that was told is kept: on disk with a spool.
    pub(super) fn is_settled(&self) -> bool {
        self.sinks.iter().all(|sink| sink.way.is_settled())
    }

    /// Alerts that were lost on their way to where they are kept.
    pub(super) fn dropped(&self) -> u64 {
        self.sinks.iter().map(|sink| sink.way.dropped()).sum()
    }

    pub(super) fn has_room(&self) -> bool {
        self.sinks.iter().all(|sink| sink.way.has_room())
    }

    /// What is to be said since the last call.
    pub(super) fn news(&mut self) -> Vec<String> {
        self.sinks.iter_mut().flat_map(Sink::news).collect()
    }

    /// Gives them time to write what they have; what became of what they did not take.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let deadline = Instant::now() + END;
        let mut untold = Vec::new();
        for Sink { name, way, .. } in self.sinks.drain(..) {
            let Left { lost, kept } =
                way.finish(deadline.saturating_duration_since(Instant::now()));
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
        let Some(now) = self.way.standing() else { return Vec::new() };
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
}
