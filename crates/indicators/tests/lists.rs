//! Lists, and what they say of names and addresses: a line is a case.

#![expect(clippy::unwrap_used, reason = "what is made here is well-formed")]

use indicators::{Hit, Listed, Lists};
use jiff::Timestamp;

const BLOCK: &str = "\
evil.example
deep.evil.example
*.below.example
.zip
192.0.2.0/24
192.0.2.7
198.51.100.7
::ffff:203.0.113.0/120
2001:db8::/32
2001:db8:1::/48
";
const ALSO: &str = "evil.example\nother.example\n192.0.2.7\n";
const ALLOW: &str = "good.evil.example\n*.fine.evil.example\n192.0.2.64/26\n2001:db8::53\n";
/// One that ends at the Unix epoch's hundredth second.
const ENDS: &str = r#"{"objects": [{"type": "indicator", "pattern_type": "stix",
    "pattern": "[domain-name:value = 'ends.example' OR ipv4-addr:value = '192.0.2.200']",
    "valid_until": "1970-01-01T00:01:40Z"}]}"#;

/// What is asked for, what is found; nothing at `-`.
const NAMES: &[(&str, &str)] = &[
    ("evil.example", "evil.example of block"),
    ("EVIL.Example", "evil.example of block"),
    ("evil.example.", "evil.example of block"),
    ("www.evil.example", "evil.example of block"),
    ("a.deep.evil.example", "deep.evil.example of block"),
    ("notevil.example", "-"),
    ("evil.example.org", "-"),
    ("example", "-"),
    ("", "-"),
    (".", "-"),
    ("..", "-"),
    (".evil.example", "evil.example of block"),
    ("below.example", "-"),
    ("a.below.example", "*.below.example of block"),
    ("zip", "-"),
    ("archive.zip", "*.zip of block"),
    ("other.example", "other.example of also"),
    ("good.evil.example", "-"),
    ("a.good.evil.example", "-"),
    ("fine.evil.example", "evil.example of block"),
    ("a.fine.evil.example", "-"),
    ("ends.example", "ends.example of ends"),
];

const ADDRESSES: &[(&str, &str)] = &[
    ("192.0.2.1", "192.0.2.0/24 of block"),
    ("192.0.2.7", "192.0.2.7 of block"),
    ("192.0.2.255", "192.0.2.0/24 of block"),
    ("192.0.3.0", "-"),
    ("192.0.2.65", "-"),
    ("192.0.2.128", "192.0.2.0/24 of block"),
    ("192.0.2.200", "192.0.2.200 of ends"),
    ("198.51.100.7", "198.51.100.7 of block"),
    ("198.51.100.6", "-"),
    ("203.0.113.9", "203.0.113.0/24 of block"),
    ("::ffff:192.0.2.1", "192.0.2.0/24 of block"),
    ("2001:db8::1", "2001:db8::/32 of block"),
    ("2001:db8:1::1", "2001:db8:1::/48 of block"),
    ("2001:db8::53", "-"),
    ("2001:db9::", "-"),
    ("::", "-"),
    ("0.0.0.0", "-"),
];

#[test]
fn entries_are_found() {
    let lists = lists();
    for (name, wanted) in NAMES {
        assert_eq!(told(lists.name(name.as_bytes(), 99)), *wanted, "{name}");
    }
    for (address, wanted) in ADDRESSES {
        assert_eq!(told(lists.address(address.parse().unwrap(), 99)), *wanted, "{address}");
    }
    assert!(lists.have_names() && lists.have_addresses());
    assert!(!Lists::default().have_names() && !Lists::default().have_addresses());
}

#[test]
fn entries_end() {
    let lists = lists();
    assert_eq!(told(lists.name(b"ends.example", 100)), "-");
    let address = "192.0.2.200".parse().unwrap();
    assert_eq!(told(lists.address(address, 100)), "192.0.2.0/24 of block");
}

#[test]
fn names_that_no_resolver_takes_are_found_in_nothing() {
    let lists = lists();
    let long = format!("{}.evil.example", "a.".repeat(200));
    assert_eq!(told(lists.name(long.as_bytes(), 0)), "-");
    assert_eq!(told(lists.name(b"\xff\x00.evil.example", 0)), "evil.example of block");
}

/// Against a walk over all of them.
#[test]
fn twenty_thousand_names_are_all_found() {
    let names: Vec<String> = (0..20_000).map(|it| format!("h{it}.d{}.example", it % 977)).collect();
    let lists = Lists::new(vec![list("many", &names.join("\n"), false)]).unwrap();
    for name in &names {
        assert_eq!(told(lists.name(name.as_bytes(), 0)), format!("{name} of many"));
        assert_eq!(told(lists.name(format!("x{name}").as_bytes(), 0)), "-");
    }
}

fn lists() -> Lists {
    let lists = [
        list("block", BLOCK, false),
        list("also", ALSO, false),
        list("ends", ENDS, false),
        list("allow", ALLOW, true),
    ];
    Lists::new(lists.into()).unwrap()
}

fn list(name: &str, text: &str, allows: bool) -> Listed {
    let read = indicators::read(text.as_bytes(), Timestamp::UNIX_EPOCH);
    assert!(read.left_out.is_empty() && read.damage.is_none(), "{read:?}");
    Listed { name: name.to_owned(), indicators: read.indicators, allows }
}

fn told(hit: Option<Hit<'_>>) -> String {
    hit.map_or_else(|| "-".to_owned(), |hit| format!("{} of {}", hit.entry, hit.list))
}
