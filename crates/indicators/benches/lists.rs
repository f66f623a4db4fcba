//! How long a name and an address take to be looked up in lists of a million each, and what those take
//! in memory.
//!
//! `cargo bench -p indicators`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "what was made by itself is well-formed")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use indicators::{Listed, Lists};
use jiff::Timestamp;

const COUNT: u32 = 1_000_000;
const LOOKUPS: u32 = 400_000;
const BATCH: usize = 400;

fn main() {
    let names = list(|number, text| {
        writeln!(text, "{:x}-{}.example{}.test", mix(number), number % 97, number % 13).unwrap();
    });
    let networks = list(|number, text| {
        let address = Ipv4Addr::from(mix(number));
        match number % 4 {
            0 => writeln!(text, "{address}/{}", 16 + number % 16).unwrap(),
            1 => writeln!(text, "2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff).unwrap(),
            _ => writeln!(text, "{address}").unwrap(),
        }
    });
    let begun = Instant::now();
    let (names, networks) = (read("names", &names), read("networks", &networks));
    println!("read in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    let begun = Instant::now();
    let lists = Lists::new(vec![names, networks]).unwrap();
    println!("made ready in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    println!("{:.1} MB for {COUNT} domains and {COUNT} addresses", lists.bytes() as f64 / 1e6);
    let listed = |number: u32| {
        let number = mix(number) % COUNT;
        format!("a.{:x}-{}.example{}.test", mix(number), number % 97, number % 13)
    };
    let other = |number: u32| format!("www.{:x}.api.example.com", mix(number));
    measure("a name below a listed one", listed, |name| lists.name(name.as_bytes(), 0).is_some());
    measure("another name", other, |name| lists.name(name.as_bytes(), 0).is_some());
    measure("an address of version 4", mix, |it| {
        lists.address(Ipv4Addr::from(*it).into(), 0).is_some()
    });
    measure(
        "an address of version 6",
        |number| (0x2001_0db8_u128 << 96) | u128::from(mix(number) % COUNT) << 64 | 1,
        |it| lists.address(Ipv6Addr::from(*it).into(), 0).is_some(),
    );
}

fn list(line: impl Fn(u32, &mut String)) -> String {
    (0..COUNT).fold(String::new(), |mut text, number| {
        line(number, &mut text);
        text
    })
}

fn read(name: &str, text: &str) -> Listed {
    let read = indicators::read(text.as_bytes(), Timestamp::UNIX_EPOCH);
    assert!(read.left_out.is_empty(), "{:?}", read.left_out);
    Listed { name: name.to_owned(), indicators: read.indicators, allows: false }
}

/// What is asked for is made before it is asked for, and in no order.
fn measure<T>(what: &str, make: impl Fn(u32) -> T, ask: impl Fn(&T) -> bool) {
    let asked: Vec<T> = (0..LOOKUPS).map(make).collect();
    let mut found = 0;
    let mut times: Vec<f64> = asked
        .chunks(BATCH)
        .map(|batch| {
            let begun = Instant::now();
            found += batch.iter().filter(|it| black_box(ask(it))).count();
            begun.elapsed().as_secs_f64() * 1e9 / BATCH as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    // On a machine that has other things to do, the fast ones are those that were left alone.
    let at = |share: usize| times.get(times.len() / share).copied().unwrap_or_default();
    println!("{what}: {:.0} ns, half within {:.0} ns; {found} found", at(10), at(2));
}

/// Numbers that are far from each other.
fn mix(number: u32) -> u32 {
    let number = (number ^ number >> 16).wrapping_mul(0x7feb_352d);
    let number = (number ^ number >> 15).wrapping_mul(0x846c_a68b);
    number ^ number >> 16
}
