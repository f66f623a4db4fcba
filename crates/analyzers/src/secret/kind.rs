//! A kind of secret: where it may stand, what it looks like, and what only looks like it.

use std::ops::Range;
use std::sync::OnceLock;

use memchr::{memchr, memmem, memrchr};
use model::Severity;
use regex::bytes::{Regex, RegexBuilder};

use super::effort::Effort;
use super::entropy::entropy;
use super::shape::Shape;

/// How far from its key word a secret may begin or end, unless its kind says otherwise.
const REACH: usize = 256;

/// Memory that one compiled expression may take; the largest of ours stays below a tenth.
const EXPRESSION_BYTES_MAX: usize = 4 << 20;

/// Bits a byte by which a guess may fall short of a text that has every byte once: random ones of
/// eight characters mostly repeat one or two.
const GUESS_LACKS: f64 = 0.6;

/// Placeholders are shorter.
const PLACEHOLDER_MAX: usize = 200;

/// As `content/secrets/<id>.toml` describes it.
pub(super) struct Kind {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) severity: Severity,
    /// Any of them is near the secret, in any case.
    pub(super) keywords: Vec<&'static str>,
    /// What has to be near the key word, too: to look for it is cheaper than to try the expression.
    pub(super) besides: &'static str,
    /// Bytes around a key word in which the secret is looked for.
    pub(super) reach: usize,
    /// The secret may go over several lines.
    pub(super) multiline: bool,
    /// Guesses by the name of a variable: any other kind knows better.
    pub(super) vague: bool,
    pub(super) expression: Lazy,
    /// Bits a byte that a random one has at least; 0 if that says nothing.
    pub(super) entropy: f64,
    pub(super) shape: Option<Shape>,
    /// Ends of the paths of files that are looked at; all if empty.
    pub(super) files: Vec<&'static str>,
    /// What a secret is not, although the expression takes it for one.
    pub(super) allow: Vec<Lazy>,
    /// The same for all that the expression takes, with what stands around the secret.
    pub(super) unless: Vec<Lazy>,
}

/// An expression, compiled when it is first needed: most are not, in most images.
pub(super) struct Lazy {
    text: &'static str,
    compiled: OnceLock<Regex>,
}

impl Lazy {
    pub(super) const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            // Formats of secrets know ASCII only, and without Unicode any bytes can be looked at.
            let mut builder = RegexBuilder::new(self.text);
            let built = builder.unicode(false).size_limit(EXPRESSION_BYTES_MAX).build();
            built.expect("a test compiles every expression of the content")
        })
    }
}

impl Kind {
    pub(super) fn reach(wanted: Option<usize>) -> usize {
        wanted.unwrap_or(REACH)
    }

    /// How well the kind knows what it found: better by its form than by a name, better in a file
    /// made for it, better by a long key word than by a short one.
    pub(super) fn rank(&self) -> (bool, bool, usize) {
        let shortest = self.keywords.iter().map(|word| word.len()).min().unwrap_or(0);
        (!self.vague, !self.files.is_empty(), shortest)
    }

    /// Whether the file at `path` is looked at.
    pub(super) fn reads(&self, path: &str) -> bool {
        // Paths have no slash in front, but ends that are whole names do.
        let is_at_root = |end: &str| end.strip_prefix('/') == Some(path);
        self.files.is_empty() || self.files.iter().any(|end| path.ends_with(end) || is_at_root(end))
    }

    /// Where to look, for a key word that begins at `keyword`: its line as far as the reach goes
    /// back, and up to `end`, with the next line if that has its value.
    pub(super) fn window(&self, bytes: &[u8], keyword: usize, end: usize) -> Range<usize> {
        let begin = keyword.saturating_sub(self.reach);
        let end = end.min(bytes.len());
        if self.multiline {
            return begin..end;
        }
        let before = bytes.get(begin..keyword).unwrap_or_default();
        let after = bytes.get(keyword..end).unwrap_or_default();
        let begin =
            memrchr(b'\n', before).map_or(begin, |at| begin.saturating_add(at).saturating_add(1));
        let Some(line) = memchr(b'\n', after) else { return begin..end };
        let (name, next) = after.split_at_checked(line).unwrap_or((after, &[]));
        if !goes_on(name, next) {
            return begin..keyword.saturating_add(line);
        }
        let next = next.get(1..).unwrap_or_default();
        let next = memchr(b'\n', next).unwrap_or(next.len());
        begin..keyword.saturating_add(line).saturating_add(next).saturating_add(1)
    }

    /// The secrets in a window, as ranges of `bytes`.
    pub(super) fn secrets(
        &self,
        bytes: &[u8],
        window: Range<usize>,
        effort: &mut Effort,
    ) -> Vec<(usize, usize)> {
        let offset = window.start;
        let text = bytes.get(window).unwrap_or_default();
        let mut secrets = Vec::new();
        if memmem::find(text, self.besides.as_bytes()).is_none() {
            return secrets;
        }
        effort.spend(text.len());
        let expression = self.expression.regex();
        // Captures cost an allocation, and most windows hold nothing.
        if !expression.is_match(text) {
            return secrets;
        }
        for captures in expression.captures_iter(text) {
            let Some(secret) = captures.name("secret").or_else(|| captures.get(0)) else {
                continue;
            };
            let around = captures.get(0).map_or(&b""[..], |whole| whole.as_bytes());
            if self.is_one(secret.as_bytes()) && !matches(&self.unless, around) {
                let (begin, end) = (secret.start(), secret.end());
                secrets.push((offset.saturating_add(begin), offset.saturating_add(end)));
            }
        }
        secrets
    }

    /// A short text cannot hold as many bits a byte as the kind asks for; a guess takes less there.
    #[expect(clippy::cast_precision_loss, reason = "secrets are short")]
    fn is_random_enough(&self, secret: &[u8]) -> bool {
        let attainable = (secret.len() as f64).log2() - GUESS_LACKS;
        let least = match self.shape {
            Some(Shape::Guessed) => self.entropy.min(attainable),
            _ => self.entropy,
        };
        entropy(secret) >= least
    }

    fn is_one(&self, secret: &[u8]) -> bool {
        self.is_random_enough(secret)
            && self.shape.is_none_or(|shape| shape.fits(secret))
            && !matches(&self.allow, secret)
            && !is_placeholder(secret)
    }
}

/// Whether the value of a name in one line stands in the next: it is called so there, or announced
/// as a text of several lines.
fn goes_on(line: &[u8], next: &[u8]) -> bool {
    let next = next.trim_ascii_start();
    let next = next.strip_prefix(b"<").or_else(|| next.strip_prefix(b"\"")).unwrap_or(next);
    let is_called = next.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"value"));
    let line = line.trim_ascii_end();
    is_called || [&b":"[..], b": >", b": |", b": >-", b": |-"].iter().any(|end| line.ends_with(end))
}

fn matches(expressions: &[Lazy], text: &[u8]) -> bool {
    expressions.iter().any(|expression| expression.regex().is_match(text))
}

/// Whether somebody is meant to put a secret there: the same in any kind.
fn is_placeholder(secret: &[u8]) -> bool {
    static PLACEHOLDER: Lazy = Lazy::new(
        r"(?i)x{5}|\*{3}|\.{3}|0{10}|example|change_?-?me|replace_?-?me|placeholder|redacted|insert[-_ ]|your[-_ ]?[a-z]|dummy|sample|1234567890|0123456789|abcdefgh|<[a-z]|\$\{|\{\{",
    );
    // In longer ones such letters come by chance.
    secret.len() <= PLACEHOLDER_MAX && PLACEHOLDER.regex().is_match(secret)
}
