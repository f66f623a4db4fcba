//! What runtimes say, as files of ours in the shape of theirs; and daemons that do not answer.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use super::*;

/// A process that nobody finds.
const GONE: ProcessId = ProcessId { pid: u32::MAX, started: 1 };
const NOWHERE: Hierarchy = Hierarchy { controller: None, mounted: None };
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Each folder is a case: what was said, and the container that it is.
#[test]
fn what_runtimes_say_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/runtime");
    let mut cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(stem) = name.strip_suffix(".json").filter(|stem| !stem.ends_with(".container"))
        else {
            continue;
        };
        let said = fs::read(&path).unwrap();
        let container = match stem.split_once('-').unwrap().0 {
            "engine" => engine::parse(&said).ok(),
            "spec" => spec::parse(&said),
            other => panic!("who is {other}?"),
        };
        let actual = serde_json::to_string_pretty(&container.unwrap()).unwrap() + "\n";
        let golden = folder.join(format!("{stem}.container.json"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &actual).unwrap();
        }
        assert_eq!(actual, fs::read_to_string(&golden).unwrap(), "{stem}");
        cases += 1;
    }
    assert!(cases >= 6, "{cases}");
}

#[test]
fn nonsense_is_no_container() {
    for bytes in [&b""[..], b"null", b"[]", b"{\"process\":1}", b"{\"Id\":[]}", &[0xff; 64]] {
        assert!(engine::parse(bytes).is_err());
        assert_eq!(spec::parse(bytes), None);
        assert_eq!(containerd::parse(bytes), None);
    }
}

impl Places {
    /// Without runtimes of the host, and with users of the test's own.
    fn nowhere(root: &Path) -> Self {
        Self {
            docker: Vec::new(),
            podman: Vec::new(),
            containerd: Vec::new(),
            containerd_state: Vec::new(),
            storage: Vec::new(),
            users: root.join("users"),
            accounts: root.join("passwd"),
        }
    }
}

/// A tree of folders in place of the control groups, and no runtime but those of the test.
struct Host {
    directory: tempfile::TempDir,
    containers: Containers,
    group: u64,
}

impl Host {
    fn new(prepare: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        prepare(root);
        let groups = root.join("groups");
        let group = groups.join("docker").join(ID);
        fs::create_dir_all(&group).unwrap();
        let group = fs::metadata(group).unwrap().ino();
        let places = Places {
            docker: vec![root.join("docker.sock")],
            containerd_state: vec![root.join("containerd")],
            ..Places::nowhere(root)
        };
        let hierarchy = Hierarchy { controller: None, mounted: Some(groups) };
        Self { containers: Containers::new(hierarchy, places), directory, group }
    }

    fn look(&mut self) -> Arc<Container> {
        self.met().container
    }

    fn met(&mut self) -> Met {
        self.containers.of_group(self.group, GONE).unwrap()
    }

    fn awaits(&mut self) -> bool {
        let met = self.met();
        self.containers.awaits(&met.place)
    }

    /// Waits until something satisfies, and gives all that came.
    fn wait(&mut self, enough: impl Fn(&Settled) -> bool) -> Vec<Settled> {
        let begun = Instant::now();
        let mut all: Vec<Settled> = Vec::new();
        while begun.elapsed() < Duration::from_secs(20) {
            all.extend(self.containers.news());
            if all.iter().any(&enough) {
                return all;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("only {all:?} came");
    }

    fn bundle(root: &Path) {
        let bundle = root.join("containerd/io.containerd.runtime.v2.task/moby").join(ID);
        fs::create_dir_all(&bundle).unwrap();
        fs::write(
            bundle.join("config.json"),
            include_str!("../../testdata/runtime/spec-docker.json"),
        )
        .unwrap();
    }
}

fn serve(socket: PathBuf, answers: impl Fn(&str) -> String + Send + 'static) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 4096];
            let count = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            // The client may have gone.
            let _sent = stream.write_all(answers(&path).as_bytes());
        }
    });
}

