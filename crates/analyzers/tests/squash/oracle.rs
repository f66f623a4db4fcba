//! Random images, judged by a file system that is as simple as can be.
//!
//! The oracle keeps a tree of paths and applies one layer after the other to it, as the OCI image
//! spec says ("Applying Changesets"), then follows links through the tree. It shares no code and
//! no idea with the product, which builds no tree. What is compared is which file `etc/os-release`
//! and the other selected path lead to: every file has an `ID` of its own.

use std::collections::BTreeMap;

use analyzers::{Checks, squash};

use crate::image::{self, Kind, Layer};

/// Paths that a random layer may hold: two that are selected, their directories, and a place that
/// nobody watches.
const PATHS: [&str; 11] = [
    "data",
    "data/lib",
    "data/lib/os-release",
    "data/os-release",
    "etc",
    "etc/os-release",
    "etc/x",
    "usr",
    "usr/lib",
    "usr/lib/os-release",
    "usr/lib/x",
];

const TARGETS: [&str; 12] = [
    "../usr/lib/os-release",
    "/data",
    "/data/lib",
    "/data/lib/os-release",
    "/usr/lib",
    "../../../../data/os-release",
    "x",
    "./os-release",
    "../etc",
    "/nowhere",
    "data/lib/../os-release",
    "..",
];

/// Enough for every chain of links among [`PATHS`].
const PASSES: usize = 12;

#[test]
fn random_images_look_as_a_file_system_shows_them() {
    let mut random = Random(7);
    let mut found = [0, 0];
    for round in 0..1500 {
        let mut tree = Tree::default();
        let layers: Vec<Layer> =
            (0..random.below(4) + 1).map(|_| random.layer(&mut tree)).collect();
        let mut facts = image::read(&layers, Checks::default());
        for _ in 0..PASSES {
            if image::read_again(&layers, &mut facts).is_empty() {
                break;
            }
        }
        let inventory = squash(&facts, true);
        let seen = inventory.os.map(|os| os.family);
        let shown = tree.open("etc/os-release").or_else(|| tree.open("usr/lib/os-release"));
        assert_eq!(seen, shown, "round {round}: {layers:#?}");
        found[usize::from(shown.is_some())] += 1;
    }
    // A comparison of nothing with nothing would prove little.
    assert!(found.iter().all(|&count| count > 300), "{found:?}");
}

/// The tree that a runtime would show; directories are there without saying so.
#[derive(Default)]
struct Tree {
    nodes: BTreeMap<String, Node>,
}

#[derive(Clone)]
enum Node {
    Directory,
    File(String),
    Symlink(String),
}

impl Tree {
    fn apply(&mut self, layer: &Layer) {
        for (path, kind) in layer {
            match kind {
                Kind::Whiteout => self.remove(path),
                Kind::Opaque => self.remove_below(path),
                _ => {}
            }
        }
        for (path, kind) in layer {
            let node = match kind {
                Kind::Directory => Node::Directory,
                Kind::File(content) => Node::File(content.clone()),
                Kind::Symlink(target) => Node::Symlink(target.clone()),
                Kind::HardLink(target) => self.nodes[target].clone(),
                Kind::Whiteout | Kind::Opaque | Kind::Unreadable => continue,
            };
            let was_directory = matches!(self.nodes.get(path), Some(Node::Directory));
            if !(was_directory && matches!(node, Node::Directory)) {
                self.remove(path);
            }
            self.nodes.insert(path.clone(), node);
        }
    }

    fn remove(&mut self, path: &str) {
        self.nodes.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, path: &str) {
        let within = format!("{path}/");
        self.nodes.retain(|path, _| !path.starts_with(&within));
    }

    /// The `ID` in the file that a path leads to.
    fn open(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..40 {
            let components: Vec<&str> =
                path.split('/').filter(|c| !c.is_empty() && *c != ".").collect();
            let mut at: Vec<&str> = Vec::new();
            let mut next = None;
            for (index, component) in components.iter().enumerate() {
                if *component == ".." {
                    at.pop();
                    continue;
                }
                at.push(component);
                let rest = components[index + 1..].join("/");
                match self.nodes.get(&at.join("/"))? {
                    Node::Directory => {}
                    Node::File(content) if rest.is_empty() => {
                        return Some(content.lines().next()?.strip_prefix("ID=")?.to_owned());
                    }
                    Node::File(_) => return None,
                    Node::Symlink(target) => {
                        at.pop();
                        let base =
                            if target.starts_with('/') { String::new() } else { at.join("/") };
                        next = Some(format!("{base}/{target}/{rest}"));
                        break;
                    }
                }
            }
            path = next?;
        }
        None
    }
}

/// Numbers that look random and are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// A layer as builders write them, applied to the tree: every entry's directories are there
    /// before it, no path twice, and hard links last, to what is then there.
    fn layer(&mut self, tree: &mut Tree) -> Layer {
        let mut layer = Layer::new();
        for path in PATHS {
            let parent = path.rsplit_once('/').map(|(parent, _)| parent);
            let has_parent = |layer: &Layer| {
                parent.is_none_or(|parent| layer.contains(&(parent.to_owned(), Kind::Directory)))
            };
            if !has_parent(&layer) {
                continue;
            }
            let has_children = PATHS.iter().any(|p| p.starts_with(&format!("{path}/")));
            let kind = match self.below(10) {
                0 => continue,
                1 => Kind::Whiteout,
                2 | 3 => Kind::Symlink(TARGETS[self.below(TARGETS.len())].to_owned()),
                4 if has_children => {
                    layer.push((path.to_owned(), Kind::Opaque));
                    Kind::Directory
                }
                4..=8 if has_children => Kind::Directory,
                _ => Kind::File(format!("ID=x{}\n", self.below(1_000_000))),
            };
            if kind == Kind::Whiteout && self.below(2) == 0 {
                // Removed and made anew in one layer.
                layer.push((path.to_owned(), Kind::Whiteout));
                let anew = if has_children {
                    Kind::Directory
                } else {
                    Kind::File(format!("ID=x{}\n", self.below(1_000_000)))
                };
                layer.push((path.to_owned(), anew));
            } else {
                layer.push((path.to_owned(), kind));
            }
        }
        tree.apply(&layer);
        if let Some(link) = self.hard_link(&layer, tree) {
            tree.apply(&vec![link.clone()]);
            layer.push(link);
        }
        layer
    }

    /// A new name, in a directory of this layer, for something that is not a directory.
    fn hard_link(&mut self, layer: &Layer, tree: &Tree) -> Option<(String, Kind)> {
        let path = PATHS[self.below(PATHS.len())];
        let parent = path.rsplit_once('/')?.0;
        let is_free = layer.iter().all(|(taken, _)| taken != path)
            && layer.contains(&(parent.to_owned(), Kind::Directory))
            && !matches!(tree.nodes.get(path), Some(Node::Directory));
        let target = PATHS[self.below(PATHS.len())];
        let is_linkable = matches!(tree.nodes.get(target), Some(Node::File(_) | Node::Symlink(_)));
        let differs = target != path;
        (is_free && is_linkable && differs)
            .then(|| (path.to_owned(), Kind::HardLink(target.to_owned())))
    }
}
