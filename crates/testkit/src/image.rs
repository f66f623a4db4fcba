//! Images built layer by layer, in every form in which images lie about on disks.

use std::fs;
use std::path::Path;

use model::Digest;
use serde_json::{Value, json};

use crate::{TarBuilder, gzip, zstd};

/// The digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest::sha256(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// One layer: its tar, the blob it is stored as, and what the manifest and the configuration
/// claim of it (the truth, unless a test overwrites it).
#[derive(Clone, Debug)]
pub struct LayerBuilder {
    pub blob: Vec<u8>,
    pub media_type: String,
    pub digest: Digest,
    pub diff_id: Digest,
    /// The command in the history.
    pub created_by: String,
    /// False: listed, but its blob is left out.
    pub distributed: bool,
}

impl LayerBuilder {
    /// Stored uncompressed.
    pub fn plain(tar: TarBuilder) -> Self {
        let tar = tar.finish();
        Self::stored(&tar, tar.clone(), "application/vnd.oci.image.layer.v1.tar")
    }

    pub fn gzip(tar: TarBuilder) -> Self {
        let tar = tar.finish();
        Self::stored(&tar, gzip(&tar), "application/vnd.oci.image.layer.v1.tar+gzip")
    }

    pub fn zstd(tar: TarBuilder) -> Self {
        let tar = tar.finish();
        Self::stored(&tar, zstd(&tar), "application/vnd.oci.image.layer.v1.tar+zstd")
    }

    /// A tar stored as `blob`, however that came about.
    pub fn stored(tar: &[u8], blob: Vec<u8>, media_type: &str) -> Self {
        Self {
            digest: sha256(&blob),
            diff_id: sha256(tar),
            blob,
            media_type: media_type.to_owned(),
            created_by: "RUN a test".to_owned(),
            distributed: true,
        }
    }

    pub fn created_by(mut self, command: &str) -> Self {
        command.clone_into(&mut self.created_by);
        self
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest.to_string(),
            "size": self.blob.len(),
        })
    }
}

/// A whole image.
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    /// `repo:tag`.
    pub name: String,
    pub os: String,
    pub architecture: String,
    pub created: String,
    pub config_media_type: String,
    /// `User`, `Env` and the like, as the configuration has them.
    pub settings: Value,
    /// Commands of steps that made no layer, before all others.
    pub steps: Vec<String>,
    pub layers: Vec<LayerBuilder>,
}

