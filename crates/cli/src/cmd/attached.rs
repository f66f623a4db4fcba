//! `--attached`: what others attached to the image is used; VEX silences, a bill is compared.

use std::borrow::Cow;
use std::collections::BTreeSet;

use document::attached;
use model::{Digest, Package, Problem, ProblemKind, Purl, VexStatement};
use scan::Inspection;

use crate::cmd::vex::Statements;

/// Adds attached statements to what the user brought, and says what became of each document. Whoever
/// may write to a repository may attach, so that each is called unverified where it is named.
pub(crate) fn read(inspection: &mut Inspection, vex: &mut Cow<'_, Statements>) {
    let Inspection { artifact, inventory, attached, .. } = inspection;
    for attachment in std::mem::take(attached) {
        let name = format!("attached {} (unverified)", attachment.digest);
        let said = match attached::read(&name, &attachment.bytes, &attachment.subject) {
            Err(error) => format!("not used: {error}"),
            Ok(mut it) => {
                if let Some(image) = &artifact.manifest_digest {
                    inherit(&mut it.said.statements, &attachment.subject, image);
                }
                let bill =
                    it.sbom.map(|sbom| compared(&sbom.inventory.packages, &inventory.packages));
                let statements = match it.said.statements.len() {
                    0 if it.said.notes.is_empty() && bill.is_some() => None,
                    count => {
                        vex.to_mut().add(&name, it.said);
                        Some(format!("a VEX document with {count} statements"))
                    }
                };
                bill.into_iter().chain(statements).collect::<Vec<_>>().join("; ")
            }
        };
        inventory.problems.push(Problem::new(ProblemKind::Notice, name, said));
    }
    inventory.problems.sort();
}

/// What is said of an index by its digest is said of every image in it, and so of this one, but for the
/// platform that a name may give.
fn inherit(statements: &mut [VexStatement], index: &Digest, image: &Digest) {
    let of_image = |name: &String| {
        let is_index = |text: &str| text.parse::<Digest>().is_ok_and(|digest| digest == *index);
        match name.parse::<Purl>() {
            Ok(purl) if purl.kind == "oci" && is_index(&purl.version) => {
                Some(Purl { version: image.to_string(), ..purl }.to_string())
            }
            _ => is_index(name).then(|| image.to_string()),
        }
    };
    for product in statements.iter_mut().flat_map(|it| &mut it.products) {
        if let Some(name) = product.names.iter().find_map(of_image) {
            product.names.push(name);
        }
    }
}

/// How a bill and what was found differ, by type, name and version.
fn compared(listed: &[Package], found: &[Package]) -> String {
    type Key<'a> = (&'a str, &'a str, &'a str);
    fn key(package: &Package) -> Key<'_> {
        (package.kind.name(), &package.name, &package.version)
    }
    let listed: BTreeSet<Key<'_>> = listed.iter().map(key).collect();
    let found: BTreeSet<Key<'_>> = found.iter().map(key).collect();
    let such = |one: &BTreeSet<Key<'_>>, other: &BTreeSet<Key<'_>>| {
        let mut lacking = one.difference(other);
        let example =
            lacking.next().map(|(_, name, version)| format!(", such as {name} {version}"));
        format!("{}{}", one.difference(other).count(), example.unwrap_or_default())
    };
    format!(
        "a bill of {} packages; not found in the image: {}; found and not in it: {}",
        listed.len(),
        such(&listed, &found),
        such(&found, &listed)
    )
}
