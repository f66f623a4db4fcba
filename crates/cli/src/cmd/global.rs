//! Options that every verb takes, before or after it, and what they come to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use advisories::{PublicKey, Store};
use artifact::{Environment, Stop};
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use document::table::Look;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::progress;
use crate::quantity::{parse_duration, parse_size};

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArguments {
    /// Folder of the advisory segments [default: the cache folder's `db`]
    #[arg(long, global = true, value_name = "DIR", env = "LAZARET_DB", hide_env_values = true)]
    db: Option<PathBuf>,
    /// Fetch ready segments from this mirror: the URL of a folder of static files, or
    /// oci://HOST/REPOSITORY:TAG
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LAZARET_DB_URL",
        hide_env_values = true,
        value_parser = parse_db_url
    )]
    db_url: Option<String>,
    /// Fetch raw feeds from this mirror instead of their publishers
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "LAZARET_FEED_MIRROR",
        hide_env_values = true,
        value_parser = parse_url
    )]
    feed_mirror: Option<String>,
    /// Fetch a source from another URL, in which {stream} stands for the stream (repeatable; several
    /// URLs of one source are fetched together)
    #[arg(long, global = true, value_name = "SOURCE=URL", value_parser = parse_feed_url)]
    feed_url: Vec<(String, String)>,
    /// Accept only mirrors and bundles signed by this public key (repeatable)
    #[arg(long, global = true, value_name = "FILE")]
    db_key: Vec<PathBuf>,
    /// Trust the certificates in this PEM file too (repeatable)
    #[arg(long, global = true, value_name = "FILE")]
    ca_cert: Vec<PathBuf>,
    /// Use plain HTTP, or do not check the certificate, for this registry (repeatable)
    #[arg(long, global = true, value_name = "HOST[:PORT]")]
    insecure_registry: Vec<String>,
    /// Refresh advisories that are older than this when a scan needs them
    #[arg(long, global = true, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    max_age: Duration,
    /// Use no network at all
    #[arg(long, global = true, env = "LAZARET_OFFLINE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    offline: bool,
    /// Folder for what can be computed again [default: $XDG_CACHE_HOME/lazaret or ~/.cache/lazaret]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "LAZARET_CACHE_DIR",
        hide_env_values = true
    )]
    cache_dir: Option<PathBuf>,
    /// Keep at most this much of layers that were read before; what was not used for longest goes
    #[arg(long, global = true, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    cache_limit: u64,
    /// Layers or feeds to work on at the same time; a layer keeps two threads busy [default: the
    /// number of processors, 8 at most]
    #[arg(long, global = true, value_name = "N", value_parser = parse_jobs)]
    jobs: Option<NonZeroUsize>,
    /// The day by which exceptions end and rules come into force [default: today, in UTC]
    #[arg(long, global = true, value_name = "YYYY-MM-DD")]
    today: Option<Date>,
    /// Show no progress
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Whether to color the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The options, decided: nothing here means "default" any more.
#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) store: Store,
    pub(crate) cache_dir: PathBuf,
    pub(crate) cache_limit: u64,
    pub(crate) offline: bool,
    pub(crate) db_keys: Vec<PublicKey>,
    ca_certs: Vec<PathBuf>,
    insecure_registries: Vec<String>,
    db_url: Option<String>,
    feed_mirror: Option<String>,
    feed_urls: BTreeMap<String, Vec<String>>,
    max_age: Duration,
    pub(crate) jobs: NonZeroUsize,
    pub(crate) show_progress: bool,
    quiet: bool,
    /// How a table looks on stdout.
    look: Look,
    always_color: bool,
    pub(crate) now: Timestamp,
    /// Not that of `now`, which whoever repeats a build may set: a policy has to hold today.
    pub(crate) today: Date,
    pub(crate) calendar: Calendar,
    /// The options that lead to advisories and the cache, for another process of this program.
    pub(crate) words: Vec<OsString>,
}

