//! The OCI runtime hook: the state of a container that is being made → what it wants to start.
//!
//! ```text
//! stdin: state (id, bundle) → bundle/config.json → what it asks for
//!                           → annotations, or the store of images beside the bundle → its image
//! ```
//!
//! A runtime calls the hook after it has made the namespaces and before the first program runs. The
//! bundle tells exactly what the container may; of its image, what its engine wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use model::event::Container;
use policy::guard::start::{Ask, AskKind};
use sensor::containers::{CAPABILITIES, of_specification};
use serde::Deserialize;

use crate::docker::settings::{MASKED, READ_ONLY, has_all};
use crate::docker::{capability, mount, privileged};
use crate::files;
use crate::judge::{Broken, Wanted};
use crate::seccomp;
use crate::tree::Tree;

/// Id, bundle, annotations.
const STATE_BYTES_MAX: u64 = 1 << 20;
/// Long lists of mounts and a seccomp profile come to some 100 KiB.
const BUNDLE_BYTES_MAX: u64 = 4 << 20;
/// The list of all containers of a store: some 500 bytes each.
const STORE_BYTES_MAX: u64 = 32 << 20;
/// Names that are part of a path.
const ID_BYTES_MAX: usize = 255;

/// The digest of the configuration, as CRI-O annotates it.
const IMAGE_ID: &str = "io.kubernetes.cri-o.ImageRef";
/// That it is privileged, in the words of Podman and CRI-O: on a host that has not every capability
/// itself, the specification does not show it.
const PRIVILEGED: [&str; 2] =
    ["io.podman.annotations.privileged", "io.kubernetes.cri-o.PrivilegedRuntime"];
/// The id of the pod's own container, whose files engines lend to all of the pod.
const SANDBOX: &str = "io.kubernetes.cri.sandbox-id";

/// What a runtime writes to the standard input of a hook.
#[derive(Debug, Deserialize)]
struct State {
    id: String,
    bundle: PathBuf,
}

/// What is about to start, by what the runtime writes to `input`.
///
/// # Errors
/// If that cannot be found out.
pub fn wanted(input: impl Read) -> Result<Wanted, Broken> {
    let mut bytes = Vec::new();
    let read = input.take(STATE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|why| Broken::new(format!("the runtime's state cannot be read: {why}")))?;
    let state = state(&bytes)?;
    let path = state.bundle.join("config.json");
    let failed = |why: String| Broken::new(format!("the bundle `{}`: {why}", path.display()));
    let bytes = files::read(&path, BUNDLE_BYTES_MAX).map_err(|why| failed(why.to_string()))?;
    let bytes = bytes.ok_or_else(|| failed("there is none".to_owned()))?;
    let Bundle { mut container, asks, mut image } =
        bundle(&bytes, &state.id).map_err(|why| failed(why.to_string()))?;
    container.id.clone_from(&state.id);
    if let Some(stored) = stored(&state)? {
        // Annotations are written by whoever asks: they count only where no store knows better.
        image = vec![stored.digest()];
        let name = stored.name();
        container.name = container.name.or_else(|| name.clone());
        container.image = stored.image_name().and_then(|name| {
            sensor::containers::to_be("", &name, Some(&stored.digest()), BTreeMap::new()).image
        });
    }
    Ok(Wanted { deed: "start", container, image: Some(image), asks, is_early: false })
}

fn state(bytes: &[u8]) -> Result<State, Broken> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > STATE_BYTES_MAX) {
        return Err(Broken::new("the runtime's state is too long"));
    }
    let state: State = serde_json::from_slice(bytes)
        .map_err(|why| Broken::new(format!("the runtime's state makes no sense: {why}")))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    let is_id = !state.id.is_empty() && state.id.len() <= ID_BYTES_MAX;
    if !is_id || !state.id.chars().all(is_name) || state.id.contains("..") {
        return Err(Broken::new("the runtime gives the container no id"));
    }
    if !state.bundle.is_absolute() {
        return Err(Broken::new("the runtime's bundle is no path from the root on"));
    }
    Ok(state)
}

/// What a specification says.
struct Bundle {
    container: Container,
    asks: Vec<Ask>,
    /// Digests that annotations name.
    image: Vec<String>,
}

