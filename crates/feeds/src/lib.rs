//! One file an upstream source: fetch, normalise to advisories, write segments.
