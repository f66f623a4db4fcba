//! Verdicts of scans, kept for the gate: a folder with a file for each digest of an image.
//!
//! ```text
//! lazaret scan --policy P --keep-verdict DIR IMAGE → DIR/sha256/<hex>.json ← the gate
//! ```
//!
//! An image has the digest of its configuration, by which engines know it, and that of its manifest,
//! by which registries do; both name the same verdict. A file is replaced as a whole. Whoever may write
//! into the folder decides what starts, so one that others may write into is refused.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use model::{Decision, Digest, Verdict};
use serde::{Deserialize, Serialize};

use crate::files;
use crate::judge::Broken;

/// The form of the files.
const VERSION: u32 = 1;
/// A verdict as it is kept comes to a few KiB.
const BYTES_MAX: u64 = 1 << 20;
/// Rules and remedies that are kept: a person reads no more in an error.
const REASONS_MAX: usize = 20;
const REMEDIES_MAX: usize = 5;
/// Characters of a text that is kept.
const TEXT_MAX: usize = 500;
/// Written by one, read by everybody: the files tell what is wrong with images, and no secrets.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// A verdict on an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    version: u32,
    /// As the scan was asked for it.
    pub image: String,
    pub policy: String,
    /// Changes with the policy's text.
    pub policy_version: String,
    pub decision: Decision,
    pub judged_on: Day,
    /// That of the oldest advisories that were asked; None where none were.
    pub data_of: Option<Day>,
    pub reasons: Vec<JudgedReason>,
}

/// A day as it is written: `2026-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub Date);

/// One rule that had something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedReason {
    pub rule: String,
    pub decision: Decision,
    pub count: usize,
    /// One of what it holds of, or why it could not be asked.
    pub example: String,
    pub remedies: Vec<String>,
}

impl Judged {
    /// `is_whole` says that nothing was left unread; else what the policy allows is not known.
    pub fn new(verdict: &Verdict, image: &str, is_whole: bool, judged_on: Date) -> Self {
        let decision = match verdict.decision {
            Decision::Allow | Decision::Warn if !is_whole => Decision::Unknown,
            decision => decision,
        };
        let grave = verdict.reasons.iter().filter(|reason| reason.decision > Decision::Allow);
        Self {
            version: VERSION,
            image: short(image),
            policy: short(&verdict.policy),
            policy_version: String::new(),
            decision,
            judged_on: Day(judged_on),
            data_of: None,
            reasons: grave.take(REASONS_MAX).map(JudgedReason::new).collect(),
        }
    }

