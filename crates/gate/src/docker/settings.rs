//! Settings of a container as Docker's interface has them → what they ask for.
//!
//! The same `HostConfig` stands in a request that makes a container and in what the daemon tells of
//! one. A file name of the host is told as it was written and as it is found, for a symbolic link
//! may lead anywhere.

use std::collections::BTreeMap;
use std::path::Path;

use policy::guard::start::{Ask, AskKind};
use sensor::containers::is_usual_capability;

use crate::judge::Broken;
use crate::seccomp;
use crate::tree::Tree;

/// What a container is made with.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settings {
    /// As it was named.
    pub(super) image: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) asks: Vec<Ask>,
    /// Volumes that have a name: what they are, the daemon knows.
    pub(super) volumes: Vec<String>,
}

/// A container as the daemon tells of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Inspected {
    pub(super) name: String,
    /// The image that its name meant when it was made.
    pub(super) id: String,
    pub(super) settings: Settings,
}

/// The body of a request that makes a container.
pub(super) fn of_creation(body: &Tree) -> Result<Settings, Broken> {
    let mut settings = of_config(body)?;
    let host = of_host(body.get("HostConfig")?, &mut settings)?;
    settings.asks.extend(host);
    let networks = body.get("NetworkingConfig")?.get("EndpointsConfig")?;
    settings.asks.extend(of_networks(networks)?);
    Ok(settings)
}

/// What the daemon tells of a container that it has.
pub(super) fn of_container(told: &Tree) -> Result<Inspected, Broken> {
    let config = told.get("Config")?;
    let mut settings = of_config(config)?;
    let host = of_host(told.get("HostConfig")?, &mut settings)?;
    settings.asks.extend(host);
    for mount in told.get("Mounts")?.list()? {
        of_mount(mount, "Name", &mut settings)?;
    }
    settings.asks.extend(of_networks(told.get("NetworkSettings")?.get("Networks")?)?);
    let user = config.get("User")?.text()?;
    let user = user.split(':').next().unwrap_or_default();
    if matches!(user, "" | "0" | "root") {
        settings.asks.push(Ask::new(AskKind::Root, ""));
    }
    Ok(Inspected {
        name: told.get("Name")?.text()?.trim_start_matches('/').to_owned(),
        id: told.get("Image")?.text()?.to_owned(),
        settings,
    })
}

fn of_config(config: &Tree) -> Result<Settings, Broken> {
    let mut labels = BTreeMap::new();
    for (key, value) in config.get("Labels")?.pairs()? {
        labels.insert(key.clone(), value.text()?.to_owned());
    }
    Ok(Settings { image: config.get("Image")?.text()?.to_owned(), labels, ..Settings::default() })
}

fn of_host(host: &Tree, settings: &mut Settings) -> Result<Vec<Ask>, Broken> {
    let mut asks = Vec::new();
    if host.get("Privileged")?.flag()? {
        asks.extend(privileged());
    }
    for list in ["CapAdd", "Capabilities"] {
        for name in host.get(list)?.texts()? {
            asks.extend(capability(name));
        }
    }
    let namespaces = [
        ("PidMode", "pid"),
        ("IpcMode", "ipc"),
        ("NetworkMode", "network"),
        ("UTSMode", "uts"),
        ("UsernsMode", "users"),
        ("CgroupnsMode", "cgroup"),
    ];
    for (key, kind) in namespaces {
        if host.get(key)?.text()? == "host" {
            asks.push(Ask::new(AskKind::Namespace, kind));
        }
    }
    for bind in host.get("Binds")?.texts()? {
        let source = bind.split(':').next().unwrap_or_default();
        if source.starts_with('/') {
            asks.extend(mount(source));
        } else {
            settings.volumes.push(source.to_owned());
        }
    }
    for told in host.get("Mounts")?.list()? {
        of_mount(told, "Source", settings)?;
    }
    asks.extend(of_security(host)?);
    asks.extend(of_resources(host)?);
    Ok(asks)
}

