//! Who reads: an API key in a header, never in the URL.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use tidegate_admission::{Admission, Authenticator, Caller, Refusal};
use tidegate_agentping::{CredentialMistake, Plan, Scope, TeamId};

use crate::problem::Problem;
use crate::reads::Reads;

/// For proxies that strip `Authorization` (AgentPing: authentication).
const KEY_HEADER: HeaderName = HeaderName::from_static("x-agentping-key");

/// Tells who a credential belongs to: admission's first step, and all that reading needs of it.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// Judges a credential as presented (`None`: nothing was): its form, its region before any look-up, then whose
    /// it is.
    ///
    /// # Errors
    /// The [`Refusal`]s about credentials.
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal>;
}

#[async_trait]
impl Authenticate for Admission {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        Admission::authenticate(self, credential).await
    }
}

#[async_trait]
impl Authenticate for Authenticator {
    async fn authenticate(&self, credential: Option<&str>) -> Result<Caller, Refusal> {
        Authenticator::authenticate(self, credential).await
    }
}

/// A caller who may read all of its team. Only extracting makes one.
pub(crate) struct Reader {
    pub team: TeamId,
    pub plan: Plan,
}

impl FromRequestParts<Arc<Reads>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, reads: &Arc<Reads>) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let caller = reads.callers.authenticate(presented(headers)).await.map_err(|refusal| {
            Problem::Refused(match refusal {
                Refusal::CredentialMalformed { .. } => Refusal::CredentialMalformed { mistake: mistake(headers) },
                refusal => refusal,
            })
        })?;
        match caller.scope {
            Scope::Team => Ok(Reader { team: caller.team, plan: caller.plan }),
            Scope::Agent(_) => Err(Problem::TokenMayNotRead),
        }
    }
}

/// The credential sent: `Authorization` decides where present, even if it is a bad one (AgentPing: transports).
/// What cannot be a credential (another scheme, bytes that are no text, two that differ) is passed on as an empty,
/// malformed one.
fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = once(headers, &AUTHORIZATION) {
        let bearer = value.and_then(|text| text.split_once(' '));
        let credential = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return Some(credential.map_or("", |(_, credential)| credential.trim()));
    }
    once(headers, &KEY_HEADER).map(|value| value.map_or("", str::trim))
}

/// A header's text; `Some(None)` where it is no text, or came with different values.
fn once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(if values.all(|other| other == first) { first.to_str().ok() } else { None })
}

/// What was most likely done wrong where [`presented`] is no credential.
fn mistake(headers: &HeaderMap) -> CredentialMistake {
    type Judge = fn(&str) -> CredentialMistake;
    let judged = |name: &HeaderName, judge: Judge| {
        let unusable = || {
            let is_twice = headers.get_all(name).iter().count() > 1;
            if is_twice { CredentialMistake::SentTwice } else { CredentialMistake::Form }
        };
        once(headers, name).map(|value| value.map_or_else(unusable, judge))
    };
    judged(&AUTHORIZATION, CredentialMistake::of_authorization)
        .or_else(|| judged(&KEY_HEADER, CredentialMistake::of))
        .unwrap_or(CredentialMistake::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line = (&'static str, &'static str);

    fn headers(lines: &[Line]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_first_header_present_decides() {
        let cases: [(&[Line], Option<&str>); 10] = [
            (&[], None),
            (&[("authorization", "Bearer one")], Some("one")),
            (&[("authorization", "bEaReR   one ")], Some("one")),
            (&[("x-agentping-key", " two ")], Some("two")),
            (&[("authorization", "Bearer one"), ("x-agentping-key", "two")], Some("one")),
            (&[("authorization", "Basic one"), ("x-agentping-key", "two")], Some("")),
            (&[("authorization", "one")], Some("")),
            (&[("authorization", "Bearer \u{fc}")], Some("")),
            (&[("authorization", "Bearer one"), ("authorization", "Bearer two")], Some("")),
            (&[("authorization", "Bearer one"), ("authorization", "Bearer one")], Some("one")),
        ];
        for (lines, credential) in cases {
            assert_eq!(presented(&headers(lines)), credential, "{lines:?}");
        }
    }

    #[test]
    fn the_likeliest_mistake_is_named() {
        for (lines, mistake_made) in [
            (&[("authorization", "Basic one")][..], CredentialMistake::OtherScheme),
            (&[("authorization", "Bearer 'one'")], CredentialMistake::Quoted),
            (&[("authorization", "Bearer one"), ("authorization", "Bearer two")], CredentialMistake::SentTwice),
            (&[("x-agentping-key", "$KEY")], CredentialMistake::Variable),
            (&[("authorization", "Bearer \u{fc}")], CredentialMistake::Form),
        ] {
            assert_eq!(mistake(&headers(lines)), mistake_made, "{lines:?}");
        }
    }
}
