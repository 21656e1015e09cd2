//! The extractor: host, realm and bearer token name a tenant, or nobody. One indexed read, no cache (I4), which brings the
//! resource that is asked for with it.
//!
//! The wire only ever says 401; why is noted for the tenant's activity (W4).

use directory::ahead::Ahead;
use registry::provisioner::{Provisioner, Refusal};
use registry::{BearerToken, Db, TenantId, TokenShape};

use crate::ahead;
use crate::answer::Answer;
use crate::journal::Journal;
use crate::request::Request;

/// Why a request's credentials are refused, as the activity shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Duplicate,
    NoBearer,
    DoubledBearer,
    OtherScheme,
    Foreign,
    Damaged,
}

impl Fault {
    /// A name for metrics and the console.
    fn class(self) -> &'static str {
        match self {
            Self::Missing | Self::Duplicate | Self::OtherScheme => "unusable",
            Self::NoBearer => "no_bearer",
            Self::DoubledBearer => "doubled_bearer",
            Self::Foreign | Self::Damaged => "malformed",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no Authorization header",
            Self::Duplicate => "more than one Authorization header",
            Self::NoBearer => "no \"Bearer\" before the token",
            Self::DoubledBearer => "doubled \"Bearer\"",
            Self::OtherScheme => "another scheme than Bearer",
            Self::Foreign => "not a token of ours",
            Self::Damaged => "a damaged token: part of it is missing or mistyped",
        }
    }
}

/// Reads the token of a request.
pub(crate) fn token(authorization: &[String]) -> Result<BearerToken, Fault> {
    let header = match authorization {
        [] => return Err(Fault::Missing),
        [header] => header.trim(),
        _ => return Err(Fault::Duplicate),
    };
    let Some((scheme, rest)) = header.split_once(' ') else {
        return Err(if header.starts_with("kvs_") { Fault::NoBearer } else { Fault::OtherScheme });
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Fault::OtherScheme);
    }
    let rest = rest.trim();
    if rest.get(..7).is_some_and(|again| again.eq_ignore_ascii_case("bearer ")) {
        return Err(Fault::DoubledBearer);
    }
    BearerToken::parse(rest).map_err(|shape| match shape {
        TokenShape::Foreign => Fault::Foreign,
        TokenShape::Damaged => Fault::Damaged,
    })
}

/// Credentials that name nobody here.
pub(crate) struct Refused {
    /// Whose token it is or was, if anybody's.
    pub tenant: Option<TenantId>,
    /// A name for metrics.
    pub class: &'static str,
    /// Why, in words; the wire never says it.
    pub reason: String,
    /// The first of its kind in a while: to be told.
    pub news: bool,
}

/// Whose request it is. The outer error is an answer: tokens cannot be checked now.
pub(crate) async fn of(
    db: &Db,
    journal: &Journal,
    request: &Request,
) -> Result<Result<(Provisioner, Option<Ahead>), Refused>, Answer> {
    let unavailable = |error: registry::Error| {
        tracing::warn!(name = "inbound.tokens_unread", %error, "tokens cannot be checked");
        Answer::unavailable()
    };
    let mut refused = match token(&request.authorization) {
        Ok(token) => match resolve(db, &token, request).await.map_err(unavailable)? {
            Ok(found) => return Ok(Ok(found)),
            Err(refusal) => refused(refusal),
        },
        Err(fault) => Refused { tenant: None, class: fault.class(), reason: fault.as_str().to_owned(), news: false },
    };
    // Whom a token of nobody was meant for is asked only where it will be told (W4).
    let kind = format!("{} {} {}", request.host, request.realm, refused.class);
    refused.news = journal.news(&kind);
    if refused.news && refused.tenant.is_none() {
        refused.tenant = registry::tenant::at(db, &request.host, &request.realm).await.map_err(unavailable)?;
    }
    Ok(Err(refused))
}

async fn resolve(
    db: &Db,
    token: &BearerToken,
    request: &Request,
) -> Result<Result<(Provisioner, Option<Ahead>), Refusal>, registry::Error> {
    let (token, Request { host, realm, .. }) = (token.hash(), request);
    Ok(match ahead::sought(request) {
        Some(sought) => directory::ahead::resolve(db, token, host, realm, sought)
            .await?
            .map(|(provisioner, ahead)| (provisioner, Some(ahead))),
        None => registry::provisioner::resolve(db, token, host, realm).await?.map(|provisioner| (provisioner, None)),
    })
}

fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Unknown => {
            Refused { tenant: None, class: "unknown", reason: "an unknown token".to_owned(), news: false }
        }
        Refusal::Dead { tenant, why, at } => {
            let when = chrono::DateTime::from_timestamp_micros(at).unwrap_or_default().format("%Y-%m-%d %H:%M:%S UTC");
            let (class, reason) = match why.as_str() {
                "rotated" => ("rotated", format!("a token that was rotated at {when}")),
                "expired" => ("expired", format!("a token that expired at {when}")),
                _ => ("disabled", "inbound is disabled".to_owned()),
            };
            Refused { tenant: Some(tenant), class, reason, news: false }
        }
        Refusal::Elsewhere { tenant } => {
            let reason = "the token is of another host or realm".to_owned();
            Refused { tenant: Some(tenant), class: "elsewhere", reason, news: false }
        }
    }
}

pub(crate) fn chrono_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

pub(crate) fn unauthorized() -> Answer {
    scim::Error::plain(401, "the bearer token is missing or not valid here").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_classic_mistake_is_told_apart() {
        let good = BearerToken::generate().unwrap();
        let read = |header: &str| token(&[header.to_owned()]).map(drop);
        assert_eq!(token(&[]).unwrap_err(), Fault::Missing);
        assert_eq!(read(good.reveal()), Err(Fault::NoBearer));
        assert_eq!(read(&format!("Bearer Bearer {}", good.reveal())), Err(Fault::DoubledBearer));
        assert_eq!(read("Basic dXNlcjpwYXNz"), Err(Fault::OtherScheme));
        assert_eq!(read("Bearer "), Err(Fault::OtherScheme));
        assert_eq!(read("Bearer nonsense"), Err(Fault::Foreign));
        assert_eq!(read(&format!("bearer {}", good.reveal())), Ok(()));
        let twice = [format!("Bearer {}", good.reveal()), format!("Bearer {}", good.reveal())];
        assert_eq!(token(&twice).unwrap_err(), Fault::Duplicate);
    }
}
