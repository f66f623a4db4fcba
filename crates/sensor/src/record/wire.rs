//! The bytes of a record, as `bpf/wire.h` writes them: a test holds both against each other.

use zerocopy::{FromBytes, Immutable, KnownLayout};

pub(super) const EXEC: u16 = 1;
pub(super) const FORK: u16 = 2;
pub(super) const EXIT: u16 = 3;
pub(super) const CALL: u16 = 4;
pub(super) const GROUP: u16 = 5;

pub(super) const RECORD_CUT: u16 = 1;
pub(super) const PART_CUT: u8 = 1;
pub(super) const PART_UNREADABLE: u8 = 2;

pub(super) const ABI_COMPAT: u32 = 1;
pub(super) const ABI_X32: u32 = 2;

pub(super) const PLACE_RESULT: u8 = 6;
pub(super) const PLACE_PROCESS: u8 = 7;

pub(super) const FILE_UNLINKED: u32 = 1;
pub(super) const FILE_MEMORY: u32 = 2;
pub(super) const FILE_UPPER: u32 = 4;
pub(super) const FILE_LOWER: u32 = 8;

/// The kinds of parts, by their numbers.
pub(super) mod part {
    pub(in crate::record) const NAMED: u16 = 1;
    pub(in crate::record) const INTERPRETER: u16 = 2;
    pub(in crate::record) const ARGUMENTS: u16 = 3;
    pub(in crate::record) const ENVIRONMENT: u16 = 4;
    pub(in crate::record) const EXECUTABLE: u16 = 5;
    pub(in crate::record) const DIRECTORY: u16 = 6;
    pub(in crate::record) const IDENTITY: u16 = 7;
    pub(in crate::record) const FILE: u16 = 8;
    pub(in crate::record) const SOCKET: u16 = 9;
    pub(in crate::record) const PEER: u16 = 10;
    pub(in crate::record) const TEXT: u16 = 11;
    pub(in crate::record) const BASE: u16 = 12;
    pub(in crate::record) const ADDRESS: u16 = 13;
    pub(in crate::record) const DATA: u16 = 14;
    pub(in crate::record) const WORDS: u16 = 15;
    pub(in crate::record) const CLOSED: u16 = 16;
}

/// Declares structs, and for the test what they are called in C and where their members are.
macro_rules! layouts {
    ($($(#[$doc:meta])* struct $name:ident = $c:literal { $($field:ident: $type:ty),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub(super) struct $name { $(pub(super) $field: $type),* })*

        /// Name in C, size, and the members' names and offsets.
        #[cfg(test)]
        pub(super) const LAYOUTS: &[(&str, usize, &[(&str, usize)])] = &[
            $(($c, size_of::<$name>(), &[
                $((stringify!($field), core::mem::offset_of!($name, $field))),*
            ])),*
        ];
    };
}

layouts! {
    struct Head = "record_head" {
        size: u32,
        kind: u16,
        marks: u16,
        time: u64,
        started: u64,
        parent_started: u64,
        control_group: u64,
        processor: u32,
        thread: u32,
        process: u32,
        parent: u32,
        virtual_thread: u32,
        virtual_process: u32,
        name: [u8; 16],
    }

    struct ForkBody = "fork_body" {
        child: u32,
        virtual_child: u32,
        started: u64,
        control_group: u64,
        parent: u32,
        unused: u32,
        parent_started: u64,
    }

    struct ExitBody = "exit_body" {
        status: i32,
        unused: u32,
    }

    struct GroupBody = "group_body" {
        number: u64,
    }

    struct CallBody = "call_body" {
        arguments: [u64; 6],
        result: i64,
        number: u32,
        abi: u32,
    }

    struct PartHead = "part_head" {
        kind: u16,
        place: u8,
        marks: u8,
        size: u32,
    }

    struct IdentityPart = "identity_part" {
        uid: u32,
        gid: u32,
        effective_uid: u32,
        effective_gid: u32,
        saved_uid: u32,
        saved_gid: u32,
        login_uid: u32,
        terminal: u32,
        session: u32,
        virtual_session: u32,
        group: u32,
        virtual_group: u32,
        mount_namespace: u32,
        pid_namespace: u32,
        user_namespace: u32,
        root_mount: u32,
        root_inode: u64,
        effective: u64,
        permitted: u64,
        inheritable: u64,
    }

    /// Names follow, the last of the path first.
    struct WalkPart = "walk_part" {
        end: u32,
        unused: u32,
    }

    struct FilePart = "file_part" {
        number: i32,
        flags: u32,
        inode: u64,
        changed_seconds: i64,
        modified_seconds: i64,
        changed_nanoseconds: u32,
        modified_nanoseconds: u32,
        filesystem: u64,
        device: u32,
        special_device: u32,
        mode: u32,
        links: u32,
        uid: u32,
        gid: u32,
        marks: u32,
        unused: u32,
        walk: WalkPart,
    }

    struct SocketPart = "socket_part" {
        number: i32,
        flags: u32,
        inode: u64,
        family: u16,
        kind: u16,
        protocol: u16,
        state: u16,
        local_port: u16,
        remote_port: u16,
        unused: u32,
        local: [u8; 16],
        remote: [u8; 16],
        walk: WalkPart,
    }

    struct ClosedPart = "closed_part" {
        number: i32,
        unused: u32,
    }
}
