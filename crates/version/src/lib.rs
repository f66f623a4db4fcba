//! Order versions as their ecosystems do: one file a scheme.