/// A mount; a volume has its name in `name`, and may say what it is itself.
fn of_mount(told: &Tree, name: &str, settings: &mut Settings) -> Result<(), Broken> {
    match told.get("Type")?.text()? {
        "bind" => settings.asks.extend(mount(told.get("Source")?.text()?)),
        "volume" => {
            let driver = told.get("VolumeOptions")?.get("DriverConfig")?;
            settings.asks.extend(of_options(driver.get("Options")?)?);
            let name = told.get(name)?.text()?;
            if !name.is_empty() {
                settings.volumes.push(name.to_owned());
            }
        }
        _ => {}
    }
    Ok(())
}

/// The body of a request that makes a volume.
pub(super) fn of_volume(body: &Tree) -> Result<Vec<Ask>, Broken> {
    of_options(body.get("DriverOpts")?)
}

/// A volume as the daemon tells of it.
pub(super) fn of_volume_told(told: &Tree) -> Result<Vec<Ask>, Broken> {
    of_options(told.get("Options")?)
}

/// A volume of the local driver may be any folder, device or file system of the host: the daemon hands
/// what it is told to `mount(2)`, relative to its own folder, which is the root.
fn of_options(options: &Tree) -> Result<Vec<Ask>, Broken> {
    let (mut kind, mut device, mut words) = ("", "", "");
    for (key, value) in options.pairs()? {
        let value = value.text()?;
        match key.to_ascii_lowercase().as_str() {
            "type" => kind = value,
            "device" => device = value,
            "o" => words = value,
            _ => {}
        }
    }
    let absolute = |path: &str| format!("/{}", path.trim_start_matches('/'));
    let mut asks = Vec::new();
    match kind {
        "tmpfs" | "nfs" | "nfs4" | "cifs" | "smb3" => {}
        "proc" => asks.extend(mount("/proc")),
        "sysfs" => asks.extend(mount("/sys")),
        "devtmpfs" => asks.extend(mount("/dev")),
        "overlay" => {
            let layers = words.split(',').filter_map(|word| word.split_once('='));
            let layers = layers.filter(|(name, _)| name.ends_with("dir"));
            for path in layers.flat_map(|(_, paths)| paths.split(':')) {
                asks.extend(mount(&absolute(path)));
            }
        }
        "" | "none" | "bind" if device.is_empty() => {}
        "" | "none" | "bind" => asks.extend(mount(&absolute(device))),
        _ if device.starts_with('/') => asks.extend(mount(device)),
        // What else the kernel mounts without a device is its own.
        _ => asks.extend(mount("/")),
    }
    Ok(asks)
}

fn of_networks(networks: &Tree) -> Result<Vec<Ask>, Broken> {
    let names = networks.pairs()?.iter().map(|(name, _)| name.as_str());
    let host = names.filter(|name| *name == "host");
    Ok(host.map(|_| Ask::new(AskKind::Namespace, "network")).collect())
}

fn of_security(host: &Tree) -> Result<Vec<Ask>, Broken> {
    let mut asks = Vec::new();
    let unconfined = |what: &str| Ask::new(AskKind::Unconfined, what);
    for option in host.get("SecurityOpt")?.texts()? {
        let Some((kind, value)) = option.split_once(['=', ':']) else {
            // As older daemons were told of `label=disable`.
            asks.extend((option == "disable").then(|| unconfined("selinux")));
            continue;
        };
        match (kind, value) {
            ("seccomp" | "apparmor", "unconfined") => asks.push(unconfined(kind)),
            ("seccomp", "builtin") => {}
            ("seccomp", profile)
                if !Tree::parse(profile.as_bytes()).is_ok_and(|it| !seccomp::is_open(&it)) =>
            {
                asks.push(unconfined(kind));
            }
            ("label", "disable" | "type:spc_t") => asks.push(unconfined("selinux")),
            ("systempaths", "unconfined") => asks.push(unconfined("masks")),
            _ => {}
        }
    }
    for (key, usual) in [("MaskedPaths", MASKED), ("ReadonlyPaths", READ_ONLY)] {
        let told = host.get(key)?;
        if !told.is_null() && !has_all(told, usual)? {
            asks.push(unconfined("masks"));
        }
    }
    Ok(asks)
}

