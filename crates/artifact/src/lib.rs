//! Open anything scannable and stream its layers: digests, whiteouts, limits.
