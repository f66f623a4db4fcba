//! Haskell: what Stack and cabal locked.

pub(crate) mod cabal_freeze;
pub(crate) mod stack_lock;
