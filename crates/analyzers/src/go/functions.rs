//! Which functions a Go program links: the table of names in its line table (`pclntab`), which
//! stays in a stripped program because panics and the garbage collector need it. Functions that
//! were inlined everywhere are named there too.
//!
//! Read is the form since Go 1.16, where all names stand one after the other.

use std::borrow::Cow;

use memchr::{memchr, memchr3, memmem};

use crate::binary::Order;
use crate::program::Program;

/// First numbers of the table in Go 1.16, 1.18 and 1.20.
const MAGICS: [u32; 3] = [0xffff_fffa, 0xffff_fff0, 0xffff_fff1];

/// Names that are looked at. The largest programs have some 400 000, closures among them.
const NAMES_MAX: usize = 1 << 20;

/// A linked function, or one nested in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    /// The import path of its package.
    pub(super) package: Cow<'a, str>,
    /// The type it is a method of, whether by pointer or not; empty if it is none.
    pub(super) receiver: &'a str,
    pub(super) name: &'a str,
}

/// All of them, some more than once; none if the table is not there or not of a known form.
pub(super) fn linked<'a>(program: &Program<'a>) -> impl Iterator<Item = Function<'a>> {
    let names = table(program).and_then(names).unwrap_or_default();
    let texts = names.split(|byte| *byte == 0).take(NAMES_MAX);
    texts.filter_map(|name| function(str::from_utf8(name).ok()?))
}

fn table<'a>(program: &Program<'a>) -> Option<&'a [u8]> {
    let names = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];
    if let Some(table) = program.section(&names) {
        return Some(table);
    }
    // It has no section of its own in PE files, and where another linker put the parts together.
    let data = program.section(&[".data.rel.ro", ".rdata"])?;
    let starts = MAGICS.map(|magic| [magic.to_le_bytes().as_slice(), &[0, 0, 1, 8]].concat());
    let at = starts.iter().find_map(|start| memmem::find(data, start))?;
    data.get(at..)
}

/// The table of names: in the header after the magic, four bytes on the machine and two counts (and,
/// since Go 1.18, an address) stand where it begins and where the next table does.
fn names(table: &[u8]) -> Option<&[u8]> {
    let known = |order: Order| {
        let magic = order.u32(table, 0)?;
        MAGICS.iter().position(|known| *known == magic).map(|form| (order, form))
    };
    let (order, form) = known(Order::Little).or_else(|| known(Order::Big))?;
    let size = usize::from(*table.get(7)?);
    let field = |number: usize| match size {
        4 => order.size(table, number.checked_mul(4)?.checked_add(8)?),
        8 => usize::try_from(order.u64(table, number.checked_mul(8)?.checked_add(8)?)?).ok(),
        _ => None,
    };
    let first = if form == 0 { 2 } else { 3 };
    table.get(field(first)?..field(first.checked_add(1)?)?)
}

/// `example.org/tide.(*Moon).Pull.func1` belongs to `Moon.Pull` of `example.org/tide`. None for what
/// the compiler made on its own.
fn function(name: &str) -> Option<Function<'_>> {
    let slash = name.rfind('/').map_or(0, |at| at.saturating_add(1));
    let dot = memchr(b'.', name.get(slash..)?.as_bytes())?.checked_add(slash)?;
    let (package, symbol) = (name.get(..dot)?, name.get(dot.checked_add(1)?..)?);
    if package.contains([':', '[', ' ']) || matches!(package, "" | "type" | "go") {
        return None;
    }
    let (receiver, name) = match symbol.strip_prefix("(*") {
        Some(method) => {
            let (receiver, method) = method.split_once(").")?;
            (first(receiver).0, first(method).0)
        }
        None => {
            let (outer, rest) = first(symbol);
            let inner = first(rest).0;
            if inner.is_empty() || is_closure(inner) { ("", outer) } else { (outer, inner) }
        }
    };
    (!name.is_empty()).then(|| Function { package: unescaped(package), receiver, name })
}

/// A name without its type arguments (`[...]`), and what is nested in it (`.func1`) or wraps it
/// (`-fm`).
fn first(symbol: &str) -> (&str, &str) {
    let end = memchr3(b'.', b'-', b'[', symbol.as_bytes()).unwrap_or(symbol.len());
    let (name, rest) = symbol.split_at_checked(end).unwrap_or((symbol, ""));
    (name, rest.strip_prefix("[...]").unwrap_or(rest).strip_prefix('.').unwrap_or_default())
}

/// `func1`, `gowrap2`, `deferwrap1`, `3`.
fn is_closure(name: &str) -> bool {
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(word, "" | "func" | "gowrap" | "deferwrap") && word.len() < name.len()
}

/// Dots in the last part of an import path are written `%2e` (cmd/internal/objabi.PathToPrefix).
fn unescaped(path: &str) -> Cow<'_, str> {
    if path.contains('%') {
        path.replace("%2e", ".").replace("%25", "%").into()
    } else {
        path.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_advisories() {
        for (linked, package, receiver, name) in [
            ("main.main", "main", "", "main"),
            ("net/http.(*Client).Do", "net/http", "Client", "Do"),
            ("net/http.(*Client).do.func2", "net/http", "Client", "do"),
            ("net/http.Header.Get", "net/http", "Header", "Get"),
            ("net/http.Get", "net/http", "", "Get"),
            ("net/http.init.0", "net/http", "", "init"),
            ("net/http.(*conn).serve-fm", "net/http", "conn", "serve"),
            ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "", "Unmarshal"),
            ("slices.SortFunc[...]", "slices", "", "SortFunc"),
            ("slices.Sort[...].func1", "slices", "", "Sort"),
            ("sync.(*Pool[...]).Get.func1", "sync", "Pool", "Get"),
            ("sync.Pool[...].Get", "sync", "Pool", "Get"),
            ("example.org/a.Do.gowrap1", "example.org/a", "", "Do"),
        ] {
            let package = package.into();
            assert_eq!(function(linked), Some(Function { package, receiver, name }), "{linked}");
        }
        for made in ["type:.eq.net/http.Header", "go:buildid", "runtime", "", "type..hash.a.b"] {
            assert_eq!(function(made), None, "{made}");
        }
    }
}
