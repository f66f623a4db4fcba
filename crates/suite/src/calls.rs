//! The system calls that a step can make: what their arguments are called, and in which order the
//! kernel takes them. A line is a call.

use Slot::{Address, AddressBytes, Buffer, Bytes, How, Number, Text};

/// One of the six places of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// A number that has to be said.
    Number(&'static str),
    /// A number that may be left out.
    Default(&'static str, i64),
    /// A text with a zero byte after it.
    Text(&'static str),
    /// Like it, and may be left out.
    TextOrEmpty(&'static str),
    /// Bytes; as many zeros as the call may write if they are not said.
    Buffer(&'static str),
    /// How many bytes are in the buffer before it, unless it is said.
    Bytes(&'static str),
    /// An address of a socket.
    Address(&'static str),
    /// How long the one before it is.
    AddressBytes,
    /// The kernel's `open_how`, and its size.
    How(&'static str),
    HowBytes,
}

pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// None where this kind of machine has no such call.
    pub(crate) number: Option<i64>,
    pub(crate) slots: &'static [Slot],
}

/// As on machines that have kept the eldest calls.
macro_rules! elder {
    ($number:ident) => {{
        #[cfg(target_arch = "x86_64")]
        let number = Some(libc::$number);
        #[cfg(not(target_arch = "x86_64"))]
        let number = None;
        number
    }};
}

/// `AT_FDCWD`.
const HERE: i64 = -100;

pub(crate) const ALL: &[Call] = &[
    Call {
        name: "connect",
        number: Some(libc::SYS_connect),
        slots: &[Number("fd"), Address("address"), AddressBytes],
    },
    Call { name: "dup", number: Some(libc::SYS_dup), slots: &[Number("oldFd")] },
    Call { name: "dup2", number: elder!(SYS_dup2), slots: &[Number("oldFd"), Number("newFd")] },
    Call {
        name: "dup3",
        number: Some(libc::SYS_dup3),
        slots: &[Number("oldFd"), Number("newFd"), Slot::Default("flags", 0)],
    },
    Call {
        name: "finit_module",
        number: Some(libc::SYS_finit_module),
        slots: &[Number("fd"), Slot::TextOrEmpty("paramValues"), Slot::Default("flags", 0)],
    },
    Call {
        name: "init_module",
        number: Some(libc::SYS_init_module),
        slots: &[Buffer("moduleImage"), Bytes("len"), Slot::TextOrEmpty("paramValues")],
    },
    Call { name: "kill", number: Some(libc::SYS_kill), slots: &[Number("pid"), Number("sig")] },
    Call { name: "link", number: elder!(SYS_link), slots: &[Text("oldPath"), Text("newPath")] },
    Call {
        name: "linkat",
        number: Some(libc::SYS_linkat),
        slots: &[
            Slot::Default("oldDirFd", HERE),
            Text("oldPath"),
            Slot::Default("newDirFd", HERE),
            Text("newPath"),
            Slot::Default("flags", 0),
        ],
    },
    Call {
        name: "open",
        number: elder!(SYS_open),
        slots: &[Text("pathname"), Number("flags"), Slot::Default("mode", 0)],
    },
    Call {
        name: "openat",
        number: Some(libc::SYS_openat),
        slots: &[
            Slot::Default("dirFd", HERE),
            Text("pathname"),
            Number("flags"),
            Slot::Default("mode", 0),
        ],
    },
    Call {
        name: "openat2",
        number: Some(libc::SYS_openat2),
        slots: &[Slot::Default("dirFd", HERE), Text("pathname"), How("how"), Slot::HowBytes],
    },
    Call {
        name: "read",
        number: Some(libc::SYS_read),
        slots: &[Number("fd"), Buffer("buffer"), Bytes("len")],
    },
    Call {
        name: "sendto",
        number: Some(libc::SYS_sendto),
        slots: &[
            Number("fd"),
            Buffer("buf"),
            Bytes("len"),
            Slot::Default("flags", 0),
            Address("destAddr"),
            AddressBytes,
        ],
    },
    Call {
        name: "socket",
        number: Some(libc::SYS_socket),
        slots: &[Number("domain"), Number("type"), Slot::Default("protocol", 0)],
    },
    Call {
        name: "symlink",
        number: elder!(SYS_symlink),
        slots: &[Text("target"), Text("linkPath")],
    },
    Call {
        name: "symlinkat",
        number: Some(libc::SYS_symlinkat),
        slots: &[Text("target"), Slot::Default("newDirFd", HERE), Text("linkPath")],
    },
    Call {
        name: "write",
        number: Some(libc::SYS_write),
        slots: &[Number("fd"), Buffer("buffer"), Bytes("len")],
    },
];

/// Members of the kernel's `open_how`.
pub(crate) const HOW: [&str; 3] = ["flags", "mode", "resolve"];

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Number,
    Text,
}

impl Call {
    pub(crate) fn of_name(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|call| call.name == name)
    }

    /// The arguments that may be said, and whether they must.
    pub(crate) fn arguments(&self) -> Vec<(String, Sort, bool)> {
        let mut arguments = Vec::new();
        for slot in self.slots {
            match *slot {
                Number(name) => arguments.push((name.to_owned(), Sort::Number, true)),
                Slot::Default(name, _) => arguments.push((name.to_owned(), Sort::Number, false)),
                Text(name) | Address(name) => arguments.push((name.to_owned(), Sort::Text, true)),
                Slot::TextOrEmpty(name) | Buffer(name) => {
                    arguments.push((name.to_owned(), Sort::Text, false));
                }
                Bytes(name) => arguments.push((name.to_owned(), Sort::Number, false)),
                How(name) => arguments
                    .extend(HOW.map(|member| (format!("{name}.{member}"), Sort::Number, false))),
                AddressBytes | Slot::HowBytes => {}
            }
        }
        arguments
    }
}
