//! `getopt()`: the options of a command line, as `getopt(3)` reads them.

/// Which options there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Each with whether a value belongs to it.
    known: Vec<(u8, bool)>,
    /// The text begins with a colon: a value that is missing is told as `:` rather than `?`.
    tells_missing: bool,
}

impl Options {
    /// `ab:c`: `b` has a value.
    pub(crate) fn new(text: &[u8]) -> Self {
        let (tells_missing, rest) = match text {
            [b':', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut known = Vec::new();
        for (at, option) in rest.iter().enumerate().filter(|(_, option)| **option != b':') {
            known.push((*option, rest.get(at + 1) == Some(&b':')));
        }
        Self { known, tells_missing }
    }

    /// The options of the arguments with their values, in order, up to the first argument that is
    /// none.
    pub(crate) fn read<'a>(&self, arguments: &[&'a [u8]]) -> Vec<(u8, Option<&'a [u8]>)> {
        let mut read = Vec::new();
        let mut left = arguments.iter();
        while let Some(argument) = left.next() {
            let options = match argument.strip_prefix(b"-") {
                None | Some(b"" | b"-") => break,
                Some(options) => options,
            };
            for (at, option) in options.iter().enumerate() {
                match self.known.iter().find(|(known, _)| known == option) {
                    None => read.push((b'?', None)),
                    Some((_, false)) => read.push((*option, None)),
                    Some((_, true)) => {
                        let same = options.get(at + 1..).filter(|rest| !rest.is_empty());
                        match same.or_else(|| left.next().copied()) {
                            Some(value) => read.push((*option, Some(value))),
                            None if self.tells_missing => read.push((b':', None)),
                            None => read.push((b'?', None)),
                        }
                        break;
                    }
                }
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_like_getopt() {
        let read = |options: &str, line: &str| {
            let arguments: Vec<_> = line.split_whitespace().map(str::as_bytes).collect();
            let read = Options::new(options.as_bytes()).read(&arguments);
            let value = |it: Option<&[u8]>| it.map(|it| String::from_utf8_lossy(it).into_owned());
            read.into_iter()
                .map(|(option, it)| {
                    format!("{}{}", char::from(option), value(it).unwrap_or_default())
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(read("ab:c", "-a -b x -c y -a"), "a bx c");
        assert_eq!(read("ab:c", "-abx -z"), "a bx ?");
        assert_eq!(read("b:", "-b"), "?");
        assert_eq!(read(":b:", "-b"), ":");
        assert_eq!(read("a", "-- -a"), "");
    }
}
