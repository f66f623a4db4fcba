//! Rust source as the rules see it: tokens, so that comments and strings are never mistaken for
//! code. No types and no name resolution: a rule names paths as people write them.

use proc_macro2::{Delimiter, Ident, LexError, TokenStream, TokenTree};

/// What a source file holds.
pub(crate) struct Code {
    /// Every function that has a body, tests included.
    pub(crate) functions: Vec<Function>,
    /// Every path outside of `#[test]` and `#[cfg(test)]` items, `use` groups spelled out; the name
    /// of a macro that is called ends in `!`.
    pub(crate) paths: Vec<Named>,
    /// The names in `#[cfg(test)] mod name;`.
    pub(crate) test_modules: Vec<String>,
}

/// `std::fs::read`, `println!`, `x`.
pub(crate) struct Named {
    pub(crate) path: String,
    pub(crate) line: usize,
}

pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

impl Code {
    pub(crate) fn parse(text: &str) -> Result<Self, LexError> {
        let tokens = trees(text.parse()?);
        let mut functions = Vec::new();
        collect_functions(&tokens, &mut functions);
        let (production, tests) = split_tests(tokens);
        let mut paths = Vec::new();
        collect_paths(&production, "", &mut paths);
        let test_modules = tests.iter().filter_map(|item| module_name(item)).collect();
        Ok(Self { functions, paths, test_modules })
    }
}

fn trees(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn collect_functions(tokens: &[TokenTree], functions: &mut Vec<Function>) {
    let mut pending: Option<&Ident> = None;
    let mut before = None;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if is_ident(before, "fn") => pending = Some(name),
            TokenTree::Punct(punct) if punct.as_char() == ';' => pending = None,
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Brace
                    && let Some(name) = pending.take()
                {
                    let line = name.span().start().line;
                    let lines = group.span_close().end().line + 1 - line;
                    functions.push(Function { name: name.to_string(), line, lines });
                }
                collect_functions(&trees(group.stream()), functions);
            }
            _ => {}
        }
        before = Some(token);
    }
}

/// The tokens without the items under `#[test]`, `#[cfg(test)]` and the like; and these items.
fn split_tests(tokens: Vec<TokenTree>) -> (Vec<TokenTree>, Vec<Vec<TokenTree>>) {
    let (mut production, mut tests) = (Vec::new(), Vec::new());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_punct(Some(&token), '#') && tokens.peek().is_some_and(is_test_attribute) {
            let mut item = Vec::new();
            for token in tokens.by_ref() {
                let is_end = ends_item(&token);
                item.push(token);
                if is_end {
                    break;
                }
            }
            tests.push(item);
        } else {
            production.push(token);
        }
    }
    (production, tests)
}

/// An item ends with its body or a semicolon; its attributes end with neither.
fn ends_item(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
        || is_punct(Some(token), ';')
}

/// The name of a module whose body is in another file.
fn module_name(item: &[TokenTree]) -> Option<String> {
    match item {
        [.., keyword, name, end] if is_ident(Some(keyword), "mod") && is_punct(Some(end), ';') => {
            Some(name.to_string())
        }
        _ => None,
    }
}

fn is_test_attribute(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let text = group.stream().to_string();
    let is_condition = text.starts_with("cfg") && !text.starts_with("cfg_attr");
    let names_test = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "test");
    text == "test" || (is_condition && names_test && !text.contains("not"))
}

fn collect_paths(tokens: &[TokenTree], prefix: &str, paths: &mut Vec<Named>) {
    let mut rest = tokens;
    while let Some((token, tail)) = rest.split_first() {
        rest = tail;
        match token {
            TokenTree::Group(group) => {
                let (production, _) = split_tests(trees(group.stream()));
                collect_paths(&production, "", paths);
            }
            TokenTree::Ident(first) => rest = collect_path(first, tail, prefix, paths),
            _ => {}
        }
    }
}

/// Collects the path that begins with `first`, or the paths of its `use` group; returns what
/// follows it.
fn collect_path<'a>(
    first: &Ident,
    mut rest: &'a [TokenTree],
    prefix: &str,
    paths: &mut Vec<Named>,
) -> &'a [TokenTree] {
    let line = first.span().start().line;
    let mut path = format!("{prefix}{first}");
    while let [a, b, next, tail @ ..] = rest
        && is_punct(Some(a), ':')
        && is_punct(Some(b), ':')
    {
        match next {
            TokenTree::Ident(name) => path = format!("{path}::{name}"),
            TokenTree::Group(group) => {
                collect_paths(&trees(group.stream()), &format!("{path}::"), paths);
                return tail;
            }
            _ => break,
        }
        rest = tail;
    }
    if let [mark, TokenTree::Group(_), ..] = rest
        && is_punct(Some(mark), '!')
    {
        path.push('!');
    }
    paths.push(Named { path, line });
    rest
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}
