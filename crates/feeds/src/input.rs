//! From a path to documents: files, folders, and archives within archives, by content.
