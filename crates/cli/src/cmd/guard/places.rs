//! Where the runtimes of this host listen: at the usual places, and where the environment says.

use std::path::PathBuf;

use sensor::containers::Places;

use crate::environment;

pub(crate) fn of_environment() -> Places {
    let mut places = Places::default();
    add(&mut places.docker, environment::unix_socket("DOCKER_HOST"));
    add(&mut places.podman, environment::unix_socket("CONTAINER_HOST"));
    let containerd = environment::unix_socket("CONTAINERD_ADDRESS");
    // It listens in its state folder, unless it is told otherwise.
    let state = containerd.as_ref().and_then(|socket| socket.parent()).map(PathBuf::from);
    add(&mut places.containerd_state, state);
    add(&mut places.containerd, containerd);
    places
}

fn add(sockets: &mut Vec<PathBuf>, socket: Option<PathBuf>) {
    if let Some(socket) = socket.filter(|socket| !sockets.contains(socket)) {
        sockets.insert(0, socket);
    }
}
