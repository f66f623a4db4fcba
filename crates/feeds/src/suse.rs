//! SUSE: what its forms of data have in common, which is the product a statement is about.
//!
//! | feed | form | says |
//! |---|---|---|
//! | [`oval`] | OVAL, one file a release | fixed, affected and not affected binaries |
//! | [`csaf`] | CSAF VEX, one document a CVE | the same, for all products together |
//! | [`csaf::Advisories`] | CSAF advisories, one document an update | fixed binaries |
//!
//! Products are known by their names. The server and the modules of a service pack are one release
//! and share the main track of its stream: `SUSE Linux Enterprise Module for Basesystem 15 SP6` is
//! `sles-15.6`. Long-term support of a service pack is the track `ltss`. SUSE's other products
//! (desktop, SAP, HPC, Manager, OpenStack, …) repeat the same packages and are counted as passed
//! over. Sub-packages have versions of their own, so everything is about binaries.

pub(crate) mod csaf;
pub(crate) mod oval;

/// A release and a track within it; None is the main track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Product {
    pub(crate) stream: String,
    pub(crate) track: Option<String>,
}

/// None for products that are no distribution a container image is built on.
pub(crate) fn product(name: &str) -> Option<Product> {
    let main = |stream: String| Some(Product { stream, track: None });
    if name == "openSUSE Tumbleweed" {
        return main("opensuse-tumbleweed".to_owned());
    }
    // The longer names first: each is a prefix of none behind it. Micro 6 lost its `Enterprise`.
    let numbered = [
        ("openSUSE Leap Micro ", "opensuse-leap-micro-"),
        ("openSUSE Leap ", "opensuse-leap-"),
        ("SUSE Linux Enterprise Micro 6.", "sl-micro-6."),
        ("SUSE Linux Enterprise Micro ", "sle-micro-"),
        ("SUSE Linux Micro ", "sl-micro-"),
    ];
    for (prefix, stream) in numbered {
        if let Some(version) = name.strip_prefix(prefix) {
            return is_version(version).then(|| format!("{stream}{version}")).and_then(main);
        }
    }
    if let Some(rest) = name.strip_prefix("SUSE Linux Enterprise Server ") {
        return server(rest);
    }
    // `SUSE Linux Enterprise Module for Python 3 15 SP5`: the release is at the end.
    let module = name.strip_prefix("SUSE Linux Enterprise Module for ")?;
    let mut words = module.rsplit(' ');
    let last = words.next()?;
    match last.strip_prefix("SP") {
        Some(_) => server(&format!("{} {last}", words.next()?)),
        None => server(last),
    }
}

/// `15 SP6`, `15 SP3-LTSS`, `12-LTSS`, `16.0`, `15`.
fn server(text: &str) -> Option<Product> {
    let (text, track) = match text.strip_suffix("-LTSS").or_else(|| text.strip_suffix(" LTSS")) {
        Some(text) => (text, Some("ltss".to_owned())),
        None => (text, None),
    };
    let version = match text.split_once(" SP") {
        Some((release, pack)) => format!("{release}.{pack}"),
        None => text.to_owned(),
    };
    is_version(&version).then(|| Product { stream: format!("sles-{version}"), track })
}

fn is_version(text: &str) -> bool {
    let mut numbers = text.split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numbers.clone().count() <= 2 && numbers.all(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_streams_and_tracks() {
        let cases = [
            ("SUSE Linux Enterprise Server 15 SP6", "sles-15.6"),
            ("SUSE Linux Enterprise Server 16.0", "sles-16.0"),
            ("SUSE Linux Enterprise Server 15", "sles-15"),
            ("SUSE Linux Enterprise Server 15 SP3-LTSS", "sles-15.3 ltss"),
            ("SUSE Linux Enterprise Server 12-LTSS", "sles-12 ltss"),
            ("SUSE Linux Enterprise Server 11 SP4 LTSS", "sles-11.4 ltss"),
            ("SUSE Linux Enterprise Module for Basesystem 15 SP6", "sles-15.6"),
            ("SUSE Linux Enterprise Module for Python 3 15 SP5", "sles-15.5"),
            ("SUSE Linux Enterprise Module for Legacy 12", "sles-12"),
            ("SUSE Linux Enterprise Module for Package Hub 15 SP6", "sles-15.6"),
            ("openSUSE Leap 15.6", "opensuse-leap-15.6"),
            ("openSUSE Leap Micro 5.2", "opensuse-leap-micro-5.2"),
            ("openSUSE Tumbleweed", "opensuse-tumbleweed"),
            ("SUSE Linux Enterprise Micro 5.5", "sle-micro-5.5"),
            ("SUSE Linux Enterprise Micro 6.0", "sl-micro-6.0"),
            ("SUSE Linux Micro 6.1", "sl-micro-6.1"),
            ("SUSE Linux Enterprise Server for SAP Applications 15 SP6", ""),
            ("SUSE Linux Enterprise Server 15 SP1-BCL", ""),
            ("SUSE Linux Enterprise Desktop 15 SP6", ""),
            ("SUSE Linux Enterprise Micro 5.5 for Rancher", ""),
            ("SUSE Linux Enterprise Module for ", ""),
            ("SUSE Manager Server 4.3", ""),
        ];
        for (name, expected) in cases {
            let found = product(name)
                .map(|p| p.track.iter().fold(p.stream, |text, track| format!("{text} {track}")));
            assert_eq!(found.unwrap_or_default(), expected, "{name}");
        }
    }
}
