//! Package URLs as feeds use them to name rpm packages (github.com/package-url/purl-spec), only
//! as much as is needed to read them.

/// The parts of a purl, percent-decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Purl<'a> {
    /// `rpm`, `rpmmod`, `oci`, …
    pub(crate) kind: &'a str,
    /// The path before the name: `redhat`; empty if there is none.
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Empty if there is none.
    pub(crate) version: String,
    qualifiers: &'a str,
}

impl<'a> Purl<'a> {
    /// None if the text is no purl.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?;
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (path, version) = path.rsplit_once('@').unwrap_or((path, ""));
        let (kind, path) = path.trim_start_matches('/').split_once('/')?;
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        (!name.is_empty()).then(|| Self {
            kind,
            namespace: decode(namespace),
            name: decode(name),
            version: decode(version),
            qualifiers,
        })
    }

    /// The value of a qualifier; empty if there is none.
    pub(crate) fn qualifier(&self, wanted: &str) -> String {
        let mut pairs = self.qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == wanted).map_or_else(String::new, |(_, value)| decode(value))
    }
}

/// Resolves `%XX`; what is not such a triple, or not UTF-8 when resolved, is left as it stands.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16));
        let decoded = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        bytes.push(decoded.unwrap_or(*first));
        rest = tail.get(if decoded.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_of_red_hat_are_read() {
        let cases = [
            ("pkg:rpm/redhat/edk2?arch=src", "rpm redhat edk2  src  "),
            (
                "pkg:rpm/redhat/perl-libs@5.32.1-473.module%2Bel8.10.0?arch=x86_64&epoch=4&rpmmod=perl:5.32",
                "rpm redhat perl-libs 5.32.1-473.module+el8.10.0 x86_64 4 perl:5.32",
            ),
            ("pkg:rpmmod/redhat/ruby@3.0:8060:ad008a3a", "rpmmod redhat ruby 3.0:8060:ad008a3a   "),
            ("pkg:rpmmod/redhat/ruby:2.6/ruby", "rpmmod redhat/ruby:2.6 ruby    "),
            ("pkg:oci/nginx@sha256%3aab?tag=1%zz#sub", "oci  nginx sha256:ab   "),
        ];
        for (text, expected) in cases {
            let p = Purl::parse(text).unwrap();
            let [arch, epoch, module] = ["arch", "epoch", "rpmmod"].map(|key| p.qualifier(key));
            let read = format!(
                "{} {} {} {} {arch} {epoch} {module}",
                p.kind, p.namespace, p.name, p.version
            );
            assert_eq!(read, expected, "{text}");
        }
        for text in ["", "pkg:", "pkg:rpm", "pkg:rpm/", "pkg:rpm/redhat/@1", "rpm/redhat/a"] {
            assert_eq!(Purl::parse(text), None, "{text}");
        }
    }
}
