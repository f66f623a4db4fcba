//! VEX (Vulnerability Exploitability eXchange): statements that a product is, or is not, affected
//! by a vulnerability, and why.
//!
//! Written as OpenVEX (and as the analysis in CycloneDX) from the findings that somebody silenced.
//! What a statement silences is decided elsewhere; here are only words.

pub mod openvex;
mod reason;

pub(crate) use reason::Reason;
