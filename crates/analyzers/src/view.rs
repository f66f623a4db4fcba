//! The layers laid over each other, as a container would see them: what stands at a path?
//!
//! Nothing is unpacked and no tree is built. A question goes from the uppermost layer down until
//! one layer holds the path, or hides it from those below. A layer hides a path
//!
//! - by a whiteout at the path or above it,
//! - by an opaque directory above it,
//! - by anything but a directory above it (a directory that became a file or a link),
//!
//! and a layer never hides what it holds itself, so the order of entries within a layer does not
//! matter (OCI image spec, "Whiteouts": whiteouts apply to lower layers only).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use foldhash::HashMap;

use crate::facts::{FileFacts, LayerFacts, Named};
use crate::path_set::PathHash;
use crate::select::split;

/// Links followed on the way to one file: what Linux follows.
const LINKS_MAX: usize = 40;

/// Components walked on the way to one file, links expanded; `PATH_MAX` allows half as many.
const STEPS_MAX: usize = 4096;

/// Layers asked for a path, in all views of a stack, before links are followed no more for their names alone:
/// every layer is looked at with those below it, and a store of packages has ten thousand links. It takes
/// some five seconds.
const STEPS_TOGETHER_MAX: u64 = 200_000_000;

/// Directories remembered with what each layer does to them. A system of 3 000 packages asks for
/// as many; beyond that they are asked anew.
const REMEMBERED_MAX: usize = 4096;

/// All layers, from the lowest to the highest, and what they do to the directories asked for.
pub(crate) struct Stack<'a> {
    layers: &'a [LayerFacts],
    effects: RefCell<HashMap<Box<str>, Rc<[Effect]>>>,
    /// Layers asked for a path.
    steps: Cell<u64>,
}

/// What one layer does to one path.
#[derive(Clone, Copy, Default)]
struct Effect {
    holds: Holds,
    /// The path is removed from the layers below.
    hides: bool,
    /// Everything below the path is removed from the layers below.
    clears: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Holds {
    #[default]
    Nothing,
    Directory,
    Other,
}

/// The lowest `top` layers of a stack: the image as it was after that many layers.
#[derive(Clone, Copy)]
pub(crate) struct View<'s, 'a> {
    stack: &'s Stack<'a>,
    top: usize,
}

/// What stands at a path, links not followed.
enum Standing<'a> {
    Nothing,
    Directory,
    Named(u32, &'a Named),
    /// The layer holds something that it does not know by name.
    Unread(u32),
}

/// Where a path leads, links followed.
pub(crate) enum Resolved<'a> {
    File {
        layer: u32,
        path: String,
        facts: &'a FileFacts,
    },
    /// A directory, or nothing at all, at this path.
    Place(String),
    /// Something that is of no use: a device, a file whose content could not be read.
    Useless,
    /// Something that no pass has read for what it is here, and whether the path ends there. It stands
    /// `at` a path, of which `path` is another name if hard links lead there.
    Unread {
        layer: u32,
        at: String,
        path: String,
        last: bool,
    },
    /// A hard link to what no layer up to its own has, at this path.
    Dangling(String),
    /// More links than a kernel follows.
    Loop,
}

impl<'a> Stack<'a> {
    pub(crate) fn new(layers: &'a [LayerFacts]) -> Self {
        Self { layers, effects: RefCell::default(), steps: Cell::default() }
    }

    pub(crate) fn all(&self) -> View<'_, 'a> {
        self.up_to(self.layers.len())
    }

    pub(crate) fn up_to(&self, top: usize) -> View<'_, 'a> {
        View { stack: self, top }
    }

    pub(crate) fn layers(&self) -> &'a [LayerFacts] {
        self.layers
    }

    /// All layers are asked for a path.
    fn charge(&self) {
        let layers = u64::try_from(self.layers.len()).unwrap_or(u64::MAX);
        self.steps.set(self.steps.get().saturating_add(layers));
    }

    /// What each layer does to a directory.
    fn effects(&self, directory: &str) -> Rc<[Effect]> {
        if let Some(known) = self.effects.borrow().get(directory) {
            return Rc::clone(known);
        }
        let mut effects: Rc<[Effect]> = vec![Effect::default(); self.layers.len()].into();
        effects = self.step("", &effects);
        for prefix in prefixes(directory) {
            let known = self.effects.borrow().get(prefix).cloned();
            effects = known.unwrap_or_else(|| self.step(prefix, &effects));
        }
        effects
    }

    fn step(&self, path: &str, parents: &[Effect]) -> Rc<[Effect]> {
        self.charge();
        let hash = PathHash::of(path);
        let effects: Rc<[Effect]> = self
            .layers
            .iter()
            .zip(parents)
            .map(|(layer, &above)| layer.effect(hash, above))
            .collect();
        let mut remembered = self.effects.borrow_mut();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(path.into(), Rc::clone(&effects));
        effects
    }
}

