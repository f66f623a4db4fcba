//! Capabilities as text (`cap_from_text(3)`): `cap_net_raw,cap_chown=ep`, `all=iep`.

use rustix::thread::CapabilitySet;

pub(crate) const ALL: u64 = (1 << 41) - 1;

/// The bits of those that are effective. An exec hands on one set: what is permitted and not
/// effective, or inheritable alone, cannot be given.
pub(crate) fn mask(text: &str) -> Result<u64, String> {
    let mut mask = 0;
    for clause in text.split_whitespace() {
        let Some((names, operator, flags)) = split(clause) else {
            return Err(format!("`{clause}` gives no capability a flag"));
        };
        let mut bits = 0;
        for name in names.split(',').filter(|name| !name.is_empty()) {
            bits |= bit(name)?;
        }
        if names.is_empty() {
            bits = ALL;
        }
        let is_given = match flags {
            "" => false,
            _ if flags.contains('e') && flags.contains('p') => true,
            _ => return Err(format!("`{clause}`: only `e` and `p` together can be given")),
        };
        match (operator, is_given) {
            ('=' | '+', true) => mask |= bits,
            ('-', true) | ('=', false) => mask &= !bits,
            _ => return Err(format!("`{clause}` changes nothing")),
        }
    }
    Ok(mask)
}

fn split(clause: &str) -> Option<(&str, char, &str)> {
    let (at, operator) = clause.char_indices().find(|(_, c)| matches!(c, '=' | '+' | '-'))?;
    let (names, flags) = (clause.get(..at)?, clause.get(at + 1..)?);
    flags.chars().all(|flag| "eip".contains(flag)).then_some((names, operator, flags))
}

fn bit(name: &str) -> Result<u64, String> {
    let upper = name.to_ascii_uppercase();
    if upper == "ALL" {
        return Ok(ALL);
    }
    let known = upper.strip_prefix("CAP_").and_then(CapabilitySet::from_name);
    known.map(|it| it.bits()).ok_or_else(|| format!("there is no capability `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read() {
        let net_raw = CapabilitySet::NET_RAW.bits();
        let chown = CapabilitySet::CHOWN.bits();
        for (text, bits) in [
            ("all=iep", ALL),
            ("=ep", ALL),
            ("", 0),
            ("cap_net_raw,cap_chown=ep", net_raw | chown),
            ("cap_net_raw+pe CAP_CHOWN=eip", net_raw | chown),
            ("all=ep cap_chown-ep", ALL & !chown),
            ("all=", 0),
        ] {
            assert_eq!(mask(text), Ok(bits), "{text}");
        }
        for text in ["chown", "cap_nothing=ep", "cap_chown=p", "cap_chown=x", "cap_chown+"] {
            assert!(mask(text).is_err(), "{text}");
        }
    }
}
