//! Files by path, generalised where they are many: a folder in which ever new names stand becomes
//! `FOLDER/*`, and a tree that grows beyond its limit becomes `FOLDER/**` from some depth on.
//!
//! Both are said as a `Widening`: it is what a reviewer has to look at.

use std::collections::BTreeMap;

use model::event::Text;

use super::path::{DEPTH_MAX, Part, Pattern};
use super::widening::{Reason, Widen};

/// Names in one folder that are told apart. Programs that name a file for each request, session or
/// process have more within minutes; folders that people lay out for a program to write to do not.
pub(super) const NAMES_MAX: usize = 16;
/// Paths in all: more are nothing that somebody would read through.
pub(super) const PATHS_MAX: usize = 512;

/// Files, as patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    root: Node,
    /// Without a root: memory files.
    count: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// A path ends here.
    ends: bool,
    /// And everything below it.
    below: bool,
    names: BTreeMap<Text, Self>,
    any: Option<Box<Self>>,
}

impl Tree {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn covers(&self, path: &Pattern) -> bool {
        // All places that the names so far lead to: no more than there are in the tree.
        let mut places = vec![&self.root];
        for part in &path.0 {
            if places.iter().any(|node| node.below) {
                return true;
            }
            let mut next: Vec<&Node> = Vec::new();
            for node in places {
                if let Part::Name(name) = part {
                    next.extend(node.names.get(name));
                }
                if *part != Part::Below {
                    next.extend(node.any.as_deref());
                }
            }
            places = next;
        }
        places.iter().any(|node| node.ends)
    }

    /// Adds a path that is not covered.
    pub(super) fn add(&mut self, path: &Pattern, widen: Widen<'_>) {
        self.root.add(&path.0, &mut Vec::new(), widen);
        self.count = self.root.count();
        let mut depth = DEPTH_MAX;
        while self.count > PATHS_MAX && depth > 1 {
            depth -= 1;
            self.root.cut(depth, &mut Vec::new(), widen);
            self.count = self.root.count();
        }
    }

    /// As it stands in a file: what a person wrote is not widened.
    pub(super) fn put(&mut self, path: &Pattern) {
        self.root.put(&path.0);
        self.count = self.root.count();
    }

    /// In their order.
    pub fn patterns(&self) -> Vec<Pattern> {
        let mut all = Vec::new();
        self.root.list(&mut Vec::new(), &mut all);
        all
    }
}

impl Node {
    fn count(&self) -> usize {
        let children = self.names.values().chain(self.any.as_deref());
        usize::from(self.ends) + usize::from(self.below) + children.map(Self::count).sum::<usize>()
    }

    fn put(&mut self, parts: &[Part]) {
        match parts.split_first() {
            None => self.ends = true,
            Some((Part::Below, _)) => self.below = true,
            Some((Part::Any, rest)) => self.any.get_or_insert_default().put(rest),
            Some((Part::Name(name), rest)) => self.names.entry(name.clone()).or_default().put(rest),
        }
    }

    /// `at` is where this is.
    fn add(&mut self, parts: &[Part], at: &mut Vec<Part>, widen: Widen<'_>) {
        if self.below && !parts.is_empty() {
            return;
        }
        let Some((part, rest)) = parts.split_first() else {
            self.ends = true;
            return;
        };
        let child = match part {
            Part::Below => {
                self.close();
                return;
            }
            Part::Name(name) if self.any.is_none() || self.names.contains_key(name) => {
                self.names.entry(name.clone()).or_default()
            }
            Part::Name(_) | Part::Any => self.any.get_or_insert_default(),
        };
        at.push(part.clone());
        child.add(rest, at, widen);
        at.pop();
        if self.names.len() > NAMES_MAX {
            self.join(at, widen);
        }
    }

    /// All names become any. What comes together so may be too much in its turn.
    fn join(&mut self, at: &mut Vec<Part>, widen: Widen<'_>) {
        let is_news = self.any.is_none();
        let any = self.any.get_or_insert_default();
        for node in std::mem::take(&mut self.names).into_values() {
            any.absorb(node);
        }
        at.push(Part::Any);
        if any.names.len() > NAMES_MAX || (any.any.is_some() && !any.names.is_empty()) {
            any.join(at, widen);
        }
        if is_news {
            widen(Pattern(at.clone()), Reason::Names);
        }
        at.pop();
    }

