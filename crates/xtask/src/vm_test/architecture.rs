//! The machines that are emulated, and what is different about them.

/// A processor, as Rust and the kernel's headers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "aarch64")]
    Aarch64,
}

/// One line a difference.
pub(super) struct Facts {
    pub(super) name: &'static str,
    /// Debian's name of it, in names of packages too.
    pub(super) debian: &'static str,
    /// Rust's name of what is built for it.
    pub(super) target: &'static str,
    /// What names of its compiler and its other tools begin with.
    pub(super) tools: &'static str,
    /// The same of the older processor whose programs it runs too, where a program cannot make their
    /// calls itself.
    pub(super) tools_of_compat: Option<&'static str>,
    pub(super) emulator: &'static str,
    /// What is emulated.
    pub(super) machine: &'static [&'static str],
    pub(super) kernel_arguments: &'static str,
    /// The second serial port, which carries the verdict: what it is to the emulator, and to the kernel.
    pub(super) verdict: &'static [&'static str],
    pub(super) verdict_device: &'static str,
}

/// A panic is the end, at once; x32 calls are what the tests make.
const X86_64: Facts = Facts {
    name: "x86_64",
    debian: "amd64",
    target: "x86_64-unknown-linux-gnu",
    tools: "x86_64-linux-gnu",
    tools_of_compat: None,
    emulator: "qemu-system-x86_64",
    machine: &["-cpu", "max"],
    kernel_arguments: "console=ttyS0 quiet panic=-1 syscall.x32=y",
    verdict: &["-serial", "chardev:verdict"],
    verdict_device: "/dev/ttyS1",
};

/// The machine has one serial port; another one is put into it. Signed pointers, which nothing here
/// looks at, are computed in a way that costs less.
const AARCH64: Facts = Facts {
    name: "aarch64",
    debian: "arm64",
    target: "aarch64-unknown-linux-gnu",
    tools: "aarch64-linux-gnu",
    tools_of_compat: Some("arm-linux-gnueabihf"),
    emulator: "qemu-system-aarch64",
    machine: &["-machine", "virt", "-cpu", "max,pauth-impdef=on"],
    kernel_arguments: "console=ttyAMA0 quiet panic=-1",
    verdict: &["-device", "pci-serial,chardev=verdict"],
    verdict_device: "/dev/ttyS0",
};

impl Architecture {
    pub(super) fn facts(self) -> &'static Facts {
        match self {
            Self::X86_64 => &X86_64,
            Self::Aarch64 => &AARCH64,
        }
    }
}

impl Facts {
    /// Whether programs are built for another machine than this one.
    pub(super) fn is_foreign(&self) -> bool {
        self.name != std::env::consts::ARCH
    }
}
