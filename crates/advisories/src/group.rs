//! All advisories of one package as one value of the match table.
//!
//! ```text
//! number of advisories, number of distinct statements
//! the names, in order                       CVE-2021-3449  CVE-2021-3450  CVE-2022-0778
//! for each name, the place of its statement 0              0              1
//! the statements, by first use              fixed in 1.1.1k-1, DSA-4875-1 · fixed in 1.1.1n-0, …
//! ```
//!
//! Columns rather than rows: packages of one source repeat whole columns, which compresses.

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
    let mut previous = Previous::default();
    rows.iter().for_each(|(name, _)| previous.encode(name, out));
    column.iter().for_each(|place| put_length(out, *place));
    statements.iter().for_each(|statement| out.extend_from_slice(statement));
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
    let mut previous = Previous::default();
    let names: Vec<Name> =
        (0..rows).map(|_| previous.decode(&mut cursor)).collect::<Result<_, _>>()?;
    cursor.charge(rows.saturating_mul(size_of::<usize>()))?;
    let column: Vec<usize> = (0..rows).map(|_| cursor.size()).collect::<Result<_, _>>()?;
    let statements: Vec<Statement> =
        (0..statement_count).map(|_| Statement::decode(&mut cursor)).collect::<Result<_, _>>()?;
    if !cursor.is_empty() {
        return Err(Malformed("a package's advisories are followed by something else"));
    }
    let mut advisories = Vec::new();
    for (name, place) in names.iter().zip(column) {
        let statement = statements.get(place).ok_or(Malformed("an advisory says nothing"))?;
        if subject.is_none_or(|subject| subject == statement.subject) {
            cursor.charge(statement.weight.saturating_add(package.len()))?;
            advisories.push(statement.advisory(name, package));
        }
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
