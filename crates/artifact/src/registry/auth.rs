//! From a challenge to what answers it: a Basic header, or a token from the token server.
//!
//! The protocols are RFC 7617 and the distribution project's "Token Authentication" and "OAuth2
//! Token Authentication". Credentials go to the registry they belong to, and to the token server
//! that this registry names, and nowhere else; never in plain HTTP, unless the registry itself is
//! spoken to so.

use model::{ImageRef, Problem};
use serde::Deserialize;
use ureq::http::Uri;
use ureq::http::uri::InvalidUri;

use super::challenge::{Bearer, Challenge};
use super::credentials::{self, Credential};
use crate::error::OpenErrorKind;
use crate::http::{Client, Request, Secret, host};
use crate::{Environment, OpenError};

/// Tokens with long lists of rights take a few KiB.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// By which a token server knows this program.
const CLIENT: &str = "lazaret";

/// What is shown to the registry from now on.
#[derive(Clone)]
pub(super) struct Grant {
    /// The value of the `Authorization` header.
    pub(super) header: Secret,
}

/// Answers one of `challenges`, which came from `url` when asked for `image`.
pub(super) fn answer(
    challenges: &[Challenge],
    image: &ImageRef,
    url: &Uri,
    client: &Client,
    environment: &Environment,
) -> Result<(Grant, Vec<Problem>), OpenError> {
    let (credential, problems) = credentials::find(image, environment, client.stop());
    let bearer = challenges.iter().find_map(|challenge| match challenge {
        Challenge::Bearer(bearer) => Some(bearer),
        Challenge::Basic => None,
    });
    let header = match (bearer, &credential) {
        (Some(bearer), credential) => {
            let refused = |error: OpenError| match (error.kind(), problems.first()) {
                // Why there is no login, where one is wanted.
                (OpenErrorKind::Unauthorized, Some(problem)) if credential.is_none() => {
                    error.hint(problem.to_string())
                }
                _ => error,
            };
            token(bearer, image, url, credential.as_ref(), client).map_err(refused)?
        }
        (None, Some(credential)) if challenges.contains(&Challenge::Basic) => {
            credential.basic().ok_or_else(|| wants_login(image, &problems))?
        }
        _ => return Err(wants_login(image, &problems)),
    };
    Ok((Grant { header }, problems))
}

fn wants_login(image: &ImageRef, problems: &[Problem]) -> OpenError {
    let registry = image.registry();
    let message = format!("`{registry}` wants a login for `{image}`");
    let error = OpenError::new(OpenErrorKind::Unauthorized, message);
    match problems.first() {
        Some(problem) => error.hint(problem.to_string()),
        None => error
            .hint(format!("log in with `docker login {registry}` or `podman login {registry}`")),
    }
}

/// Asks the token server that `bearer` names for the right to pull.
fn token(
    bearer: &Bearer,
    image: &ImageRef,
    url: &Uri,
    credential: Option<&Credential>,
    client: &Client,
) -> Result<Secret, OpenError> {
    if let Some(Credential::Registry(token)) = credential {
        return Ok(header(token.reveal()));
    }
    let realm = realm(bearer, image, url)?;
    let pull = format!("repository:{}:pull", image.repository());
    let scope = bearer.scope.as_deref().unwrap_or(&pull);
    let mut fields = vec![("scope", scope)];
    if let Some(service) = &bearer.service {
        fields.push(("service", service));
    }
    let request = match credential {
        Some(Credential::Identity(token)) => {
            fields.extend([
                ("grant_type", "refresh_token"),
                ("client_id", CLIENT),
                ("refresh_token", token.reveal()),
            ]);
            let form = Some(Secret::new(urlencoded(&fields)));
            Request { form, ..Request::get(realm.clone()) }
        }
        _ => {
            let joint = if realm.query().is_some() { '&' } else { '?' };
            let asked = format!("{realm}{joint}{}", urlencoded(&fields)).parse();
            let authorization = credential.and_then(Credential::basic);
            Request {
                authorization,
                ..Request::get(asked.map_err(|why| no_realm(image, &realm, why))?)
            }
        }
    };
    receive(&request, image, credential.is_some(), client)
}

