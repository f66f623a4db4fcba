//! How Conan writes a package: `zlib/1.2.13@user/channel#revision%timestamp`
//! (docs.conan.io, "recipe references").

/// Name and version; None for a range or a text that is no reference.
pub(super) fn split(reference: &str) -> Option<(&str, &str)> {
    let recipe = reference.split(['@', '#', '%']).next()?.trim();
    let (name, version) = recipe.split_once('/')?;
    let is_exact = !version.is_empty() && !version.starts_with('[');
    (!name.is_empty() && is_exact).then_some((name, version))
}