#[test]
fn a_container_is_known_by_id_at_once_and_described_later() {
    let mut host = Host::new(|root| {
        Host::bundle(root);
        let said = include_str!("../../testdata/runtime/engine-docker.json");
        serve(root.join("docker.sock"), move |path| {
            match path {
            "/images/9f0c7bd3e1a24c5d86f1b3a79d1c52e08f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c/json" => {
                "HTTP/1.0 200 OK\r\n\r\n{\"RepoDigests\":[\"other@sha256:0\",\"shop/web@sha256:1\"]}"
                    .to_owned()
            }
            path if path == format!("/containers/{ID}/json") => {
                format!("HTTP/1.0 200 OK\r\n\r\n{said}")
            }
            _ => "HTTP/1.0 404 Not Found\r\n\r\n".to_owned(),
        }
        });
    });
    let first = host.look();
    assert_eq!((&*first.id, first.runtime, first.described), (ID, ContainerRuntime::Docker, false));
    assert!(host.awaits());
    let all = host.wait(|settled| settled.container.described);
    assert_eq!(all.last().unwrap().first_seen, Some(GONE), "{all:?}");
    let container = host.look();
    assert!(!host.awaits());
    assert_eq!(container.name.as_deref(), Some("web"));
    assert_eq!(container.image.as_ref().unwrap().digest.as_deref(), Some("sha256:1"));
    // The API does not tell what the specification does: one capability was added by the runtime.
    assert_eq!(container.capabilities, Some(1 << 0 | 1 << 5));
    let place = host.met().place;
    assert_eq!(host.containers.latest(&place), Some(container));
    drop(host.directory);
}

#[test]
fn a_daemon_that_hangs_blocks_nobody_and_the_disk_tells_what_it_can() {
    let mut host = Host::new(|root| {
        Host::bundle(root);
        let listener = UnixListener::bind(root.join("docker.sock")).unwrap();
        thread::spawn(move || {
            let mut open = Vec::new();
            while let Ok(connection) = listener.accept() {
                open.push(connection);
            }
        });
    });
    let begun = Instant::now();
    let container = host.look();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(!container.described);
    let all = host.wait(|settled| settled.why.is_some());
    assert!(all.last().unwrap().why.as_ref().unwrap().contains("does not answer"), "{all:?}");
    let container = host.look();
    assert!(!container.described && !host.awaits());
    assert_eq!(container.capabilities, Some(1 << 0 | 1 << 5));
}

#[test]
fn one_that_nobody_knows_stays_an_id() {
    let mut host = Host::new(|root| {
        serve(root.join("docker.sock"), |_| "HTTP/1.0 404 Not Found\r\n\r\n".to_owned());
    });
    host.look();
    let all = host.wait(|settled| settled.why.is_some());
    assert_eq!(all.last().unwrap().why.as_deref(), Some("no runtime knows it"));
    assert!(!host.awaits() && !host.look().described);
}

#[test]
fn without_a_daemon_the_bundle_is_the_description() {
    let mut host = Host::new(Host::bundle);
    host.look();
    host.wait(|settled| settled.container.described);
    assert_eq!(host.look().privileged, Some(false));
}

/// Whoever owns the folder may put anything there.
#[test]
fn a_bundle_is_a_file_of_its_user() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("overlay-containers").join(ID).join("userdata/config.json");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let named = Named { id: ID.to_owned(), ..Named::default() };
    let find = |user| bundle::Bundles::Storage(root.path().to_owned()).find(&named, user).is_some();
    let flags = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &config, fifo, flags, 0).unwrap();
    assert!(!find(None), "and nobody waits");
    fs::remove_file(&config).unwrap();
    let other = root.path().join("other");
    fs::write(&other, include_str!("../../testdata/runtime/spec-docker.json")).unwrap();
    std::os::unix::fs::symlink(&other, &config).unwrap();
    assert!(!find(None));
    fs::remove_file(&config).unwrap();
    fs::rename(&other, &config).unwrap();
    let owner = fs::metadata(&config).unwrap().uid();
    assert!(find(None) && find(Some(owner)));
    assert!(!find(Some(owner + 1)));
}