    /// From when on it has been true: the day of the verdict or of its advisories.
    pub fn day(&self) -> Date {
        self.data_of.map_or(self.judged_on, |data| data.min(self.judged_on)).0
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_why| format!("`{text}` is no date (YYYY-MM-DD)"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0.to_string()
    }
}

impl JudgedReason {
    fn new(reason: &model::Reason) -> Self {
        let example = match reason.hits.first() {
            Some(hit) if hit.place.is_empty() => hit.id.clone(),
            Some(hit) => format!("{} in {}", hit.id, hit.place),
            None => reason.unknown.first().cloned().unwrap_or_default(),
        };
        Self {
            rule: short(&reason.rule),
            decision: reason.decision,
            count: reason.hits.len(),
            example: short(&example),
            remedies: reason.remedies.iter().take(REMEDIES_MAX).map(|it| short(it)).collect(),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Verdicts {
    folder: PathBuf,
}

impl Verdicts {
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a verdict under each of the digests, in place of what was there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn keep<'a>(
        &self,
        judged: &Judged,
        digests: impl IntoIterator<Item = &'a Digest>,
    ) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(judged)?;
        for digest in digests {
            let path = self.path(digest);
            let folder = path.parent().unwrap_or(&self.folder);
            DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
            let mut file = tempfile::Builder::new().prefix(".new").tempfile_in(folder)?;
            file.write_all(&text)?;
            file.as_file().set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
            file.as_file().sync_data()?;
            file.persist(&path).map_err(|error| error.error)?;
        }
        Ok(())
    }

    /// The verdict on the image that has these digests, the surest first.
    ///
    /// # Errors
    /// If it cannot be told whether there is one.
    pub fn find(&self, digests: &[String]) -> Result<Option<Judged>, Broken> {
        self.check()?;
        let digests = digests.iter().filter_map(|digest| digest.parse::<Digest>().ok());
        for digest in digests {
            let path = self.path(&digest);
            let failed =
                |why: String| Broken::new(format!("the verdict `{}`: {why}", path.display()));
            let read = files::read(&path, BYTES_MAX).map_err(|why| failed(why.to_string()))?;
            if let Some(bytes) = read {
                return parse(&bytes).map(Some).map_err(failed);
            }
        }
        Ok(None)
    }

    /// That it is there, and nobody but its owner may write into it.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self) -> Result<(), Broken> {
        const OTHERS_WRITE: u32 = 0o022;
        let kinds = [self.folder.clone(), self.folder.join("sha256")];
        for (number, folder) in kinds.iter().enumerate() {
            match fs::metadata(folder) {
                Ok(found) if found.mode() & OTHERS_WRITE > 0 => {
                    let why = "may be written into by others than its owner";
                    return Err(Broken::new(format!("`{}` {why}", folder.display())));
                }
                Ok(_) => {}
                // Nothing was kept yet.
                Err(why) if number > 0 && why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => {
                    let message = format!("the verdicts in `{}`: {why}", folder.display());
                    return Err(Broken::new(message));
                }
            }
        }
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let text = digest.to_string();
        let (algorithm, hex) = text.split_once(':').unwrap_or(("sha256", &text));
        self.folder.join(algorithm).join(format!("{hex}.json"))
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Judged, String> {
    let judged: Judged = serde_json::from_slice(bytes).map_err(|why| why.to_string())?;
    match judged.version {
        VERSION => Ok(judged),
        other => Err(format!("version {other} is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: &str) -> Digest {
        format!("sha256:{}", letter.repeat(64)).parse().unwrap()
    }

    fn judged(decision: Decision, is_whole: bool) -> Judged {
        let verdict = Verdict { decision, ..Verdict::default() };
        Judged::new(&verdict, "shop:1", is_whole, Date::constant(2026, 3, 1))
    }

    #[test]
    fn a_verdict_is_found_by_each_digest_and_the_last_one_counts() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts = Verdicts::at(folder.path());
        let (config, manifest) = (digest("a"), digest("b"));
        assert_eq!(verdicts.find(&[config.to_string()]), Ok(None));
        verdicts.keep(&judged(Decision::Deny, true), [&config, &manifest]).unwrap();
        verdicts.keep(&judged(Decision::Allow, true), [&config]).unwrap();
        let found = |digests: &[String]| verdicts.find(digests).unwrap().map(|it| it.decision);
        assert_eq!(found(&[config.to_string()]), Some(Decision::Allow));
        assert_eq!(found(&[manifest.to_string()]), Some(Decision::Deny));
        assert_eq!(found(&[manifest.to_string(), config.to_string()]), Some(Decision::Deny));
        assert_eq!(found(&["../../etc/passwd".to_owned(), digest("c").to_string()]), None);
        assert_eq!(judged(Decision::Allow, false).decision, Decision::Unknown);
        assert_eq!(judged(Decision::Deny, false).decision, Decision::Deny);
    }

    #[test]
    fn what_cannot_be_trusted_is_no_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts = Verdicts::at(folder.path());
        let digest = digest("a");
        verdicts.keep(&judged(Decision::Allow, true), [&digest]).unwrap();
        let whole = fs::read(verdicts.path(&digest)).unwrap();
        let find = || verdicts.find(&[digest.to_string()]).map_err(|why| why.to_string());
        let other =
            String::from_utf8(whole.clone()).unwrap().replace("\"version\": 1", "\"version\": 2");
        for bytes in [b"".as_slice(), b"{}", b"null", &whole[..40], other.as_bytes()] {
            fs::write(verdicts.path(&digest), bytes).unwrap();
            assert!(find().is_err());
        }
        fs::write(verdicts.path(&digest), " ".repeat(2 << 20)).unwrap();
        assert!(find().unwrap_err().contains("longer than"));
        fs::write(verdicts.path(&digest), whole).unwrap();
        assert!(find().is_ok());
        for path in [folder.path().join("sha256"), folder.path().to_owned()] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
            assert!(find().unwrap_err().contains("may be written into"));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert!(Verdicts::at(Path::new("/nonexistent")).find(&[]).is_err());
    }
}
