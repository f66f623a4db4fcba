//! The path of a control group → which container that is.
//!
//! Every runtime, cgroup driver and version names its groups in a way of its own; the ways are the
//! table [`NAMES`]. No file is read here: names are all that is looked at.
//!
//! Where groups of containers are nested, the outermost counts: it was made by the host's runtime,
//! while those below can be made by whoever is inside, under whatever name.

use model::event::ContainerRuntime;

/// What the name of a group tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    pub id: String,
    /// `Other` where the name does not tell: whoever knows the id is to be asked.
    pub runtime: ContainerRuntime,
    /// containerd's, where the path tells it: an id is one of a namespace only.
    pub namespace: Option<&'static str>,
}

impl Named {
    /// Whether the id may stand in the path of a file or a question: what users choose may be
    /// anything, and lead anywhere.
    pub(super) fn can_be_asked_for(&self) -> bool {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        !self.id.starts_with('.') && self.id.bytes().all(is_plain)
    }

    /// Whether it is what somebody calls it, and so is its name.
    pub(super) fn is_called_so(&self) -> bool {
        !IdForm::Drawn.fits(&self.id)
    }
}

/// One way to name the group of a container.
struct Name {
    /// The folder that the group has to be in, with a slash that of the root; any if empty.
    folder: &'static str,
    /// Around the id.
    before: &'static str,
    after: &'static str,
    id: IdForm,
    runtime: ContainerRuntime,
}

#[derive(Clone, Copy)]
enum IdForm {
    /// 64 hexadecimal digits, as runtimes draw them.
    Drawn,
    /// Whatever the user called it.
    Chosen,
    /// What containerd lets users call it.
    Called,
}

/// Runtimes draw ids of 32 random bytes.
const DRAWN_LENGTH: usize = 64;
/// Names that users choose are short; a longer one is no name.
const CHOSEN_LENGTH_MAX: usize = 255;
/// The longest that containerd takes.
const CALLED_LENGTH_MAX: usize = 76;

const fn name(
    folder: &'static str,
    before: &'static str,
    after: &'static str,
    id: IdForm,
    runtime: ContainerRuntime,
) -> Name {
    Name { folder, before, after, id, runtime }
}

/// The first that fits counts. `testdata/cgroup/paths.txt` has a case for each.
const NAMES: &[Name] = {
    use ContainerRuntime::{Containerd, Crio, Docker, Other, Podman};
    use IdForm::{Called, Chosen, Drawn};
    &[
        // systemd drivers
        name("", "docker-", ".scope", Drawn, Docker),
        name("", "libpod-", ".scope", Drawn, Podman),
        name("", "cri-containerd-", ".scope", Drawn, Containerd),
        name("", "nerdctl-", ".scope", Drawn, Containerd),
        name("", "crio-", ".scope", Drawn, Crio),
        // cgroupfs drivers
        name("docker", "", "", Drawn, Docker),
        name("", "libpod-", "", Drawn, Podman),
        name("", "crio-", "", Drawn, Crio),
        // a shim that was given systemd's notation, and does not speak it
        name("", "*:docker:", "", Drawn, Docker),
        name("", "*:cri-containerd:", "", Drawn, Containerd),
        name("", "*:nerdctl:", "", Drawn, Containerd),
        name("", "*:crio:", "", Drawn, Crio),
        // LXC 4 and later, and before; systemd-nspawn
        name("", "lxc.payload.", "", Chosen, Other),
        name("lxc", "", "", Chosen, Other),
        // containerd's own way, `/NAMESPACE/ID`, for the namespaces of `ctr` and nerdctl, CRI, Docker
        // and BuildKit; in others, only ids that are drawn are known
        name("/default", "", "", Called, Containerd),
        name("/k8s.io", "", "", Called, Containerd),
        name("/moby", "", "", Called, Containerd),
        name("/buildkit", "", "", Called, Containerd),
        // kubelet's cgroupfs driver (`pod…/ID`), ECS (`ecs/TASK/ID`), namespaces of other names
        name("", "", "", Drawn, Other),
    ]
};

/// In which Podman's groups are, by the cgroupfs driver: what has a bare id there is a pod, and its
/// containers are in it.
const PODMAN_FOLDER: &str = "libpod_parent";

/// Whose slice it is in: `user.slice/user-1000.slice/…`.
pub(super) fn user_of(path: &str) -> Option<u32> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    if parts.next() != Some("user.slice") {
        return None;
    }
    parts.next()?.strip_prefix("user-")?.strip_suffix(".slice")?.parse().ok()
}

/// Which container the group at `path` belongs to: itself, or one that it is below of.
pub fn container_of(path: &str) -> Option<Named> {
    outermost(path).map(|(named, _)| named)
}

/// The group of that container itself.
pub(crate) fn group_of_container(path: &str) -> Option<&str> {
    outermost(path).and_then(|(_, end)| path.get(..end))
}

