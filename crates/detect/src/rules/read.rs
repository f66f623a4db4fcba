//! The items of a file, one by one, and what they do to items of earlier files.

use std::collections::HashSet;

use model::Priority;

use super::exception;
use super::item::{Form, Items, List, Macro, RuleItem};
use super::overriding::{self, Overrides};
use super::own;
use super::written::{File, Written};
use super::{FILE_BYTES_MAX, RuleFile};
use crate::diagnostic::{Diagnostic, Level, Place};
use crate::source::Source;
use crate::suggest;
use crate::yaml::{self, Content, Node};

/// The version of Falco's engine whose language this is. Files that want a later one are read, and
/// what of them is not known is told.
const ENGINE_VERSION: [u64; 3] = [0, 63, 0];

/// Falco's plugins whose fields are here without them.
const PLUGINS: &[&str] = &["container", "json", "k8saudit"];

const RULE_KEYS: &[&str] = &[
    "rule",
    "desc",
    "condition",
    "output",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "append",
    "override",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
];

/// What was read so far.
#[derive(Default)]
pub(super) struct Read {
    pub(super) files: Vec<File>,
    pub(super) lists: Items<List>,
    pub(super) macros: Items<Macro>,
    pub(super) rules: Items<RuleItem>,
    /// Names of items that were left out: what uses one has a mistake too, unless there is another
    /// definition.
    pub(super) broken_lists: HashSet<String>,
    pub(super) broken_macros: HashSet<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// An item that is being read.
#[derive(Clone, Copy)]
pub(super) struct Item<'n> {
    pub(super) file: usize,
    pub(super) node: &'n Node,
    pub(super) name: &'n str,
}

/// Said of an item that is then left out.
pub(super) type Mistake = Diagnostic;

