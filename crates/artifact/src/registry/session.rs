//! The talk with one registry about one repository: which scheme it speaks, who we are to it, and
//! what its refusals mean.
//!
//! All requests to a registry go through [`Session::ask_url`]. A session must never show what was
//! granted by its registry to any other origin, nor answer what another origin asks for.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use model::{ImageRef, Problem};
use serde::Deserialize;
use ureq::http::{StatusCode, Uri};

use super::auth::{self, Grant};
use super::challenge;
use super::mirrors::Endpoint;
use crate::error::OpenErrorKind;
use crate::http::{
    Client, HttpErrorKind, Request, Response, Timing, Trust, host, origin, pauses, seed,
};
use crate::{Environment, OpenError, Options};

/// The explanation that comes with a refusal.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;
/// What of it is shown.
const REFUSAL_CHARS_SHOWN: usize = 200;

/// How often to ask.
#[derive(Clone, Copy)]
pub(super) enum Effort {
    /// Again, until patience ends.
    Persist,
    /// Once, because the caller counts the attempts.
    Once,
}

/// A registry, as one image sees it.
pub(super) struct Session {
    client: Client,
    environment: Environment,
    image: ImageRef,
    /// `https://HOST`, or `http://HOST` where that was asked for and nothing better is spoken.
    origin: String,
    standing: Mutex<Standing>,
}

/// What the registry has granted so far.
#[derive(Default)]
struct Standing {
    grant: Option<Grant>,
    /// Counts the grants, so that of several requests refused at once only one asks for another.
    generation: u32,
    problems: Vec<Problem>,
}

impl Session {
    /// Settles how to talk to the registry; asks it only where plain HTTP is a possibility.
    pub(super) fn begin(endpoint: Endpoint, options: &Options) -> Result<Self, OpenError> {
        let Endpoint { image, insecure } = endpoint;
        let address = match image.registry() {
            // The name that people use for Docker's registry is not where it answers.
            "docker.io" => "registry-1.docker.io".to_owned(),
            other => other.to_owned(),
        };
        let unchecked = if insecure { vec![address.clone()] } else { Vec::new() };
        let trust = Trust::new(&options.environment, &options.registry.authorities, unchecked);
        let timing = Timing::new(options.registry.patience);
        let client = Client::network(&options.environment, trust, timing, &options.stop);
        let scheme = if insecure { spoken(&client, &address)? } else { "https" };
        Ok(Self {
            client,
            environment: options.environment.clone(),
            image,
            origin: format!("{scheme}://{address}"),
            standing: Mutex::default(),
        })
    }

