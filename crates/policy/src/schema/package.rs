//! Facts of a package.

use model::{License, Package, PackageKind};

use super::{Fact, Read};
use crate::facts::Scene;
use crate::license::CATEGORIES;
use crate::value::{Type, Value};

words!(KINDS, PackageKind);

pub(super) const PACKAGE: &[Fact] = &[
    fact("name", Type::Text, "as its ecosystem spells it", |_, it| Value::Text(&it.name)),
    fact("version", Type::Text, "in full; null where it is not known", |_, it| {
        Value::text(Some(it.version.as_str()).filter(|version| !version.is_empty()))
    }),
    fact("kind", Type::Word(KINDS), "its format", |_, it| Value::Text(it.kind.name())),
    fact(
        "is_os",
        Type::Bool,
        "whether the operating system's package manager installed it",
        |_, it| Value::Bool(it.kind.is_os()),
    ),
    fact("source", Type::Text, "the source package that it was built from", |_, it| {
        Value::Text(it.source_name())
    }),
    fact("architecture", Type::Text, "as its package manager spells it", |_, it| {
        Value::text(Some(it.architecture.as_str()).filter(|text| !text.is_empty()))
    }),
    fact("vendor", Type::Text, "who built or distributes it", |_, it| {
        Value::text(Some(it.vendor.as_str()).filter(|text| !text.is_empty()))
    }),
    fact("license", Type::Text, "as declared", |_, it| {
        Value::text(Some(it.license.as_str()).filter(|text| !text.is_empty()))
    }),
    fact(
        "license_spdx",
        Type::Text,
        "the same in the terms of SPDX, where that is certain",
        |_, it| {
            License::of(&it.license).map_or(Value::Null, |it| Value::Owned(it.as_str().to_owned()))
        },
    ),
    fact(
        "license_category",
        Type::Word(CATEGORIES),
        "of the strictest license that has to be kept",
        |scene, it| Value::text(scene.licenses.category(&it.license)),
    ),
    fact("path", Type::Text, "the file in which it was found", |_, it| {
        Value::Text(&it.location.path)
    }),
    fact(
        "layer",
        Type::Number,
        "in which this version first appears, 0 being the lowest",
        |_, it| Value::number(it.location.layer.map(f64::from)),
    ),
    fact("in_base", Type::Bool, "whether that is a layer of the base image", |scene, it| {
        Value::bool(scene.in_base(it.location.layer))
    }),
    fact(
        "declared",
        Type::Bool,
        "named by a lock file or manifest, and not seen installed",
        |_, it| Value::Bool(it.declared),
    ),
    fact(
        "development",
        Type::Bool,
        "needed by who develops or tests alone, as its lock file says; null where none does",
        |_, it| Value::bool(it.development),
    ),
    fact(
        "owner",
        Type::Text,
        "the operating system's package that owns its file; empty if none",
        |_, it| Value::Text(it.owner.as_deref().unwrap_or_default()),
    ),
];

const fn fact(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Package) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Package(read) }
}