/// A user's group with the user's own runtime, and what that says.
#[test]
fn a_users_runtime_holds_up_nobody_and_brings_no_pod() {
    let mut host = Host::new(|root| {
        let said = include_str!("../../testdata/runtime/engine-kubelet.json");
        serve(root.join("docker.sock"), move |_| format!("HTTP/1.0 200 OK\r\n\r\n{said}"));
        for (user, hangs) in [("7", true), ("8", false)] {
            fs::create_dir_all(root.join("users").join(user)).unwrap();
            let socket = root.join("users").join(user).join("docker.sock");
            if hangs {
                let listener = UnixListener::bind(socket).unwrap();
                thread::spawn(move || listener.incoming().collect::<Vec<_>>());
            } else {
                serve(socket, move |_| format!("HTTP/1.0 200 OK\r\n\r\n{said}"));
            }
        }
    });
    let of_user = |user: u32| format!("/user.slice/user-{user}.slice/docker-{user:064x}.scope");
    for user in [7, 8] {
        host.containers.learn_group(&Group { number: user.into(), path: of_user(user).into() });
    }
    let begun = Instant::now();
    let hanging = host.containers.of_group(7, GONE).unwrap();
    let own = host.containers.of_group(8, GONE).unwrap();
    let system = host.met();
    let is = |one: &Met, settled: &Settled| {
        settled.container.id == one.container.id && settled.container.described
    };
    let mut all = host.wait(|settled| is(&own, settled));
    if !all.iter().any(|settled| is(&system, settled)) {
        all.extend(host.wait(|settled| is(&system, settled)));
    }
    assert!(begun.elapsed() < http::PATIENCE, "{:?}", begun.elapsed());
    assert!(!host.containers.latest(&hanging.place).unwrap().described);
    assert!(host.containers.latest(&system.place).unwrap().pod.is_some());
    let own = host.containers.latest(&own.place).unwrap();
    assert!(own.image.is_some() && own.pod.is_none(), "{own:?}");
}

/// What users call containers is unique in a namespace of containerd only, and is their name.
#[test]
fn an_id_that_was_chosen_is_one_of_its_namespace() {
    let mut host = Host::new(|root| {
        let tasks = root.join("containerd/io.containerd.runtime.v2.task");
        for (namespace, name) in [("default", "one"), ("k8s.io", "two")] {
            let bundle = tasks.join(namespace).join("web");
            fs::create_dir_all(&bundle).unwrap();
            let spec =
                format!("{{\"process\":{{}},\"annotations\":{{\"nerdctl/name\":\"{name}\"}}}}");
            fs::write(bundle.join("config.json"), spec).unwrap();
        }
    });
    let mut met = Vec::new();
    for (number, path) in [(1, "/default/web"), (2, "/k8s.io/web"), (3, "/moby/web")] {
        host.containers.learn_group(&Group { number, path: path.into() });
        met.push(host.containers.of_group(number, GONE).unwrap());
    }
    let at_once = met.iter().map(|it| (it.container.name.as_deref(), it.container.runtime));
    assert!(at_once.eq([(Some("web"), ContainerRuntime::Containerd); 3]));
    host.wait(|settled| settled.why.is_some());
    let later = met.iter().map(|it| host.containers.latest(&it.place).unwrap().name.clone());
    assert!(later.eq(["one", "two", "web"].map(|name| Some(name.to_owned()))));
}

/// A user could take the name of a container that a policy lets pass.
#[test]
fn a_group_that_a_user_called_so_has_no_name() {
    let mut host = Host::new(|_| {});
    let path = "/user.slice/user-7.slice/user@7.service/lxc/web";
    host.containers.learn_group(&Group { number: 7, path: path.into() });
    let met = host.containers.of_group(7, GONE).unwrap();
    assert_eq!((&*met.container.id, met.container.name.as_deref()), ("web", None));
}

/// As Podman installs itself: nobody listens, and a user's containers lie in his home.
#[test]
fn podmans_containers_are_known_without_its_service() {
    let mut host = Host::new(|root| {
        let owner = fs::metadata(root).unwrap().uid();
        let passwd = format!("web:x:{owner}:{owner}::{}:/bin/sh\n", root.join("home").display());
        fs::write(root.join("passwd"), passwd).unwrap();
        let store = root.join("home/.local/share/containers/storage");
        let bundle = store.join("overlay-containers").join(ID).join("userdata");
        fs::create_dir_all(&bundle).unwrap();
        let spec = r#"{"process":{},"annotations":{"io.container.manager":"libpod",
            "io.podman.annotations.privileged":"TRUE","io.kubernetes.pod.name":"a",
            "io.kubernetes.pod.namespace":"kube-system"}}"#;
        fs::write(bundle.join("config.json"), spec).unwrap();
        let listed = format!(r#"[{{"id":"{ID}","names":["shop"],"image":"1b"}}]"#);
        fs::write(store.join("overlay-containers/containers.json"), listed).unwrap();
        fs::create_dir_all(store.join("overlay-images")).unwrap();
        let images = r#"[{"id":"1b","digest":"sha256:2b"}]"#;
        fs::write(store.join("overlay-images/images.json"), images).unwrap();
    });
    let owner = fs::metadata(host.directory.path()).unwrap().uid();
    let slice = format!("/user.slice/user-{owner}.slice/user@{owner}.service/app.slice");
    host.containers.learn_group(&Group { number: 7, path: format!("{slice}/{ID}").into() });
    let met = host.containers.of_group(7, GONE).unwrap();
    host.wait(|settled| settled.container.described);
    let container = host.containers.latest(&met.place).unwrap();
    assert_eq!(
        (container.name.as_deref(), container.runtime),
        (Some("shop"), ContainerRuntime::Podman)
    );
    assert_eq!(container.image.as_ref().unwrap().digest.as_deref(), Some("sha256:2b"));
    assert_eq!((container.privileged, &container.pod), (Some(true), &None));
}

