//! A profile's file, which people have changed or somebody has sent: checked as a whole, every mistake
//! with its line and column.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    ARCHITECTURES_MAX, CALLS_MAX, CAPABILITIES_MAX, Destinations, IMAGES_MAX, LISTENS_MAX,
    Learning, Mode, Origin, Parent, Pattern, Port, Profile, Program, Programs, SAID_MAX, Target,
    Tree, Widening, Workload,
};
use crate::error::PolicyError;
use crate::policy::read;
use crate::rule::date;
use crate::suggest;

/// The form of the file that is read here.
const VERSION: u32 = 1;
/// Items of a section that people may write: more than are ever learnt.
const ITEMS_MAX: usize = 4_096;
/// Mistakes that are kept: a file of the wrong kind has one a line.
const MISTAKES_MAX: usize = 200;
/// A name of a call, capability, architecture or image.
const WORD_BYTES_MAX: usize = 256;
/// A sentence of what is wide or missing.
const SENTENCE_BYTES_MAX: usize = 20_000;

/// The file as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    version: Spanned<u32>,
    workload: Spanned<String>,
    mode: Spanned<String>,
    promote: Option<PromoteFile>,
    learnt: LearntFile,
    #[serde(default)]
    images: Vec<Spanned<String>>,
    #[serde(default)]
    programs: Vec<ProgramFile>,
    #[serde(default)]
    written: Vec<Spanned<String>>,
    #[serde(default)]
    read: Vec<Spanned<String>>,
    #[serde(default)]
    destinations: Vec<DestinationFile>,
    #[serde(default)]
    listens: Vec<Spanned<String>>,
    capabilities: Option<Vec<Spanned<String>>>,
    calls: Option<BTreeMap<String, Vec<Spanned<String>>>>,
    #[serde(default)]
    widened: Vec<Spanned<String>>,
    #[serde(default)]
    incomplete: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoteFile {
    quiet_days: Option<u32>,
    until: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearntFile {
    from: Spanned<String>,
    news: Spanned<String>,
    seen: Spanned<String>,
    quiet: u32,
    starts: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramFile {
    path: Spanned<String>,
    origins: Vec<Spanned<String>>,
    parents: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DestinationFile {
    to: Spanned<String>,
    ports: Vec<Spanned<String>>,
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// The mistakes, in the order of their places.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let file: ProfileFile = read(text).map_err(|error| vec![error])?;
        let mut check = Check { errors: Vec::new() };
        let profile = check.profile(&file);
        let mut errors = check.errors;
        match profile {
            Some(profile) if errors.is_empty() => Ok(profile),
            _ => {
                errors.sort_by_key(|error| (error.line, error.column));
                errors.truncate(MISTAKES_MAX);
                Err(errors)
            }
        }
    }
}

struct Check {
    errors: Vec<PolicyError>,
}

impl Check {
    fn profile(&mut self, file: &ProfileFile) -> Option<Profile> {
        if file.version.value != VERSION {
            let message = format!("version {} of profiles is not known", file.version.value);
            let hint = format!("this program reads version {VERSION}");
            self.errors.push(PolicyError::at(&file.version, message).hint(Some(hint)));
        }
        let workload: Option<Workload> = self.value(&file.workload);
        let mode = self.mode(&file.mode);
        let learning = self.learning(file);
        let profile = Profile {
            images: self.words(&file.images, IMAGES_MAX),
            programs: self.programs(&file.programs),
            written: self.tree(&file.written),
            read: self.tree(&file.read),
            destinations: self.destinations(&file.destinations),
            listens: self.values(&file.listens, LISTENS_MAX),
            capabilities: file.capabilities.as_ref().map(|all| self.words(all, CAPABILITIES_MAX)),
            calls: file.calls.as_ref().map(|all| self.calls(all)),
            widened: self.sentences(&file.widened).into_iter().map(Widening).collect(),
            incomplete: self.sentences(&file.incomplete),
            mode: mode?,
            ..Profile::new(workload?, learning?)
        };
        Some(profile)
    }

    fn mode(&mut self, text: &Spanned<String>) -> Option<Mode> {
        let found = Mode::ALL.into_iter().find(|mode| mode.name() == text.value);
        if found.is_none() {
            let hint = suggest::hint(&text.value, Mode::ALL.map(Mode::name));
            let message = format!("`{}` is no mode of a profile", text.value);
            self.errors.push(PolicyError::at(text, message).hint(Some(hint)));
        }
        found
    }

    fn learning(&mut self, file: &ProfileFile) -> Option<Learning> {
        let LearntFile { from, news, seen, quiet, starts } = &file.learnt;
        let mut day = |text: &Spanned<String>| date(Some(text), &mut self.errors);
        let (from, news, seen): (Option<Date>, _, _) = (day(from), day(news), day(seen));
        let promote = file.promote.as_ref();
        let until = promote.and_then(|it| date(it.until.as_ref(), &mut self.errors));
        Some(Learning {
            quiet_days: promote.and_then(|it| it.quiet_days),
            until,
            from: from?,
            news: news?,
            seen: seen?,
            quiet: *quiet,
            starts: *starts,
        })
    }

    fn programs(&mut self, files: &[ProgramFile]) -> Programs {
        let mut programs = Programs::default();
        self.limit(files.get(ITEMS_MAX).map(|file| &file.path), ITEMS_MAX);
        for file in files.iter().take(ITEMS_MAX) {
            let Some(path) = self.value::<Pattern>(&file.path) else { continue };
            let origins = self.values(&file.origins, Origin::ALL.len());
            let parents = self.values(&file.parents, ITEMS_MAX);
            if programs.0.insert(path, Program { origins, parents }).is_some() {
                self.wrong(&file.path, format!("`{}` stands here a second time", file.path.value));
            }
        }
        programs
    }

    fn destinations(&mut self, files: &[DestinationFile]) -> Destinations {
        let mut all = Destinations::default();
        self.limit(files.get(ITEMS_MAX).map(|file| &file.to), ITEMS_MAX);
        for file in files.iter().take(ITEMS_MAX) {
            let Some(target) = self.value::<Target>(&file.to) else { continue };
            let ports: BTreeSet<Port> = self.values(&file.ports, ITEMS_MAX);
            if all.0.insert(target, ports).is_some() {
                self.wrong(&file.to, format!("`{}` stands here a second time", file.to.value));
            }
        }
        all
    }

    fn tree(&mut self, texts: &[Spanned<String>]) -> Tree {
        let mut tree = Tree::default();
        let patterns: BTreeSet<Pattern> = self.values(texts, ITEMS_MAX);
        patterns.iter().for_each(|pattern| tree.put(pattern));
        tree
    }

    fn calls(
        &mut self,
        all: &BTreeMap<String, Vec<Spanned<String>>>,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let place = all.values().flatten().next();
        let is_long = |name: &String| name.len() > WORD_BYTES_MAX || !is_word(name);
        if all.len() > ARCHITECTURES_MAX || all.keys().any(is_long) {
            let message = format!("up to {ARCHITECTURES_MAX} names of architectures stand here");
            match place {
                Some(place) => self.wrong(place, message),
                None => self.errors.push(PolicyError { line: 0, column: 0, message, hint: None }),
            }
        }
        let of = |(name, calls): (&String, &Vec<_>)| (name.clone(), self.words(calls, CALLS_MAX));
        all.iter().map(of).collect()
    }

    /// Names that other programs are given: letters, digits and little else.
    fn words(&mut self, texts: &[Spanned<String>], limit: usize) -> BTreeSet<String> {
        self.limit(texts.get(limit), limit);
        let mut words = BTreeSet::new();
        for text in texts.iter().take(limit) {
            if text.value.len() > WORD_BYTES_MAX || !is_word(&text.value) {
                self.wrong(text, "a name of letters, digits, `_`, `-` and `:` stands here");
            } else {
                words.insert(text.value.clone());
            }
        }
        words
    }

    fn sentences(&mut self, texts: &[Spanned<String>]) -> BTreeSet<String> {
        self.limit(texts.get(SAID_MAX), SAID_MAX);
        let long = texts.iter().find(|text| {
            text.value.len() > SENTENCE_BYTES_MAX || text.value.chars().any(char::is_control)
        });
        if let Some(text) = long {
            let message = format!("a line of up to {SENTENCE_BYTES_MAX} bytes stands here");
            self.wrong(text, message);
        }
        texts.iter().take(SAID_MAX).map(|text| text.value.clone()).collect()
    }

    fn values<T: FromStr<Err = String> + Ord>(
        &mut self,
        texts: &[Spanned<String>],
        limit: usize,
    ) -> BTreeSet<T> {
        self.limit(texts.get(limit), limit);
        texts.iter().take(limit).filter_map(|text| self.value(text)).collect()
    }

    fn value<T: FromStr<Err = String>>(&mut self, text: &Spanned<String>) -> Option<T> {
        text.value.parse().map_err(|why: String| self.wrong(text, why)).ok()
    }

    fn limit(&mut self, beyond: Option<&Spanned<String>>, limit: usize) {
        if let Some(text) = beyond {
            self.wrong(text, format!("more than {limit} items"));
        }
    }

    fn wrong(&mut self, place: &Spanned<String>, message: impl Into<String>) {
        self.errors.push(PolicyError::at(place, message));
    }
}

fn is_word(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    !text.is_empty() && text.bytes().all(is_letter)
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|origin| origin.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no origin: {names}")
        })
    }
}

impl FromStr for Parent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self::Any),
            "runtime" => Ok(Self::Runtime),
            path => path.parse().map(Self::Program),
        }
    }
}
