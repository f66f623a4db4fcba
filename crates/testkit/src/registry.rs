//! A registry that holds images and is as honest as a test lets it be.
//!
//! [`Server::registry`] serves manifests, blobs (with ranges) and tags as the OCI distribution spec
//! says; [`Server::meddling_registry`] lets a test replace any reply before it is sent.

use std::collections::BTreeMap;

use model::Digest;

use crate::{ImageBuilder, Reply, Request, Server, sha256};

/// What a registry holds: by path, the media type and the bytes.
#[derive(Clone, Debug, Default)]
pub struct Content {
    documents: BTreeMap<String, (String, Vec<u8>)>,
    tags: BTreeMap<String, Vec<String>>,
}

impl Content {
    /// Adds an image under `repository:tag`.
    pub fn image(self, repository: &str, tag: &str, image: &ImageBuilder) -> Self {
        let manifest = image.manifest();
        let with_blobs = image.blobs().into_iter().fold(self, |content, (digest, bytes)| {
            content.document(
                repository,
                &format!("blobs/{digest}"),
                "application/octet-stream",
                bytes,
            )
        });
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        with_blobs.manifest(repository, tag, media_type, manifest)
    }

    /// Adds a manifest or an index under a tag and under its digest.
    pub fn manifest(
        mut self,
        repository: &str,
        tag: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Self {
        self.tags.entry(repository.to_owned()).or_default().push(tag.to_owned());
        let digest = sha256(&bytes);
        self.document(repository, &format!("manifests/{digest}"), media_type, bytes.clone())
            .document(repository, &format!("manifests/{tag}"), media_type, bytes)
    }

    /// Adds bytes under their digest.
    pub fn blob(self, repository: &str, bytes: Vec<u8>) -> Self {
        let path = format!("blobs/{}", sha256(&bytes));
        self.document(repository, &path, "application/octet-stream", bytes)
    }

    /// Answers who refers to the manifest with this digest.
    pub fn referrers(self, repository: &str, subject: &Digest, index: Vec<u8>) -> Self {
        let media_type = "application/vnd.oci.image.index.v1+json";
        self.document(repository, &format!("referrers/{subject}"), media_type, index)
    }

    fn document(mut self, repository: &str, path: &str, media_type: &str, bytes: Vec<u8>) -> Self {
        let path = format!("/v2/{repository}/{path}");
        self.documents.insert(path, (media_type.to_owned(), bytes));
        self
    }

    /// What an honest registry answers.
    pub fn answer(&self, request: &Request) -> Reply {
        let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path == "/v2/" {
            return Reply::new(200, "{}");
        }
        if let Some(repository) =
            path.strip_prefix("/v2/").and_then(|p| p.strip_suffix("/tags/list"))
        {
            let tags = self.tags.get(repository).cloned().unwrap_or_default();
            let body = serde_json::json!({ "name": repository, "tags": tags }).to_string();
            return Reply::new(200, body);
        }
        let Some((media_type, bytes)) = self.documents.get(path) else {
            let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            return Reply::new(404, body);
        };
        let digest = sha256(bytes).to_string();
        let reply = |status, body: &[u8]| {
            Reply::new(status, body)
                .header("content-type", media_type)
                .header("docker-content-digest", &digest)
        };
        let start = request.header("range").and_then(|range| {
            range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
        });
        match start.and_then(|start| Some((start, bytes.get(start..)?))) {
            Some((start, rest)) => {
                let total = bytes.len();
                let range = format!("bytes {start}-{}/{total}", total.saturating_sub(1));
                reply(206, rest).header("content-range", range)
            }
            None => reply(200, bytes),
        }
    }
}

impl Server {
    /// A registry that is honest.
    pub fn registry(content: Content) -> Self {
        Self::new(move |request| content.answer(request))
    }

    /// A registry whose replies pass through `meddle`.
    pub fn meddling_registry(
        content: Content,
        meddle: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |request| meddle(request, content.answer(request)))
    }
}
