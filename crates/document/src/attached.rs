//! Documents that are attached to an image: bills of materials and VEX, plain or in the envelopes
//! that signers put around them.
//!
//! An envelope (DSSE, perhaps in a Sigstore bundle) holds an in-toto statement, which says what it
//! is about and holds the document. Its signature is not verified here, and nobody may take what
//! comes out for verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Digest;
use serde::Deserialize;
use serde_json::Value;

use crate::vex::{self, Said, VexError};
use crate::{Sbom, SbomError};

/// Bundle, envelope, statement: nothing has more around it.
const WRAPPERS_MAX: usize = 3;

/// What a document holds.
#[derive(Clone, Debug)]
pub struct Attached {
    /// None if it is no bill.
    pub sbom: Option<Sbom>,
    /// Empty if it is no VEX document.
    pub said: Said,
}

/// Why there is nothing to use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachedError {
    #[error("it is neither a bill of materials nor a VEX document")]
    Unknown,
    #[error("it says that it is about another image")]
    OtherSubject,
    #[error("its envelope does not parse: {0}")]
    Envelope(String),
    #[error("it is cut off or damaged: {0}")]
    Damaged(String),
    #[error("it is a bill of materials: {0}")]
    Version(SbomError),
}

/// All that wrappers have; each has a part of it.
#[derive(Deserialize)]
struct Wrapper {
    #[serde(rename = "dsseEnvelope")]
    envelope: Option<Value>,
    #[serde(rename = "payloadType")]
    payload_type: Option<String>,
    payload: Option<String>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
    #[serde(default)]
    subject: Value,
    predicate: Option<Value>,
}

/// Reads a document that was found with the image of this manifest; `name` is what to call it.
pub fn read(name: &str, bytes: &[u8], image: &Digest) -> Result<Attached, AttachedError> {
    let bytes = unwrapped(bytes.to_vec(), image)?;
    let sbom = match Sbom::read(name, &bytes) {
        Ok(sbom) => Some(sbom),
        Err(SbomError::Unknown) => None,
        Err(error @ SbomError::Version(_)) => return Err(AttachedError::Version(error)),
        Err(error) => return Err(AttachedError::Damaged(error.to_string())),
    };
    let said = match vex::read(name, &bytes) {
        Ok(said) => said,
        // A bill need not be JSON.
        Err(VexError::Unknown | VexError::Damaged(_)) if sbom.is_some() => Said::default(),
        Err(VexError::Unknown) => return Err(AttachedError::Unknown),
        Err(error) => return Err(AttachedError::Damaged(error.to_string())),
    };
    Ok(Attached { sbom, said })
}

/// The document in its wrappers.
fn unwrapped(mut bytes: Vec<u8>, image: &Digest) -> Result<Vec<u8>, AttachedError> {
    for _ in 0..WRAPPERS_MAX {
        // What is no JSON has no wrapper, and may be a bill.
        let Ok(wrapper) = serde_json::from_slice::<Wrapper>(&bytes) else { return Ok(bytes) };
        let failed = |error: &dyn std::fmt::Display| AttachedError::Envelope(error.to_string());
        bytes = match wrapper {
            Wrapper { envelope: Some(envelope), .. } => envelope.to_string().into_bytes(),
            Wrapper { payload_type: Some(_), payload: Some(payload), .. } => {
                STANDARD.decode(payload.trim()).map_err(|error| failed(&error))?
            }
            Wrapper { predicate_type: Some(_), predicate: Some(predicate), subject, .. } => {
                if !is_about(&subject, image) {
                    return Err(AttachedError::OtherSubject);
                }
                document(predicate)
            }
            _ => return Ok(bytes),
        };
    }
    Ok(bytes)
}

/// Whether a statement names this image among its subjects.
fn is_about(subjects: &Value, image: &Digest) -> bool {
    let subjects = subjects.as_array().map(Vec::as_slice).unwrap_or_default();
    subjects.iter().any(|subject| {
        let digest = subject.get("digest").and_then(|it| it.get(image.algorithm().name()));
        digest.and_then(Value::as_str) == Some(image.hex())
    })
}

/// What older signers wrap once more: `{"Data": …}`, in which tag-value is a text.
fn document(predicate: Value) -> Vec<u8> {
    let inner = predicate.get("Data").cloned().unwrap_or(predicate);
    match inner {
        Value::String(text) => text.into_bytes(),
        value => value.to_string().into_bytes(),
    }
}
