//! OVAL, the assessment language that most Linux publishers have served at some time
//! (oval.mitre.org, definition schema 5.x): definitions say under which criteria a system is
//! affected, criteria name tests, tests name objects (which package) and states (which version).
//!
//! A document is read twice: first its tests, objects, states and variables into tables that
//! refer to each other, then its definitions one at a time, so that a file of a gigabyte needs memory
//! for the tables only. This reader must never judge what a definition means for a
//! publisher; it answers what a test asks of a package, and in which company it stands.

mod tables;

use std::cell::Cell;

pub(crate) use self::tables::{Asked, Package};
use self::tables::{Missing, Tables};
use crate::notice::{self, Notice};
use crate::xml::{self, Element, Step};
use crate::{Document, FeedError, Sink, rpm, time};

/// How many packages with their conditions are looked at in one definition. SUSE's kernels reach a
/// million; a definition that joins as many products with as many packages must not reach the
/// square of its length.
const WORK_LIMIT: usize = 1 << 24;
/// How many package tests one definition may ask; held in memory at once.
const PACKAGES_LIMIT: usize = 1 << 18;

/// One document, as its definitions see it.
pub(crate) struct Oval {
    tables: Tables,
    /// The document does not parse to its end.
    damaged: bool,
    /// Criteria whose test, or a part of it, is not in the document.
    missing: Cell<u64>,
    /// Definitions that reached a limit.
    cut_short: Cell<u64>,
}

/// What must hold besides a package test: one entry a condition, each the comments of the tests
/// of which any may hold (`Oracle Linux 8 is installed`, `Module nodejs:18 is enabled`).
pub(crate) type Conditions<'t> = [Vec<&'t str>];

impl Oval {
    /// Reads a whole document: each definition is handed over with the tables. What is missing in
    /// a damaged document becomes problems of the sink; what stands before the damage is kept.
    pub(crate) fn read(
        document: &Document<'_>,
        sink: &mut Sink,
        each: &mut dyn FnMut(&Self, &Element, &mut Sink),
    ) -> Result<(), FeedError> {
        let (tables, damage) = Tables::read(document);
        let damaged = damage.is_err();
        let oval = Self { tables, damaged, missing: Cell::new(0), cut_short: Cell::new(0) };
        let choose = |name: &str| match name {
            "definition" | "generator" => Step::Take,
            "tests" | "objects" | "states" | "variables" => Step::Skip,
            _ => Step::Enter,
        };
        let mut made = None;
        let definitions = xml::records(document, &choose, &mut |element| match &*element.name {
            "generator" => made = time::utc_or_unsaid(element.child_text("timestamp")),
            _ => each(&oval, &element, sink),
        });
        made.iter().for_each(|when| sink.modified_all(when));
        if oval.missing.get() > 0 {
            let record = format!("{} criteria", oval.missing.get());
            sink.damaged(&record, "their tests are not in the document");
        }
        if oval.cut_short.get() > 0 {
            let record = format!("the rest of {} definitions", oval.cut_short.get());
            sink.damaged(&record, "they name more packages and products than are looked at");
        }
        definitions.and(damage)
    }

    /// Calls `each` for every package test in the criteria of a definition, in order.
    pub(crate) fn packages<'t>(
        &'t self,
        definition: &'t Element,
        each: &mut dyn FnMut(&Package<'t>, &Conditions<'t>),
    ) {
        let mut room = PACKAGES_LIMIT;
        let missing = self.missing.get();
        let criteria = definition.all("criteria").map(|criteria| self.node(criteria, &mut room));
        let criteria: Vec<Node<'t>> = criteria.collect();
        // What is lost in a cut-off document might have narrowed what is left.
        if self.damaged && self.missing.get() > missing {
            return;
        }
        let mut walk = Walk { conditions: Vec::new(), work: 0, each };
        criteria.iter().for_each(|criteria| walk.enter(criteria));
        if room == 0 || walk.work > WORK_LIMIT {
            self.cut_short.set(self.cut_short.get() + 1);
        }
    }

    /// A node of the criteria tree with its tests looked up. `xml` bounds how deep it nests.
    fn node<'t>(&'t self, element: &'t Element, room: &mut usize) -> Node<'t> {
        if !matches!(&*element.name, "criteria" | "criterion") {
            return Node::Other(element.attribute("comment"));
        }
        if element.name == "criterion" {
            let packages = self.tables.asks(element.attribute("test_ref"), *room);
            let packages = packages.unwrap_or_else(|Missing| {
                self.missing.set(self.missing.get() + 1);
                Vec::new()
            });
            *room -= packages.len();
            return match packages.is_empty() {
                true => Node::Other(element.attribute("comment")),
                false => Node::Packages(packages),
            };
        }
        let any = element.attribute("operator").eq_ignore_ascii_case("OR");
        let children = element.children.iter().map(|child| self.node(child, room));
        let children: Vec<Node<'t>> = children.collect();
        let asks = children.iter().any(Node::asks);
        Node::Group { any, asks, children }
    }
}

