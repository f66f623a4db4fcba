//! Images with more facts than there is room for: where they are cut, whatever is cached.

use std::path::Path;

use artifact::{Environment, Options, open};
use serde_json::json;
use testkit::{ImageBuilder, LayerBuilder, Reply, Request, Server, TarBuilder, sha256};

use super::*;

fn looking() -> Looking {
    Looking {
        checks: Checks::default(),
        signatures: None,
        clamd: None,
        until: Until::default(),
        scratch: Scratch::default(),
        give_back: || {},
    }
}

/// A layer with packages that take some 600 KiB of facts.
fn full(name: &str) -> TarBuilder {
    let rest = "Status: install ok installed\nVersion: 1\n\n";
    let status: String =
        (0..1200).map(|number| format!("Package: {name}{number}\n{rest}")).collect();
    TarBuilder::new().file("var/lib/dpkg/status", status)
}

fn image(layers: &[TarBuilder]) -> ImageBuilder {
    let layers = layers.iter().map(|tar| LayerBuilder::plain(tar.clone()));
    layers.fold(ImageBuilder::new("app:1"), ImageBuilder::layer)
}

/// A daemon that exports an image as Docker did before it had OCI blobs: no name tells what a layer is.
fn old_daemon(socket: &Path, image: &ImageBuilder) -> Server {
    let id = sha256(&image.config()).to_string();
    let diff_ids: Vec<String> = image.layers.iter().map(|it| it.diff_id.to_string()).collect();
    let inspected = json!({
        "Id": id, "Os": "linux", "Architecture": "amd64",
        "RootFS": { "Type": "layers", "Layers": diff_ids },
        "GraphDriver": { "Name": "vfs", "Data": null },
    });
    let export = image.old_docker_archive();
    Server::on_socket(socket, move |request: &Request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, inspected.to_string()),
        path if path.ends_with("/get") => Reply::new(200, export.clone()),
        _ => Reply::new(404, "{}"),
    })
}

/// How many bytes of facts each layer has, and the layers that a limit cut.
fn collected(limit: usize, image: &ImageBuilder, cache: &Cache) -> (Vec<usize>, Vec<Option<u32>>) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("d.sock");
    let _daemon = old_daemon(&socket, image);
    let environment = Environment::default()
        .with_system("/nonexistent")
        .with("DOCKER_HOST", format!("unix://{}", socket.display()));
    let opened = open("docker:app:1", &Options { environment, ..Options::default() }).unwrap();
    let looking = looking();
    let layers = collect_within(limit, &opened, cache, &looking).unwrap();
    assert!(layers.problems.iter().all(|it| it.kind == ProblemKind::LimitReached));
    let sizes = layers.facts.iter().map(LayerFacts::size).collect();
    (sizes, layers.problems.iter().map(|problem| problem.layer).collect())
}

#[test]
fn an_export_is_cut_where_it_is_cut_whatever_is_cached() {
    let (base, app) = ([full("a"), full("b")], [full("a"), full("b"), full("c"), full("d")]);
    let one = collected(usize::MAX, &image(&app[..1]), &Cache::open(None, String::new())).0[0];
    let lasting = 2 * one + one / 2;
    for (limit, cut) in
        [(usize::MAX, None), (lasting, Some(2)), (one + one / 2, Some(1)), (one / 2, Some(0))]
    {
        let directory = tempfile::tempdir().unwrap();
        let cache = |dir| Cache::open(dir, "test".to_owned());
        let cold = collected(limit, &image(&app), &cache(None));
        assert_eq!(cold.1, Vec::from_iter(cut.map(Some)), "{limit}");
        assert_eq!(cold.0.len(), cut.map_or(app.len(), |cut| cut as usize), "{limit}: {cold:?}");
        collected(usize::MAX, &image(&base), &cache(Some(directory.path())));
        let warm = collected(limit, &image(&app), &cache(Some(directory.path())));
        assert_eq!(warm, cold, "{limit}");
    }
}

/// Links lead to files of the lowest layer, which stands again where there was no room.
#[test]
fn a_second_pass_fills_no_layer_that_the_first_has_cut() {
    let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n";
    let linked = TarBuilder::new().symlink("var/lib/dpkg", "/data").file("data/status", status);
    let app = image(&[linked.clone(), full("b"), linked]);
    let (sizes, cut) = collected(300 << 10, &app, &Cache::open(None, String::new()));
    assert_eq!(sizes.len(), 1, "{sizes:?}");
    assert_eq!(cut, [Some(1)]);
}

