//! `--to-token`: what is posted with, and to which host alone.

use std::path::PathBuf;
use std::str::FromStr;

use courier::{Place, Token};

use super::{SinkArguments, Wanted};
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// `[HOST=]FILE`.
#[derive(Clone, Debug)]
pub(super) struct TokenFile {
    pub(super) host: Option<String>,
    pub(super) path: PathBuf,
}

impl FromStr for TokenFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, path) = match text.split_once('=') {
            Some((host, path)) if !host.contains('/') => (Some(host.to_owned()), path),
            _ => (None, text),
        };
        if path.is_empty() {
            return Err("want FILE or HOST=FILE".to_owned());
        }
        Ok(Self { host, path: PathBuf::from(path) })
    }
}

/// Who is shown what.
pub(super) struct Tokens {
    of_hosts: Vec<(String, Token)>,
}

impl Tokens {
    pub(super) fn read(arguments: &SinkArguments, wanted: &[Wanted]) -> Result<Self, UserError> {
        let mut hosts: Vec<&str> =
            wanted.iter().filter_map(|it| it.place.as_ref()?.http_host()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let only = || match hosts.as_slice() {
            [host] => Ok((*host).to_owned()),
            _ => {
                let message = format!("a token is for one host, and alerts go to {}", hosts.len());
                let hint = "name its host: --to-token HOST=FILE";
                Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)))
            }
        };
        let mut of_hosts: Vec<(String, Token)> = Vec::new();
        for TokenFile { host, path } in &arguments.to_token {
            let host = host.clone().map_or_else(only, Ok)?;
            if !hosts.contains(&host.as_str()) {
                let message = format!("no alerts go to `{host}`, for which there is a token");
                return Err(UserError::new(ExitCode::Usage, message));
            }
            if of_hosts.iter().any(|(known, _)| *known == host) {
                let message = format!("there are two tokens for `{host}`");
                return Err(UserError::new(ExitCode::Usage, message).hint(Some("name one a host")));
            }
            let token = Token::read(path).map_err(|error| {
                UserError::new(ExitCode::Failed, format!("cannot use the token in {error}"))
            })?;
            of_hosts.push((host, token));
        }
        if let Some(text) = environment::sink_token().filter(|_| of_hosts.is_empty()) {
            let token = Token::parse(&text).ok_or_else(|| {
                let message = "LAZARET_TO_TOKEN is neither a token nor a header";
                UserError::new(ExitCode::Usage, message)
            })?;
            of_hosts.push((only()?, token));
        }
        Ok(Self { of_hosts })
    }

    /// A token is not shown where everybody can read it.
    pub(super) fn keep_from(&self, place: &Place) -> Result<(), UserError> {
        if self.of(place).is_none() {
            return Ok(());
        }
        let message = format!("a token for {} can be read by everybody on the way", place.name());
        Err(UserError::new(ExitCode::Usage, message).hint(Some("use https://")))
    }

    pub(super) fn of(&self, place: &Place) -> Option<Token> {
        let host = place.http_host()?;
        self.of_hosts.iter().find(|(known, _)| known == host).map(|(_, token)| token.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_a_host() {
        for (text, host, path) in [
            ("/run/token", None, "/run/token"),
            ("siem.example=/run/token", Some("siem.example"), "/run/token"),
            ("/run/a=b", None, "/run/a=b"),
        ] {
            let token: TokenFile = text.parse().unwrap();
            assert_eq!((token.host.as_deref(), token.path), (host, PathBuf::from(path)), "{text}");
        }
        assert!("host=".parse::<TokenFile>().is_err());
    }
}
