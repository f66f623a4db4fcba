//! Dart: what lock files name.

pub(crate) mod pubspec_lock;