fn bundle(bytes: &[u8], id: &str) -> Result<Bundle, Broken> {
    let container = of_specification(bytes).ok_or_else(|| Broken::new("it is no specification"))?;
    let tree = Tree::parse(bytes)?;
    let is_made = |id: &str| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Only ids that an engine made up: who asks may call a container `etc`.
    let mut own: Vec<String> = is_made(id).then(|| id.to_owned()).into_iter().collect();
    let mut image = Vec::new();
    let mut is_privileged = container.privileged == Some(true);
    for (key, value) in tree.get("annotations")?.pairs()? {
        let Tree::Text(value) = value else { continue };
        if key == SANDBOX && is_made(value) {
            own.push(value.clone());
        }
        is_privileged |= PRIVILEGED.contains(&key.as_str()) && value.eq_ignore_ascii_case("true");
        if key == IMAGE_ID {
            image.push(with_algorithm(value));
        }
    }
    image.extend(container.image.as_ref().and_then(|image| image.digest.clone()));
    let mut asks = Vec::new();
    if is_privileged {
        asks.extend(privileged());
    }
    let (process, linux) = (tree.get("process")?, tree.get("linux")?);
    asks.extend(of_capabilities(process.get("capabilities")?)?);
    asks.extend(of_namespaces(linux.get("namespaces")?, process)?);
    for told in tree.get("mounts")?.list()? {
        asks.extend(of_mount(told, &own)?);
    }
    asks.extend(of_confinement(process, linux)?);
    asks.sort();
    asks.dedup();
    Ok(Bundle { container, asks, image })
}

fn of_capabilities(told: &Tree) -> Result<Vec<Ask>, Broken> {
    let mut names = BTreeSet::new();
    for set in ["bounding", "effective", "inheritable", "permitted", "ambient"] {
        names.extend(told.get(set)?.texts()?);
    }
    let asks: Vec<Ask> = names.iter().filter_map(|name| capability(name)).collect();
    let unusual = CAPABILITIES.iter().filter_map(|name| capability(name)).count();
    let is_all = asks.len() >= unusual;
    Ok(if is_all { vec![Ask::new(AskKind::Capability, "ALL")] } else { asks })
}

/// Namespaces that it has not of its own, or that are the host's.
fn of_namespaces(told: &Tree, process: &Tree) -> Result<Vec<Ask>, Broken> {
    const KINDS: [(&str, &str); 5] =
        [("pid", "pid"), ("ipc", "ipc"), ("network", "net"), ("uts", "uts"), ("cgroup", "cgroup")];
    let mut own = BTreeSet::new();
    for namespace in told.list()? {
        let (kind, path) = (namespace.get("type")?.text()?, namespace.get("path")?.text()?);
        let name = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name);
        if path.is_empty() || !name.is_some_and(|name| is_hosts(path, name)) {
            own.insert(kind);
        }
    }
    let shared = KINDS.iter().filter(|(kind, _)| !own.contains(kind));
    let mut asks: Vec<Ask> = shared.map(|(kind, _)| Ask::new(AskKind::Namespace, *kind)).collect();
    let uid = process.get("user")?.get("uid")?;
    let is_root = uid.is_null() || uid.is_zero();
    if is_root && !own.contains("user") {
        asks.push(Ask::new(AskKind::Root, ""));
    }
    Ok(asks)
}

/// Whether a path leads to the namespace of the host's first process.
fn is_hosts(path: &str, name: &str) -> bool {
    let hosts = format!("/proc/1/ns/{name}");
    let number = |path: &str| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    path == hosts || number(path).is_some_and(|it| Some(it) == number(&hosts))
}

/// What the host lends; files that the engine made for this container are its own.
fn of_mount(told: &Tree, own: &[String]) -> Result<Vec<Ask>, Broken> {
    let source = told.get("source")?.text()?;
    let options = told.get("options")?.texts()?;
    let is_bind = told.get("type")?.text()? == "bind"
        || options.iter().any(|option| matches!(*option, "bind" | "rbind"));
    let is_own = source.split('/').any(|part| own.iter().any(|id| id == part));
    Ok(if is_bind && !is_own { mount(source) } else { Vec::new() })
}

fn of_confinement(process: &Tree, linux: &Tree) -> Result<Vec<Ask>, Broken> {
    let mut asks = Vec::new();
    let unconfined = |what: &str| Ask::new(AskKind::Unconfined, what);
    let profile = linux.get("seccomp")?;
    if profile.is_null() || seccomp::is_open(profile) {
        asks.push(unconfined("seccomp"));
    }
    if process.get("apparmorProfile")?.text()? == "unconfined" {
        asks.push(unconfined("apparmor"));
    }
    if process.get("selinuxLabel")?.text()?.contains(":spc_t:") {
        asks.push(unconfined("selinux"));
    }
    let is_masked = has_all(linux.get("maskedPaths")?, MASKED)?;
    if !is_masked || !has_all(linux.get("readonlyPaths")?, READ_ONLY)? {
        asks.push(unconfined("masks"));
    }
    for rule in linux.get("resources")?.get("devices")?.list()? {
        let (kind, access) = (rule.get("type")?.text()?, rule.get("access")?.text()?);
        // No runtime allows disks to be read or written by itself.
        if rule.get("allow")?.flag()?
            && matches!(kind, "b" | "a" | "")
            && access.contains(['r', 'w'])
        {
            asks.push(Ask::new(AskKind::Device, if kind == "b" { "b *:*" } else { "a *:*" }));
        }
    }
    for device in linux.get("devices")?.list()? {
        asks.push(Ask::new(AskKind::Device, device.get("path")?.text()?));
    }
    Ok(asks)
}

