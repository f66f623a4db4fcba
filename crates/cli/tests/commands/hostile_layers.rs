//! Files that take much memory, one in each of several layers that are read at a time: how many there are must
//! not decide how much is taken.

use std::fmt::Write as _;
use std::io::Write as _;

use testkit::{ImageBuilder, LayerBuilder, TarBuilder};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::run::Sandbox;

/// What is measured of the program begins with what this one takes when it starts it: the image is in it.
const LAYERS: usize = 4;

/// A file of which one by itself is no problem.
fn filled(head: &str, tail: &str, mut item: impl FnMut(usize, &mut String)) -> Vec<u8> {
    let (mut text, mut number) = (head.to_owned(), 0);
    while text.len() + tail.len() < 11 << 20 {
        item(number, &mut text);
        number += 1;
    }
    (text + tail).into_bytes()
}

fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Scans an image that has this file in each layer, all at a time; the report says these words. It is not parsed:
/// it is large, and what this program took counts.
fn scan(name: &str, path: &str, content: &[u8], words: &str) {
    let sandbox = Sandbox::new();
    let mut image = ImageBuilder::new("shop:1");
    for number in 0..LAYERS {
        let tar = TarBuilder::new().file(path, content).file(&format!("etc/{number}"), "");
        image = image.layer(LayerBuilder::gzip(tar));
    }
    image.write_oci_dir(&sandbox.path(name));
    let (target, jobs) = (format!("oci-dir:{name}"), LAYERS.to_string());
    let scan = ["scan", "--offline", "--no-cache", "--declared", "--format", "json", "--jobs"];
    let ended = sandbox.run_bounded(sandbox.command(&scan).args([&jobs, &target]));
    assert!(ended.stdout.contains(words), "{name}: {:?} {}", ended.code, ended.stderr);
}

#[test]
fn lock_files_are_taken_apart_one_at_a_time() {
    let gems = filled("GEM\n  specs:\n", "", |number, text| {
        writeln!(text, "    a{number} (1.{number})").unwrap();
    });
    scan("gems", "srv/Gemfile.lock", &gems, "entries beyond 131072 are left out");
    let npm = filled(r#"{"lockfileVersion":3,"packages":{"#, r#""x":{}}}"#, |number, text| {
        write!(text, r#""node_modules/a{number}":{{"version":"1.0.{number}"}},"#).unwrap();
    });
    scan("npm", "srv/package-lock.json", &npm, "entries beyond 131072 are left out");
    let yarn = filled("# yarn lockfile v1\n", "", |number, text| {
        write!(text, "a{number}@1:\n  version \"1.0.{number}\"\n").unwrap();
    });
    scan("yarn", "srv/yarn.lock", &yarn, "entries beyond 131072 are left out");
}

#[test]
fn what_archives_hold_stands_outside_of_memory() {
    let library = zip("a", &vec![0; 150 << 20]);
    // Stored, so that there is something to read where it is, and packed, so that there is not.
    let inner = [library, vec![0; 100 << 20]].concat();
    let war = zip("WEB-INF/lib/a.jar", &inner);
    scan("war", "srv/a.war", &war, "\"srv/a.war");
}