impl LayerFacts {
    fn effect(&self, path: PathHash, parent: Effect) -> Effect {
        let holds = if self.others.holds(path) {
            Holds::Other
        } else if self.directories.holds(path) {
            Holds::Directory
        } else {
            Holds::Nothing
        };
        let hides = parent.clears || self.whiteouts.holds(path);
        let clears = hides || holds == Holds::Other || self.opaques.holds(path);
        Effect { holds, hides, clears }
    }

    pub(crate) fn has_directory(&self, path: &str) -> bool {
        self.directories.holds(PathHash::of(path))
    }

    /// Whether a second pass has listed the directory.
    pub(crate) fn has_detoured(&self, directory: &str) -> bool {
        self.detoured.iter().any(|detoured| **detoured == *directory)
    }

    /// What the file at `at` says as the one that is looked for at `like`, if it was read for that.
    pub(crate) fn elsewhere(&self, at: &str, like: &str) -> Option<&FileFacts> {
        self.elsewhere.get(at)?.get(like).map(|facts| &**facts)
    }

    /// Whether something other than a directory is at `path` that nobody has read.
    pub(crate) fn has_unread(&self, path: &str) -> bool {
        match self.entries.get(path) {
            Some(Named::Unwanted | Named::Found(_)) => true,
            Some(_) => false,
            None => self.others.holds(PathHash::of(path)),
        }
    }
}