/// Podman and CRI-O tell digests without their algorithm.
fn with_algorithm(digest: &str) -> String {
    if digest.contains(':') { digest.to_owned() } else { format!("sha256:{digest}") }
}

/// A container as the store of Podman and CRI-O has it.
#[derive(Debug, Deserialize)]
struct Stored {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    /// The digest of the image's configuration.
    image: String,
    /// JSON of the engine's own.
    #[serde(default)]
    metadata: String,
}

impl Stored {
    fn digest(&self) -> String {
        with_algorithm(&self.image)
    }

    fn name(&self) -> Option<String> {
        self.names.first().cloned()
    }

    fn image_name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Metadata {
            #[serde(rename = "image-name")]
            image_name: String,
        }
        let metadata: Metadata = serde_json::from_str(&self.metadata).ok()?;
        Some(metadata.image_name).filter(|name| !name.is_empty())
    }
}

/// What the store beside the bundle says, `STORE/ID/userdata` being the bundle. None where it is no
/// such bundle.
fn stored(state: &State) -> Result<Option<Stored>, Broken> {
    let mut parts = state.bundle.components().rev().map(|part| part.as_os_str());
    let is_stored = parts.next().is_some_and(|it| it == "userdata")
        && parts.next().is_some_and(|it| it == state.id.as_str());
    let Some(store) = state.bundle.parent().and_then(Path::parent).filter(|_| is_stored) else {
        return Ok(None);
    };
    for name in ["containers.json", "volatile-containers.json"] {
        let path = store.join(name);
        let failed = |why: String| Broken::new(format!("`{}`: {why}", path.display()));
        let read = files::read(&path, STORE_BYTES_MAX).map_err(|why| failed(why.to_string()))?;
        let Some(bytes) = read else { continue };
        if let Some(found) = find(&bytes, &state.id).map_err(failed)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn find(bytes: &[u8], id: &str) -> Result<Option<Stored>, String> {
    let all: Vec<Stored> = serde_json::from_slice(bytes).map_err(|why| why.to_string())?;
    Ok(all.into_iter().find(|stored| stored.id == id && !stored.image.is_empty()))
}

/// Everything that is read here, for fuzzing.
pub(crate) fn fuzz(bytes: &[u8]) {
    let _is_state = state(bytes);
    let _is_stored = find(bytes, "c0ffee");
    let _is_bundle = bundle(bytes, "c0ffee");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What engines give everybody.
    const USUAL: &str = r#""namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"network"},{"type":"cgroup"}],
        "maskedPaths":["/proc/kcore","/proc/keys","/proc/timer_list","/sys/firmware"],
        "readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"],"seccomp":{"defaultAction":"SCMP_ACT_ERRNO"}"#;

    /// Ids as engines make them up, by short names.
    fn with_ids(text: &str) -> String {
        text.replace("c0ffee/", &format!("{}/", id('c'))).replace("pod1", &id('d'))
    }

    fn id(digit: char) -> String {
        std::iter::repeat_n(digit, 64).collect()
    }

    fn asks(process: &str, mounts: &str, linux: &str) -> Result<String, String> {
        let text = format!(
            r#"{{"process":{{{process}}},"mounts":[{mounts}],"linux":{{{linux}}},
                "annotations":{{"io.kubernetes.cri.sandbox-id":"pod1"}}}}"#
        );
        let text = with_ids(&text);
        let bundle = bundle(text.as_bytes(), &id('c')).map_err(|why| why.to_string())?;
        Ok(bundle.asks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn bundles_ask_for_what_they_ask_for() {
        let user = r#""user":{"uid":1000,"gid":0}"#;
        let bind =
            |source: &str| format!(r#"{{"destination":"/x","type":"bind","source":"{source}"}}"#);
        let capable = |names: &str| format!(r#"{user},"capabilities":{{"bounding":[{names}]}}"#);
        let table = [
            (user.to_owned(), String::new(), USUAL.to_owned(), ""),
            (r#""user":{"uid":0}"#.to_owned(), String::new(), USUAL.to_owned(), "root"),
            (String::new(), String::new(), USUAL.to_owned(), "root"),
            (
                capable(r#""CAP_CHOWN","CAP_SYS_ADMIN""#),
                String::new(),
                USUAL.to_owned(),
                "capability:SYS_ADMIN",
            ),
            (user.to_owned(), bind("/nowhere/etc"), USUAL.to_owned(), "mount:/nowhere/etc"),
            (user.to_owned(), bind("/run/x/c0ffee/hosts"), USUAL.to_owned(), ""),
            (user.to_owned(), bind("/run/x/pod1/hosts"), USUAL.to_owned(), ""),
            (user.to_owned(), bind("/nowhere/etc/x"), USUAL.to_owned(), "mount:/nowhere/etc/x"),
            (
                user.to_owned(),
                bind("/nowhere/c0ffeeine"),
                USUAL.to_owned(),
                "mount:/nowhere/c0ffeeine",
            ),
            (
                user.to_owned(),
                String::new(),
                USUAL.replace(r#"{"type":"pid"},"#, r#"{"type":"pid","path":"/proc/1/ns/pid"},"#),
                "namespace:pid",
            ),
            (user.to_owned(), String::new(), USUAL.replace("ERRNO", "ALLOW"), "unconfined:seccomp"),
            (
                user.to_owned(),
                String::new(),
                format!(r#"{USUAL},"devices":[{{"path":"/dev/fuse"}}]"#),
                "device:/dev/fuse",
            ),
            (
                user.to_owned(),
                String::new(),
                String::new(),
                "namespace:cgroup namespace:ipc namespace:network namespace:pid namespace:uts \
                 unconfined:masks unconfined:seccomp",
            ),
        ];
        for (process, mounts, linux, expected) in table {
            assert_eq!(
                asks(&process, &mounts, &linux),
                Ok(expected.to_owned()),
                "{process} {mounts} {linux}"
            );
        }
    }

    #[test]
    fn what_is_no_bundle_is_broken() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"process":{},"mounts":{}}"#,
            r#"{"process":{},"linux":{"namespaces":[1]}}"#,
        ] {
            assert!(bundle(text.as_bytes(), "c0ffee").is_err(), "{text}");
        }
    }

    #[test]
    fn annotations_tell_what_the_rest_does_not() {
        let text = r#"{"process":{"user":{"uid":1}},"linux":{},"annotations":{
            "io.podman.annotations.privileged":"TRUE","io.kubernetes.cri-o.ImageRef":"aa"}}"#;
        let bundle = bundle(text.as_bytes(), "c0ffee").unwrap();
        assert!(bundle.asks.contains(&Ask::new(AskKind::Privileged, "")));
        assert_eq!(bundle.image, ["sha256:aa"]);
    }

    #[test]
    fn states_are_read_or_refused() {
        let read = |text: &str| state(text.as_bytes()).is_ok();
        assert!(read(r#"{"ociVersion":"1.0.2","id":"c0ffee","status":"creating","bundle":"/b"}"#));
        for text in [
            "",
            "{}",
            r#"{"id":"","bundle":"/b"}"#,
            r#"{"id":"../x","bundle":"/b"}"#,
            r#"{"id":"a/b","bundle":"/b"}"#,
            r#"{"id":"a","bundle":"b"}"#,
            &format!(r#"{{"id":"{}","bundle":"/b"}}"#, "x".repeat(300)),
        ] {
            assert!(!read(text), "{text:.80}");
        }
        assert!(wanted(" ".repeat(2 << 20).as_bytes()).is_err());
    }

    #[test]
    fn the_store_beside_a_bundle_tells_the_image() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("c0ffee/userdata");
        fs::create_dir_all(&bundle).unwrap();
        let config = format!(r#"{{"process":{{"user":{{"uid":1}}}},"linux":{{{USUAL}}}}}"#);
        fs::write(bundle.join("config.json"), config).unwrap();
        let state = format!(r#"{{"id":"c0ffee","bundle":"{}"}}"#, bundle.display());
        let found = || wanted(state.as_bytes()).map(|wanted| wanted.image.unwrap());
        assert_eq!(found(), Ok(Vec::new()), "nobody knows which image it is");
        let image = "a".repeat(64);
        let stored = format!(
            r#"[{{"id":"other","image":"b"}},{{"id":"c0ffee","names":["web"],"image":"{image}","metadata":"{{\"image-name\":\"shop:1\"}}"}}]"#
        );
        fs::write(folder.path().join("volatile-containers.json"), stored).unwrap();
        assert_eq!(found(), Ok(vec![format!("sha256:{image}")]));
        let wanted = wanted(state.as_bytes()).unwrap();
        assert_eq!(wanted.container.name.as_deref(), Some("web"));
        assert_eq!(wanted.container.image.unwrap().reference, "shop:1");
        fs::write(folder.path().join("containers.json"), "[{").unwrap();
        assert!(found().is_err(), "a store that is damaged is not one without this container");
    }
}
