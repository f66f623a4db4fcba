//! What was decided, in words: what, why, by which entry, and what would turn it.
//!
//! The text goes into the error of whoever typed `docker run`. Whatever comes from a request, an image
//! or a verdict is made harmless for a terminal, and cut.

use std::fmt::Write as _;

use policy::guard::start::{About, Ground, Standing, StartVerdict};

use crate::judge::{Broken, Wanted};
use crate::record::Judged;

/// Lines of an error that a person reads.
const GROUNDS_MAX: usize = 12;
const TEXT_MAX: usize = 300;

pub(crate) fn of_verdict(
    wanted: &Wanted,
    verdict: &StartVerdict,
    judged: Option<&Judged>,
    policy: &str,
) -> Vec<String> {
    let name = wanted.container.name.as_deref();
    let image = wanted.container.image.as_ref().map(|image| image.reference.as_str());
    let what = match (name, image) {
        (Some(name), Some(image)) => format!("`{}` of `{}`", plain(name), plain(image)),
        (Some(what), None) | (None, Some(what)) => format!("`{}`", plain(what)),
        (None, None) => "it".to_owned(),
    };
    let sum = if verdict.refused { "refused" } else { "let through and told" };
    let mut lines = vec![format!("{} {what}: {sum} by `{}`", wanted.deed, plain(policy))];
    for ground in verdict.grounds.iter().take(GROUNDS_MAX) {
        lines.push(line(ground, wanted, judged));
        if let Some(remedy) = remedy(ground, judged) {
            lines.push(format!("  what would turn it: {remedy}"));
        }
    }
    let left = verdict.grounds.len().saturating_sub(GROUNDS_MAX);
    if left > 0 {
        lines.push(format!("and {left} more"));
    }
    lines.extend(verdict.notes.iter().map(|note| format!("note: {}", plain(note))));
    lines
}

pub(crate) fn of_broken(broken: &Broken, refused: bool, enforces: bool) -> Vec<String> {
    let sum = match (refused, enforces) {
        (true, _) => "refused, as what cannot be judged is (`--when-broken deny`)",
        (false, true) => {
            "let through and told, as what cannot be judged is (`--when-broken allow`)"
        }
        (false, false) => "let through and told, for nothing is enforced",
    };
    vec![format!("a start could not be judged: {}", plain(&broken.to_string())), sum.to_owned()]
}

fn line(ground: &Ground, wanted: &Wanted, judged: Option<&Judged>) -> String {
    let mut text = format!("{}: {} by {}", subject(ground), ground.action.name(), ground.entry);
    if let Some(why) = ground.held_back {
        write!(text, " ({})", why.why()).expect("a String takes anything");
    }
    if !ground.reason.is_empty() {
        write!(text, ": {}", plain(&ground.reason)).expect("a String takes anything");
    }
    if matches!(ground.about, About::Image(_)) {
        write!(text, "; {}", of_image(wanted, judged)).expect("a String takes anything");
    }
    plain_end(text)
}

fn subject(ground: &Ground) -> String {
    match &ground.about {
        About::Image(standing) => format!("image {}", standing.name()),
        About::Ask(ask) => plain(&ask.to_string()),
    }
}

/// What the scan said, or that there was none.
fn of_image(wanted: &Wanted, judged: Option<&Judged>) -> String {
    let Some(judged) = judged else {
        let digest = wanted.image.iter().flatten().next();
        return match digest {
            Some(digest) => format!("there is no verdict for {}", plain(digest)),
            None => "it is not known which image it is".to_owned(),
        };
    };
    let mut text = format!(
        "policy `{}` said {} on {}",
        plain(&judged.policy),
        judged.decision.name(),
        judged.judged_on.0
    );
    if let Some(data) = judged.data_of.filter(|data| *data < judged.judged_on) {
        write!(text, " with advisories of {}", data.0).expect("a String takes anything");
    }
    let reasons = judged.reasons.iter().filter(|reason| reason.decision == judged.decision);
    for reason in reasons.take(3) {
        let example = plain(&reason.example);
        let rule = plain(&reason.rule);
        match reason.count {
            0 | 1 => write!(text, "; {rule}: {example}"),
            count => write!(text, "; {rule}: {count}, such as {example}"),
        }
        .expect("a String takes anything");
    }
    text
}

fn remedy(ground: &Ground, judged: Option<&Judged>) -> Option<String> {
    match &ground.about {
        About::Image(Standing::Unscanned | Standing::Stale) => {
            Some("`lazaret scan --policy POLICY --keep-verdict FOLDER IMAGE`".to_owned())
        }
        About::Image(_) => {
            let remedies = judged?.reasons.iter().flat_map(|reason| &reason.remedies);
            let remedies: Vec<String> = remedies.take(3).map(|it| plain(it)).collect();
            (!remedies.is_empty()).then(|| remedies.join("; "))
        }
        About::Ask(_) => None,
    }
}

/// Nothing that moves a terminal or makes a line of its own.
fn plain(text: &str) -> String {
    let is_harmless = |c: &char| !c.is_control() && !is_invisible(*c);
    text.chars().take(TEXT_MAX).filter(is_harmless).collect()
}

/// What turns the direction of a text, or is not seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn plain_end(text: String) -> String {
    text.trim_end().to_owned()
}