impl Read {
    pub(super) fn file(&mut self, file: &RuleFile<'_>) {
        let place = Place { file: file.name.to_owned(), line: 0, column: 0 };
        let mut refuse = |message: String| {
            self.diagnostics.push(Diagnostic::new(Level::Error, place.clone(), "", message))
        };
        if file.bytes.len() > FILE_BYTES_MAX {
            return refuse(format!("a rule file of more than {FILE_BYTES_MAX} bytes"));
        }
        let text = match std::str::from_utf8(file.bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                return refuse(format!("not UTF-8 after {} bytes", error.valid_up_to()));
            }
        };
        let (documents, error) = yaml::documents(text);
        self.files.push(File { name: file.name.to_owned(), text: text.to_owned() });
        let file = self.files.len() - 1;
        for document in &documents {
            self.document(file, document);
        }
        if let Some(error) = error {
            let place = Place { line: error.line, column: error.column, ..place };
            let message = format!("no YAML from here on: {}", error.message);
            self.diagnostics.push(Diagnostic::new(Level::Error, place, "", message));
        }
    }

    fn document(&mut self, file: usize, document: &Node) {
        let Content::List(items) = &document.content else {
            let message = "a rule file is a list of rules, macros and lists";
            let mistake = Diagnostic::new(Level::Error, self.place(file, document), "", message);
            return self.diagnostics.push(mistake);
        };
        for node in items.iter().filter(|node| !node.is_nothing()) {
            if let Err(mistake) = self.item(file, node) {
                self.diagnostics.push(mistake);
            }
        }
    }

    fn item(&mut self, file: usize, node: &Node) -> Result<(), Mistake> {
        let item = |name| Item { file, node, name };
        if !matches!(node.content, Content::Map(_)) {
            return Err(self.mistake(item(""), node, "an item is a map of keys"));
        }
        if let Some(version) = node.get("required_engine_version") {
            return self.engine_version(item("required_engine_version"), version);
        }
        if let Some(plugins) = node.get("required_plugin_versions") {
            return self.plugin_versions(item("required_plugin_versions"), plugins);
        }
        for (kind, read) in [
            ("list", Self::list as fn(&mut Self, Item<'_>) -> Result<(), Mistake>),
            ("macro", Self::a_macro),
            ("rule", Self::rule),
            ("id", Self::own_rule),
        ] {
            if let Some(name) = node.get(kind) {
                let item = item(name.scalar().unwrap_or_default());
                if item.name.is_empty() {
                    return Err(self.mistake(item, name, format!("`{kind}` has no name")));
                }
                return read(self, item).inspect_err(|_| match kind {
                    "list" => drop(self.broken_lists.insert(item.name.to_owned())),
                    "macro" => drop(self.broken_macros.insert(item.name.to_owned())),
                    _ => {}
                });
            }
        }
        let key = node.entries().next().map(|(key, _)| key);
        let message = match key.and_then(Node::scalar) {
            Some(key) => format!("an item that begins with `{key}` is not known"),
            None => "an item without a key".to_owned(),
        };
        let hint = key.and_then(Node::scalar).and_then(|key| {
            suggest::hint(key, ["rule", "id", "macro", "list", "required_engine_version"])
        });
        let place = self.place(file, key.unwrap_or(node));
        self.diagnostics.push(Diagnostic::new(Level::Warning, place, "", message).hint(hint));
        Ok(())
    }

    fn engine_version(&mut self, item: Item<'_>, version: &Node) -> Result<(), Mistake> {
        let text = version.scalar().unwrap_or_default();
        let Some(wanted) = engine_version(text) else {
            return Err(self.mistake(
                item,
                version,
                format!("`{text}` is no version like `0.57.0`"),
            ));
        };
        if wanted > ENGINE_VERSION {
            let [major, minor, patch] = ENGINE_VERSION;
            let message = format!(
                "written for version {text} of the language, and this knows {major}.{minor}.{patch}"
            );
            self.warn(item, version, message);
        }
        self.unknown_keys(item, &["required_engine_version"]);
        Ok(())
    }

    fn plugin_versions(&mut self, item: Item<'_>, plugins: &Node) -> Result<(), Mistake> {
        let Some(list) = plugins.items() else {
            return Err(self.mistake(item, plugins, "not a list of plugins"));
        };
        for plugin in list {
            let name = |node: &Node| node.get("name").and_then(Node::scalar).map(str::to_owned);
            let Some(first) = name(plugin) else {
                return Err(self.mistake(item, plugin, "a plugin without `name`"));
            };
            let alternatives = plugin.get("alternatives").and_then(Node::items).unwrap_or_default();
            let mut all = alternatives.iter().filter_map(name).chain([first.clone()]);
            if !all.any(|name| PLUGINS.contains(&name.as_str())) {
                let message = format!("written for the plugin `{first}`, which there is not");
                self.warn(item, plugin, message);
            }
        }
        self.unknown_keys(item, &["required_plugin_versions"]);
        Ok(())
    }

    fn list(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        let Item { file, node, name } = item;
        let Some(items) = node.get("items") else {
            return Err(self.mistake(item, node, "a list without `items`"));
        };
        let Some(items) = items.items() else {
            return Err(self.mistake(item, items, "`items` is not a list"));
        };
        if let Some(wrong) = items.iter().find(|it| it.scalar().is_none() && !it.is_nothing()) {
            return Err(self.mistake(item, wrong, "not a text"));
        }
        let items: Vec<_> = items.iter().map(|node| (file, node.clone())).collect();
        let overrides = overriding::read(self, item, &["items"], &["items"])?;
        self.unknown_keys(item, &["list", "items", "append", "override"]);
        self.doubt_name(item, |c| !c.is_whitespace() && !"()\"'=,".contains(c));
        if overrides.appends("items") {
            let Some(earlier) = self.lists.get_mut(name) else {
                return Err(self.nothing_earlier(item, "list", self.lists.names()));
            };
            earlier.items.extend(items);
        } else {
            let place = self.place(file, node);
            self.doubt_second(item, self.lists.get(name).map(|it| it.place.clone()));
            self.lists.define(name, List { name: name.to_owned(), place, items });
        }
        Ok(())
    }

    fn a_macro(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        let Item { file, node, name } = item;
        let text = self.text(item, "condition")?;
        let overrides = overriding::read(self, item, &["condition"], &["condition"])?;
        self.unknown_keys(item, &["macro", "condition", "append", "override"]);
        self.doubt_name(item, |c| c.is_ascii_alphanumeric() || c == '_');
        if overrides.appends("condition") {
            let Some(earlier) = self.macros.get_mut(name) else {
                return Err(self.nothing_earlier(item, "macro", self.macros.names()));
            };
            earlier.condition.push_text(" ");
            earlier.condition.push(file, text);
        } else {
            let mut condition = Written::default();
            condition.push(file, text);
            let place = self.place(file, node);
            self.doubt_second(item, self.macros.get(name).map(|it| it.place.clone()));
            self.macros.define(name, Macro { name: name.to_owned(), place, condition });
        }
        Ok(())
    }

    fn rule(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        self.unknown_keys(item, RULE_KEYS);
        self.captures(item)?;
        let overrides = overriding::read(
            self,
            item,
            overriding::APPENDABLE_OF_RULES,
            overriding::REPLACEABLE_OF_RULES,
        )?;
        if overrides != Overrides::default() {
            return overriding::change_rule(self, item, &overrides);
        }
        let defines = ["condition", "output", "desc", "priority"];
        if defines.iter().all(|key| item.node.get(key).is_none()) {
            return self.switch_rule(item);
        }
        self.define_rule(item)
    }

    /// Nothing is captured here, but what is said of it has to be sound.
    fn captures(&self, item: Item<'_>) -> Result<(), Mistake> {
        self.truth(item, "capture")?;
        match item.node.get("capture_duration") {
            Some(node) if node.scalar().and_then(|text| text.parse::<u32>().ok()).is_none() => {
                Err(self.mistake(item, node, "`capture_duration` is a number of milliseconds"))
            }
            _ => Ok(()),
        }
    }

    /// A name that no condition can write.
    fn doubt_name(&mut self, item: Item<'_>, belongs: fn(char) -> bool) {
        if !item.name.chars().all(belongs) {
            self.warn(item, item.node, "no condition can write this name");
        }
    }

    fn own_rule(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        self.unknown_keys(item, own::KEYS);
        own::define(self, item)
    }

    /// A rule of which nothing but `enabled` is said.
    fn switch_rule(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        let enabled = self.truth(item, "enabled")?;
        let Some(enabled) = enabled else {
            return Err(self.mistake(item, item.node, "a rule without `condition`"));
        };
        for (key, _) in item.node.entries() {
            if let Some(name) = key.scalar().filter(|it| !matches!(*it, "rule" | "enabled")) {
                let message = format!("`{name}` is ignored beside `enabled`");
                let hint = "`override` says what is appended or replaced";
                let place = self.place(item.file, key);
                let warning = Diagnostic::new(Level::Warning, place, item.name, message);
                self.diagnostics.push(warning.hint(Some(hint)));
            }
        }
        match self.rules.get_mut(item.name) {
            Some(rule) => rule.enabled = enabled,
            None => return Err(self.nothing_earlier(item, "rule", self.rules.names())),
        }
        Ok(())
    }

    fn define_rule(&mut self, item: Item<'_>) -> Result<(), Mistake> {
        let Item { file, node, name } = item;
        let mut condition = Written::default();
        condition.push(file, self.text(item, "condition")?);
        let mut output = Written::default();
        output.push(file, self.text(item, "output")?);
        let description = self.text(item, "desc")?.scalar().unwrap_or_default().trim().to_owned();
        let priority = self.priority(item)?;
        let source = match node.get("source").filter(|source| !source.is_nothing()) {
            Some(source) => source.scalar().unwrap_or_default().to_owned(),
            None => Source::Syscall.name().to_owned(),
        };
        let rule = RuleItem {
            name: name.to_owned(),
            place: self.place(file, node),
            source,
            description,
            condition,
            output,
            priority,
            tags: self.texts(item, "tags")?.into_iter().collect(),
            enabled: self.truth(item, "enabled")?.unwrap_or(true),
            exceptions: exception::read(self, item, false)?,
            warns_of_types: self.truth(item, "warn_evttypes")?.unwrap_or(true),
            skipped_if_unknown: self.truth(item, "skip-if-unknown-filter")?.unwrap_or(false),
            form: Form::default(),
        };
        if let Some(earlier) = self.rules.get_mut(name)
            && earlier.source != rule.source
        {
            let message = format!("defined before, about `{}`", earlier.source);
            return Err(self.mistake(item, node, message));
        }
        self.doubt_second(item, self.rules.get(name).map(|it| it.place.clone()));
        self.rules.define(name, rule);
        Ok(())
    }

    pub(super) fn priority(&self, item: Item<'_>) -> Result<Priority, Mistake> {
        let node = self.text(item, "priority")?;
        let text = node.scalar().unwrap_or_default();
        Priority::of_name(text).ok_or_else(|| {
            let upper = text.to_ascii_lowercase();
            let names: Vec<_> =
                Priority::ALL.iter().map(|it| it.name().to_ascii_lowercase()).collect();
            let hint = suggest::hint(&upper, names.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
            self.mistake(item, node, format!("`{text}` is no priority")).hint(Some(hint))
        })
    }

    /// A list of texts; empty where nothing is said.
    pub(super) fn texts(&self, item: Item<'_>, key: &str) -> Result<Vec<String>, Mistake> {
        let Some(node) = item.node.get(key).filter(|node| !node.is_nothing()) else {
            return Ok(Vec::new());
        };
        let Some(list) = node.items() else {
            return Err(self.mistake(item, node, format!("`{key}` is not a list")));
        };
        let text = |node: &Node| match node.scalar() {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.mistake(item, node, "not a text")),
        };
        list.iter().map(text).collect()
    }

    /// A text that has to be there.
    pub(super) fn text<'n>(&self, item: Item<'n>, key: &str) -> Result<&'n Node, Mistake> {
        let Some(node) = item.node.get(key) else {
            return Err(self.mistake(item, item.node, format!("`{key}` is missing")));
        };
        match node.scalar() {
            Some(text) if !text.is_empty() => Ok(node),
            Some(_) => Err(self.mistake(item, node, format!("`{key}` is empty"))),
            None if node.is_nothing() => Err(self.mistake(item, node, format!("`{key}` is empty"))),
            None => Err(self.mistake(item, node, format!("`{key}` is not a text"))),
        }
    }

    /// True or false as YAML 1.1 spells them; None where nothing is said.
    pub(super) fn truth(&self, item: Item<'_>, key: &str) -> Result<Option<bool>, Mistake> {
        let Some(node) = item.node.get(key) else { return Ok(None) };
        match node.scalar().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on" | "y") => Ok(Some(true)),
            Some("false" | "no" | "off" | "n") => Ok(Some(false)),
            _ => Err(self.mistake(item, node, format!("`{key}` is neither true nor false"))),
        }
    }

    /// Another file's definition is replaced on purpose; one of the same file hardly is.
    pub(super) fn doubt_second(&mut self, item: Item<'_>, earlier: Option<Place>) {
        let place = self.place(item.file, item.node);
        if let Some(earlier) = earlier.filter(|earlier| earlier.file == place.file) {
            let message = format!("it takes the place of the one in line {}", earlier.line);
            self.diagnostics.push(Diagnostic::new(Level::Warning, place, item.name, message));
        }
    }

    pub(super) fn place(&self, file: usize, node: &Node) -> Place {
        let file = self.files.get(file).map(|file| file.name.clone()).unwrap_or_default();
        Place { file, line: node.line, column: node.column }
    }

    pub(super) fn mistake(
        &self,
        item: Item<'_>,
        node: &Node,
        message: impl Into<String>,
    ) -> Mistake {
        Diagnostic::new(Level::Error, self.place(item.file, node), item.name, message)
    }

    pub(super) fn warn(&mut self, item: Item<'_>, node: &Node, message: impl Into<String>) {
        let place = self.place(item.file, node);
        self.diagnostics.push(Diagnostic::new(Level::Warning, place, item.name, message));
    }

    pub(super) fn nothing_earlier<'a>(
        &self,
        item: Item<'_>,
        kind: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Mistake {
        let message = format!("no {kind} of this name is defined before");
        self.mistake(item, item.node, message).hint(suggest::hint(item.name, names))
    }

    fn unknown_keys(&mut self, item: Item<'_>, known: &[&str]) {
        let mut seen = HashSet::new();
        for (key, _) in item.node.entries() {
            let name = key.scalar().unwrap_or_default();
            let place = self.place(item.file, key);
            let warning = |message| Diagnostic::new(Level::Warning, place, item.name, message);
            if !known.contains(&name) {
                let hint = suggest::hint(name, known.iter().copied());
                let message = format!("the key `{name}` is not known, and ignored");
                self.diagnostics.push(warning(message).hint(hint));
            } else if !seen.insert(name) {
                let message = format!("a second `{name}` is ignored");
                self.diagnostics.push(warning(message));
            }
        }
    }
}

/// `0.57.0`, or the number alone that stood for the second part once.
fn engine_version(text: &str) -> Option<[u64; 3]> {
    if let Ok(minor) = text.parse() {
        return Some([0, minor, 0]);
    }
    let parts: Vec<u64> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}