/// What every runtime hides of the kernel, and what it lets nobody write.
pub(crate) const MASKED: &[&str] =
    &["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"];
pub(crate) const READ_ONLY: &[&str] =
    &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

pub(crate) fn has_all(told: &Tree, usual: &[&str]) -> Result<bool, Broken> {
    let told = told.texts()?;
    Ok(usual.iter().all(|path| told.contains(path)))
}

/// Devices, of a container that is made or changed.
pub(super) fn of_resources(told: &Tree) -> Result<Vec<Ask>, Broken> {
    let mut asks = Vec::new();
    for told in told.get("Devices")?.list()? {
        asks.push(Ask::new(AskKind::Device, told.get("PathOnHost")?.text()?));
    }
    for rule in told.get("DeviceCgroupRules")?.texts()? {
        asks.push(Ask::new(AskKind::Device, rule));
    }
    for wish in told.get("DeviceRequests")?.list()? {
        let driver = wish.get("Driver")?.text()?;
        asks.push(Ask::new(AskKind::Device, if driver.is_empty() { "gpu" } else { driver }));
    }
    Ok(asks)
}

/// The body of a request for a command in a container.
pub(super) fn of_command(body: &Tree) -> Result<Vec<Ask>, Broken> {
    Ok(if body.get("Privileged")?.flag()? { privileged() } else { Vec::new() })
}

/// An image as the daemon tells of it: its digests, the surest first.
pub(super) fn digests_of(told: &Tree) -> Result<Vec<String>, Broken> {
    let id = told.get("Id")?.text()?.to_owned();
    if id.is_empty() {
        return Err(Broken::new("the daemon gives an image no id"));
    }
    let names = told.get("RepoDigests")?.texts()?;
    let digests = names.iter().filter_map(|name| name.rsplit_once('@'));
    Ok(std::iter::once(id).chain(digests.map(|(_, digest)| digest.to_owned())).collect())
}

/// All that it is.
pub(crate) fn privileged() -> Vec<Ask> {
    let unconfined = ["apparmor", "masks", "seccomp"].map(|it| Ask::new(AskKind::Unconfined, it));
    let all = [
        Ask::new(AskKind::Privileged, ""),
        Ask::new(AskKind::Capability, "ALL"),
        Ask::new(AskKind::Device, "every one"),
    ];
    all.into_iter().chain(unconfined).collect()
}

/// A capability that not everybody has.
pub(crate) fn capability(name: &str) -> Option<Ask> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    (!is_usual_capability(name)).then(|| Ask::new(AskKind::Capability, name))
}

