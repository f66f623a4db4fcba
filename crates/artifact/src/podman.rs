//! Images that Podman holds, through the API that `podman system service` serves: it is Docker's,
//! at other sockets.

use model::ArtifactKind;

use crate::docker::Engine;
use crate::{Image, OpenError, Options};

/// The image that `name` means to Podman.
pub(crate) fn open(name: &str, options: &Options) -> Result<Image, OpenError> {
    engine(options)?.open(name, options)
}

/// Podman at `CONTAINER_HOST`, or else the user's own, or else the system's.
pub(crate) fn engine(options: &Options) -> Result<Engine, OpenError> {
    let environment = &options.environment;
    let own = environment.path("XDG_RUNTIME_DIR").map(|dir| dir.join("podman/podman.sock"));
    let address = match environment.get("CONTAINER_HOST") {
        Some(address) => address.to_owned(),
        None => match own.filter(|path| path.exists()) {
            Some(path) => format!("unix://{}", path.display()),
            None => "unix:///run/podman/podman.sock".to_owned(),
        },
    };
    Engine::at("Podman", ArtifactKind::Podman, address, None, options)
}
