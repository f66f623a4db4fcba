//! The analyzer `secrets`: looks into every file that is text.

use model::Location;
use model::{ProblemKind, Secret, SecretPlace};

use super::{FINDER, HITS_MAX};
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `secrets`.
pub(crate) struct Secrets;

impl Analyzer for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    /// Raised whenever `content/secrets` changes, too.
    fn version(&self) -> u32 {
        2
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Secrets)
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Any] }
    }

    fn wants(&self) -> Option<fn(&[u8]) -> bool> {
        // No text holds a NUL.
        Some(|head| memchr::memchr(0, head).is_none())
    }

    fn max_bytes(&self) -> u64 {
        // What readers hand over at most; dumps of databases are that large.
        1 << 30
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let (hits, more) = FINDER.find(file.path, file.bytes);
        for hit in hits {
            facts.secret(Secret {
                kind: hit.kind.to_owned(),
                title: hit.title.to_owned(),
                severity: hit.severity,
                place: SecretPlace::File,
                location: Location { path: String::new(), layer: None },
                line: hit.line,
                excerpt: hit.excerpt,
                removed: false,
                owner: None,
            });
        }
        if !facts.secrets.is_empty() {
            facts.digest = Some(*blake3::hash(file.bytes).as_bytes());
        }
        if more {
            let message = format!("more than {HITS_MAX} secrets; the rest is not listed");
            facts.problem(ProblemKind::LimitReached, message);
        }
    }
}