/// Any user may make a group that is called as a container of the host is, and any container of a
/// user's may have the name of one of the host's.
#[test]
fn a_users_group_that_is_called_as_a_container_is_another_one() {
    for is_user_first in [false, true] {
        let mut host = Host::new(Host::bundle);
        let path = format!("/user.slice/user-7.slice/user@7.service/app.slice/docker-{ID}.scope");
        host.containers.learn_group(&Group { number: 7, path: path.into() });
        if is_user_first {
            host.containers.of_group(7, GONE);
            host.wait(|settled| settled.why.is_some());
        }
        host.look();
        host.wait(|settled| settled.container.described);
        assert!(host.look().described, "{is_user_first}");
        let of_user = host.containers.of_group(7, GONE).unwrap().container;
        assert!(!of_user.described, "{is_user_first}: {of_user:?}");
    }
}

#[test]
fn ten_thousand_containers_are_kept_and_not_more_than_the_bound() {
    let mut containers = Containers::new(NOWHERE, Places::default());
    let place = |number: usize| {
        let named = Named { id: number.to_string(), ..Named::default() };
        Arc::new(Place { named, user: None })
    };
    for number in 0..KNOWN_MAX + 10 {
        let known = Known {
            container: Arc::default(),
            looked: number as u64,
            state: State::Described,
            first_seen: None,
        };
        containers.forget();
        containers.known.insert(place(number), known);
    }
    assert!((10_000..=KNOWN_MAX).contains(&containers.known.len()));
    assert!(!containers.known.contains_key(&place(0)));
}

/// The real daemon: frames, fields and all.
#[test]
fn containerd_describes_what_it_made() {
    let Some(containerd) = testkit::Containerd::start() else { return };
    let layer = testkit::TarBuilder::new().file("etc/hostname", "x");
    let image = testkit::ImageBuilder::new("shop:1")
        .layer(testkit::LayerBuilder::plain(layer))
        .oci_archive();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, image).unwrap();
    let archive = archive.to_str().unwrap();
    containerd.ctr(&["images", "import", "--base-name", "localhost/shop", archive]);
    let name = containerd.ctr(&["images", "list", "-q"]);
    let create = ["containers", "create", "--label", "team=shop", "--env", "MODE=live"];
    containerd.ctr(&[&create[..], &[name.trim(), "web", "sh"]].concat());

    let socket = containerd.root().parent().unwrap().join("containerd.sock");
    let container = containerd::ask(&socket, "default", "web").unwrap().unwrap();
    let image = container.image.unwrap();
    assert_eq!(image.reference, name.trim());
    assert!(image.digest.unwrap().starts_with("sha256:"));
    assert_eq!(container.labels["team"], "shop");
    assert!(container.environment.contains(&"MODE=live".to_owned()));
    assert!(container.capabilities.is_some_and(|bits| bits != 0));
    assert_eq!(container.privileged, Some(false));
    assert!(containerd::ask(&socket, "default", "nobody").unwrap().is_none());
    assert!(containerd::ask(&socket, "elsewhere", "web").unwrap().is_none());
    // Without a bundle its group tells the namespace.
    let mut host = Host::new(|_| {});
    let places = Places { containerd: vec![socket], ..Places::nowhere(host.directory.path()) };
    host.containers = Containers::new(NOWHERE, places);
    host.containers.learn_group(&Group { number: 7, path: "/default/web".into() });
    let met = host.containers.of_group(7, GONE).unwrap();
    host.wait(|settled| settled.container.described);
    let container = host.containers.latest(&met.place).unwrap();
    assert_eq!((container.name.as_deref(), &*container.labels["team"]), (Some("web"), "shop"));
}
