//! What the entries of one layer do to each other when a runtime unpacks them, and what overlay file
//! systems make of it.

use artifact::walk_tar;
use model::ProblemKind::{self, Unsupported};
use testkit::{Recorder, TarBuilder};

/// The entries of a layer, without modes and owners, and the kind and the words of its problems.
fn unpacked(tar: TarBuilder) -> (Vec<String>, Vec<(ProblemKind, String)>) {
    let mut recorder = Recorder::default();
    let problems = walk_tar(&tar.finish(), &mut recorder);
    let told = problems.into_iter().map(|it| (it.kind, it.to_string())).collect();
    let shown = |line: &String| {
        let (kind, rest) = line.split_once(' ').unwrap_or_default();
        format!("{kind} {}", rest.splitn(4, ' ').last().unwrap_or_default())
    };
    (recorder.lines.iter().map(shown).collect(), told)
}

#[test]
fn the_root_of_a_layer_is_never_opaque() {
    for name in [".wh..wh..opq", "./.wh..wh..opq", "/.wh..wh..opq", "a/../.wh..wh..opq"] {
        let (entries, problems) = unpacked(TarBuilder::new().file(name, "").file("a", ""));
        assert_eq!(entries, ["file a"], "{name}");
        let [(Unsupported, problem)] = &problems[..] else { panic!("{name}: {problems:?}") };
        assert!(problem.contains("root is opaque"), "{problem}");
    }
    let (entries, problems) = unpacked(TarBuilder::new().opaque("a").file("a/b", ""));
    assert_eq!(entries, ["opaque a", "file a/b"]);
    assert_eq!(problems, []);
}
