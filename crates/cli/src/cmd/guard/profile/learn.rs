//! `lazaret guard profile learn`: the same as the guard does, of a recording: without privileges.
//!
//! A recording has events and no system calls' counts: profiles that are learnt of it alone have no
//! calls and capabilities.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use detect::printable;
use detect::recording::Reader;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::event::{Act, Event};
use policy::profile::{Learning, Mode, Observer, Profile, Workload};

use super::super::profiles::{PROFILES_MAX, files, name, read, replace};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

/// The folder's profiles, and what happened with them.
struct Lesson {
    folder: PathBuf,
    observer: Observer,
    profiles: BTreeMap<Workload, (PathBuf, Profile, bool)>,
    quiet_days: Option<u32>,
    events: u64,
    told: String,
    deviations: u64,
    left: u64,
}

pub(super) fn run(
    folder: &Path,
    recording: &Path,
    quiet_days: Option<u32>,
) -> Result<ExitCode, UserError> {
    let failed = |path: &Path, error: &std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
            _ => ExitCode::Failed,
        };
        UserError::new(code, format!("cannot use `{}`: {error}", path.display()))
    };
    let file = File::open(recording).map_err(|error| failed(recording, &error))?;
    let reader = Reader::new(BufReader::new(file)).map_err(|error| {
        let message = format!("`{}`: {error}", recording.display());
        UserError::new(ExitCode::Damaged, message)
    })?;
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut lesson = Lesson {
        folder: folder.to_owned(),
        observer: Observer::default(),
        profiles: BTreeMap::new(),
        quiet_days,
        events: 0,
        told: String::new(),
        deviations: 0,
        left: 0,
    };
    for path in files(folder).map_err(|error| failed(folder, &error))? {
        let (_, profile) = read(&path)?;
        lesson.profiles.insert(profile.workload.clone(), (path, profile, false));
    }
    let mut damaged = 0_u64;
    for event in reader {
        match event {
            Ok(event) => lesson.take(&event)?,
            Err(_) => damaged += 1,
        }
    }
    lesson.finish(damaged)
}

impl Lesson {
    fn take(&mut self, event: &Event) -> Result<(), UserError> {
        self.events += 1;
        let facts = self.observer.facts(event);
        let Some(container) = &event.container else { return Ok(()) };
        let Some(workload) = Workload::of(container) else { return Ok(()) };
        let is_loss = matches!(event.act, Act::Lost(_));
        let Some(day) = day(event.time).filter(|_| !facts.is_empty() || is_loss) else {
            return Ok(());
        };
        if !self.profiles.contains_key(&workload) && self.profiles.len() >= PROFILES_MAX {
            self.left += 1;
            return Ok(());
        }
        let (_, profile, is_changed) = self.profiles.entry(workload.clone()).or_insert_with(|| {
            let learning = Learning::new(day, self.quiet_days);
            (self.folder.join(name(&workload)), Profile::new(workload.clone(), learning), true)
        });
        if profile.mode != Mode::Learn {
            for deviation in facts.iter().filter_map(|fact| profile.deviates(fact)) {
                self.deviations += 1;
                let line = format!("event {}: {workload} {}", event.number, deviation.text);
                self.told.extend([&printable(&line), "\n"]);
            }
            return self.tell(false);
        }
        *is_changed = true;
        if let Act::Lost(loss) = &event.act {
            profile.note_loss(loss);
        }
        profile.learning.starts += u64::from(self.observer.is_start(event));
        profile.note_image(container);
        // All of them are learnt, whichever is news.
        let news = facts.iter().filter(|fact| profile.learn(fact)).count();
        profile.note_day(day, news > 0);
        Ok(())
    }

    fn tell(&mut self, is_last: bool) -> Result<(), UserError> {
        const CHUNK: usize = 64 * 1024;
        if is_last || self.told.len() >= CHUNK {
            output::write(None, &std::mem::take(&mut self.told))?;
        }
        Ok(())
    }

    fn finish(mut self, damaged: u64) -> Result<ExitCode, UserError> {
        self.tell(true)?;
        for (path, profile, _) in self.profiles.values().filter(|(.., is_changed)| *is_changed) {
            replace(path, &profile.to_yaml()).map_err(|error| {
                let message = format!("cannot write `{}`: {error}", path.display());
                UserError::new(ExitCode::Output, message)
            })?;
        }
        let (events, deviations) =
            (count(self.events, "event"), count(self.deviations, "deviation"));
        let learnt = self.profiles.values().filter(|(.., is_changed)| *is_changed).count();
        output::note(&format!(
            "{events}, {} learnt or changed, {deviations}",
            count(learnt, "profile")
        ));
        if self.left > 0 {
            output::note(&format!("more than {PROFILES_MAX} workloads: the rest has no profile"));
        }
        if damaged > 0 {
            output::note(&format!("{} of the recording cannot be read", count(damaged, "part")));
            return Ok(ExitCode::Incomplete);
        }
        Ok(ExitCode::Done)
    }
}

/// Of nanoseconds since the epoch, in UTC.
fn day(time: u64) -> Option<Date> {
    let time = Timestamp::from_nanosecond(time.into()).ok()?;
    Some(time.to_zoned(TimeZone::UTC).date())
}
