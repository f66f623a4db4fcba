//! All advisories of one package as one value of the match table.
//!
//! ```text
//! number of advisories, number of distinct statements
//! the statements, by first use              fixed in 1.1.1k-1, DSA-4875-1 · fixed in 1.1.1n-0, …
//! the names, in order                       CVE-2021-3449  CVE-2021-3450  CVE-2022-0778
//! for each name, the place of its statement 0              0              1
//! ```
//!
//! Columns rather than rows: packages of one source repeat whole columns, which compresses. The
//! statements come first: where none speaks of the subject asked for, the rest is not read.

use std::collections::HashMap;

use model::{Advisory, Subject};

use crate::bytes::{Cursor, Malformed, put_length};
use crate::name::{Name, Previous};
use crate::statement::Statement;

/// Writes rows that are sorted and distinct. A statement is known by its bytes.
pub(crate) fn encode(rows: &[(&Name, &[u8])], out: &mut Vec<u8>) {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut statements: Vec<&[u8]> = Vec::new();
    let column: Vec<usize> = rows
        .iter()
        .map(|(_, statement)| {
            *places.entry(statement).or_insert_with(|| {
                statements.push(statement);
                statements.len().saturating_sub(1)
            })
        })
        .collect();
    put_length(out, rows.len());
    put_length(out, statements.len());
    statements.iter().for_each(|statement| out.extend_from_slice(statement));
    let mut previous = Previous::default();
    rows.iter().for_each(|(name, _)| previous.encode(name, out));
    column.iter().for_each(|place| put_length(out, *place));
}

/// Reads the advisories of `package` that speak of `subject`, or of both if it is None.
pub(crate) fn decode(
    value: &[u8],
    package: &str,
    subject: Option<Subject>,
) -> Result<Vec<Advisory>, Malformed> {
    let mut cursor = Cursor::new(value);
    let rows = cursor.length()?;
    let statement_count = cursor.length()?;
    let statements: Vec<Statement> =
        (0..statement_count).map(|_| Statement::decode(&mut cursor)).collect::<Result<_, _>>()?;
    let wanted = |statement: &Statement| subject.is_none_or(|s| s == statement.subject);
    if subject.is_some() && !statements.iter().any(wanted) {
        return Ok(Vec::new());
    }
    let mut previous = Previous::default();
    let names: Vec<Name> =
        (0..rows).map(|_| previous.decode(&mut cursor)).collect::<Result<_, _>>()?;
    let mut advisories = Vec::new();
    for name in names {
        let statement = statements.get(cursor.size()?);
        let statement = statement.ok_or(Malformed("an advisory says nothing"))?;
        if wanted(statement) {
            cursor.charge(statement.weight.saturating_add(package.len()))?;
            advisories.push(statement.advisory(name, package));
        }
    }
    if !cursor.is_empty() {
        return Err(Malformed("a package's advisories are followed by something else"));
    }
    Ok(advisories)
}

/// Whether a reader's budget (`bytes::BUDGET`) allows to decode the value.
pub(crate) fn fits(value: &[u8], package: &str) -> bool {
    /// Half the bytes for a statement, half for names that repeat it: even then the copies, at 24
    /// bytes a byte, stay within.
    const SURELY: usize = 4096;
    value.len().max(package.len()) <= SURELY || decode(value, package, None).is_ok()
}
