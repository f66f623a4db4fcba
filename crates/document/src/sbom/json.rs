//! Bills in JSON, whichever format: read in one pass, each part of the document handed to the
//! format that knows it.
//!
//! The parts of CycloneDX, SPDX and Syft have different names, so that nothing has to be read twice
//! to tell them apart. What was read before a mistake stays read.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Reading;
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
                "bomFormat" | "spdxVersion" => {
                    let form: String = map.next_value()?;
                    if form == "CycloneDX" || form.starts_with("SPDX-2.") {
                        reading.recognize();
                    }
                }
                // CycloneDX
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
                    reading.recognize();
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
