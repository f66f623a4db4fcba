//! openEuler's CSAF documents (repo.openeuler.org/security/data/csaf): advisories, one document a
//! notice, and CVE documents, one a CVE, with the same tree.
//!
//! A product is `RELEASE:BUILD`; the release is known by its name (`openEuler-22.03-LTS-SP3`), the
//! build by its file name (`vim-9.0-33.oe2203sp3.aarch64.rpm`). File names carry no epoch, and
//! openEuler says it nowhere else: `matcher` leaves the installed epoch out of such a comparison.
//!
//! openEuler's tool leaves a comma behind the last element of some arrays, which is no JSON; such
//! a document is read without it.

use std::borrow::Cow;

use model::Status;

use crate::csaf::{self, Claim, Csaf, Header, Listed};
use crate::rpm::{self, Nevra};
use crate::statements::{Place, Statements};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, stream};

const FAMILY: &str = "openeuler";
const ROOT: &str = "https://repo.openeuler.org/security/data/csaf";
/// The list of all documents, a path a line.
const INDEX: &str = "index.txt";

/// The feed of advisories.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "openeuler-csaf"
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, |id| !id.starts_with("CVE-"))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, "advisories")
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        import(document, sink)
    }
}

/// The feed of CVE documents.
pub(crate) struct Cves;

impl Feed for Cves {
    fn name(&self) -> &'static str {
        "openeuler-cve"
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, |id| id.starts_with("CVE-"))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, "cve")
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        import(document, sink)
    }
}

fn recognizes(sample: &Sample<'_>, tracked: impl Fn(&str) -> bool) -> bool {
    let ours = |header: Header<'_>| header.is_from("openeuler.org") && tracked(&header.tracking.id);
    sample.form() == Form::JsonObject
        && sample.contains("openEuler")
        && match csaf::header(sample.bytes()) {
            Some(header) => ours(header),
            None => csaf::header(&without_trailing_commas(sample.bytes())).is_some_and(ours),
        }
}

fn urls(stream: &str, folder: &str) -> Vec<String> {
    let release = stream::release(stream, FAMILY);
    release.map(|_| format!("{ROOT}/{folder}/{INDEX}")).into_iter().collect()
}

fn follow(url: &str, body: &[u8]) -> Option<Vec<String>> {
    let folder = url.strip_suffix(INDEX)?;
    let plain = |line: &&str| {
        line.ends_with(".json")
            && !line.contains("..")
            && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    };
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().map(str::trim).filter(plain);
    Some(lines.map(|line| format!("{folder}{}", line.trim_start_matches('/'))).collect())
}

fn import(document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
    let repaired;
    let bytes = document.bytes()?;
    let csaf = match Csaf::parse(&bytes) {
        Ok(csaf) => csaf,
        Err(_) => {
            repaired = without_trailing_commas(&bytes);
            Csaf::parse(&repaired)?
        }
    };
    sink.covers(&csaf.document.tracking.id);
    let products = csaf.products();
    let modified = csaf.document.modified();
    for vulnerability in &csaf.vulnerabilities {
        let id = match &*vulnerability.cve {
            "" => &*csaf.document.tracking.id,
            cve => cve,
        };
        let mut statements = Statements::default();
        let broken = products.claims(vulnerability, &mut |claim| {
            put_claim(&csaf, claim, &mut statements, sink);
        });
        if broken > 0 {
            let record = format!("{broken} claims about {id}");
            sink.damaged(&record, "their products are not in the product tree");
        }
        let details = csaf.details(vulnerability, FAMILY);
        for stream in statements.streams() {
            sink.details(stream, details.clone());
            modified.iter().for_each(|when| sink.modified(stream, when));
        }
        statements.put(id, sink);
    }
    Ok(())
}

fn put_claim(csaf: &Csaf<'_>, claim: &Claim<'_, '_>, statements: &mut Statements, sink: &mut Sink) {
    let [package, .., platform] = claim.parts.as_slice() else {
        return sink.passed_over("statements about products as a whole");
    };
    let version = platform.id.strip_prefix("openEuler-").unwrap_or("");
    let stream = format!("{FAMILY}-{version}");
    if version.is_empty() || !advisories::is_stream_name(&stream) {
        return sink.passed_over("statements about products other than openEuler");
    }
    let Some(build) = Nevra::with_architecture(package.id) else {
        return sink.damaged(package.id, "it is no build of a package");
    };
    if rpm::is_source(build.architecture) {
        return;
    }
    let place = Place::binary(stream, build.name);
    match claim.listed {
        Listed::Fixed => {
            let fixed = (build.version, build.architecture);
            statements.fixed(place, fixed, &notice(csaf, claim), claim.severity);
        }
        Listed::Affected => statements.state(place, Status::Affected, claim.severity),
        Listed::NotAffected => statements.state(place, Status::NotAffected, claim.severity),
        Listed::UnderInvestigation => {
            statements.state(place, Status::UnderInvestigation, claim.severity);
        }
    }
}

/// `openEuler-SA-2025-1351`: the document itself, or the end of the fix's address.
fn notice(csaf: &Csaf<'_>, claim: &Claim<'_, '_>) -> String {
    let tracked = &csaf.document.tracking.id;
    if !tracked.starts_with("CVE-") {
        return tracked.to_string();
    }
    let fix = claim.remediations.iter().find(|r| &*r.category == "vendor_fix");
    let id = fix.and_then(|fix| fix.url.rsplit_once("id=")).map_or("", |(_, id)| id);
    id.to_owned()
}

/// The document with every comma blanked that stands before a closing bracket outside a string.
fn without_trailing_commas(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Cow::Borrowed(bytes);
    let (mut in_string, mut escaped) = (false, false);
    let mut comma = None;
    for (at, byte) in bytes.iter().enumerate() {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'"' => (in_string, comma) = (true, None),
            b',' => comma = Some(at),
            b']' | b'}' => {
                let blank = comma.take().and_then(|at| repaired.to_mut().get_mut(at));
                blank.into_iter().for_each(|byte| *byte = b' ');
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
    }
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trailing_commas_outside_strings_are_blanked() {
        let cases = [
            (r#"[1, 2, ]"#, r#"[1, 2  ]"#),
            (r#"{"a": ["x,]", "\",}"],}"#, r#"{"a": ["x,]", "\",}"] }"#),
            (r#"{"a": "\\", }"#, r#"{"a": "\\"  }"#),
            (r#"[1, 2]"#, r#"[1, 2]"#),
            (r#"[,"#, r#"[,"#),
        ];
        for (text, expected) in cases {
            assert_eq!(without_trailing_commas(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn the_index_leads_to_documents_beside_it() {
        let body = b"2025/csaf-a.json\r\n/2025/b.json\n../../x.json\nhttp://h/x.json\nindex.html\n";
        let urls = follow("https://h/cve/index.txt", body).unwrap();
        assert_eq!(urls, ["https://h/cve/2025/csaf-a.json", "https://h/cve/2025/b.json"]);
        assert_eq!(follow("https://h/cve/2025/b.json", body), None);
    }
}