/// What a verb keeps or reads in the folder for cached data.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needs {
    Nothing,
    /// They may be elsewhere.
    Advisories,
    /// Layers, which cost only time if they are not kept, and nothing else.
    Layers,
    /// Layers as well as advisories.
    LayersAndAdvisories,
    /// What the verb is about.
    All,
}

/// Which day it is for policies: the one that the user said, or that of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar(Option<Date>);

impl Calendar {
    /// The time of the clock, or the beginning of the day that the user said.
    pub(crate) fn now(self) -> Timestamp {
        let begun = self.0.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        begun.map_or_else(Timestamp::now, |begun| begun.timestamp())
    }

    pub(crate) fn today(self) -> Date {
        self.0.unwrap_or_else(|| Timestamp::now().to_zoned(TimeZone::UTC).date())
    }
}

impl GlobalArguments {
    /// Whoever needs no folder for cached data does without one.
    pub(crate) fn settle(self, needs: Needs) -> Result<Global, UserError> {
        let words = self.words();
        let can_do_without = match needs {
            Needs::Nothing | Needs::Layers => true,
            Needs::Advisories | Needs::LayersAndAdvisories => self.db.is_some(),
            Needs::All => false,
        };
        let nowhere = || can_do_without.then(PathBuf::new);
        let found = self.cache_dir.or_else(environment::cache_dir).or_else(nowhere);
        let cache_dir = found.ok_or_else(|| {
            UserError::new(
                ExitCode::Usage,
                "no folder for cached data: neither HOME nor XDG_CACHE_HOME is set",
            )
            .hint(Some(match needs {
                Needs::All => "name one with --cache-dir",
                _ => "name one with --cache-dir, or one for advisories alone with --db",
            }))
        })?;
        let keeps_layers = matches!(needs, Needs::Layers | Needs::LayersAndAdvisories);
        if keeps_layers && cache_dir.as_os_str().is_empty() {
            output::note(
                "layers are not kept for the next time: neither HOME nor XDG_CACHE_HOME is set, and no \
                 --cache-dir is named",
            );
        }
        let color = match self.color {
            Color::Auto => environment::color_on_stdout(),
            Color::Always => true,
            Color::Never => false,
        };
        let db_keys: Result<_, _> = self.db_key.iter().map(|path| PublicKey::read(path)).collect();
        let db_keys = db_keys.map_err(|error| UserError::from_chain(ExitCode::Usage, &error))?;
        let mut feed_urls: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (source, url) in self.feed_url {
            feed_urls.entry(source).or_default().push(url);
        }
        Ok(Global {
            store: Store::open(self.db.unwrap_or_else(|| cache_dir.join("db"))),
            cache_dir,
            cache_limit: self.cache_limit,
            offline: self.offline,
            db_keys,
            ca_certs: self.ca_cert,
            insecure_registries: self.insecure_registry,
            db_url: self.db_url.filter(|url| !url.is_empty()),
            feed_mirror: self.feed_mirror.filter(|url| !url.is_empty()),
            feed_urls,
            max_age: self.max_age,
            jobs: self.jobs.unwrap_or_else(environment::jobs),
            show_progress: !self.quiet && environment::progress_on_stderr(),
            quiet: self.quiet,
            look: Look { color, width: environment::width_of_stdout() },
            always_color: matches!(self.color, Color::Always),
            now: environment::now()?,
            today: Calendar(self.today).today(),
            calendar: Calendar(self.today),
            words,
        })
    }