/// What is found at the end of links that lead to links which nobody watches.
fn at_the_end(tar: &TarBuilder) -> (Vec<String>, Vec<ProblemKind>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    std::fs::write(&path, image(std::slice::from_ref(tar)).old_docker_archive()).unwrap();
    let opened = open(path.to_str().unwrap(), &Options::default()).unwrap();
    let looking = looking();
    let layers = collect(&opened, &Cache::open(None, String::new()), &looking).unwrap();
    let found = analyzers::squash(&layers.facts, true);
    let mut names: Vec<String> = found.packages.into_iter().map(|it| it.name).collect();
    names.extend(found.os.map(|os| os.family));
    (names, found.problems.iter().map(|problem| problem.kind).collect())
}

#[test]
fn links_are_followed_step_by_step() {
    let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n";
    let found = |name: &str| (vec![name.to_owned()], Vec::new());
    let tar = TarBuilder::new;
    let two = tar().symlink("var/lib/dpkg", "/data/dpkg").symlink("data", "/mnt/x");
    assert_eq!(at_the_end(&two.file("mnt/x/dpkg/status", status)), found("bash"));
    let file = tar().symlink("etc/os-release", "/a/r").symlink("a", "/b");
    assert_eq!(at_the_end(&file.file("b/r", "ID=test\n")), found("test"));
    let within = tar().symlink("var", "/d").symlink("d/lib/dpkg", "/d/e/dpkg").symlink("d/e", "/f");
    assert_eq!(at_the_end(&within.file("f/dpkg/status", status)), found("bash"));
    // There is an end, and it is told.
    let long = (0..20).fold(tar().symlink("var/lib/dpkg", "/l0"), |tar, number| {
        tar.symlink(&format!("l{number}"), &format!("/l{}", number + 1))
    });
    let (names, kinds) = at_the_end(&long.file("l20/status", status));
    assert!(names.is_empty() && kinds.contains(&ProblemKind::LimitReached), "{names:?} {kinds:?}");
}

/// Names of packages that a layout has, and the kinds of its problems.
fn verified(layout: &Path, cache: &Cache, verify: bool) -> (Vec<String>, Vec<ProblemKind>) {
    let options = Options { verify, ..Options::default() };
    let opened = open(layout.to_str().unwrap(), &options).unwrap();
    let looking = looking();
    let layers = collect(&opened, cache, &looking).unwrap();
    let found = analyzers::squash(&layers.facts, true);
    let names = found.packages.into_iter().map(|package| package.name).collect();
    (names, layers.problems.iter().map(|problem| problem.kind).collect())
}

/// What was told to end within a file would serve the next scan as all there is.
#[test]
fn what_was_cut_short_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.tar");
    let status = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\n";
    let tar = TarBuilder::new().file("var/lib/dpkg/status", status);
    std::fs::write(&path, image(&[tar]).old_docker_archive()).unwrap();
    let opened = open(path.to_str().unwrap(), &Options { verify: true, ..Options::default() });
    let opened = opened.unwrap();
    let folder = directory.path().join("cache");
    let found = |until: bool| {
        let looking = Looking { until: Until::new(move || until), ..looking() };
        let cache = Cache::open(Some(&folder), "test".to_owned());
        let layers = collect(&opened, &cache, &looking).unwrap();
        let found = analyzers::squash(&layers.facts, true);
        let told = found.problems.iter().any(|it| it.message.contains("stopped before"));
        let kept = std::fs::read_dir(&folder).map_or(0, Iterator::count);
        (found.packages.len(), told, kept > 0)
    };
    assert_eq!(found(true), (0, true, false));
    assert_eq!(found(false), (1, false, true));
}

#[test]
fn verifying_reads_what_is_there_whatever_is_cached() {
    let status = |name| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n");
    // Its database is found through a link, in a second pass.
    let tar = |name| {
        let linked = TarBuilder::new().symlink("var/lib/dpkg", "/data");
        linked.file("data/status", status(name))
    };
    let stores: [fn(TarBuilder) -> LayerBuilder; 2] = [LayerBuilder::plain, LayerBuilder::gzip];
    for store in stores {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&directory.path().join("cache")), "test".to_owned());
        let layout = directory.path().join("layout");
        let (honest, other) = (store(tar("bash")), store(tar("curl")));
        ImageBuilder::new("app:1").layer(honest.clone()).write_oci_dir(&layout);
        let bash = vec!["bash".to_owned()];
        for verify in [false, true, true] {
            assert_eq!(verified(&layout, &cache, verify), (bash.clone(), vec![]), "{verify}");
        }
        let blob = layout.join("blobs/sha256").join(honest.digest.hex());
        std::fs::write(blob, &other.blob).unwrap();
        let (names, problems) = verified(&layout, &cache, true);
        assert_eq!(names, ["curl"]);
        assert!(problems.contains(&ProblemKind::Damaged), "{problems:?}");
    }
}
