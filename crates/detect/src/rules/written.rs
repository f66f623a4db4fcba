//! A text put together from pieces of rule files, which remembers where each piece stands.
//!
//! Conditions are continued by `append`, and exceptions become parts of them; a mistake in the
//! whole has to be told at the place where somebody wrote it.

use std::ops::Range;

use crate::diagnostic::Place;
use crate::yaml::Node;

/// A rule file.
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    /// Bytes of the text before it.
    begin: usize,
    file: usize,
    line: usize,
    column: usize,
    bytes: Range<usize>,
    /// Its characters stand in the file; else it was made of what stands there.
    exact: bool,
}

impl Written {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A scalar as it is.
    pub(super) fn push(&mut self, file: usize, node: &Node) {
        self.push_piece(file, node, node.scalar().unwrap_or_default(), true);
    }

    /// A text that was made of a node.
    pub(super) fn push_made(&mut self, file: usize, node: &Node, text: &str) {
        self.push_piece(file, node, text, false);
    }

    fn push_piece(&mut self, file: usize, node: &Node, text: &str, exact: bool) {
        let Node { line, column, bytes, .. } = node;
        let (begin, bytes) = (self.text.len(), bytes.clone());
        self.pieces.push(Piece { begin, file, line: *line, column: *column, bytes, exact });
        self.text.push_str(text);
    }

    /// A text that stands in no file.
    pub(super) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// All pieces of another one.
    pub(super) fn extend(&mut self, other: &Self) {
        let begin = self.text.len();
        let moved = |piece: &Piece| Piece { begin: piece.begin + begin, ..piece.clone() };
        self.pieces.extend(other.pieces.iter().map(moved));
        self.text.push_str(&other.text);
    }

    /// Where what stands at an offset of the text was written.
    pub(super) fn place(&self, files: &[File], at: usize) -> Place {
        let piece = self.pieces.iter().rev().find(|piece| piece.begin <= at);
        let Some(piece) = piece.or_else(|| self.pieces.first()) else { return Place::default() };
        let Some(file) = files.get(piece.file) else { return Place::default() };
        let (mut line, mut column) = (piece.line, piece.column);
        if piece.exact {
            let before = self.text.get(piece.begin..at.max(piece.begin)).unwrap_or_default();
            let after = self.text.get(at..).unwrap_or_default();
            let source = file.text.get(piece.bytes.clone()).unwrap_or_default();
            let skipped = source.get(..offset(source, before, after)).unwrap_or_default();
            let newlines = skipped.matches('\n').count();
            let last = skipped.rsplit('\n').next().unwrap_or_default().chars().count();
            line += newlines;
            column = if newlines > 0 { last + 1 } else { column + last };
        }
        Place { file: file.name.clone(), line, column }
    }
}

/// How much of the source makes `before`. Folding changes space only, and quotes, escapes and the
/// mark of a block only add to the source, so the rest of the characters stand there in order.
fn offset(source: &str, before: &str, after: &str) -> usize {
    let wanted = before.chars().filter(|c| !c.is_whitespace());
    // The first line of a block holds its mark alone, which may look like a beginning of the text.
    let block = source.starts_with(['>', '|']).then(|| source.find('\n')).flatten();
    let mut rest = source.char_indices().skip_while(|(at, _)| block.is_some_and(|end| *at < end));
    let mut end = block.unwrap_or_default();
    for character in wanted {
        match rest.by_ref().find(|(_, c)| *c == character) {
            Some((at, c)) => end = at + c.len_utf8(),
            None => return end,
        }
    }
    // Space between it and what stands at the offset belongs to what is before.
    let next = after.chars().find(|c| !c.is_whitespace());
    next.and_then(|next| rest.find(|(_, c)| *c == next)).map_or(end, |(at, _)| at)
}