impl<'a> View<'_, 'a> {
    /// Where `path` leads.
    pub(crate) fn resolve(&self, path: &str) -> Resolved<'a> {
        self.stands(path).unwrap_or_else(|| self.walk(path))
    }

    /// The file that stands at `path` by this very name, which needs no walk. This also finds a
    /// file that a layer holds below what it takes for a directory, and another layer for a link:
    /// better to see it than to argue which runtime would.
    pub(crate) fn stands(&self, path: &str) -> Option<Resolved<'a>> {
        match self.standing(path) {
            Standing::Named(layer, Named::File(Some(facts))) => {
                Some(Resolved::File { layer, path: path.to_owned(), facts })
            }
            _ => None,
        }
    }

    /// Whether links may still be followed that nobody must follow.
    fn may_ask(&self) -> bool {
        self.stack.steps.get() < STEPS_TOGETHER_MAX
    }

    /// Follows `path` component by component, as a kernel does.
    pub(crate) fn walk(&self, path: &str) -> Resolved<'a> {
        let mut at = String::new();
        let mut ahead: Vec<String> = components(path);
        let mut links = 0_usize;
        for _ in 0..STEPS_MAX {
            let Some(component) = ahead.pop() else { return Resolved::Place(at) };
            if component == ".." {
                at = split(&at).0.to_owned();
                continue;
            }
            let next = join(&at, &component);
            let last = ahead.is_empty();
            let (target, standing) = self.through_hard_links(&next, &mut links);
            match standing {
                Standing::Nothing if target != next && links <= LINKS_MAX => {
                    return Resolved::Dangling(target);
                }
                Standing::Nothing | Standing::Directory => at = next,
                Standing::Unread(layer) => {
                    return Resolved::Unread { layer, at: target, path: next, last };
                }
                // Nobody has read it for what the link says it is.
                Standing::Named(layer, Named::Unwanted | Named::Found(_)) if last => {
                    return Resolved::Unread { layer, at: target, path: next, last };
                }
                Standing::Named(_, Named::Symlink(target)) => {
                    links = links.saturating_add(1);
                    if target.starts_with('/') {
                        at.clear();
                    }
                    ahead.extend(components(target));
                }
                Standing::Named(layer, Named::File(Some(facts))) if last => {
                    return Resolved::File { layer, path: next, facts };
                }
                Standing::Named(..) => return Resolved::Useless,
            }
            if links > LINKS_MAX {
                break;
            }
        }
        Resolved::Loop
    }

    /// What stands at `path`, and at which path: hard links are other names of what stands there,
    /// in the same layer or below it.
    fn through_hard_links(&self, path: &str, links: &mut usize) -> (String, Standing<'a>) {
        let mut at = path.to_owned();
        let mut view = *self;
        while *links <= LINKS_MAX {
            match view.standing(&at) {
                Standing::Named(layer, Named::HardLink(target)) => {
                    *links = links.saturating_add(1);
                    at = target.to_string();
                    let layer = usize::try_from(layer).unwrap_or(usize::MAX);
                    view.top = view.top.min(layer.saturating_add(1));
                }
                standing => return (at, standing),
            }
        }
        (at, Standing::Nothing)
    }

    fn standing(&self, path: &str) -> Standing<'a> {
        match self.holder(path) {
            (Holds::Nothing, _) => Standing::Nothing,
            (Holds::Directory, _) => Standing::Directory,
            (Holds::Other, index) => {
                let layer = self.stack.layers.get(index);
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                match layer.and_then(|layer| layer.entries.get(path)) {
                    Some(named) => Standing::Named(index, named),
                    None => Standing::Unread(index),
                }
            }
        }
    }

    /// What there is at `path`, and the layer that it is of.
    fn holder(&self, path: &str) -> (Holds, usize) {
        self.stack.charge();
        let parents = self.stack.effects(split(path).0);
        let hash = PathHash::of(path);
        for (index, (layer, &parent)) in self.layers().zip(parents.iter()).enumerate().rev() {
            let effect = layer.effect(hash, parent);
            if effect.holds != Holds::Nothing {
                return (effect.holds, index);
            }
            if effect.hides {
                break;
            }
        }
        (Holds::Nothing, 0)
    }

    /// The layer whose entry at `path` a container would see. A directory that a layer only
    /// implies is as the layers below have made it.
    pub(crate) fn layer_of(&self, path: &str) -> Option<usize> {
        let parents = self.stack.effects(split(path).0);
        let hash = PathHash::of(path);
        let mut is_directory = false;
        for (index, (layer, &parent)) in self.layers().zip(parents.iter()).enumerate().rev() {
            let effect = layer.effect(hash, parent);
            match effect.holds {
                Holds::Directory if layer.implied.holds(hash) => is_directory = true,
                Holds::Directory => return Some(index),
                Holds::Other => return (!is_directory).then_some(index),
                Holds::Nothing => {}
            }
            if effect.hides {
                return None;
            }
        }
        None
    }

    /// Whether the file with these facts is what stands at `path`.
    pub(crate) fn shows(&self, path: &str, facts: &FileFacts) -> bool {
        match self.standing(path) {
            Standing::Named(_, Named::Found(standing) | Named::File(Some(standing))) => {
                std::ptr::eq(&**standing, facts)
            }
            _ => false,
        }
    }

    /// What was wanted wherever it stands, and is still there: layer, path and facts, by path
    /// within each layer.
    pub(crate) fn found(&self) -> impl Iterator<Item = (u32, &'a str, &'a FileFacts)> {
        let layers = self.layers().enumerate();
        let named =
            layers.flat_map(|(index, layer)| layer.entries.iter().map(move |it| (index, it)));
        named.filter_map(|(index, (path, named))| {
            let Named::Found(facts) = named else { return None };
            let stands = self.holder(path) == (Holds::Other, index);
            stands.then(|| (u32::try_from(index).unwrap_or(u32::MAX), &**path, &**facts))
        })
    }

    /// What the file of a layer says as the one that is looked for at `like`, if it was read for that.
    pub(crate) fn elsewhere(&self, layer: u32, at: &str, like: &str) -> Option<&'a FileFacts> {
        self.stack.layers.get(usize::try_from(layer).ok()?)?.elsewhere(at, like)
    }

    /// The paths of links, by path within each layer, as far as `speaks` picks them, each with whether it is
    /// known to be still there: None if nothing may be asked any more.
    pub(crate) fn links(
        &self,
        speaks: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&'a str, Option<bool>)> {
        let layers = self.layers().enumerate();
        let named =
            layers.flat_map(|(index, layer)| layer.entries.iter().map(move |it| (index, it)));
        named.filter_map(move |(index, (path, named))| {
            let is_link = matches!(named, Named::Symlink(_) | Named::HardLink(_));
            let stands = || self.holder(path) == (Holds::Other, index);
            (is_link && speaks(path)).then(|| (&**path, self.may_ask().then(stands)))
        })
    }

    /// Whether a directory exists whose files nobody has collected.
    pub(crate) fn lacks(&self, directory: &str) -> bool {
        self.layers().any(|layer| layer.has_directory(directory) && !layer.has_detoured(directory))
    }

    fn layers(&self) -> std::slice::Iter<'a, LayerFacts> {
        self.stack.layers.get(..self.top).unwrap_or(self.stack.layers).iter()
    }

    /// Names that any layer knows of a file or link directly in `directory` and that end in
    /// `suffix`, sorted; whether they are still there is for [`Self::resolve`] to say.
    pub(crate) fn names_in(&self, directory: &str, suffix: &str) -> Vec<&'a str> {
        let within = format!("{directory}/");
        let mut names: Vec<&str> = self
            .layers()
            .flat_map(|layer| {
                let from_there = layer.entries.range(Box::from(within.as_str())..);
                from_there.map_while(|(path, _)| path.strip_prefix(within.as_str()))
            })
            .filter(|name| !name.contains('/') && name.ends_with(suffix))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| path.get(..end)).filter(|prefix| !prefix.is_empty())
}

/// The components of a path, the first at the end, without those that say nothing.
fn components(path: &str) -> Vec<String> {
    let meaningful = |component: &&str| !component.is_empty() && *component != ".";
    path.rsplit('/').filter(meaningful).map(str::to_owned).collect()
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}