    /// Wherever that one is begun.
    fn words(&self) -> Vec<OsString> {
        let path = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let cache = self.cache_dir.clone().or_else(environment::cache_dir);
        let paths = cache.iter().map(|it| ("--cache-dir", path(it)));
        let paths = paths.chain(self.db.iter().map(|it| ("--db", path(it))));
        let paths = paths.chain(self.db_key.iter().map(|it| ("--db-key", path(it))));
        let paths = paths.chain(self.ca_cert.iter().map(|it| ("--ca-cert", path(it))));
        let texts = self.db_url.iter().map(|it| ("--db-url", it.clone()));
        let texts = texts.chain(self.feed_mirror.iter().map(|it| ("--feed-mirror", it.clone())));
        let urls = self.feed_url.iter().map(|(source, url)| format!("{source}={url}"));
        let texts = texts.chain(urls.map(|it| ("--feed-url", it)));
        let texts = texts.chain(self.jobs.iter().map(|it| ("--jobs", it.to_string())));
        let texts = texts.chain(self.today.iter().map(|it| ("--today", it.to_string())));
        let texts = texts.chain([
            ("--max-age", self.max_age.as_secs().to_string()),
            ("--cache-limit", self.cache_limit.to_string()),
        ]);
        let mut words: Vec<OsString> = Vec::new();
        paths.for_each(|(name, path)| words.extend([name.into(), path.into_os_string()]));
        texts.for_each(|(name, text)| words.extend([name.into(), text.into()]));
        words.extend(self.offline.then(|| "--offline".into()));
        words
    }
}

impl Global {
    /// Where what was read of layers is kept; None without a folder for it.
    pub(crate) fn layers_dir(&self) -> Option<PathBuf> {
        (!self.cache_dir.as_os_str().is_empty()).then(|| self.cache_dir.clone())
    }

    /// How a table is to look that goes to a file, or to stdout without one.
    pub(crate) fn look(&self, output: Option<&Path>) -> Look {
        match output {
            Some(_) => Look { color: self.always_color, width: None },
            None => self.look,
        }
    }

    /// Whether nothing is to be said but what was asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How to talk to registries.
    pub(crate) fn registries(&self, stop: &Stop) -> artifact::Options {
        let mut options = artifact::Options {
            jobs: self.jobs,
            offline: self.offline,
            environment: Environment::of_process(),
            stop: stop.clone(),
            ..artifact::Options::default()
        };
        options.registry.insecure.clone_from(&self.insecure_registries);
        options.registry.authorities.clone_from(&self.ca_certs);
        options
    }

    /// How to import and fetch advisories.
    pub(crate) fn feeds(&self, stop: &Stop) -> feeds::Options {
        feeds::Options {
            jobs: self.jobs,
            offline: self.offline,
            feed_mirror: self.feed_mirror.clone(),
            feed_urls: self.feed_urls.clone(),
            db_url: self.db_url.clone(),
            registry: self.registries(stop),
            db_keys: self.db_keys.clone(),
            authorities: self.ca_certs.clone(),
            max_age: self.max_age,
            stop: stop.clone(),
            progress: progress::of_feeds(self.show_progress, self.quiet),
            ..feeds::Options::new(self.now)
        }
    }
}

fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_why| format!("`{text}` is not a number of threads (1 or more)"))
}

/// Where a mirror may be. An empty variable means that there is none.
fn parse_db_url(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with("oci://") || feeds::is_url(text) {
        return Ok(text.to_owned());
    }
    let hint = "`lazaret db import` takes files, bundles and folders";
    Err(format!("it does not begin with https://, http:// or oci://; {hint}"))
}

fn parse_url(text: &str) -> Result<String, String> {
    match text.is_empty() || feeds::is_url(text) {
        true => Ok(text.to_owned()),
        false => Err("it does not begin with https:// or http://".to_owned()),
    }
}

/// `debian-tracker=https://mirror.example/tracker.json`.
fn parse_feed_url(text: &str) -> Result<(String, String), String> {
    let (source, url) = text.split_once('=').ok_or("it has no `=` between source and URL")?;
    if !feeds::ALL.iter().any(|feed| feed.name() == source) {
        let names: Vec<&str> = feeds::ALL.iter().map(|feed| feed.name()).collect();
        return Err(format!("`{source}` is not a source; there are {}", names.join(", ")));
    }
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(format!("`{url}` does not begin with https:// or http://"));
    }
    Ok((source.to_owned(), url.to_owned()))
}