/// A node of a criteria tree.
enum Node<'t> {
    Packages(Vec<Package<'t>>),
    /// The comment of a test of something else.
    Other(&'t str),
    Group {
        any: bool,
        /// Whether a package test is in it.
        asks: bool,
        children: Vec<Self>,
    },
}

impl Node<'_> {
    fn asks(&self) -> bool {
        match self {
            Self::Packages(_) => true,
            Self::Other(_) => false,
            Self::Group { asks, .. } => *asks,
        }
    }
}

/// A walk through the criteria of one definition.
struct Walk<'t, 'f> {
    conditions: Vec<Vec<&'t str>>,
    /// Packages and conditions looked at so far.
    work: usize,
    each: &'f mut dyn FnMut(&Package<'t>, &Conditions<'t>),
}

impl<'t> Walk<'t, '_> {
    fn enter(&mut self, node: &Node<'t>) {
        match node {
            Node::Packages(packages) => {
                let cost = 1 + self.conditions.iter().map(Vec::len).sum::<usize>();
                for package in packages {
                    self.work += cost;
                    if self.work > WORK_LIMIT {
                        return;
                    }
                    (self.each)(package, &self.conditions);
                }
            }
            Node::Other(_) => {}
            Node::Group { any, children, .. } => {
                let outer = self.conditions.len();
                // An alternative to a package test says nothing about the package; a companion does.
                if !any {
                    let companions = children.iter().filter(|child| !child.asks());
                    self.conditions.extend(companions.map(comments));
                }
                for child in children.iter().filter(|child| child.asks()) {
                    self.enter(child);
                }
                self.conditions.truncate(outer);
            }
        }
    }
}

/// The comments of all tests in a node that asks of no package.
fn comments<'t>(node: &Node<'t>) -> Vec<&'t str> {
    match node {
        Node::Packages(_) => Vec::new(),
        Node::Other(comment) => vec![comment],
        Node::Group { children, .. } => children.iter().flat_map(comments).collect(),
    }
}

/// The notice that a patch definition stands for, without its fixes: the first reference that is
/// no CVE names it, `cve` elements or the other references name the vulnerabilities.
pub(crate) fn notice(definition: &Element) -> Notice {
    let empty = Element::default();
    let metadata = definition.child("metadata").unwrap_or(&empty);
    let advisory = metadata.child("advisory").unwrap_or(&empty);
    let is_cve = |reference: &&Element| reference.attribute("source") == "CVE";
    let id = metadata.all("reference").find(|reference| !is_cve(reference));
    let named = advisory.all("cve").map(|cve| cve.text().to_owned());
    let mut cves: Vec<String> = named.filter(|cve| crate::stream::is_cve(cve)).collect();
    if cves.is_empty() {
        let references = metadata.all("reference").filter(is_cve);
        cves =
            references.flat_map(|reference| rpm::cve_ids(reference.attribute("ref_id"))).collect();
    }
    cves.sort();
    cves.dedup();
    let references = metadata.all("reference").map(|reference| reference.attribute("ref_url"));
    let day = |name: &str| time::of_day(advisory.child(name)?.attribute("date"));
    Notice {
        id: id.map_or("", |reference| reference.attribute("ref_id")).to_owned(),
        cves,
        severity: notice::rating(advisory.child_text("severity")),
        title: metadata.child_text("title").to_owned(),
        description: metadata.child_text("description").to_owned(),
        references: references.map(str::to_owned).collect(),
        published: day("issued"),
        updated: day("updated").or_else(|| day("issued")),
        ..Notice::default()
    }
}

