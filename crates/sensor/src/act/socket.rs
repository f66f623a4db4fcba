//! Addresses of sockets as calls are given them, and what is asked of name servers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use model::event::{
    Act, Descriptor, Endpoint, Object, Protocol, Question, Socket, SocketFamily, Text,
};

use super::{Reading, Side};
use crate::record::{Held, Part, Place};

const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;
const DOMAIN_PORT: u16 = 53;

impl Reading<'_> {
    /// The socket, with the address that the call was given where the kernel has none of its own.
    ///
    /// What the call was given lies in the process' memory, where another thread may have written
    /// since; and with a message to a socket that is connected, it means nothing to the kernel.
    pub(super) fn with_address(&self, socket: u8, address: u8, side: Side) -> Descriptor {
        let mut descriptor = self.descriptor(socket);
        let given = self.call.parts_of(Place::Argument(address)).find_map(|part| match part {
            Part::Address(bytes) => endpoint(bytes),
            _ => None,
        });
        let Object::Socket(object) = &mut descriptor.object else { return descriptor };
        match side {
            Side::Local => object.local = object.local.take().or(given),
            Side::Message if self.takes_any_address(socket) => {
                object.remote = given.or_else(|| object.remote.take());
            }
            // A connection that was refused leaves an address without its port.
            Side::Peer | Side::Message => {
                let own = object.remote.take().filter(|own| own.port() != Some(0));
                object.remote = own.or(given);
            }
        }
        descriptor
    }

    /// To the address that stands in this argument.
    pub(super) fn connect(&self, address: u8) -> Act {
        Act::Connect { descriptor: self.with_address(0, address, Side::Peer) }
    }

    fn takes_any_address(&self, socket: u8) -> bool {
        let held = self.call.handle(Place::Argument(socket)).map(|handle| &handle.held);
        matches!(held, Some(Held::Socket { is_datagram: true, .. }))
    }

    /// Whether what is written is a message to a server of names: to a socket that is connected, a
    /// write is a message.
    pub(super) fn is_for_names(&self) -> bool {
        let object = self.descriptor(0).object;
        matches!(object, Object::Socket(socket) if socket.protocol == Protocol::Udp && is_of_names(&socket))
    }

    pub(super) fn send(&self, descriptor: Descriptor) -> Act {
        Act::Send { questions: self.questions(&descriptor), descriptor }
    }

    pub(super) fn receive(&self, descriptor: Descriptor) -> Act {
        Act::Receive { questions: self.questions(&descriptor), descriptor }
    }

    fn questions(&self, descriptor: &Descriptor) -> Vec<Question> {
        match &descriptor.object {
            Object::Socket(socket) if is_of_names(socket) => questions(&self.data(1)),
            _ => Vec::new(),
        }
    }
}

fn is_of_names(socket: &Socket) -> bool {
    let internet = matches!(socket.family, SocketFamily::Inet4 | SocketFamily::Inet6);
    internet && socket.remote.as_ref().and_then(Endpoint::port) == Some(DOMAIN_PORT)
}

/// A `sockaddr`: the family, then what it makes of the rest.
pub(crate) fn endpoint(bytes: &[u8]) -> Option<Endpoint> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_ne_bytes(*family) {
        INET => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            let address = Ipv4Addr::from(*rest.first_chunk::<4>()?);
            let port = u16::from_be_bytes(*port);
            Some(Endpoint::Internet(SocketAddr::new(IpAddr::V4(address), port)))
        }
        INET6 => {
            let (port, rest) = rest.split_first_chunk::<2>()?;
            // Four bytes of flow information are between.
            let address = Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?);
            let port = u16::from_be_bytes(*port);
            Some(Endpoint::Internet(SocketAddr::new(IpAddr::V6(address), port)))
        }
        UNIX => {
            let is_abstract = rest.first() == Some(&0);
            let end = rest.iter().position(|b| *b == 0).filter(|_| !is_abstract);
            let name = rest.get(..end.unwrap_or(rest.len()))?;
            (!name.is_empty()).then(|| Endpoint::Unix(name.into()))
        }
        _ => None,
    }
}

/// Names in one message; a name has at most 255 bytes (RFC 1035, 2.3.4).
const NAME_BYTES_MAX: usize = 255;
/// Nobody asks more than one question in a message, and no answer in 512 bytes has more records.
const QUESTIONS_MAX: usize = 4;
const RECORDS_MAX: usize = 64;
/// Jumps while one name is read: each leads backwards in an honest message.
const JUMPS_MAX: usize = 16;

const A: u16 = 1;
const AAAA: u16 = 28;