/// The address of the token server, if credentials may go there.
fn realm(bearer: &Bearer, image: &ImageRef, url: &Uri) -> Result<Uri, OpenError> {
    let registry = image.registry();
    let unusable = || {
        let message = format!("`{registry}` names no usable place to get a token");
        OpenError::new(OpenErrorKind::Network, message)
    };
    let realm: Uri = bearer.realm.parse().map_err(|why: InvalidUri| unusable().because(why))?;
    let authority = realm.authority().ok_or_else(unusable)?;
    match realm.scheme_str() {
        _ if authority.as_str().contains('@') => Err(unusable()),
        Some("https") => Ok(realm),
        Some("http") if url.scheme_str() == Some("http") => Ok(realm),
        Some("http") => {
            let message = format!(
                "`{registry}` wants a login in plain HTTP at `{authority}`, which is refused"
            );
            Err(OpenError::new(OpenErrorKind::Unauthorized, message))
        }
        _ => Err(unusable()),
    }
}

fn no_realm(image: &ImageRef, realm: &Uri, why: InvalidUri) -> OpenError {
    let message = format!("`{}` cannot be asked for a token for `{image}`", host(realm));
    OpenError::new(OpenErrorKind::Network, message).because(why)
}

fn receive(
    request: &Request,
    image: &ImageRef,
    logged_in: bool,
    client: &Client,
) -> Result<Secret, OpenError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        token: String,
        /// The OAuth2 name of the same thing.
        #[serde(default)]
        access_token: String,
    }
    let mut response = client.persist(request)?;
    let place = host(&request.url);
    match response.status.as_u16() {
        200 => {}
        400 | 401 | 403 => {
            let registry = image.registry();
            let message = format!("`{place}` grants no token for `{image}`");
            let error = OpenError::new(OpenErrorKind::Unauthorized, message);
            return Err(error.hint(if logged_in {
                format!(
                    "the login kept for `{registry}` may be out of date: `docker login {registry}`"
                )
            } else {
                format!("it may want a login: `docker login {registry}`")
            }));
        }
        status => {
            let message = format!("`{place}` answers {status} when asked for a token");
            return Err(OpenError::new(OpenErrorKind::Network, message));
        }
    }
    let bytes = response.body.all(ANSWER_BYTES_MAX).ok().flatten().unwrap_or_default();
    client.stop().check()?;
    let answer: Option<Answer> = serde_json::from_slice(&bytes).ok();
    match answer.map(|Answer { token, access_token }| (token, access_token)) {
        Some((token, _)) if !token.is_empty() => Ok(header(&token)),
        Some((_, token)) if !token.is_empty() => Ok(header(&token)),
        _ => {
            let message = format!("`{place}` was asked for a token and sent none");
            Err(OpenError::new(OpenErrorKind::Network, message))
        }
    }
}

fn header(token: &str) -> Secret {
    Secret::new(format!("Bearer {token}"))
}

/// `application/x-www-form-urlencoded` (WHATWG URL, section 5.2), on the safe side: everything
/// but RFC 3986's unreserved characters is escaped.
fn urlencoded(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect::<String>()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_no_plain_and_no_odd_realm() {
        let image: ImageRef = "r.example/team/app".parse().expect("a name");
        let cases = [
            ("https://auth.example/token", "https://r.example/v2/", true),
            ("https://auth.example/token", "http://r.example/v2/", true),
            ("http://auth.example/token", "http://r.example/v2/", true),
            ("http://auth.example/token", "https://r.example/v2/", false),
            ("https://user:pw@auth.example/token", "https://r.example/v2/", false),
            ("ftp://auth.example/token", "https://r.example/v2/", false),
            ("/token", "https://r.example/v2/", false),
            ("", "https://r.example/v2/", false),
        ];
        for (text, url, expected) in cases {
            let bearer = Bearer { realm: text.to_owned(), ..Bearer::default() };
            let url = url.parse().expect("a URL");
            assert_eq!(realm(&bearer, &image, &url).is_ok(), expected, "{text} {url}");
        }
    }

    #[test]
    fn fields_are_escaped() {
        let fields = [("scope", "repository:a/b:pull"), ("service", "r & s=ä")];
        assert_eq!(
            urlencoded(&fields),
            "scope=repository%3Aa%2Fb%3Apull&service=r%20%26%20s%3D%C3%A4"
        );
    }
}
