//! Why the kernel does not take a program, in a few words: without what its verifier says, which is for
//! whoever wrote the program, and with the error's own text, which a library's leaves out.

use aya::programs::ProgramError;
use aya::sys::SyscallError;

/// The kernel's `ENOTSUPP`, which no C library has words for: where it cannot have its functions call
/// a program, though it loads one for them (on aarch64 before 6.4).
const NOT_SUPPORTED: i32 = 524;

pub(crate) fn in_short(error: &ProgramError) -> String {
    match error {
        ProgramError::LoadError { io_error, .. } => {
            format!("the kernel does not load it: {io_error}")
        }
        ProgramError::SyscallError(SyscallError { io_error, .. })
            if io_error.raw_os_error() == Some(NOT_SUPPORTED) =>
        {
            "the kernel lets no program be attached to its functions \
             (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)"
                .to_owned()
        }
        ProgramError::SyscallError(SyscallError { call, io_error }) => {
            format!("`{call}`: {io_error}")
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use super::*;

    #[test]
    fn the_kernels_own_error_has_words() {
        let of = |number| {
            let io_error = Error::from_raw_os_error(number);
            in_short(&SyscallError { call: "bpf_link_create", io_error }.into())
        };
        assert!(of(NOT_SUPPORTED).contains("CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"));
        assert_eq!(of(1), "`bpf_link_create`: Operation not permitted (os error 1)");
    }
}
