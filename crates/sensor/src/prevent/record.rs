//! The bytes of a denial → [`Denial`]s, one for each prevention that was met.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use model::Denial;
use model::event::Text;
use zerocopy::FromBytes;

use super::wire;
use crate::clock::Clock;

/// Why bytes are no denial: programs and reader are not of one version, or somebody else wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("a denial of {0} bytes")]
    Length(usize),
    #[error("a denial whose object has {0} bytes")]
    ObjectLength(u16),
    #[error("a denial of something of unknown kind {0}")]
    Object(u8),
    #[error("a denial of prevention {0}, which nobody asked for")]
    Prevention(u32),
}

/// What stands where a path was cut off.
const ELLIPSIS: &str = "…";

/// `ids` are of the preventions, by their bits.
pub(super) fn read(bytes: &[u8], ids: &[String], clock: Clock) -> Result<Vec<Denial>, Damage> {
    let raw = wire::Denial::read_from_bytes(bytes).map_err(|_size| Damage::Length(bytes.len()))?;
    let object = object(&raw)?;
    let name = raw.name.split(|byte| *byte == 0).next().unwrap_or_default();
    let bits = (0..u64::BITS).filter(|bit| raw.met >> bit & 1 == 1);
    let of_bit = |bit: u32| {
        let index = usize::try_from(bit).unwrap_or(usize::MAX);
        let id = ids.get(index).ok_or(Damage::Prevention(bit))?;
        Ok(Denial {
            prevention: id.clone(),
            time: clock.epoch(raw.time),
            pid: raw.process,
            started: raw.started,
            name: name.into(),
            control_group: raw.control_group,
            object: object.clone(),
            refused: raw.refused >> bit & 1 == 1,
        })
    };
    bits.map(of_bit).collect()
}

fn object(raw: &wire::Denial) -> Result<Text, Damage> {
    let address = |address: IpAddr| SocketAddr::new(address, raw.port).to_string().into();
    Ok(match raw.object {
        wire::OBJECT_NONE => Text::default(),
        wire::OBJECT_PATH => path(raw)?,
        wire::OBJECT_ADDRESS4 => address(Ipv4Addr::from(first(&raw.bytes)).into()),
        wire::OBJECT_ADDRESS6 => address(Ipv6Addr::from(first(&raw.bytes)).into()),
        kind => return Err(Damage::Object(kind)),
    })
}

fn path(raw: &wire::Denial) -> Result<Text, Damage> {
    let length = usize::from(raw.length);
    let path = raw.bytes.get(..length).ok_or(Damage::ObjectLength(raw.length))?;
    let mut path = path.to_vec();
    if raw.marks & (wire::CUT | wire::UNKNOWN) != 0 {
        path.extend_from_slice(ELLIPSIS.as_bytes());
    }
    Ok(path.into())
}

fn first<const COUNT: usize>(bytes: &[u8; wire::OBJECT_BYTES]) -> [u8; COUNT] {
    bytes.first_chunk().copied().unwrap_or([0; COUNT])
}

/// For fuzzing: a reader of any bytes.
pub(crate) fn fuzz(bytes: &[u8]) {
    let ids = ["a".to_owned(), "b".to_owned()];
    drop(read(bytes, &ids, Clock::of_boot(0)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/denials");

    fn seed(name: &str) -> Vec<u8> {
        std::fs::read(format!("{SEEDS}/{name}.bin")).expect("bytes of a denial")
    }

    fn ids() -> Vec<String> {
        vec!["first".to_owned(), "second".to_owned()]
    }

    /// The object, whether it was refused, and how many preventions were met.
    const CASES: &[(&str, &str, bool, usize)] = &[
        ("path", "/etc/shadow", true, 1),
        ("path-cut", "/a/b…", false, 2),
        ("path-unknown", "…", true, 1),
        ("address4", "127.0.0.9:4711", true, 1),
        ("address6", "[::1]:22", true, 1),
        ("nothing", "", false, 1),
        ("mixed", "/etc/shadow", true, 2),
    ];

    #[test]
    fn every_kind_of_object_is_told() {
        for (name, object, refused, count) in CASES {
            let denials = read(&seed(name), &ids(), Clock::of_boot(1000));
            let denials = denials.unwrap_or_else(|damage| panic!("{name}: {damage}"));
            assert_eq!(denials.len(), *count, "{name}");
            let denial = &denials[0];
            assert_eq!((denial.object.clone(), denial.refused), ((*object).into(), *refused));
            assert_eq!((denial.time, denial.pid, denial.name.clone()), (1007, 4711, "sh".into()));
            assert_eq!((denial.started, denial.control_group), (3, 9), "{name}");
        }
    }

    /// One refuses, and one beside it only observes.
    #[test]
    fn what_is_observed_is_not_called_refused() {
        let denials = read(&seed("mixed"), &ids(), Clock::of_boot(0)).expect("a denial");
        let told: Vec<_> = denials.iter().map(|it| (&*it.prevention, it.refused)).collect();
        assert_eq!(told, [("first", true), ("second", false)]);
    }

    #[test]
    fn what_is_no_denial_is_damage() {
        let whole = seed("path");
        for length in 0..whole.len() {
            let cut = read(&whole[..length], &ids(), Clock::of_boot(0));
            assert_eq!(cut, Err(Damage::Length(length)));
        }
        // Where it is, what is put there, what is said of it.
        let cases: &[(usize, &[u8], Damage)] = &[
            (46, &[4], Damage::Object(4)),
            (50, &[0xff, 0xff], Damage::ObjectLength(0xffff)),
            (50, &[1, 4], Damage::ObjectLength(1025)),
            (24, &[4], Damage::Prevention(2)),
            (31, &[0x80], Damage::Prevention(63)),
        ];
        for (at, bytes, damage) in cases {
            let mut changed = whole.clone();
            changed[*at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(read(&changed, &ids(), Clock::of_boot(0)), Err(*damage));
        }
    }
}
