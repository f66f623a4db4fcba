//! The main attributes of `META-INF/MANIFEST.MF` (JAR File Specification, "JAR Manifest").

use std::collections::HashMap;

/// Attributes that are kept: real manifests have a few dozen, OSGi ones long values.
const ATTRIBUTES_MAX: usize = 256;

/// The main section; names in lower case, as they are compared without regard to it.
#[derive(Default)]
pub(super) struct Manifest {
    attributes: HashMap<String, String>,
}

impl Manifest {
    /// Lines are folded after 72 bytes, go on after a space, and the first empty one ends the main
    /// section. What is no attribute is passed over.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        // A line may be folded in the middle of a character, so it is unfolded first.
        let mut unfolded: Vec<Vec<u8>> = Vec::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match (line.split_first(), unfolded.last_mut()) {
                (None, None) => {}
                (None, Some(_)) => break,
                (Some((b' ', rest)), Some(last)) => last.extend(rest),
                (Some(_), _) => unfolded.push(line.to_vec()),
            }
            if unfolded.len() > ATTRIBUTES_MAX {
                break;
            }
        }
        let mut attributes = HashMap::new();
        for line in &unfolded {
            let line = String::from_utf8_lossy(line);
            if let Some((name, value)) = line.split_once(':') {
                attributes.entry(name.to_ascii_lowercase()).or_insert_with(|| value.trim().into());
            }
        }
        Self { attributes }
    }

    /// The value of an attribute whose name is given in lower case; empty if there is none, or if
    /// the build left a variable where a value should be.
    pub(super) fn get(&self, name: &str) -> &str {
        let value = self.attributes.get(name).map_or("", String::as_str);
        if value.contains("${") || value.contains("@VERSION@") { "" } else { value }
    }

    /// The name of the bundle, without its directives (OSGi Core, 3.2.1.17).
    pub(super) fn symbolic_name(&self) -> &str {
        self.get("bundle-symbolicname").split(';').next().unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_unfolded_and_sections_end() {
        let text = "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.exa\r\n mple.tide;singleton:=\
                    true\r\nX: ${x}\r\n\r\nName: a\r\nSealed: true\r\n";
        let manifest = Manifest::parse(text.as_bytes());
        assert_eq!(manifest.symbolic_name(), "org.example.tide");
        assert_eq!(manifest.get("x"), "");
        assert_eq!(manifest.get("sealed"), "");
    }
}