    /// The repository's full name, for messages.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.image.registry(), self.image.repository())
    }

    pub(super) fn registry(&self) -> &str {
        self.image.registry()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What was noticed while looking for credentials.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).problems.clone()
    }

    /// The URL of `path` in this repository.
    pub(super) fn url(&self, path: &str) -> Result<Uri, OpenError> {
        let text = format!("{}/v2/{}/{path}", self.origin, self.image.repository());
        text.parse().map_err(|why| {
            let message = format!("`{}` does not make a URL", self.name());
            OpenError::new(OpenErrorKind::Usage, message).because(why)
        })
    }

    /// Asks for `path` in this repository, with the login that the registry wants. What it
    /// answers may well be a refusal.
    pub(super) fn ask(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        effort: Effort,
    ) -> Result<Response, OpenError> {
        self.ask_url(&self.url(path)?, headers, effort)
    }

    /// Passes a success on; anything else becomes an error that says what was refused.
    pub(super) fn accept(&self, response: Response) -> Result<Response, OpenError> {
        if response.status.is_success() { Ok(response) } else { Err(self.refusal(response)) }
    }

    /// The same as `ask` for a whole URL; one that leaves the registry is refused.
    fn ask_url(
        &self,
        url: &Uri,
        headers: &[(&'static str, String)],
        effort: Effort,
    ) -> Result<Response, OpenError> {
        if !url.to_string().starts_with(&format!("{}/", self.origin)) {
            let message = format!("`{}` leads away to `{}`", self.name(), host(url));
            return Err(OpenError::new(OpenErrorKind::Network, message));
        }
        let mut request = Request::get(url.clone());
        request.headers.extend_from_slice(headers);
        let (generation, grant) = self.standing();
        request.authorization = grant.map(|grant| grant.header);
        let ask = |request: &Request| match effort {
            Effort::Persist => self.client.persist(request),
            Effort::Once => self.client.send(request),
        };
        let response = ask(&request)?;
        // Whoever is redirected to may want a login too. The user has none for it.
        if response.status != StatusCode::UNAUTHORIZED || !self.is_own(&response) {
            return Ok(response);
        }
        // No grant yet, or one that has expired.
        request.authorization = Some(self.renew(generation, &response)?.header);
        Ok(ask(&request)?)
    }

    /// Asks for a document and takes in all of it, with its headers; a connection that breaks is
    /// no reason to give up. `subject` is what the document is.
    pub(super) fn document(
        &self,
        url: &Uri,
        headers: &[(&'static str, String)],
        subject: &str,
        limit: u64,
    ) -> Result<(Vec<u8>, Response), OpenError> {
        let begun = Instant::now();
        let mut pauses = pauses(seed());
        loop {
            let response = self.ask_url(url, headers, Effort::Persist)?;
            let mut response = self.accept(response)?;
            let why = match response.body.all(limit) {
                Ok(Some(bytes)) => return Ok((bytes, response)),
                Ok(None) => {
                    let message =
                        format!("`{subject}` of `{}` has more than {limit} bytes", self.name());
                    return Err(OpenError::new(OpenErrorKind::Damaged, message));
                }
                Err(why) => why,
            };
            self.client.stop().check()?;
            match pauses.next() {
                Some(pause)
                    if begun.elapsed().saturating_add(pause) < self.client.patience()
                        && !self.client.is_tired() =>
                {
                    self.client.rest(pause)?;
                }
                _ => {
                    let message = format!("`{subject}` of `{}` was not received", self.name());
                    return Err(OpenError::new(OpenErrorKind::Network, message).because(why));
                }
            }
        }
    }

    /// Whether the registry itself has answered, and not somebody to whom it redirects.
    fn is_own(&self, response: &Response) -> bool {
        self.origin.parse().is_ok_and(|own| origin(&response.url) == origin(&own))
    }

    fn standing(&self) -> (u32, Option<Grant>) {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        (standing.generation, standing.grant.clone())
    }

    /// Answers the challenge in `refused`, unless another request has done so since
    /// `generation`.
    fn renew(&self, generation: u32, refused: &Response) -> Result<Grant, OpenError> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(grant)) = (standing.generation != generation, &standing.grant) {
            return Ok(grant.clone());
        }
        let headers = refused.headers.get_all("www-authenticate");
        let challenges: Vec<_> = headers
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(challenge::parse)
            .collect();
        let (grant, problems) =
            auth::answer(&challenges, &self.image, &refused.url, &self.client, &self.environment)?;
        standing.problems.extend(problems);
        standing.generation += 1;
        standing.grant = Some(grant.clone());
        Ok(grant)
    }

    /// Puts a status that is not a success into words.
    fn refusal(&self, mut response: Response) -> OpenError {
        let said = said(&mut response);
        let registry = self.image.registry();
        let name = &self.image;
        if matches!(response.status.as_u16(), 401 | 403) && !self.is_own(&response) {
            let place = host(&response.url);
            let message =
                format!("`{place}`, to which `{registry}` redirects, refuses access to `{name}`");
            let hint = format!("logins for `{registry}` are not shown there");
            return OpenError::new(OpenErrorKind::Unauthorized, message + &said).hint(hint);
        }
        match response.status.as_u16() {
            401 | 403 => {
                let message = format!("`{registry}` refuses access to `{name}`{said}");
                OpenError::new(OpenErrorKind::Unauthorized, message)
                    .hint(format!("it may not exist, or want a login: `docker login {registry}`"))
            }
            404 => OpenError::new(OpenErrorKind::NotFound, format!("`{name}` was not found{said}")),
            429 => {
                let wait = response
                    .retry_after()
                    .map_or_else(String::new, |wait| format!(" for another {} s", wait.as_secs()));
                let message = format!("`{registry}` limits requests{wait}{said}");
                OpenError::new(OpenErrorKind::Network, message)
                    .hint("a login often raises the limit")
            }
            status => {
                let message = format!("`{registry}` answers {status} for `{name}`{said}");
                OpenError::new(OpenErrorKind::Network, message)
            }
        }
    }
}

/// TLS where it is spoken, else plain HTTP: for registries that the user called insecure.
fn spoken(client: &Client, address: &str) -> Result<&'static str, OpenError> {
    let ping = |scheme: &str| {
        let url = format!("{scheme}://{address}/v2/").parse::<Uri>().map_err(|why| {
            let message = format!("`{address}` is not the address of a registry");
            OpenError::new(OpenErrorKind::Usage, message).because(why)
        })?;
        Ok::<_, OpenError>(client.send(&Request::get(url)))
    };
    match ping("https")? {
        Ok(_) => Ok("https"),
        Err(error) if error.error.kind() == OpenErrorKind::Interrupted => Err(error.into()),
        Err(error) => match ping("http")? {
            Ok(_) => Ok("http"),
            // What does not speak TLS failed to speak HTTP, too.
            Err(plain) if error.kind == HttpErrorKind::NotTls => Err(plain.into()),
            Err(_) => Err(error.into()),
        },
    }
}

/// What the registry says about its refusal (distribution spec, "Error Codes"), made fit to be
/// shown.
fn said(response: &mut Response) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let bytes = response.body.all(REFUSAL_BYTES_MAX).ok().flatten().unwrap_or_default();
    let refusal: Option<Refusal> = serde_json::from_slice(&bytes).ok();
    let Some(Reason { code, message }) = refusal.and_then(|it| it.errors.into_iter().next()) else {
        return String::new();
    };
    let text = if message.is_empty() { code } else { message };
    let shown = text.chars().filter(|c| !c.is_control()).take(REFUSAL_CHARS_SHOWN);
    format!(": it says “{}”", shown.collect::<String>())
}
