//! `updateinfo.xml`, the errata file that dnf and yum repositories carry (createrepo's format, no
//! written specification; Amazon, Fedora, AlmaLinux and Rocky serve it alike).
//!
//! An update is one notice: its references name the vulnerabilities, its collections list the
//! fixed binary packages, perhaps within a module. This reader must never decide which notices
//! matter; it hands over all of them.

use crate::notice::{self, Notice};
use crate::xml::{self, Element, Step};
use crate::{Document, FeedError, rpm, stream, time};

/// One notice.
pub(crate) struct Update(Element);

/// The packages of a notice that come from one repository.
pub(crate) struct Collection<'e>(&'e Element);

/// Calls `each` for every notice of the document. Those before an error were handed over.
pub(crate) fn read(document: &Document<'_>, each: &mut dyn FnMut(Update)) -> Result<(), FeedError> {
    let choose = |name: &str| if name == "update" { Step::Take } else { Step::Enter };
    xml::records(document, &choose, &mut |element| each(Update(element)))
}

impl Update {
    /// The publisher's name of the notice: `ALAS2-2018-939`.
    pub(crate) fn id(&self) -> &str {
        self.0.child_text("id")
    }

    pub(crate) fn is_security(&self) -> bool {
        self.0.attribute("type") == "security"
    }

    /// The notice without its fixes, for a feed that knows what the collections stand for.
    pub(crate) fn notice(&self) -> Notice {
        Notice {
            id: self.id().to_owned(),
            cves: self.cves(),
            severity: notice::rating(self.0.child_text("severity")),
            title: self.0.child_text("title").to_owned(),
            description: self.0.child_text("description").to_owned(),
            references: self.references(),
            published: self.date("issued"),
            updated: self.date("updated"),
            ..Notice::default()
        }
    }

    fn date(&self, name: &str) -> Option<String> {
        self.0.child(name).and_then(|date| time::of_day(date.attribute("date")))
    }

    /// The CVE ids among the references, sorted: those of type `cve`; where there is none, those
    /// that the titles of references mention (Fedora's Bugzilla references).
    fn cves(&self) -> Vec<String> {
        let references = || self.0.all("references").flat_map(|list| list.all("reference"));
        let mut ids: Vec<String> = references()
            .filter(|reference| reference.attribute("type") == "cve")
            .map(|reference| reference.attribute("id").to_owned())
            .filter(|id| stream::is_cve(id))
            .collect();
        if ids.is_empty() {
            let titles = references().map(|reference| reference.attribute("title"));
            ids = titles.flat_map(rpm::cve_ids).collect();
        }
        ids.sort();
        ids.dedup();
        ids
    }

    /// The addresses that the notice refers to.
    fn references(&self) -> Vec<String> {
        let references = self.0.all("references").flat_map(|list| list.all("reference"));
        references.map(|reference| reference.attribute("href").to_owned()).collect()
    }

    pub(crate) fn collections(&self) -> impl Iterator<Item = Collection<'_>> {
        self.0.all("pkglist").flat_map(|list| list.all("collection")).map(Collection)
    }

    /// The text of `release`: `Rocky Linux 9`, or Fedora's `<release name="Fedora 40"/>`.
    pub(crate) fn release(&self) -> &str {
        self.0.child("release").map_or("", |release| match release.attribute("name") {
            "" => release.text(),
            name => name,
        })
    }
}

/// A fixed binary package.
pub(crate) struct Package<'e> {
    pub(crate) name: &'e str,
    /// `[epoch:]version-release`.
    pub(crate) version: String,
    pub(crate) architecture: &'e str,
}

impl<'e> Collection<'e> {
    /// The short name of the repository, where given.
    pub(crate) fn short(&self) -> &'e str {
        self.0.attribute("short")
    }

    /// `name:stream` of the module that all packages of the collection belong to.
    pub(crate) fn module(&self) -> Option<String> {
        let module = self.0.child("module")?;
        rpm::module(&format!("{}:{}", module.attribute("name"), module.attribute("stream")))
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = Package<'e>> + use<'e> {
        self.0.all("package").filter(|package| !rpm::is_source(package.attribute("arch"))).map(
            |package| Package {
                name: package.attribute("name"),
                version: rpm::evr(
                    package.attribute("epoch"),
                    package.attribute("version"),
                    package.attribute("release"),
                ),
                architecture: package.attribute("arch"),
            },
        )
    }
}

/// Where the errata file of a repository lies, from its `repomd.xml`; None if the body is none.
pub(crate) fn follow(url: &str, body: &[u8]) -> Option<Vec<String>> {
    let root = url.strip_suffix("repodata/repomd.xml")?;
    let mut found = Vec::new();
    let choose = |name: &str| if name == "data" { Step::Take } else { Step::Enter };
    // A cut-off index still says what stands before the cut.
    let _cut = xml::records(&Document::new(url, body), &choose, &mut |data| {
        let href = data.child("location").map_or("", |location| location.attribute("href"));
        if data.attribute("type") == "updateinfo" && is_below_root(href) {
            found.push(format!("{root}{href}"));
        }
    });
    Some(found)
}

fn is_below_root(href: &str) -> bool {
    !href.is_empty() && !href.starts_with('/') && !href.contains("..") && !href.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_to_the_errata_and_nowhere_else() {
        let url = "https://h/9/os/repodata/repomd.xml";
        let body = br#"<repomd><data type="primary"><location href="repodata/p.gz"/></data>
            <data type="updateinfo"><location href="repodata/u.xml.gz"/></data>
            <data type="updateinfo"><location href="../../etc/u.xml"/></data>
            <data type="updateinfo"><location href="https://e/u.xml"/></data></repomd>"#;
        let expected = vec!["https://h/9/os/repodata/u.xml.gz".to_owned()];
        assert_eq!(follow(url, body), Some(expected));
        assert_eq!(follow("https://h/9/updateinfo.xml", body), None);
    }
}
