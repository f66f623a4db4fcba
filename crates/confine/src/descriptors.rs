//! Descriptors that a process was born with and has no use for.

#![expect(unsafe_code, reason = "nobody owns what was open before the program began")]

use std::io;

/// Closes all but the three standard ones. Only for the beginning of a program: whatever it has opened
/// itself would be closed, too.
pub fn close_others() -> io::Result<()> {
    // SAFETY: called before anything is opened, so nothing in this program owns one of them; three
    // integers are all that the call takes.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
