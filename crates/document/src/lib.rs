//! Reports and SBOMs: one file a format, deterministic.
