//! The OSV format (ossf.github.io/osv-schema), for every ecosystem that is an operating system.
//!
//! One reader and a table: an ecosystem is a row, not a file.