/// The container, and where the path of its group ends.
fn outermost(path: &str) -> Option<(Named, usize)> {
    let (mut folder, mut depth, mut end) = ("", 0, 0);
    for part in path.split('/') {
        end += part.len();
        let is_pod = folder == PODMAN_FOLDER && IdForm::Drawn.fits(part);
        let named = NAMES.iter().find_map(|name| name.read((folder, depth), part));
        if let Some(named) = named.filter(|_| !is_pod) {
            return Some((named, end));
        }
        if !part.is_empty() {
            (folder, depth) = (part, depth + 1);
        }
        end += 1;
    }
    None
}

impl Name {
    /// Of the group `part` in a folder, which is that many below the root.
    fn read(&self, (folder, depth): (&str, usize), part: &str) -> Option<Named> {
        let of_root = self.folder.strip_prefix('/');
        let is_in_it = match of_root {
            Some(of_root) => of_root == folder && depth == 1,
            None => self.folder.is_empty() || self.folder == folder,
        };
        if !is_in_it {
            return None;
        }
        let rest = match self.before.strip_prefix('*') {
            Some(before) => part.rsplit_once(before)?.1,
            None => part.strip_prefix(self.before)?,
        };
        let id = rest.strip_suffix(self.after)?;
        let named = || Named { id: id.to_owned(), runtime: self.runtime, namespace: of_root };
        self.id.fits(id).then(named)
    }
}

impl IdForm {
    fn fits(self, id: &str) -> bool {
        match self {
            Self::Drawn => {
                id.len() == DRAWN_LENGTH
                    && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::Chosen => !id.is_empty() && id.len() <= CHOSEN_LENGTH_MAX,
            Self::Called => {
                let is_letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
                let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
                let id = id.as_bytes();
                id.len() <= CALLED_LENGTH_MAX
                    && is_letter(id.first())
                    && is_letter(id.last())
                    && id.iter().all(|b| is_plain(*b))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line is a path, an arrow, and the runtime with the id, or `host`. `ID` and `ID2` stand for
    /// two drawn ids.
    #[test]
    fn paths_are_named() {
        let (id, other) = ("0123456789abcdef".repeat(4), "fedcba9876543210".repeat(4));
        let cases = include_str!("../../testdata/cgroup/paths.txt");
        for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let line = line.replace("ID2", &other).replace("ID", &id);
            let (path, expected) = line.split_once(" -> ").unwrap();
            let actual = match container_of(path.trim()) {
                Some(named) => format!("{:?} {}", named.runtime, named.id),
                None => "host".to_owned(),
            };
            assert_eq!(actual.to_lowercase(), expected.trim(), "{path}");
        }
    }

    /// Whoever is inside may make groups below.
    #[test]
    fn the_group_of_a_container_is_the_outermost() {
        let id = "0123456789abcdef".repeat(4);
        for (path, expected) in [
            ("/docker/ID/init/ID", Some("/docker/ID")),
            ("//docker//ID/", Some("//docker//ID")),
            ("/system.slice/docker-ID.scope", Some("/system.slice/docker-ID.scope")),
            ("/system.slice/cron.service", None),
            ("", None),
        ] {
            let (path, expected) =
                (path.replace("ID", &id), expected.map(|it| it.replace("ID", &id)));
            assert_eq!(group_of_container(&path).map(str::to_owned), expected, "{path}");
        }
    }

    /// They are containers all the same.
    #[test]
    fn odd_names_are_not_asked_for() {
        for (name, can_be) in [
            ("web-1_a.b", true),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("a?all=1", false),
            ("a%2f", false),
            ("a b", false),
            ("a\r\nHost: b", false),
        ] {
            let named = container_of(&format!("/lxc.payload.{name}")).unwrap();
            assert_eq!((&*named.id, named.can_be_asked_for()), (name, can_be));
        }
    }

    #[test]
    fn rootless_groups_tell_their_user() {
        let path = "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-x.scope";
        assert_eq!(user_of(path), Some(1000));
        assert_eq!(user_of("/system.slice/docker-x.scope"), None);
        assert_eq!(user_of("/system.slice/user.slice/user-1.slice"), None);
    }

    #[test]
    fn every_name_has_a_case() {
        let id = "0123456789abcdef".repeat(4);
        let cases = include_str!("../../testdata/cgroup/paths.txt").replace("ID", &id);
        for name in NAMES {
            let mut parts = cases.lines().flat_map(|line| {
                let path = line.split(" -> ").next().unwrap_or_default().trim();
                let parts: Vec<&str> = path.split('/').collect();
                let pairs = parts.windows(2).enumerate();
                pairs.map(|(depth, pair)| ((pair[0], depth), pair[1])).collect::<Vec<_>>()
            });
            assert!(
                parts.any(|(folder, part)| name.read(folder, part).is_some()),
                "no case for {}/{}ID{}",
                name.folder,
                name.before,
                name.after
            );
        }
    }
}