    fn absorb(&mut self, other: Self) {
        self.ends |= other.ends;
        self.below |= other.below;
        for (name, node) in other.names {
            self.names.entry(name).or_default().absorb(node);
        }
        if let Some(any) = other.any {
            self.any.get_or_insert_default().absorb(*any);
        }
        if self.below {
            self.close();
        }
    }

    fn close(&mut self) {
        self.below = true;
        self.names.clear();
        self.any = None;
    }

    /// What is deeper becomes `**`.
    fn cut(&mut self, depth: usize, at: &mut Vec<Part>, widen: Widen<'_>) {
        if depth == 0 {
            if !self.names.is_empty() || self.any.is_some() {
                self.close();
                widen(Pattern([at.as_slice(), &[Part::Below]].concat()), Reason::Paths);
            }
            return;
        }
        for (name, node) in &mut self.names {
            at.push(Part::Name(name.clone()));
            node.cut(depth - 1, at, widen);
            at.pop();
        }
        if let Some(any) = &mut self.any {
            at.push(Part::Any);
            any.cut(depth - 1, at, widen);
            at.pop();
        }
    }

    fn list(&self, at: &mut Vec<Part>, all: &mut Vec<Pattern>) {
        if self.ends {
            all.push(Pattern(at.clone()));
        }
        for (name, node) in &self.names {
            at.push(Part::Name(name.clone()));
            node.list(at, all);
            at.pop();
        }
        if let Some(any) = &self.any {
            at.push(Part::Any);
            any.list(at, all);
            at.pop();
        }
        if self.below {
            at.push(Part::Below);
            all.push(Pattern(at.clone()));
            at.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: impl Iterator<Item = String>) -> (Vec<String>, Vec<String>) {
        let (mut tree, mut widened) = (Tree::default(), Vec::new());
        for path in paths {
            let path = Pattern::of(path.as_bytes());
            if !tree.covers(&path) {
                tree.add(&path, &mut |it, why| widened.push(format!("{it}: {}", why.text())));
            }
            assert!(tree.covers(&path), "{path}");
        }
        (tree.patterns().iter().map(ToString::to_string).collect(), widened)
    }

    #[test]
    fn many_names_in_one_folder_become_any() {
        let few = |count: usize| (0..count).map(|it| format!("/tmp/file{it}"));
        assert_eq!(of(few(NAMES_MAX)).0.len(), NAMES_MAX);
        let (patterns, widened) = of(few(NAMES_MAX + 1).chain(["/etc/hosts".to_owned()]));
        assert_eq!(patterns, ["/etc/hosts", "/tmp/*"]);
        assert_eq!(widened, ["/tmp/*: more than 16 names"]);
        // What is below each of many folders comes together.
        let folders = (0..20).map(|it| format!("/var/{it}/log"));
        let more = (0..20).map(|it| format!("/var/{it}/pid"));
        assert_eq!(of(folders.chain(more)).0, ["/var/*/log", "/var/*/pid"]);
        let wide = (0..400).map(|it| format!("/var/{}/{}", it / 20, it));
        assert_eq!(of(wide).0, ["/var/*/*"]);
    }

    #[test]
    fn a_tree_has_a_limit_and_stays_within() {
        // Sixteen names each over four levels are 65 536 paths.
        let hex = "0123456789abcdef".chars();
        let paths = hex.clone().flat_map(|a| {
            let hex = "0123456789abcdef".chars();
            hex.clone().flat_map(move |b| {
                let hex = "0123456789abcdef".chars();
                hex.map(move |c| format!("/{a}/{b}/{c}"))
            })
        });
        let (patterns, widened) = of(paths);
        assert!(patterns.len() <= PATHS_MAX, "{}", patterns.len());
        assert!(widened.iter().any(|it| it.ends_with("/**: more than 512 paths")), "{widened:?}");
    }

    #[test]
    fn what_stands_in_a_file_is_found_whatever_else_stands_there() {
        let mut tree = Tree::default();
        for text in ["/a/*/c", "/a/b", "/d/**", "/"] {
            tree.put(&text.parse().unwrap());
        }
        let table = [
            ("/a/b/c", true),
            ("/a/x/c", true),
            ("/a/b", true),
            ("/a/x", false),
            ("/d", false),
            ("/d/e/f", true),
            ("/", true),
        ];
        for (path, is_covered) in table {
            assert_eq!(tree.covers(&path.parse().unwrap()), is_covered, "{path}");
        }
    }
}