/// A file or folder of the host, as it is written and as it is found.
pub(crate) fn mount(source: &str) -> Vec<Ask> {
    let found = std::fs::canonicalize(Path::new(source)).ok();
    let found = found.map(|path| path.display().to_string()).filter(|path| path != source);
    let all = std::iter::once(source.to_owned()).chain(found);
    all.map(|path| Ask::new(AskKind::Mount, path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(body: &str) -> Result<Vec<String>, String> {
        let settings = Tree::parse(body.as_bytes()).and_then(|tree| of_creation(&tree));
        let settings = settings.map_err(|why| why.to_string())?;
        let mut asks: Vec<String> = settings.asks.iter().map(ToString::to_string).collect();
        asks.extend(settings.volumes.iter().map(|name| format!("volume {name}")));
        Ok(asks)
    }

    const ALL: &str = "privileged capability:ALL device:every one unconfined:apparmor unconfined:masks \
                   unconfined:seccomp";
    /// Bodies of requests, and what they ask for.
    const BODIES: &[(&str, &str)] = &[
        (r#"{}"#, ""),
        (r#"{"Privileged":true}"#, ""),
        (r#"{"HostConfig":{"Privileged":true}}"#, ALL),
        (r#"{"hostConfig":{"pRIVILEGED":true}}"#, ALL),
        (r#"{"HostConfig":{"Privileged":null}}"#, ""),
        (r#"{"HostConfig":{"CapAdd":["cap_sys_admin","CHOWN"]}}"#, "capability:SYS_ADMIN"),
        (r#"{"HostConfig":{"CapAdd":"ALL"}}"#, "capability:ALL"),
        (r#"{"HostConfig":{"CapAdd":["OF_TOMORROW"]}}"#, "capability:OF_TOMORROW"),
        (r#"{"HostConfig":{"PidMode":"host","NetworkMode":"bridge"}}"#, "namespace:pid"),
        (r#"{"NetworkingConfig":{"EndpointsConfig":{"host":{}}}}"#, "namespace:network"),
        (r#"{"HostConfig":{"Binds":["/nowhere:/x:ro","data:/y"]}}"#, "mount:/nowhere volume data"),
        (r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/nowhere"}]}}"#, "mount:/nowhere"),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","VolumeOptions":{"DriverConfig":{"Options":{"o":"bind","type":"none","device":"/nowhere"}}}}]}}"#,
            "mount:/nowhere volume v",
        ),
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp=unconfined","apparmor:unconfined","label=disable"]}}"#,
            "unconfined:seccomp unconfined:apparmor unconfined:selinux",
        ),
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]}}"#,
            "unconfined:seccomp",
        ),
        (
            r#"{"HostConfig":{"SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\"}"]}}"#,
            "",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"proc","device":"proc"}}}}]}}"#,
            "mount:/proc",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"none","o":"bind","device":"nowhere"}}}}]}}"#,
            "mount:/nowhere",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"overlay","device":"overlay","o":"lowerdir=/nowhere:/else,upperdir=up"}}}}]}}"#,
            "mount:/nowhere mount:/else mount:/up",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"cgroup2","device":"none"}}}}]}}"#,
            "mount:/",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"nfs","device":":/shared","o":"addr=192.0.2.1"}}}}]}}"#,
            "",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"tmpfs","device":"tmpfs"}}}}]}}"#,
            "",
        ),
        (r#"{"HostConfig":{"SecurityOpt":["disable"]}}"#, "unconfined:selinux"),
        (r#"{"HostConfig":{"MaskedPaths":[]}}"#, "unconfined:masks"),
        (r#"{"HostConfig":{"ReadonlyPaths":["/x"]}}"#, "unconfined:masks"),
        (r#"{"HostConfig":{"MaskedPaths":null}}"#, ""),
        (
            r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/fuse"}],"DeviceCgroupRules":["a *:* rwm"]}}"#,
            "device:/dev/fuse device:a *:* rwm",
        ),
        (r#"{"HostConfig":{"DeviceRequests":[{"Count":-1}]}}"#, "device:gpu"),
    ];

    #[test]
    fn bodies_ask_for_what_they_ask_for() {
        for (body, expected) in BODIES {
            assert_eq!(asks(body).map(|asks| asks.join(" ")), Ok((*expected).to_owned()), "{body}");
        }
        for body in [
            r#"{"HostConfig":{},"HOSTCONFIG":{"Privileged":true}}"#,
            r#"{"HostConfig":{"Privileged":true,"privileged":false}}"#,
            r#"{"HostConfig":{"Privileged":"true"}}"#,
            r#"{"HostConfig":{"CapAdd":[1]}}"#,
            r#"{"HostConfig":{"Binds":{}}}"#,
            r#"{"HostConfig":"x"}"#,
            "[]",
            "",
        ] {
            assert!(asks(body).is_err(), "{body}");
        }
    }
}