/// `nodejs:18`, if the conditions say that `Module nodejs:18 is enabled`.
pub(crate) fn module<'t>(conditions: &Conditions<'t>) -> Option<&'t str> {
    let mut comments = conditions.iter().flatten();
    comments.find_map(|comment| comment.strip_prefix("Module ")?.strip_suffix(" is enabled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"<oval_definitions xmlns:linux="u">
        <definitions><definition id="d">
            <criteria operator="OR">
                <criterion test_ref="t:release" comment="some release must be installed"/>
                <criteria operator="AND">
                    <criteria operator="OR">
                        <criterion test_ref="t:release" comment="release 8 is installed"/>
                        <criterion test_ref="t:release" comment="release 9 is installed"/>
                    </criteria>
                    <criteria>
                        <criterion test_ref="t:module" comment="Module nodejs:18 is enabled"/>
                        <criteria operator="OR">
                            <criterion test_ref="t:below" comment="npm is earlier than 2"/>
                            <criterion test_ref="t:not" comment="npm is not affected"/>
                        </criteria>
                    </criteria>
                    <criterion test_ref="t:any" comment="tar is installed"/>
                    <criterion test_ref="t:gone" comment="tar is gone"/>
                    <criterion test_ref="t:nowhere" comment="lost"/>
                </criteria>
            </criteria>
        </definition></definitions>
        <tests>
            <linux:rpminfo_test id="t:below" check="at least one">
                <linux:object object_ref="o:npm"/><linux:state state_ref="s:below"/>
            </linux:rpminfo_test>
            <rpminfo_test id="t:not"><object object_ref="o:npm"/><state state_ref="s:zero"/></rpminfo_test>
            <rpminfo_test id="t:any"><object object_ref="o:tar"/></rpminfo_test>
            <rpminfo_test id="t:gone" check_existence="none_exist"><object object_ref="o:tar"/></rpminfo_test>
            <rpminfo_test id="t:release"><object object_ref="o:tar"/><state state_ref="s:key"/></rpminfo_test>
            <textfilecontent54_test id="t:module"><object object_ref="o:npm"/></textfilecontent54_test>
        </tests>
        <objects>
            <rpminfo_object id="o:npm"><name>npm</name></rpminfo_object>
            <rpminfo_object id="o:tar"><name var_ref="v:tar"/></rpminfo_object>
        </objects>
        <states>
            <rpminfo_state id="s:below">
                <arch operation="pattern match">(x86_64|aarch64)</arch>
                <evr operation="less than">1:2-3</evr>
            </rpminfo_state>
            <rpminfo_state id="s:zero"><version operation="equals">0</version></rpminfo_state>
            <rpminfo_state id="s:key"><signature_keyid>1f</signature_keyid></rpminfo_state>
        </states>
        <variables>
            <constant_variable id="v:tar"><value>tar</value><value>tar-doc</value></constant_variable>
        </variables>
    </oval_definitions>"#;

    fn document(text: &str) -> Document<'_> {
        Document::new("x", text.as_bytes())
    }

    #[test]
    fn package_tests_are_met_with_their_companions() {
        let mut sink = Sink::default();
        let mut seen = Vec::new();
        Oval::read(&document(DOCUMENT), &mut sink, &mut |oval, definition, _| {
            oval.packages(definition, &mut |package, conditions| {
                let architectures: Vec<_> = package.architectures().collect();
                seen.push(format!(
                    "{} {:?} {} if {conditions:?}",
                    package.name,
                    package.asked,
                    architectures.join("+"),
                ));
            });
        })
        .unwrap();
        let releases =
            r#"["release 8 is installed", "release 9 is installed"], ["tar is gone"], ["lost"]"#;
        let module = r#"["Module nodejs:18 is enabled"]"#;
        assert_eq!(
            seen,
            [
                format!(r#"npm Below("1:2-3") x86_64+aarch64 if [{releases}, {module}]"#),
                format!("npm Impossible  if [{releases}, {module}]"),
                format!("tar Installed  if [{releases}]"),
                format!("tar-doc Installed  if [{releases}]"),
            ]
        );
    }

    #[test]
    fn a_cut_costs_what_lies_behind_it() {
        let (cut, _) = DOCUMENT.split_once("<rpminfo_test id=\"t:any\"").unwrap();
        let mut names = String::new();
        let end = Oval::read(&document(cut), &mut Sink::default(), &mut |oval, definition, _| {
            oval.packages(definition, &mut |package, _| names.push_str(package.name));
        });
        assert!(end.is_err_and(|error| error.to_string().contains("cut off")));
        assert_eq!(names, "", "objects lie behind the cut");
    }

    #[test]
    fn a_definition_that_joins_too_much_is_cut_short_and_said_so() {
        const MANY: usize = 5000;
        let platform = r#"<criterion test_ref="t:release" comment="release 8 is installed"/>"#;
        let package = r#"<criterion test_ref="t:below" comment="npm is earlier than 2"/>"#;
        let (_, tables) = DOCUMENT.split_once("</definitions>").unwrap();
        let text = format!(
            r#"<oval_definitions><definitions><definition id="d"><criteria operator="AND">
               <criteria operator="OR">{}</criteria><criteria operator="OR">{}</criteria>
               </criteria></definition></definitions>{}"#,
            platform.repeat(MANY),
            package.repeat(MANY),
            tables,
        );
        let mut sink = Sink::default();
        let mut seen = 0;
        let end = Oval::read(&document(&text), &mut sink, &mut |oval, definition, _| {
            oval.packages(definition, &mut |_, _| seen += 1);
        });
        assert!(end.is_ok() && sink.damaged == 1, "{end:?}");
        assert_eq!(seen, WORK_LIMIT / (MANY + 1));
    }
}
