//! Bills in JSON, whichever format: read in one pass, each part of the document handed to the
//! format that knows it.
//!
//! The parts of CycloneDX, SPDX and Syft have different names, so that nothing has to be read twice
//! to tell them apart. What was read before a mistake stays read.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Form, Reading};
use crate::{cyclonedx::read_json as cyclonedx, spdx::read_json as spdx, syft};

/// Reads as far as it goes; the error is why not further.
pub(super) fn read(bytes: &[u8], reading: &mut Reading) -> Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Document(reading).deserialize(&mut deserializer).map_err(|error| error.to_string())
}

struct Document<'a>(&'a mut Reading);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bill of materials")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                // CycloneDX
                "bomFormat" => {
                    if map.next_value::<String>()? == "CycloneDX" {
                        reading.recognize(Form::CycloneDx);
                    }
                }
                "specVersion" => {
                    let Text(version) = map.next_value()?;
                    reading.of_version(&version.unwrap_or_default());
                }
                "metadata" => cyclonedx::metadata(map.next_value()?, reading),
                "components" => {
                    map.next_value_seed(Each::new(|it| cyclonedx::component(it, reading)))?;
                }
                "dependencies" => {
                    map.next_value_seed(Each::new(|it| cyclonedx::dependency(&it, reading)))?;
                }
                "compositions" => {
                    map.next_value_seed(Each::new(|it| cyclonedx::composition(&it, reading)))?;
                }
                // SPDX
                "spdxVersion" => {
                    let version: String = map.next_value()?;
                    if version.starts_with("SPDX-") {
                        reading.recognize(Form::Spdx);
                        reading.of_version(&version);
                    }
                }
                // From version 3 on, which lists its elements elsewhere.
                "@context" => {
                    let Text(context) = map.next_value()?;
                    let rest = context.as_deref().and_then(|it| it.split_once("spdx.org/rdf/"));
                    if let Some(version) = rest.and_then(|(_, rest)| rest.split('/').next()) {
                        reading.recognize(Form::Spdx);
                        reading.of_version(version);
                    }
                }
                "name" => spdx::name(map.next_value()?, reading),
                "creationInfo" => spdx::creation_info(map.next_value()?, reading),
                "packages" => map.next_value_seed(Each::new(|it| spdx::package(it, reading)))?,
                "documentDescribes" => {
                    map.next_value_seed(Each::new(|it: String| reading.described(&it)))?;
                }
                "relationships" => {
                    map.next_value_seed(Each::new(|it| spdx::relationship(&it, reading)))?;
                }
                "hasExtractedLicensingInfos" => {
                    map.next_value_seed(Each::new(|it| spdx::license(it, reading)))?;
                }
                // Syft
                "artifacts" => {
                    reading.recognize(Form::Syft);
                    map.next_value_seed(Each::new(|it| syft::artifact(it, reading)))?;
                }
                "artifactRelationships" => {
                    map.next_value_seed(Each::new(|it| syft::relationship(&it, reading)))?;
                }
                "source" => syft::source(map.next_value()?, reading),
                "distro" => syft::distro(map.next_value()?, reading),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A text, where others write anything: then none. A list of them is its first.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text, A::Error> {
                let mut first = None;
                while let Some(Text(text)) = list.next_element()? {
                    first = first.or(text);
                }
                Ok(Text(first))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A list of which each element is handed on as soon as it is read; null is an empty list.
pub(crate) struct Each<T, F> {
    take: F,
    of: PhantomData<T>,
}

impl<T, F: FnMut(T)> Each<T, F> {
    pub(crate) fn new(take: F) -> Self {
        Self { take, of: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element()? {
            (self.take)(item);
        }
        Ok(())
    }
}
