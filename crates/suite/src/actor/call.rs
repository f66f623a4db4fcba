//! A system call by its number.
//!
//! Not by way of a library: those make the newer call of several (`openat` for `open`), refuse what
//! they think wrong, and know nothing of a descriptor that somebody else opened.

#![expect(unsafe_code, reason = "a system call by its number is what an actor is for")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Stumble;
use super::connection;
use crate::calls::{Call, HOW, Slot};
use crate::case::{Argument, Step};

/// Bytes of a buffer that a case only gives the length of.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// Those that it gives neither.
const BUFFER_BYTES: usize = 64;

/// What resources and steps show: descriptors, numbers of processes, results.
#[derive(Default)]
pub(super) struct Shown(BTreeMap<String, Argument>);

impl Shown {
    pub(super) fn show(&mut self, name: &str, field: &str, value: i64) {
        self.0.insert(format!("{name}.{field}"), Argument::Number(value));
    }

    /// What an argument comes to.
    fn resolve(&self, argument: &Argument) -> Argument {
        match argument {
            Argument::Bound(name) => {
                self.0.get(name).cloned().unwrap_or_else(|| Argument::Text(String::new()))
            }
            known => known.clone(),
        }
    }
}

/// Makes the call, and shows its arguments and what it gave.
pub(super) fn make(step: &Step, shown: &mut Shown) -> Result<(), Stumble> {
    let known = Call::of_name(&step.call).and_then(|call| Some((call, call.number?)));
    let Some((call, number)) = known else {
        return Err(Stumble::Unable(format!("this machine has no call `{}`", step.call)));
    };
    let arguments: BTreeMap<&str, Argument> =
        step.arguments.iter().map(|(name, it)| (name.as_str(), shown.resolve(it))).collect();
    let mut memory = Memory::default();
    let mut places = [0_i64; 6];
    for (place, slot) in places.iter_mut().zip(call.slots) {
        *place = memory.place(*slot, &arguments)?;
    }
    // SAFETY: every place is a number, or the address of a buffer of `memory` that is as long as the
    // call is told or ends with a zero byte; `memory` lives until after the call.
    let result = unsafe {
        libc::syscall(number, places[0], places[1], places[2], places[3], places[4], places[5])
    };
    let why = std::io::Error::last_os_error();
    drop(memory);
    for (name, argument) in &arguments {
        shown.0.insert(format!("{}.{name}", step.name), argument.clone());
    }
    shown.show(&step.name, "ret", result);
    match result {
        0.. => Ok(()),
        _ => Err(Stumble::Failed(format!("the step `{}`: `{}`: {why}", step.name, step.call))),
    }
}

/// A descriptor for SIGCHLD, which is there until the process ends.
pub(super) fn signals() -> std::io::Result<i64> {
    let mask = 1_u64 << (libc::SIGCHLD - 1);
    // SAFETY: the mask has the eight bytes that the kernel is told of.
    let result =
        unsafe { libc::syscall(libc::SYS_signalfd4, -1_i64, &raw const mask, 8_i64, 0_i64) };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
}

/// What the kernel reads and writes while the call is made.
#[derive(Default)]
struct Memory {
    buffers: Vec<Vec<u8>>,
}

impl Memory {
    fn place(&mut self, slot: Slot, arguments: &BTreeMap<&str, Argument>) -> Result<i64, Stumble> {
        let number = |name: &str, default: i64| match arguments.get(name) {
            Some(Argument::Number(number)) => *number,
            _ => default,
        };
        let text = |name: &str| match arguments.get(name) {
            Some(Argument::Text(text)) => Some(text.as_bytes().to_vec()),
            Some(Argument::Number(number)) => Some(number.to_string().into_bytes()),
            _ => None,
        };
        Ok(match slot {
            Slot::Number(name) => number(name, 0),
            Slot::Default(name, default) => number(name, default),
            Slot::Text(name) | Slot::TextOrEmpty(name) => {
                self.keep([text(name).unwrap_or_default(), vec![0]].concat())
            }
            Slot::Buffer(name) => {
                let bytes = text(name).unwrap_or_default();
                let wanted = usize::try_from(number("len", 0)).unwrap_or(0).min(BUFFER_BYTES_MAX);
                let least = if bytes.is_empty() && wanted == 0 { BUFFER_BYTES } else { wanted };
                let mut buffer = bytes;
                if buffer.len() < least {
                    buffer.resize(least, 0);
                }
                self.keep(buffer)
            }
            Slot::Bytes(..) => {
                let held = self.buffers.last().map_or(0, Vec::len);
                let said = usize::try_from(number("len", 0)).unwrap_or(0);
                let said = if said == 0 { held } else { said.min(held) };
                i64::try_from(said).unwrap_or(0)
            }
            Slot::Address(name) => {
                let said = String::from_utf8(text(name).unwrap_or_default()).unwrap_or_default();
                self.keep(address(&said)?)
            }
            Slot::AddressBytes | Slot::HowBytes => {
                i64::try_from(self.buffers.last().map_or(0, Vec::len)).unwrap_or(0)
            }
            Slot::How(name) => {
                let members = HOW.map(|member| number(&format!("{name}.{member}"), 0));
                self.keep(members.iter().flat_map(|member| member.to_ne_bytes()).collect())
            }
        })
    }

    /// Its address. A buffer does not move when others are kept: its bytes are elsewhere.
    fn keep(&mut self, buffer: Vec<u8>) -> i64 {
        self.buffers.push(buffer);
        let address = self.buffers.last_mut().map_or(0, |it| it.as_mut_ptr().addr());
        i64::try_from(address).unwrap_or(0)
    }
}

/// The kernel's form of an address: `127.0.0.1:80`, `[::1]:80`, or the path of a socket.
fn address(text: &str) -> Result<Vec<u8>, Stumble> {
    let family = |number: i32| u16::try_from(number).unwrap_or(0).to_ne_bytes();
    Ok(match text.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(it)) => {
            let port = it.port().to_be_bytes();
            [&family(libc::AF_INET)[..], &port, &it.ip().octets(), &[0; 8]].concat()
        }
        Ok(SocketAddr::V6(it)) => {
            let port = it.port().to_be_bytes();
            let scope = it.scope_id().to_ne_bytes();
            [&family(libc::AF_INET6)[..], &port, &[0; 4], &it.ip().octets(), &scope].concat()
        }
        Err(_) if text.len() < connection::UNIX_BYTES_MAX => {
            [&family(libc::AF_UNIX)[..], text.as_bytes(), &[0]].concat()
        }
        Err(_) => return Err(Stumble::Failed("the path of a socket is too long".to_owned())),
    })
}
