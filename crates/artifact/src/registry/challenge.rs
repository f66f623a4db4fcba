//! What a registry asks for when it answers 401: the `WWW-Authenticate` header, parsed.
//!
//! The grammar is RFC 9110, section 11.6.1: one header may hold several challenges, and several
//! headers may come. It must never decide what is answered; that is `auth`'s work.

/// A challenge that we can answer. Others (`Negotiate`, `NTLM`, …) are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    /// The token protocol of the distribution project ("Docker Registry v2 authentication").
    Bearer(Bearer),
}

/// Where to get a token, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The URL of the token server.
    pub(super) realm: String,
    /// The name by which the token server knows this registry.
    pub(super) service: Option<String>,
    /// The rights wanted: `repository:NAME:pull`.
    pub(super) scope: Option<String>,
}

/// A header longer than this is no challenge that anyone sends.
const HEADER_BYTES_MAX: usize = 8 << 10;

/// Reads the value of one `WWW-Authenticate` header. What does not parse is left out.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    if header.len() > HEADER_BYTES_MAX {
        return Vec::new();
    }
    let mut reader = Reader { rest: header };
    let mut challenges = Vec::new();
    while let Some((scheme, parameters)) = reader.challenge() {
        if scheme.eq_ignore_ascii_case("basic") {
            challenges.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer") {
            challenges.extend(bearer(parameters));
        }
    }
    challenges
}

fn bearer(parameters: Vec<(String, String)>) -> Option<Challenge> {
    let mut bearer = Bearer::default();
    for (name, value) in parameters {
        match name.as_str() {
            "realm" => bearer.realm = value,
            "service" => bearer.service = Some(value),
            "scope" => bearer.scope = Some(value),
            _ => {}
        }
    }
    (!bearer.realm.is_empty()).then_some(Challenge::Bearer(bearer))
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The next scheme and its parameters, names in lower case.
    fn challenge(&mut self) -> Option<(&'a str, Vec<(String, String)>)> {
        self.skip(&[' ', '\t', ',']);
        let scheme = self.token()?;
        let mut parameters = Vec::new();
        loop {
            let before = self.rest;
            self.skip(&[' ', '\t', ',']);
            match self.parameter() {
                Some(parameter) => parameters.push(parameter),
                // Not `name=value`: the next scheme begins here.
                None => {
                    self.rest = before;
                    return Some((scheme, parameters));
                }
            }
        }
    }

    /// `name = token`, `name = "quoted"`, or a bare token68, which is passed over.
    fn parameter(&mut self) -> Option<(String, String)> {
        let name = self.token()?;
        self.skip(&[' ', '\t']);
        self.rest = self.rest.strip_prefix('=')?;
        self.skip(&[' ', '\t', '=']);
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => self.token().unwrap_or_default().to_owned(),
        };
        Some((name.to_ascii_lowercase(), value))
    }

    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => value.extend(characters.next()),
                other => value.push(other),
            }
        }
        self.rest = characters.as_str();
        value
    }

    /// A run of token characters; `:` and `/` too, since some registries leave out the quotes.
    fn token(&mut self) -> Option<&'a str> {
        let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '=' | '"');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn skip(&mut self, characters: &[char]) {
        self.rest = self.rest.trim_start_matches(characters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &str) -> String {
        let show = |challenge: &Challenge| match challenge {
            Challenge::Basic => "basic".to_owned(),
            Challenge::Bearer(Bearer { realm, service, scope }) => {
                let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
                format!("bearer {realm} {} {}", or_dash(service), or_dash(scope))
            }
        };
        parse(header).iter().map(show).collect::<Vec<_>>().join(" + ")
    }

    #[test]
    fn challenges_as_registries_write_them() {
        let cases = [
            (r#"Basic realm="Registry Realm""#, "basic"),
            ("BASIC", "basic"),
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#,
                "bearer https://auth.docker.io/token registry.docker.io repository:library/alpine:pull",
            ),
            (
                r#"Bearer realm="https://r.example/token" , service="r.example" , error="invalid_token""#,
                "bearer https://r.example/token r.example -",
            ),
            ("bearer realm=https://r.example/t,service=r", "bearer https://r.example/t r -"),
            (
                r#"Negotiate abc==, Basic realm="a, b", Bearer realm="https://x/\"q\"",scope="a b""#,
                r#"basic + bearer https://x/"q" - a b"#,
            ),
            (r#"Bearer service="no realm""#, ""),
            (r#"Bearer realm="cut off"#, "bearer cut off - -"),
            ("", ""),
            (",,, ,", ""),
            ("=\"", ""),
        ];
        for (header, expected) in cases {
            assert_eq!(shown(header), expected, "{header}");
        }
        assert_eq!(shown(&format!("Basic {}", "x".repeat(HEADER_BYTES_MAX))), "");
    }
}
