//! Lua: what LuaRocks installed and locked.

pub(crate) mod luarocks_lock;
pub(crate) mod rock;
