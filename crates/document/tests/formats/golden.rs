//! What each format says of the sample, held against its snapshot.

use document::{Format, github};

use crate::sample;

#[test]
fn formats_say_the_same_as_ever() {
    let report = sample::report();
    for (name, format) in [
        ("csv", Format::Csv),
        ("gitlab", Format::Gitlab),
        ("junit", Format::Junit),
        ("markdown", Format::Markdown),
        ("sarif", Format::Sarif),
    ] {
        let text = format.render(&report);
        assert_eq!(text, format.render(&report), "{name} differs from itself");
        insta::assert_snapshot!(name, text);
    }
    insta::assert_snapshot!("github", github::render(&report, &job()));
}

pub(crate) fn job() -> github::Job {
    github::Job {
        id: "9876543210".to_owned(),
        correlator: "ci".to_owned(),
        sha: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        branch: "refs/heads/main".to_owned(),
    }
}
