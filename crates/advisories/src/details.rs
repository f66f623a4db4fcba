//! One vulnerability's texts, vectors and dates as one value of the details table.

use model::{Cvss, Details};

use crate::bytes::{Cursor, Malformed, put_decimal, put_length, put_list, put_option, put_str};
use crate::statement::{severity, severity_code};

/// CVSS scores have one decimal.
const SCORE_SCALE: f64 = 10.0;

/// Everything but the id, which is the key.
pub(crate) fn encode(details: &Details, out: &mut Vec<u8>) {
    out.push(severity_code(details.severity));
    put_str(out, &details.title);
    put_str(out, &details.description);
    put_length(out, details.cvss.len());
    for cvss in &details.cvss {
        put_str(out, &cvss.source);
        put_str(out, &cvss.version);
        put_str(out, &cvss.vector);
        put_decimal(out, cvss.score, SCORE_SCALE);
    }
    put_list(out, details.cwes.iter());
    put_list(out, details.references.iter());
    put_option(out, details.published.as_deref());
    put_option(out, details.modified.as_deref());
    put_option(out, details.withdrawn.as_deref());
}

pub(crate) fn decode(value: &[u8], id: &str) -> Result<Details, Malformed> {
    let mut cursor = Cursor::new(value);
    let details = Details {
        id: id.to_owned(),
        severity: severity(cursor.byte()?)?,
        title: cursor.string()?,
        description: cursor.string()?,
        cvss: (0..cursor.length()?).map(|_| cvss(&mut cursor)).collect::<Result<_, _>>()?,
        cwes: cursor.list()?,
        references: cursor.list()?,
        published: cursor.option()?,
        modified: cursor.option()?,
        withdrawn: cursor.option()?,
    };
    if cursor.is_empty() {
        Ok(details)
    } else {
        Err(Malformed("a vulnerability's details are followed by something else"))
    }
}

fn cvss(cursor: &mut Cursor<'_>) -> Result<Cvss, Malformed> {
    Ok(Cvss {
        source: cursor.string()?,
        version: cursor.string()?,
        vector: cursor.string()?,
        score: cursor.decimal(SCORE_SCALE)?,
    })
}
