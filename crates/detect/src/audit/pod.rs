//! What a request says of pods: their containers and volumes.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{Record, json};
use crate::field::Argument;
use crate::value::Value;

/// The containers of a list, or the one that is asked for.
fn containers<'a>(record: &'a Record, list: &str, item: Option<usize>) -> Vec<&'a Json> {
    json::each(&record.json, &["requestObject", "spec", list], item)
}

/// Images without tag and digest.
pub(super) fn repositories<'a>(record: &'a Record, list: &str, item: Option<usize>) -> Value<'a> {
    let images = json::each(&record.json, &["requestObject", "spec", list, "image"], item);
    let images = images.into_iter().filter_map(Json::as_str);
    Value::list(images.map(|image| Value::text(repository(image))))
}

/// `registry:5000/team/app:1@sha256:…` without what follows the name.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    // A colon before the last slash is that of a port.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

/// Lists of words, joined for each container.
pub(super) fn words<'a>(
    record: &'a Record,
    list: &str,
    key: &str,
    item: Option<usize>,
) -> Value<'a> {
    let containers = containers(record, list, item).into_iter();
    let lists = containers.filter_map(|container| json::at(container, &[key])?.as_array());
    Value::list(lists.map(|words| {
        let words: Vec<Cow<'_, str>> = words.iter().map(json::text).collect();
        Value::made(words.join(" "))
    }))
}

/// On the host's network a container's port is one of the host.
pub(super) fn host_ports<'a>(record: &'a Record, list: &str, item: Option<usize>) -> Value<'a> {
    let containers = containers(record, list, item).into_iter();
    let ports = containers.flat_map(|container| json::each(container, &["ports"], None));
    Value::list(ports.filter_map(|port| {
        let number = json::at(port, &["hostPort"]).or_else(|| json::at(port, &["containerPort"]));
        number.map(json::value)
    }))
}

/// A setting of the containers' security, or that of the pod, or 0.
pub(super) fn effective<'a>(
    record: &'a Record,
    list: &str,
    key: &str,
    item: Option<usize>,
) -> Value<'a> {
    let of_pod = json::at(&record.json, &["requestObject", "spec", "securityContext", key]);
    Value::list(containers(record, list, item).into_iter().map(|container| {
        let own = json::at(container, &["securityContext", key]);
        own.or(of_pod).map_or_else(|| Value::text("0"), json::value)
    }))
}

/// What a volume has besides its name is its kind.
pub(super) fn volume_types(record: &Record, item: Option<usize>) -> Value<'_> {
    let volumes = json::each(&record.json, &["requestObject", "spec", "volumes"], item);
    let keys = volumes.into_iter().filter_map(Json::as_object).flat_map(|volume| volume.keys());
    Value::list(keys.filter(|key| *key != "name").map(Value::text))
}

pub(super) fn has_host_path<'a>(record: &'a Record, wanted: &'a Argument) -> Value<'a> {
    let Argument::Key(wanted) = wanted else { return Value::Absent };
    let volumes = ["requestObject", "spec", "volumes"];
    if json::at(&record.json, &volumes).is_none() {
        return Value::Absent;
    }
    let [object, spec, volumes] = volumes;
    let paths = json::each(&record.json, &[object, spec, volumes, "hostPath", "path"], None);
    let mut paths = paths.into_iter().filter_map(Json::as_str);
    let has = match wanted.strip_suffix('*') {
        Some(prefix) => paths.any(|path| path.starts_with(prefix)),
        None => paths.any(|path| path == wanted),
    };
    Value::text(if has { "true" } else { "false" })
}

/// The first of a list's images is that of the first container that has one.
pub(super) fn first_image(record: &Record) -> Value<'_> {
    let image = containers(record, "containers", Some(0)).pop();
    image.and_then(|first| json::at(first, &["image"])).map_or(Value::Absent, json::value)
}

pub(super) fn first_repository(record: &Record) -> Value<'_> {
    match repositories(record, "containers", Some(0)) {
        Value::List(mut repositories) => repositories.pop().unwrap_or(Value::Absent),
        other => other,
    }
}

pub(super) fn any_privileged(record: &Record) -> Value<'_> {
    let containers = containers(record, "containers", None);
    if containers.is_empty() {
        return Value::Absent;
    }
    let has = containers.iter().any(|container| {
        json::at(container, &["securityContext", "privileged"]) == Some(&Json::Bool(true))
    });
    Value::text(if has { "true" } else { "false" })
}

/// A pod that is created may get its name from the server.
pub(super) fn name(record: &Record) -> Value<'_> {
    let resource = json::at(&record.json, &["objectRef", "resource"]);
    if resource.and_then(Json::as_str) != Some("pods") {
        return Value::Absent;
    }
    let asked = json::at(&record.json, &["objectRef", "name"]);
    let answered = || json::at(&record.json, &["responseObject", "metadata", "name"]);
    asked.or_else(answered).map_or(Value::Absent, json::value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_ends_before_tag_and_digest() {
        for (image, name) in [
            ("nginx", "nginx"),
            ("nginx:1.27", "nginx"),
            ("registry.example:5000/team/app", "registry.example:5000/team/app"),
            ("registry.example:5000/team/app:1", "registry.example:5000/team/app"),
            ("docker.io/app@sha256:00", "docker.io/app"),
            ("app:1@sha256:00", "app"),
            ("", ""),
        ] {
            assert_eq!(repository(image), name, "{image}");
        }
    }
}
