//! The names of Linux capabilities, as runtimes write them → bits, and back.

/// In the kernel's order: the position is the bit.
pub const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Every capability there is.
pub(super) const ALL: u64 = (1 << NAMES.len()) - 1;

/// What Docker and its kin leave a container that asks for nothing.
pub(super) const DOCKER_DEFAULT: u64 = 0xa804_25fb;

/// The bits of `names`, with or without `CAP_`; `ALL` is every one. Names that nobody knows, of a
/// kernel to come, have no bit here.
pub(super) fn bits<'a>(names: impl IntoIterator<Item = &'a str>) -> u64 {
    names.into_iter().map(bit).fold(0, |all, bit| all | bit)
}

/// As people write it: `net_raw`; a number where a kernel to come has another one.
pub(crate) fn name(number: usize) -> String {
    NAMES.get(number).map_or_else(|| number.to_string(), |name| name.to_ascii_lowercase())
}

/// Whether a container has it that asks for nothing.
pub fn is_usual(name: &str) -> bool {
    let bit = bits([name]);
    bit != 0 && bit & !DOCKER_DEFAULT == 0
}

fn bit(name: &str) -> u64 {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    if name == "ALL" {
        return ALL;
    }
    NAMES.iter().position(|known| *known == name).map_or(0, |position| 1 << position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bits() {
        assert_eq!(bits(["CAP_CHOWN", "sys_admin"]), 1 | 1 << 21);
        assert_eq!(bits(["ALL"]), 0x1ff_ffff_ffff);
        assert_eq!(bits(["CAP_OF_TOMORROW"]), 0);
        let docker = [
            "CHOWN",
            "DAC_OVERRIDE",
            "FSETID",
            "FOWNER",
            "MKNOD",
            "NET_RAW",
            "SETGID",
            "SETUID",
            "SETFCAP",
            "SETPCAP",
            "NET_BIND_SERVICE",
            "SYS_CHROOT",
            "KILL",
            "AUDIT_WRITE",
        ];
        assert_eq!(bits(docker), DOCKER_DEFAULT);
    }
}
