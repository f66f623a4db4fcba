//! Java archives that say nothing of themselves: known by their SHA-1 where somebody imported the index
//! of a repository, by their file name where nobody did.

use std::io::Write;

use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, MavenIndex, TarBuilder};

use crate::run::Sandbox;

/// An archive with these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An image with a jar and a war around another, and an advisory on what they are.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let inner = archive(&[("Rope.class", b"rope")]);
    let tar = TarBuilder::new()
        .file("srv/library.jar", archive(&[("Tide.class", b"tide")]))
        .file("srv/shop.war", archive(&[("WEB-INF/lib/inner.jar", &inner)]));
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar));
    sandbox.file("shop.tar", image.docker_archive());
    for (id, name) in [("CVE-2024-1001", "tide"), ("CVE-2024-1002", "rope")] {
        let record = json!({
            "id": format!("GHSA-1111-2222-{name}"), "aliases": [id],
            "modified": "2024-01-01T00:00:00Z", "summary": id,
            "affected": [{
                "package": { "ecosystem": "Maven", "name": format!("org.example:{name}") },
                "ranges": [{ "type": "ECOSYSTEM",
                             "events": [{ "introduced": "0" }, { "fixed": "2.0" }] }],
            }],
        });
        sandbox.file(&format!("records/{name}.json"), record.to_string());
    }
    assert_eq!(sandbox.run(&["db", "import", "records"]).code, Some(0));
    sandbox
}

/// The SHA-1 of each archive by its place, as a bill of materials has it.
fn digest(sandbox: &Sandbox, place: &str) -> String {
    let bill = bill(sandbox);
    let components = bill["components"].as_array().unwrap();
    let is_there = |component: &&Value| component["properties"].to_string().contains(place);
    let component = components.iter().rfind(is_there).unwrap();
    component.pointer("/hashes/0/content").unwrap().as_str().unwrap().to_owned()
}

fn bill(sandbox: &Sandbox) -> Value {
    let ended = sandbox.run(&["sbom", "--format", "cyclonedx-json", "shop.tar"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    sandbox.file("bill.json", &ended.stdout);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Packages with their basis, and findings with how they were compared.
fn found(sandbox: &Sandbox, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let all = [&["scan", "--offline", "--format", "json"], arguments].concat();
    let ended = sandbox.run(&all);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let list = |pointer: &str, show: &dyn Fn(&Value) -> String| {
        report[pointer].as_array().unwrap().iter().map(show).collect()
    };
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let package = |package: &Value| {
        let parts = ["/name", "/version", "/basis"].map(|part| text(package, part));
        parts.join(" ")
    };
    let finding = |finding: &Value| {
        let parts = ["/id", "/package/name", "/evidence/0/compared"];
        parts.map(|part| text(finding, part)).join(" ")
    };
    (list("packages", &package), list("findings", &finding))
}

const BY_FILE_NAME: [&str; 3] = ["inner  file_name", "library  file_name", "shop  file_name"];
const BY_DIGEST: [&str; 3] =
    ["org.example:rope 1.0 digest", "org.example:tide 1.0 digest", "shop  file_name"];

#[test]
fn archives_are_known_by_their_digest_where_an_index_is() {
    let sandbox = sandbox();
    assert_eq!(found(&sandbox, &["shop.tar"]), (BY_FILE_NAME.map(str::to_owned).into(), vec![]));
    let (library, inner) =
        (digest(&sandbox, "srv/library.jar"), digest(&sandbox, "WEB-INF/lib/inner.jar"));
    let index = MavenIndex::default().archive("org.example|tide|1.0|NA", "jar", &library).archive(
        "org.example|rope|1.0|NA",
        "jar",
        &inner,
    );
    sandbox.file("nexus-maven-repository-index.gz", index.gzip());
    let import = ["db", "import", "--db", "other", "records", "nexus-maven-repository-index.gz"];
    let ended = sandbox.run(&import);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("maven-index: 1 document, 2 statements\n"), "{ended:?}");
    assert!(
        ended.stdout.contains("maven-sha1-*: maven-index, 2 streams, 2 records\n"),
        "{ended:?}"
    );
    assert_eq!(sandbox.run(&["db", "verify", "--db", "other"]).code, Some(0));
    let status = sandbox.run(&["db", "status", "--db", "other"]).stdout;
    assert!(status.contains("maven-sha1-* (2)"), "{status}");

    // What was cached is the same whichever folder of advisories is used, and in whatever order.
    for _ in 0..2 {
        let (packages, findings) = found(&sandbox, &["--db", "other", "shop.tar"]);
        assert_eq!(packages, BY_DIGEST);
        let [rope, tide] = &findings[..] else { panic!("{findings:?}") };
        assert!(rope.starts_with("CVE-2024-1002 org.example:rope "), "{rope}");
        assert!(tide.starts_with("CVE-2024-1001 org.example:tide "), "{tide}");
        assert!(findings.iter().all(|it| it.ends_with("; name and version by SHA-1")), "{tide}");
        assert_eq!(found(&sandbox, &["shop.tar"]).0, BY_FILE_NAME);
    }
    // A bill says what the archive says, and a scan of the bill finds what one of the image does.
    let names = bill(&sandbox)["components"].to_string();
    assert!(names.contains("\"library\"") && !names.contains("org.example"), "{names}");
    let (packages, findings) = found(&sandbox, &["--db", "other", "sbom:bill.json"]);
    assert_eq!((packages.as_slice(), findings.len()), (&BY_DIGEST.map(str::to_owned)[..], 2));
}

#[test]
fn an_index_that_is_damaged_gives_what_precedes_and_replaces_nothing() {
    let sandbox = sandbox();
    let library = digest(&sandbox, "srv/library.jar");
    let sound = MavenIndex::default().archive("org.example|tide|1.0|NA", "jar", &library);
    let lying = MavenIndex::default()
        .archive("org.example|other|1.0|NA", "jar", &library)
        .raw(&(-1_i32).to_be_bytes());
    sandbox.file("lying.gz", lying.gzip());
    let ended = sandbox.run(&["db", "import", "lying.gz"]);
    assert_eq!(ended.code, Some(21), "{ended:?}");
    assert!(ended.stderr.contains("record 2 says that it has -1 fields"), "{ended:?}");
    assert!(found(&sandbox, &["shop.tar"]).0.contains(&"org.example:other 1.0 digest".to_owned()));

    sandbox.file("sound.gz", sound.gzip());
    assert_eq!(sandbox.run(&["db", "import", "--whole", "sound.gz"]).code, Some(0));
    let ended = sandbox.run(&["db", "import", "lying.gz"]);
    assert!(ended.stderr.contains("what is installed stays"), "{ended:?}");
    assert!(found(&sandbox, &["shop.tar"]).0.contains(&"org.example:tide 1.0 digest".to_owned()));

    // A second name for the same bytes, and none of them that of the file: nobody knows.
    let moved = MavenIndex::default().archive("org.moved|tide|1.0|NA", "jar", &library);
    sandbox.file("moved.gz", moved.gzip());
    let ended = sandbox.run(&["db", "import", "moved.gz"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(found(&sandbox, &["shop.tar"]).0.contains(&"library  file_name".to_owned()));
    let update = sandbox.run(&["db", "update", "--feed-mirror", "http://127.0.0.1:9"]);
    assert!(!update.stderr.contains("maven-sha1"), "{update:?}");
}
