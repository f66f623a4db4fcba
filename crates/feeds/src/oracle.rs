//! Oracle Linux's errata as OVAL (linux.oracle.com/security/oval).
//!
//! A definition is one ELSA: fixed binaries, by architecture, perhaps within a module. Two traps:
//!
//! - **Flavors.** Live-patchable and FIPS builds have the names of ordinary packages and version
//!   lines of their own; their versions carry `.ksplice` or `_fips`, by which `matcher` tells
//!   whether a statement is about an installed build.
//! - **Kernels.** Several lines of the Unbreakable Enterprise Kernel are maintained at once under
//!   one name (`kernel-uek` 4.14, 5.4, 5.15, …). A fix is about its own line, so its range begins
//!   with the line's upstream version.

use crate::notice::Fix;
use crate::oval::{self, Asked, Oval};
use crate::statements::Place;
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, rpm, stream};

const FAMILY: &str = "oracle";

/// The feed of OVAL files.
pub(crate) struct OvalFile;

impl Feed for OvalFile {
    fn name(&self) -> &'static str {
        "oracle-oval"
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml && sample.contains("oval:com.oracle.elsa:")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://linux.oracle.com/security/oval";
        let release = stream::release(stream, FAMILY);
        release.map(|r| format!("{root}/com.oracle.elsa-ol{r}.xml.bz2")).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(document, sink, &mut |oval, definition, sink| {
            import_definition(oval, definition, sink);
        })
    }
}

fn import_definition(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let mut notice = oval::notice(definition);
    oval.packages(definition, &mut |package, conditions| {
        let Asked::Below(version) = package.asked else { return };
        let conditions_hold = || conditions.iter().flatten();
        let Some(release) = conditions_hold().find_map(|comment| release(comment)) else {
            return sink.passed_over("builds for no release");
        };
        let module = oval::module(conditions).map(str::to_owned);
        let version = rpm::normal(version);
        let introduced = kernel_line(&version);
        let place = Place { module, ..Place::binary(format!("{FAMILY}-{release}"), package.name) };
        let architecture = conditions_hold().find_map(|comment| architecture(comment));
        let fix = Fix::new(place, version, architecture.unwrap_or(""));
        notice.fixes.push(Fix { introduced, ..fix });
    });
    notice.put(sink);
}

/// `8` of `Oracle Linux 8 is installed`.
fn release(comment: &str) -> Option<&str> {
    let release = comment.strip_prefix("Oracle Linux ")?.strip_suffix(" is installed")?;
    release.bytes().all(|b| b.is_ascii_digit()).then_some(release)
}

/// `x86_64` of `Oracle Linux arch is x86_64`.
fn architecture(comment: &str) -> Option<&str> {
    comment.strip_prefix("Oracle Linux arch is ")
}

/// `5.15.0` of `5.15.0-3.60.5.1.el8uek`; None for packages other than these kernels.
fn kernel_line(version: &str) -> Option<String> {
    let (upstream, release) = version.rsplit_once('-')?;
    release.ends_with("uek").then(|| upstream.to_owned())
}
