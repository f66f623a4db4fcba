//! How random bytes look.

/// Shannon's entropy, in bits a byte: 0 for one byte repeated, 4 for random hexadecimal digits,
/// 6 for base64, each approached from below as the text grows longer.
#[expect(clippy::cast_precision_loss, reason = "secrets are short")]
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_usize; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let length = bytes.len() as f64;
    let of_each = counts.iter().filter(|&&count| count > 0).map(|&count| {
        let share = count as f64 / length;
        -share * share.log2()
    });
    of_each.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_with_variety() {
        let about = |bytes: &[u8], bits: f64| assert!((entropy(bytes) - bits).abs() < 1e-9);
        about(b"", 0.0);
        about(b"aaaa", 0.0);
        about(b"abab", 1.0);
        about(b"0123456789abcdef", 4.0);
    }
}