impl ImageBuilder {
    /// An image for linux/amd64 without layers.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            created: "2024-01-02T03:04:05Z".to_owned(),
            config_media_type: "application/vnd.oci.image.config.v1+json".to_owned(),
            settings: json!({}),
            steps: vec!["ENV a=b".to_owned()],
            layers: Vec::new(),
        }
    }

    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Adds a step that makes no layer.
    pub fn step(mut self, command: &str) -> Self {
        self.steps.push(command.to_owned());
        self
    }

    pub fn layer(mut self, layer: LayerBuilder) -> Self {
        self.layers.push(layer);
        self
    }

    pub fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    pub fn created(mut self, time: &str) -> Self {
        time.clone_into(&mut self.created);
        self
    }

    pub fn os(mut self, os: &str) -> Self {
        os.clone_into(&mut self.os);
        self
    }

    /// The image configuration. Its history begins with a step that has no layer.
    pub fn config(&self) -> Vec<u8> {
        let empty = |step| json!({ "created_by": step, "empty_layer": true });
        let steps = self.layers.iter().map(|layer| json!({ "created_by": layer.created_by }));
        let history: Vec<Value> = self.steps.iter().map(empty).chain(steps).collect();
        let diff_ids: Vec<String> = self.layers.iter().map(|l| l.diff_id.to_string()).collect();
        json!({
            "os": self.os,
            "architecture": self.architecture,
            "created": self.created,
            "config": self.settings,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": history,
        })
        .to_string()
        .into_bytes()
    }

    /// The OCI image manifest.
    pub fn manifest(&self) -> Vec<u8> {
        let config = self.config();
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": self.config_media_type,
                "digest": sha256(&config).to_string(),
                "size": config.len(),
            },
            "layers": self.layers.iter().map(LayerBuilder::descriptor).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes()
    }

    /// This image's entry in an index.
    pub fn descriptor(&self) -> Value {
        let manifest = self.manifest();
        let tag = self.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha256(&manifest).to_string(),
            "size": manifest.len(),
            "platform": { "os": self.os, "architecture": self.architecture },
            "annotations": { "org.opencontainers.image.ref.name": tag },
        })
    }

    /// Configuration, manifest and layers by digest: the content of a registry or a layout.
    pub fn blobs(&self) -> Vec<(Digest, Vec<u8>)> {
        let documents = [self.config(), self.manifest()];
        let documents = documents.into_iter().map(|bytes| (sha256(&bytes), bytes));
        let layers = self.layers.iter().filter(|layer| layer.distributed);
        documents.chain(layers.map(|layer| (layer.digest.clone(), layer.blob.clone()))).collect()
    }

    /// The files of an OCI layout that holds this image alone.
    pub fn oci_files(&self) -> Vec<(String, Vec<u8>)> {
        Self::oci_files_of(&[self.descriptor()], self.blobs())
    }

    /// The files of an OCI layout with this index and these blobs.
    pub fn oci_files_of(
        index: &[Value],
        blobs: impl IntoIterator<Item = (Digest, Vec<u8>)>,
    ) -> Vec<(String, Vec<u8>)> {
        let index = json!({ "schemaVersion": 2, "manifests": index });
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index.to_string().into_bytes()),
        ];
        for (digest, bytes) in blobs {
            let path = format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
            files.push((path, bytes));
        }
        files
    }

    /// An OCI layout in `directory`, which is made if it is not there.
    pub fn write_oci_dir(&self, directory: &Path) {
        Self::write_files(directory, &self.oci_files());
    }

    pub fn write_files(directory: &Path, files: &[(String, Vec<u8>)]) {
        for (path, bytes) in files {
            let path = directory.join(path);
            let parent = path.parent().expect("a file has a directory");
            fs::create_dir_all(parent).expect("a test may write to its directory");
            fs::write(path, bytes).expect("a test may write to its directory");
        }
    }

    /// An OCI layout as a tar.
    pub fn oci_archive(&self) -> Vec<u8> {
        tar_of(&self.oci_files())
    }

    /// What `docker save` writes from version 25 on: an OCI layout with Docker's manifest beside.
    pub fn docker_archive(&self) -> Vec<u8> {
        let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
        let manifest = json!([{
            "Config": blob(&sha256(&self.config())),
            "RepoTags": [self.name],
            "Layers": self.layers.iter().map(|l| blob(&l.digest)).collect::<Vec<_>>(),
        }]);
        let mut files = self.oci_files();
        files.push(("manifest.json".to_owned(), manifest.to_string().into_bytes()));
        tar_of(&files)
    }

    /// What `docker save` wrote before: a directory a layer, a repeated layer as a symlink.
    pub fn old_docker_archive(&self) -> Vec<u8> {
        Self::old_docker_archive_of(&[self])
    }

    /// The same with several images.
    pub fn old_docker_archive_of(images: &[&Self]) -> Vec<u8> {
        let mut tar = TarBuilder::new();
        let mut manifest = Vec::new();
        let mut written: Vec<(Digest, String)> = Vec::new();
        for (number, image) in images.iter().enumerate() {
            let mut layers = Vec::new();
            for (index, layer) in image.layers.iter().enumerate() {
                let id = sha256(format!("{number} {index}").as_bytes()).hex().to_owned();
                let path = format!("{id}/layer.tar");
                tar = tar.directory(&id).file(&format!("{id}/VERSION"), "1.0");
                tar = tar.file(&format!("{id}/json"), "{}");
                tar = match written.iter().find(|(diff_id, _)| *diff_id == layer.diff_id) {
                    Some((_, first)) => tar.symlink(&path, &format!("../{first}")),
                    None => tar.file(&path, &layer.blob),
                };
                written.push((layer.diff_id.clone(), path.clone()));
                layers.push(path);
            }
            let config = image.config();
            let name = format!("{}.json", sha256(&config).hex());
            tar = tar.file(&name, &config);
            manifest.push(json!({ "Config": name, "RepoTags": [image.name], "Layers": layers }));
        }
        tar.file("manifest.json", Value::from(manifest).to_string()).finish()
    }
}

fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    files.iter().fold(TarBuilder::new(), |tar, (path, bytes)| tar.file(path, bytes)).finish()
}
