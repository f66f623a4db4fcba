//! From what a user typed to the source that has it.
//!
//! A prefix says where to look. Without one, a path that exists is recognised by what it holds,
//! and anything else is an image name: whoever on this machine has it gives it, else the registry
//! does.

use std::error::Error;
use std::path::Path;

use model::{ArtifactKind, Problem, ProblemKind};

use crate::error::OpenErrorKind;
use crate::recognise::{self, Carries};
use crate::store::Store;
use crate::{
    Image, OpenError, Options, container, containerd, dir, docker, docker_archive, fs_archive, oci,
    podman, registry, transport,
};

/// See [`crate::open`].
pub(crate) fn open(target: &str, options: &Options) -> Result<Image, OpenError> {
    let prefixed = target.split_once(':').and_then(|(prefix, rest)| {
        let kind = ArtifactKind::ALL.into_iter().find(|kind| kind.name() == prefix)?;
        Some((kind, rest))
    });
    let is_path = prefixed.is_none() && is_path(target);
    if let Some(error) = foreign(target).filter(|_| !is_path) {
        return Err(error);
    }
    if let Some((kind, rest)) = prefixed {
        return open_as(kind, rest, options);
    }
    let (path, wanted) = split(target);
    if is_path { open_path(path, wanted, options) } else { open_name(target, options) }
}

/// That a target is spelled as other tools have it, with the spelling that is meant. Taken for
/// something else, it would be looked for in the wrong place, or at a registry called `oci`.
fn foreign(target: &str) -> Option<OpenError> {
    let (prefix, rest) = target.split_once(':')?;
    let bare = rest.strip_prefix("//");
    let is_path = rest.starts_with(['/', '.', '~']) || split(rest).0.exists();
    // What follows the host `docker-daemon` of an image's name.
    let port = rest.split('/').next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    let meant = match (prefix, bare) {
        ("docker", Some(name)) => format!("registry:{name}, or docker:{name} for what Docker has"),
        ("http" | "https", Some(name)) => format!("registry:{name}"),
        ("registry" | "podman" | "containerd" | "container", Some(name)) => {
            format!("{prefix}:{name}")
        }
        ("docker-daemon", _) if !is_port => format!("docker:{rest}"),
        ("containers-storage", _) if !is_port => format!("podman:{rest}"),
        ("oci" | "oci-layout", _) if is_path => format!("oci-dir:{rest}"),
        _ => return None,
    };
    let message = format!("`{target}` is not how a target is spelled here");
    Some(OpenError::new(OpenErrorKind::Usage, message).hint(format!("write {meant}")))
}

/// Opens what the rest of a target is, its prefix having said where to look.
fn open_as(kind: ArtifactKind, rest: &str, options: &Options) -> Result<Image, OpenError> {
    if rest.is_empty() {
        let message = format!("`{}:` has to be followed by what to open", kind.name());
        return Err(OpenError::new(OpenErrorKind::Usage, message));
    }
    let (path, wanted) = split(rest);
    let name = path.display().to_string();
    match kind {
        ArtifactKind::Registry => registry::open(rest, options),
        ArtifactKind::Docker => docker::open(rest, options),
        ArtifactKind::Podman => podman::open(rest, options),
        ArtifactKind::DockerArchive => docker_archive::open(path, &name, wanted, options),
        ArtifactKind::OciDir if transport::is_one(path) => transport::open(path, &name, options),
        ArtifactKind::OciArchive | ArtifactKind::OciDir => oci::open(path, &name, wanted, options),
        ArtifactKind::Dir => dir::open(Path::new(rest), rest, options),
        ArtifactKind::FsArchive => fs_archive::open(Path::new(rest), rest, options),
        ArtifactKind::Container => container::open(rest, options),
        ArtifactKind::Containerd => containerd::open(rest, options),
        ArtifactKind::Sbom => {
            let message =
                format!("`{rest}` was to be read as a bill of materials, not as an image");
            Err(OpenError::new(OpenErrorKind::NotAnImage, message))
        }
    }
}

/// Opens a path by what it holds.
fn open_path(path: &Path, wanted: Option<&str>, options: &Options) -> Result<Image, OpenError> {
    let name = &path.display().to_string();
    if path.is_dir() {
        return if is_layout(path) {
            oci::open(path, name, wanted, options)
        } else if transport::is_one(path) {
            transport::open(path, name, options)
        } else if docker_archive::is_unpacked(path) {
            Err(unpacked(name))
        } else {
            dir::open(path, name, options)
        };
    }
    match recognise::look(path, name, options)? {
        Carries::Docker(archive) => docker_archive::from_archive(archive, name, wanted, options),
        Carries::Oci(archive) => oci::from_store(Store::Archive(archive), name, wanted, options),
        Carries::FileSystem { unsure: false } => fs_archive::open(path, name, options),
        Carries::FileSystem { unsure: true } => fs_archive::open_unsure(path, name, options),
    }
}

