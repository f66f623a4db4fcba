//! VEX documents of every format: what is read of them, and what is refused.

use document::vex::{BYTES_MAX, VexError, read};

#[test]
fn every_format_comes_to_the_same_form() {
    for (name, text) in [
        ("openvex", include_str!("../testdata/vex/openvex.json")),
        ("csaf", include_str!("../testdata/vex/csaf.json")),
        ("cyclonedx", include_str!("../testdata/vex/cyclonedx.json")),
    ] {
        let statements = read("a file", text.as_bytes()).unwrap();
        let shown = serde_json::to_string_pretty(&statements).unwrap();
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn what_is_none_is_refused() {
    let refused = |bytes: &[u8]| read("a file", bytes).unwrap_err();
    assert_eq!(refused(b"{}"), VexError::Unknown);
    for damaged in ["", "[", "{\"statements\": [", "{\"statements\": 1}", "{\"document\": 1}"] {
        assert!(matches!(refused(damaged.as_bytes()), VexError::Damaged(_)), "{damaged}");
    }
    let deep = format!("{{\"product_tree\":{}", "{\"branches\":[".repeat(100_000));
    assert!(matches!(refused(deep.as_bytes()), VexError::Damaged(_)));
    let large = usize::try_from(BYTES_MAX).unwrap() + 1;
    assert_eq!(refused(&vec![b' '; large]), VexError::TooLarge);
}
