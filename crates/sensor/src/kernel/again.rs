//! Loading programs although signals come: the kernel gives up checking one as soon as its loader has a
//! signal to take, be it that of a child that ended, and says to try again.

use aya::programs::ProgramError;
use rustix::io::Errno;

/// To check one takes milliseconds. Signals that come faster for so long are meant to hold us up.
const TRIES: usize = 100;

/// Loads until the kernel has looked at the whole program.
///
/// # Errors
/// What the kernel has against it.
pub fn load_again<T>(load: impl FnMut() -> Result<T, ProgramError>) -> Result<T, ProgramError> {
    again(load, |error| match error {
        ProgramError::LoadError { io_error, .. } => Errno::from_io_error(io_error),
        _ => None,
    })
}

fn again<T, E>(
    mut load: impl FnMut() -> Result<T, E>,
    errno: impl Fn(&E) -> Option<Errno>,
) -> Result<T, E> {
    for _ in 1..TRIES {
        match load() {
            Err(error) if errno(&error) == Some(Errno::AGAIN) => {}
            done => return done,
        }
    }
    load()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_interrupted_is_tried_again_and_what_is_refused_is_not() {
        let cases = [
            (0, Ok(()), (true, 1)),
            (7, Ok(()), (true, 8)),
            (2, Err(Errno::PERM), (false, 3)),
            (usize::MAX, Ok(()), (false, TRIES)),
        ];
        for (interruptions, outcome, expected) in cases {
            let mut tries = 0;
            let load = || {
                tries += 1;
                if tries > interruptions { outcome } else { Err(Errno::AGAIN) }
            };
            let is_loaded = again(load, |errno| Some(*errno)).is_ok();
            assert_eq!((is_loaded, tries), expected, "{interruptions}");
        }
    }
}