/// An image name: asked for at the daemons of this machine, then at its registry.
fn open_name(name: &str, options: &Options) -> Result<Image, OpenError> {
    if looks_like_path(name) {
        let message = format!("`{name}` does not exist");
        return Err(OpenError::new(OpenErrorKind::NotFound, message));
    }
    let mut failures: Vec<OpenError> = Vec::new();
    let mut wrong: Vec<Problem> = Vec::new();
    for (ask, is_users) in ENGINES {
        match ask(name, options) {
            Ok(image) => return Ok(image.with_notices(wrong)),
            Err(error) if is_elsewhere(error.kind()) => {
                wrong.extend(notice(&error, is_users));
                failures.push(error);
            }
            Err(error) => return Err(error),
        }
    }
    match registry::open(name, options) {
        Ok(image) => Ok(image.with_notices(wrong)),
        Err(error) if error.kind() == OpenErrorKind::Interrupted => Err(error),
        // That somebody has what we cannot read says more than that nobody else answers.
        Err(error) => match failures.into_iter().find(|it| it.kind() == OpenErrorKind::Unsupported)
        {
            Some(unsupported) if error.kind() == OpenErrorKind::Network => Err(unsupported),
            _ => Err(with_notices(error, &wrong)),
        },
    }
}

type Ask = fn(&str, &Options) -> Result<Image, OpenError>;

/// Who is asked for the image of a name, and whether users build and load images there themselves:
/// containerd is root's, and behind Docker more often than not.
const ENGINES: [(Ask, bool); 3] =
    [(docker::open, true), (containerd::open, false), (podman::open, true)];

/// Whether such an error of one place leaves the hope that another has the image. A place that is
/// set up wrongly or damaged keeps nobody from asking elsewhere.
fn is_elsewhere(kind: OpenErrorKind) -> bool {
    use OpenErrorKind::{Damaged, Network, NotFound, Unauthorized, Unsupported, Usage};
    matches!(kind, NotFound | Network | Unauthorized | Unsupported | Usage | Damaged)
}

/// What is worth knowing of a place that did not give the image: not that it does not run, or does
/// not have it. A user's own that does not let him in, hangs, or answers with an error may have it: what the
/// registry calls by the same name may be another image.
fn notice(error: &OpenError, is_users: bool) -> Option<Problem> {
    use OpenErrorKind::{Damaged, Network, Unauthorized, Unsupported, Usage};
    let cause = error.source().map_or_else(String::new, |why| format!(": {why}"));
    let message = format!("it may have the image: {error}{cause}");
    let is_wrong = match error.kind() {
        Unauthorized => is_users,
        Network => is_users && !is_nobody(error),
        kind => matches!(kind, Damaged | Unsupported | Usage),
    };
    is_wrong.then(|| Problem::new(ProblemKind::Notice, "a local engine", message))
}

/// Whether nobody listens there.
fn is_nobody(error: &OpenError) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(ureq::Error::Io(why)) = error.downcast_ref() {
            use std::io::ErrorKind::{ConnectionRefused, NotFound};
            return matches!(why.kind(), NotFound | ConnectionRefused);
        }
        cause = error.source();
    }
    false
}

/// The error of the last place asked, with what was wrong before.
fn with_notices(error: OpenError, wrong: &[Problem]) -> OpenError {
    if wrong.is_empty() || error.kind() == OpenErrorKind::Usage {
        return error;
    }
    let mut hints: Vec<&str> = wrong.iter().map(|problem| problem.message.as_str()).collect();
    let own = error.hint_text().map(str::to_owned);
    hints.extend(own.as_deref());
    let hint = hints.join("; ");
    error.hint(hint)
}

/// A path, and which image in it is meant: `PATH#REPO:TAG` or `PATH:TAG` or `PATH@DIGEST` (then
/// with the `@`). What exists as a whole is a path as a whole.
fn split(text: &str) -> (&Path, Option<&str>) {
    let exists = |path: &str| Path::new(path).exists();
    if exists(text) {
        return (Path::new(text), None);
    }
    let at_sign = text.find('@').map(|at| text.split_at(at));
    let candidates = [text.split_once('#'), at_sign, text.rsplit_once(':')];
    match candidates.into_iter().flatten().find(|(path, _)| exists(path)) {
        Some((path, wanted)) => (Path::new(path), Some(wanted)),
        None => (Path::new(text), None),
    }
}

/// Whether a path can be followed by the name of an image in it. An ordinary directory cannot:
/// `alpine:3.20` is an image even beside a directory `alpine`.
fn holds_names(path: &Path) -> bool {
    path.is_file() || is_layout(path)
}

