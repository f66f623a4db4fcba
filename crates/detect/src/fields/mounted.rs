//! Where on its host a file of a container is: what a container sees at a path, by its mounts.
//!
//! A folder that is mounted into a container has another name there, which who started it chose. What a
//! rule says of the host's own files it says of their names on the host.

use std::borrow::Cow;

use model::event::{ContainerMount, Event};

use crate::value::Value;

/// The path on the host. Nothing where no mount leads there: the file is the container's own. On the host
/// a path is what it is.
pub(super) fn on_host<'a>(event: &Event, path: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let Some(container) = event.container.as_deref() else { return Some(Cow::Borrowed(path)) };
    let mounts = container.mounts.iter().flatten();
    let below = mounts.filter_map(|mount| Some((mount, rest(path, mount)?)));
    // The deepest lies over the others.
    let (mount, rest) = below.max_by_key(|(mount, _)| mount.destination.len())?;
    let is_path = mount.source.starts_with('/');
    let source = mount.source.trim_end_matches('/').as_bytes();
    let found = [source, rest].concat();
    is_path.then(|| if found.is_empty() { Cow::Borrowed(&b"/"[..]) } else { Cow::Owned(found) })
}

/// The same for a value that is a path.
pub(super) fn value<'a>(event: &Event, path: Value<'a>) -> Value<'a> {
    let Value::Text(path) = path else { return Value::Absent };
    match on_host(event, &path) {
        Some(found) => Value::Text(Cow::Owned(found.into_owned())),
        None => Value::Absent,
    }
}

/// What of a path is behind the mount's point: empty, or begins with `/`.
fn rest<'a>(path: &'a [u8], mount: &ContainerMount) -> Option<&'a [u8]> {
    let point = mount.destination.trim_end_matches('/').as_bytes();
    let rest = path.strip_prefix(point)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::event::Container;

    use super::*;
    use crate::recording::tests::samples;

    /// Mounts as `source:destination`, a path, and where that is on the host.
    const CASES: &[(&[&str], &str, Option<&str>)] = &[
        (&[], "/etc/passwd", None),
        (&["/etc:/h"], "/h/passwd", Some("/etc/passwd")),
        (&["/etc:/h"], "/h", Some("/etc")),
        (&["/etc:/h"], "/home/u/notes", None),
        (&["/:/host"], "/host/etc/cron.d/x", Some("/etc/cron.d/x")),
        (&["/:/host/"], "/host/etc", Some("/etc")),
        (&["/:/host", "/srv/data:/host/data"], "/host/data/x", Some("/srv/data/x")),
        (&["/srv/data:/host/data", "/:/host"], "/host/data/x", Some("/srv/data/x")),
        (&["/etc/hosts:/etc/hosts"], "/etc/hosts", Some("/etc/hosts")),
        (&["/etc/hosts:/etc/hosts"], "/etc/hosts.allow", None),
        // A volume that the runtime names without a path.
        (&["cache:/var/cache"], "/var/cache/x", None),
    ];

    #[test]
    fn a_path_is_where_its_mount_says() {
        for (mounts, path, expected) in CASES {
            let mount = |text: &&str| {
                let (source, destination) = text.split_once(':').unwrap();
                let [source, destination] = [source, destination].map(str::to_owned);
                ContainerMount { source, destination, ..ContainerMount::default() }
            };
            let mounts = Some(mounts.iter().map(mount).collect());
            let container = Container { mounts, ..Container::default() };
            let event = Event { container: Some(Arc::new(container)), ..samples().swap_remove(0) };
            let found = on_host(&event, path.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{path}");
            let of_host = Event { container: None, ..event };
            assert_eq!(on_host(&of_host, path.as_bytes()).as_deref(), Some(path.as_bytes()));
        }
    }
}
