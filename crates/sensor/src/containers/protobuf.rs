//! Fields of a Protocol Buffers message, one by one.

/// A field that holds bytes: text, or a message in it. Others are stepped over.
pub(super) type Field<'a> = (u32, &'a [u8]);

/// A message with one text in field `number` (below 16).
pub(super) fn text(number: u8, value: &str) -> Vec<u8> {
    [vec![number << 3 | LENGTH_DELIMITED], varint(value.len()), value.into()].concat()
}

/// The fields of a message in their order; where it makes no sense any more, it ends.
pub(super) fn fields(message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = message;
    std::iter::from_fn(move || next(&mut rest))
}

/// The last field `number`, as the encoding has it.
pub(super) fn field(message: &[u8], number: u32) -> Option<&[u8]> {
    fields(message).filter(|(it, _)| *it == number).map(|(_, value)| value).last()
}

/// The same as text.
pub(super) fn string(message: &[u8], number: u32) -> Option<String> {
    field(message, number).map(|value| String::from_utf8_lossy(value).into_owned())
}

const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;
const FIXED_32: u8 = 5;

fn next<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    loop {
        let tag = take_varint(rest)?;
        let number = u32::try_from(tag >> 3).ok()?;
        match u8::try_from(tag & 7).ok()? {
            VARINT => drop(take_varint(rest)?),
            FIXED_64 => drop(take(rest, 8)?),
            FIXED_32 => drop(take(rest, 4)?),
            LENGTH_DELIMITED => {
                let length = usize::try_from(take_varint(rest)?).ok()?;
                return Some((number, take(rest, length)?));
            }
            _ => return None,
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_back() {
        let long = "x".repeat(300);
        let message = [
            vec![0x08, 0x96, 0x01], // 1: varint 150
            text(2, "two"),
            vec![0x19, 1, 2, 3, 4, 5, 6, 7, 8], // 3: eight bytes
            vec![0x25, 1, 2, 3, 4],             // 4: four bytes
            text(2, &long),
        ]
        .concat();
        let fields: Vec<Field<'_>> = fields(&message).collect();
        assert_eq!(fields, [(2, &b"two"[..]), (2, long.as_bytes())]);
        assert_eq!(string(&message, 2), Some(long));
        assert_eq!(field(&message, 9), None);
    }

    #[test]
    fn nonsense_ends() {
        for message in
            [&b"\x12\x05ab"[..], b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff", b"\x13"]
        {
            assert_eq!(fields(message).count(), 0);
        }
    }
}