/// Whether a target without a prefix means something that exists on this machine.
pub fn is_path(target: &str) -> bool {
    let (path, wanted) = split(target);
    path.exists() && (wanted.is_none() || holds_names(path))
}

/// By its mark, which nobody who reads layouts needs, or by what it is made of.
fn is_layout(directory: &Path) -> bool {
    let is_made =
        || directory.join("index.json").is_file() && directory.join("blobs/sha256").is_dir();
    directory.join("oci-layout").is_file() || is_made()
}

/// That a folder is no root file system.
fn unpacked(name: &str) -> OpenError {
    let message = format!("`{name}` is an image archive that somebody unpacked, which is not read");
    OpenError::new(OpenErrorKind::Unsupported, message).hint(format!(
        "pack it again: `tar -cf image.tar -C {name} .`; `dir:{name}` reads it as a root file system"
    ))
}

/// Whether a target that does not exist was meant for a path rather than for an image's name.
pub fn looks_like_path(name: &str) -> bool {
    let ends = [".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"];
    name.starts_with(['/', '.', '~']) || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_other_tools_are_told_the_right_one() {
        let directory = tempfile::tempdir().unwrap();
        let there = directory.path().display();
        let (oci, layout) = (format!("oci:{there}:1"), format!("oci-layout:{there}"));
        let (oci_hint, layout_hint) = (format!("oci-dir:{there}:1"), format!("oci-dir:{there}"));
        let cases = [
            ("docker://alpine:3.20", "registry:alpine:3.20, or docker:alpine:3.20 for"),
            ("registry://r.example/a", "registry:r.example/a"),
            ("podman://a:1", "podman:a:1"),
            ("containerd://a:1", "containerd:a:1"),
            ("container://web", "container:web"),
            ("https://r.example/a:1", "registry:r.example/a:1"),
            ("docker-daemon:alpine:3.20", "docker:alpine:3.20"),
            ("containers-storage:localhost/a:1", "podman:localhost/a:1"),
            ("oci:./layout", "oci-dir:./layout"),
            ("oci:/nonexistent/layout:1", "oci-dir:/nonexistent/layout:1"),
            (oci.as_str(), oci_hint.as_str()),
            (layout.as_str(), layout_hint.as_str()),
        ];
        for (target, hint) in cases {
            let error = open(target, &Options::default()).err().expect(target);
            assert_eq!(error.kind(), OpenErrorKind::Usage, "{target}: {error}");
            let told = error.hint_text().unwrap_or_default();
            assert!(told.starts_with(&format!("write {hint}")), "{target}: {told}");
        }
        // These are names of images.
        for name in
            ["oci:1.0", "oci:5000/a", "docker-daemon:5000/a:1", "oci-layout:v1", "docker:27"]
        {
            assert!(foreign(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_selection_follows_a_path_that_exists() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a.tar"), "").unwrap();
        std::fs::write(directory.path().join("b:1"), "").unwrap();
        let root = directory.path().display();
        for (typed, path, wanted) in [
            ("a.tar", "a.tar", None),
            ("a.tar#repo:tag", "a.tar", Some("repo:tag")),
            ("a.tar:tag", "a.tar", Some("tag")),
            ("a.tar@sha256:00", "a.tar", Some("@sha256:00")),
            ("b:1", "b:1", None),
            ("c.tar:tag", "c.tar:tag", None),
        ] {
            let typed = format!("{root}/{typed}");
            assert_eq!(split(&typed), (Path::new(&format!("{root}/{path}")), wanted), "{typed}");
        }
    }

    /// What a place says that does not give the image, whether users load images there, and whether that is
    /// told: who has nothing, or does not run, is passed over.
    #[test]
    fn who_may_have_the_image_and_gives_nothing_is_told_of() {
        use OpenErrorKind::{Damaged, Network, NotFound, Unauthorized, Usage};
        let told = |error: OpenError, is_users| notice(&error, is_users).is_some();
        let plain = |kind| OpenError::new(kind, "no");
        for (kind, of_users, of_root) in [
            (NotFound, false, false),
            (Network, true, false),
            (Unauthorized, true, false),
            (Damaged, true, true),
            (Usage, true, true),
        ] {
            let found = [told(plain(kind), true), told(plain(kind), false)];
            assert_eq!(found, [of_users, of_root], "{kind:?}");
        }
        let silent = || plain(Network).because(ureq::Error::Timeout(ureq::Timeout::RecvResponse));
        assert!(told(silent(), true) && !told(silent(), false));
        let nobody = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(!told(plain(Network).because(ureq::Error::Io(nobody)), true));
        let wrapped = plain(Network).because(silent());
        assert!(told(wrapped, true), "whoever wraps it");
    }
}
