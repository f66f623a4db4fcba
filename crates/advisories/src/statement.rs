//! What an advisory says apart from whom it concerns: the part that many advisories share.
//!
//! One notice fixes ten vulnerabilities in one version: ten advisories, one [`Statement`]. A
//! segment stores each statement of a package once and lets its advisories point to it, which is
//! why it is half the size of the same records as compressed JSON.

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};

use crate::bytes::{Cursor, Malformed, put_length, put_list, put_option, put_str};
use crate::name::Name;

/// Set in the first byte where a scope follows.
const SCOPED: u8 = 0x80;
/// Set in the first byte of a range that has a beginning.
const BEGUN: u8 = 4;
/// Set in the first byte of a range where the symbols of the scope follow it.
const LINKED: u8 = 8;
/// Set there where the platforms of the scope follow.
const PLATFORMS: u8 = 16;

/// A decoded statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) subject: Subject,
    scope: Scope,
    status: Status,
    ranges: Vec<VersionRange>,
    severity: Severity,
    notices: Vec<String>,
    /// The memory that a copy takes.
    pub(crate) weight: usize,
}

/// One byte of status (3 bits), subject (1), severity (3) and whether a scope follows; then the
/// scope, the ranges and the notices. Equal statements are equal bytes.
pub(crate) fn encode(advisory: &Advisory, out: &mut Vec<u8>) {
    let scope = &advisory.scope;
    let scoped = !scope.architectures.is_empty() || scope.module.is_some() || scope.track.is_some();
    let first = status_code(advisory.status)
        | subject_code(advisory.subject) << 3
        | severity_code(advisory.severity) << 4;
    out.push(if scoped { first | SCOPED } else { first });
    if scoped {
        put_list(out, scope.architectures.iter());
        put_option(out, scope.module.as_deref());
        put_option(out, scope.track.as_deref());
    }
    put_length(out, advisory.ranges.len());
    let mut scope = Some(scope);
    for range in &advisory.ranges {
        encode_range(range, scope.take(), out);
    }
    put_list(out, advisory.notices.iter());
}

/// A byte that says how the range ends, whether it has a beginning, and whether symbols and platforms
/// follow, which the first range has for all; then the texts.
fn encode_range(range: &VersionRange, scope: Option<&Scope>, out: &mut Vec<u8>) {
    let code = match &range.until {
        Affected::Onwards => 0,
        Affected::Before(_) => 1,
        Affected::Through(_) => 2,
        Affected::Until { .. } => 3,
    };
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let symbols = scope.map(|it| it.symbols.as_slice()).unwrap_or_default();
    let platforms = scope.map(|it| it.platforms.as_slice()).unwrap_or_default();
    let flags = flag(range.introduced.is_some(), BEGUN)
        | flag(!symbols.is_empty(), LINKED)
        | flag(!platforms.is_empty(), PLATFORMS);
    out.push(code | flags);
    let end = range.until.end().map(|(end, _)| end);
    range.introduced.as_deref().into_iter().chain(end).for_each(|version| put_str(out, version));
    if let Affected::Until { included, fix, .. } = &range.until {
        out.push(u8::from(*included));
        put_option(out, fix.as_deref());
    }
    for list in [symbols, platforms].into_iter().filter(|list| !list.is_empty()) {
        put_list(out, list.iter());
    }
}

impl Statement {
    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let before = cursor.budget();
        cursor.charge(size_of::<Advisory>())?;
        let first = cursor.byte()?;
        let mut scope = match first & SCOPED {
            0 => Scope::default(),
            _ => Scope {
                architectures: cursor.list()?,
                module: cursor.option()?,
                track: cursor.option()?,
                ..Scope::default()
            },
        };
        let count = cursor.length()?;
        let of = &mut scope;
        let ranges = (0..count).map(|_| decode_range(cursor, of)).collect::<Result<_, _>>()?;
        Ok(Self {
            subject: subject(first >> 3 & 1),
            scope,
            status: status(first & 7),
            ranges,
            severity: severity(first >> 4 & 7)?,
            notices: cursor.list()?,
            weight: before.saturating_sub(cursor.budget()),
        })
    }

    /// The advisory that makes this statement of one vulnerability in one package.
    pub(crate) fn advisory(&self, name: Name, package: &str) -> Advisory {
        Advisory {
            id: name.id.into_text(),
            aliases: name.aliases,
            package: package.to_owned(),
            subject: self.subject,
            scope: self.scope.clone(),
            status: self.status,
            ranges: self.ranges.clone(),
            severity: self.severity,
            notices: self.notices.clone(),
        }
    }
}

fn decode_range(cursor: &mut Cursor<'_>, scope: &mut Scope) -> Result<VersionRange, Malformed> {
    cursor.charge(size_of::<VersionRange>())?;
    let code = cursor.byte()?;
    let introduced = (code & BEGUN != 0).then(|| cursor.string()).transpose()?;
    let until = match code & !(BEGUN | LINKED | PLATFORMS) {
        0 => Affected::Onwards,
        1 => Affected::Before(cursor.string()?),
        2 => Affected::Through(cursor.string()?),
        3 => Affected::Until {
            end: cursor.string()?,
            included: cursor.byte()? != 0,
            fix: cursor.option()?,
        },
        _ => return Err(Malformed("a version range ends in an unknown way")),
    };
    if code & LINKED != 0 {
        scope.symbols.append(&mut cursor.list()?);
    }
    if code & PLATFORMS != 0 {
        scope.platforms.append(&mut cursor.list()?);
    }
    Ok(VersionRange { introduced, until })
}

fn subject_code(subject: Subject) -> u8 {
    match subject {
        Subject::Source => 0,
        Subject::Binary => 1,
    }
}

fn subject(code: u8) -> Subject {
    if code == 0 { Subject::Source } else { Subject::Binary }
}

fn status_code(status: Status) -> u8 {
    match status {
        Status::Fixed => 0,
        Status::Affected => 1,
        Status::WillNotFix => 2,
        Status::FixDeferred => 3,
        Status::EndOfLife => 4,
        Status::NotAffected => 5,
        Status::UnderInvestigation => 6,
        Status::Undetermined => 7,
    }
}

fn status(code: u8) -> Status {
    match code {
        0 => Status::Fixed,
        1 => Status::Affected,
        2 => Status::WillNotFix,
        3 => Status::FixDeferred,
        4 => Status::EndOfLife,
        5 => Status::NotAffected,
        6 => Status::UnderInvestigation,
        _ => Status::Undetermined,
    }
}

pub(crate) fn severity_code(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => 0,
        Severity::Negligible => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

pub(crate) fn severity(code: u8) -> Result<Severity, Malformed> {
    match code {
        0 => Ok(Severity::Unknown),
        1 => Ok(Severity::Negligible),
        2 => Ok(Severity::Low),
        3 => Ok(Severity::Medium),
        4 => Ok(Severity::High),
        5 => Ok(Severity::Critical),
        _ => Err(Malformed("a severity is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_there_and_back() {
        for one in Status::ALL {
            assert_eq!(status(status_code(one)), one);
        }
        for one in Severity::ALL {
            assert_eq!(severity(severity_code(one)), Ok(one));
        }
        for one in [Subject::Source, Subject::Binary] {
            assert_eq!(subject(subject_code(one)), one);
        }
        assert!(severity(6).is_err());
    }
}