/// The questions of a message of DNS, with the addresses that it answers them with.
pub(crate) fn questions(message: &[u8]) -> Vec<Question> {
    read_questions(message).unwrap_or_default()
}

fn read_questions(message: &[u8]) -> Option<Vec<Question>> {
    let mut reader = Reader { message, at: 2 };
    let _flags = reader.number()?;
    let (asked, answered) = (reader.number()?, reader.number()?);
    reader.at = 12;
    let mut questions = Vec::new();
    for _ in 0..usize::from(asked).min(QUESTIONS_MAX) {
        let name = reader.name()?;
        let kind = reader.number()?;
        let _class = reader.number()?;
        questions.push(Question { name, kind, answers: Vec::new() });
    }
    // What is cut off was answered all the same; what is there is told.
    for _ in 0..usize::from(answered).min(RECORDS_MAX) {
        let Some(address) = reader.record() else { break };
        // Aliases lead from the question to the addresses; whose they are is one question's.
        if let (Some(address), [question, ..]) = (address, questions.as_mut_slice()) {
            question.answers.push(address);
        }
    }
    Some(questions)
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u16> {
        let number = self.message.get(self.at..)?.first_chunk::<2>()?;
        self.at += 2;
        Some(u16::from_be_bytes(*number))
    }

    /// One record; the address in it, if it holds one.
    fn record(&mut self) -> Option<Option<IpAddr>> {
        let _name = self.name()?;
        let kind = self.number()?;
        // Class, and four bytes of time to live.
        self.at = self.at.checked_add(6)?;
        let length = usize::from(self.number()?);
        let data = self.message.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(match kind {
            A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
            AAAA => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
            _ => None,
        })
    }

    /// Labels up to an empty one, or to a jump to where the name goes on.
    fn name(&mut self) -> Option<Text> {
        let mut name = Vec::new();
        let (mut at, mut jumps) = (self.at, 0);
        loop {
            let length = *self.message.get(at)?;
            if length >= 0xc0 {
                let low = *self.message.get(at + 1)?;
                if jumps == 0 {
                    self.at = at + 2;
                }
                jumps += 1;
                at = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                if jumps > JUMPS_MAX {
                    return None;
                }
                continue;
            }
            let label = self.message.get(at + 1..at + 1 + usize::from(length))?;
            at += 1 + label.len();
            if label.is_empty() {
                break;
            }
            if !name.is_empty() {
                name.push(b'.');
            }
            name.extend_from_slice(label);
            if name.len() > NAME_BYTES_MAX {
                return None;
            }
        }
        if jumps == 0 {
            self.at = at;
        }
        Some(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let family = |number: u16| number.to_ne_bytes().to_vec();
        let four = [family(INET), vec![0, 53, 127, 0, 0, 1, 0, 0]].concat();
        assert_eq!(endpoint(&four), Some(Endpoint::Internet("127.0.0.1:53".parse().unwrap())));
        let address = [vec![0; 15], vec![1]].concat();
        let six = [family(INET6), vec![1, 187], vec![0; 4], address].concat();
        assert_eq!(endpoint(&six), Some(Endpoint::Internet("[::1]:443".parse().unwrap())));
        let path = [family(UNIX), b"/run/docker.sock\0junk".to_vec()].concat();
        assert_eq!(endpoint(&path), Some(Endpoint::Unix("/run/docker.sock".into())));
        let named = [family(UNIX), b"\0name".to_vec()].concat();
        assert_eq!(endpoint(&named), Some(Endpoint::Unix("\0name".into())));
        for bytes in
            [vec![], vec![2], family(INET), family(UNIX), [family(INET6), vec![0; 20]].concat()]
        {
            assert_eq!(endpoint(&bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn questions_and_answers_are_read() {
        let asked = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x04pool\x07example\0\0\x01\0\x01".to_vec();
        let name = "pool.example".into();
        assert_eq!(questions(&asked), [Question { name, kind: A, answers: Vec::new() }]);
        // Answered by an alias and an address whose name is a jump to the question's.
        let mut answered = asked.clone();
        answered[7] = 2;
        answered.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x11");
        answered.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x01\x02\x03");
        assert_eq!(questions(&answered)[0].answers, [IpAddr::from([10, 1, 2, 3])]);
        // What is cut off is left out; what is nonsense is no question.
        assert_eq!(questions(&answered[..answered.len() - 1])[0].answers, [] as [IpAddr; 0]);
        assert_eq!(questions(&asked[..20]), []);
        assert_eq!(questions(b"\0\0\0\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01"), []);
        assert_eq!(questions(b""), []);
    }
}
