//! Texts that are shown although somebody may have written a secret into them: what the finder takes
//! for one is replaced by its excerpt. `config::mask` hides what names and commands tell besides.
//!
//! It must never give back more of the text than was searched.

use super::{Finder, HITS_MAX, Settled, excerpt};
use crate::file::NEVER;

impl Finder {
    /// The text with what `show` makes of an excerpt in the place of every secret.
    pub(crate) fn redacted(&self, text: &str, show: fn(String) -> String) -> String {
        let bytes = text.as_bytes();
        let Settled { candidates: secrets, searched, .. } = self.settled("", bytes, &NEVER);
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        let between = |from: usize, to: usize| {
            // An expression looks at bytes: a secret may end within a character.
            String::from_utf8_lossy(bytes.get(from..to).unwrap_or_default())
        };
        let known = secrets.iter().take_while(|secret| secret.begin < searched);
        for secret in known.take(HITS_MAX) {
            shown.push_str(&between(at, secret.begin));
            let hidden = bytes.get(secret.begin..secret.end).unwrap_or_default();
            shown.push_str(&show(excerpt::excerpt(hidden)));
            at = secret.end;
        }
        // Behind so many, or where the search ended, anything may be one.
        match secrets.len() > HITS_MAX || searched < bytes.len() {
            true => shown.push_str("… (the rest is not shown)"),
            false => shown.push_str(&between(at, bytes.len())),
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::super::FINDER;

    fn redact(text: &str) -> String {
        FINDER.redacted(text, |excerpt| excerpt)
    }

    #[test]
    fn secrets_give_way_and_all_else_stays() {
        let token = ["AKI", "A5JQ7RZ3TLN2PWGYD"].concat();
        let cases = [
            ("RUN |1 VERSION=1.2 /bin/sh -c make # buildkit", None),
            ("", None),
            (
                "RUN |1 ID={} /bin/sh -c aws s3 ls",
                Some("RUN |1 ID=AKIA… (20 characters) /bin/sh -c aws s3 ls"),
            ),
            ("überall {}, {}", Some("überall AKIA… (20 characters), AKIA… (20 characters)")),
        ];
        for (text, expected) in cases {
            let text = text.replace("{}", &token);
            assert_eq!(redact(&text), expected.unwrap_or(&text));
        }
    }

    #[test]
    fn what_was_not_searched_is_not_shown() {
        let token = |number: usize| {
            let number: String = format!("{number:04}")
                .chars()
                .map(|digit| char::from(b'B' + digit as u8 - b'0'))
                .collect();
            format!("AKI{}{number}", "A5JQ7RZ3TLN2P")
        };
        let text: String = (0..1000).map(|number| token(number) + "\n").collect();
        let shown = redact(&text);
        assert!(shown.ends_with("(the rest is not shown)"), "{shown}");
        assert!(!shown.contains("AKIA5"), "{shown}");

        let text: String = (0..1000)
            .map(|number| {
                format!("aws_secret_access_key = xlOqSx87wyhprrgWVFXopXZTAMEj83sC{number:04}MJfR\n")
            })
            .collect();
        let shown = redact(&text);
        assert!(shown.ends_with("(the rest is not shown)") && !shown.contains("OqSx87"), "{shown}");
    }
}
