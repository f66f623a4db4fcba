//! The compact, checksummed advisory segments: format, reader, writer, bundle.
