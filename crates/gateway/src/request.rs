//! A request as the rest of the gateway sees it: owned, canonical, free of the web framework.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use futures_util::StreamExt;
use scim::{Error, ScimType};
use serde_json::Value;

use crate::Config;
use crate::answer::Answer;
use crate::limits::Room;

/// What was asked.
pub(crate) struct Request {
    pub method: Method,
    /// Host without port, as the client named it.
    pub host: String,
    /// The realm in the path.
    pub realm: String,
    /// What follows the base URL, without empty segments.
    pub segments: Vec<String>,
    /// The query, decoded once.
    pub query: Vec<(String, String)>,
    /// Every `Authorization` header; more than one is refused.
    pub authorization: Vec<String>,
    /// What the resource has to be, and what it must not be: lists of entity tags (RFC 9110 §13.1).
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub content_type: Option<String>,
    /// How the body is packed, where that is said.
    pub content_encoding: Option<String>,
    /// The answer's media type.
    pub plain_json: bool,
    pub traceparent: Option<String>,
    pub user_agent: Option<String>,
}

impl Request {
    /// One operation of a bulk request, as if it had come alone.
    pub fn step(&self, method: Method, segments: Vec<String>) -> Self {
        Self {
            method,
            host: self.host.clone(),
            realm: self.realm.clone(),
            segments,
            query: Vec::new(),
            authorization: Vec::new(),
            if_match: None,
            if_none_match: None,
            content_type: None,
            content_encoding: None,
            plain_json: self.plain_json,
            traceparent: self.traceparent.clone(),
            user_agent: self.user_agent.clone(),
        }
    }

    /// Reads the head. The path is decoded and made canonical before anything is decided on it: empty segments go (some
    /// identity providers send `//Users`), encoded separators and dots are refused.
    pub fn read(http: &HttpRequest, config: &Config) -> Result<Self, Error> {
        let not_found = || Error::plain(404, "there is nothing here");
        let segments: Vec<String> = http
            .uri()
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect::<Option<_>>()
            .ok_or_else(not_found)?;
        let [realms, realm, scim, v2, rest @ ..] = segments.as_slice() else { return Err(not_found()) };
        if realms != "realms" || scim != "scim" {
            return Err(not_found());
        }
        if v2 != "v2" {
            let version = v2.strip_prefix('v').is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
            let unsupported = || Error::bad(ScimType::InvalidVers, "this service speaks v2");
            return Err(if version { unsupported() } else { not_found() });
        }
        let headers = http.headers();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let authorization =
            headers.get_all("authorization").map(|value| value.to_str().unwrap_or_default().to_owned()).collect();
        Ok(Self {
            method: http.method().clone(),
            host: host(http, headers, config),
            realm: realm.clone(),
            segments: rest.to_vec(),
            query: url::form_urlencoded::parse(http.query_string().as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            authorization,
            if_match: list(headers, "if-match"),
            if_none_match: list(headers, "if-none-match"),
            content_type: header("content-type"),
            content_encoding: list(headers, "content-encoding"),
            plain_json: wants_plain_json(list(headers, "accept").as_deref()),
            traceparent: header("traceparent"),
            user_agent: header("user-agent"),
        })
    }

    /// A query parameter by name, whatever its letter case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The host as the client named it. `X-Forwarded-Host` counts only from a configured proxy; `Forwarded` never does.
fn host(http: &HttpRequest, headers: &HeaderMap, config: &Config) -> String {
    let peer = http.peer_addr().map(|address| address.ip());
    let trusted = peer.is_some_and(|peer| config.trusted_proxies.iter().any(|network| network.contains(peer)));
    let forwarded = if trusted { headers.get("x-forwarded-host") } else { None };
    let named = forwarded.or_else(|| headers.get("host")).and_then(|value| value.to_str().ok());
    let named =
        named.or_else(|| http.uri().authority().map(actix_web::http::uri::Authority::as_str)).unwrap_or_default();
    let named = named.strip_suffix(":443").unwrap_or(named);
    named.to_lowercase()
}

/// A list that may come in several lines (RFC 9110 §5.3). One that cannot be read is there all the same: what it holds beyond
/// ASCII is nothing of ours.
fn list(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Percent-decodes a segment; `None` for encoded separators, dots, NUL and what is not UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let hostile = text.contains(['/', '\\', '\0']) || text == "." || text == "..";
    (!hostile).then_some(text)
}

/// A client that takes only `application/json` gets that; everybody else gets `application/scim+json`. What is named decides
/// before a range that holds it, and what has the weight nought is not taken (RFC 9110 §12.4.2, §12.5.1).
fn wants_plain_json(accept: Option<&str>) -> bool {
    let Some(accept) = accept else { return false };
    let named = |media: &str| {
        let of_it = |part: &&str| part.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(media));
        accept.split(',').filter(of_it).map(|part| !weighs_nothing(part)).reduce(|one, other| one || other)
    };
    let takes = |media| [media, "application/*", "*/*"].into_iter().find_map(named).unwrap_or(false);
    takes("application/json") && !takes("application/scim+json")
}

fn weighs_nothing(part: &str) -> bool {
    part.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).any(|(name, weight)| {
        name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
    })
}

/// Reads the body within its limits and parses it.
pub(crate) async fn body(
    request: &Request,
    mut payload: actix_web::web::Payload,
    config: &Config,
    room: &mut Room,
) -> Result<Value, Answer> {
    let media = request
        .content_type
        .as_deref()
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase());
    if !matches!(media.as_deref(), Some("application/scim+json" | "application/json")) {
        return Err(Error::plain(415, "send application/scim+json or application/json").into());
    }
    // Whoever says how a body is packed is believed, and nothing is unpacked here.
    let packed = request.content_encoding.as_deref().unwrap_or_default().split(',').map(str::trim);
    if packed.filter(|coding| !coding.is_empty()).any(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Answer::packed());
    }
    let mut bytes = Vec::new();
    let read = async {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Error::bad(ScimType::InvalidSyntax, "the body could not be read"))?;
            if bytes.len() + chunk.len() > config.max_body {
                let detail = format!("the body is larger than {} bytes", config.max_body);
                return Err(Answer::from(Error::plain(413, detail)));
            }
            if !room.take(chunk.len()) {
                return Err(Answer::too_many(1));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    match tokio::time::timeout(config.body_within, read).await {
        Ok(read) => read?,
        Err(_) => return Err(Error::plain(408, "the body did not arrive in time").into()),
    }
    Ok(scim::json::parse(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_separators_and_dots_are_no_path() {
        for hostile in ["%2f", "a%5Cb", "%00", "%2e%2e", "..", "%", "%zz", "%ff"] {
            assert_eq!(decode(hostile), None, "{hostile}");
        }
        assert_eq!(decode("urn%3Aietf").as_deref(), Some("urn:ietf"));
    }

    #[test]
    fn a_header_in_several_lines_is_one_list_and_one_that_cannot_be_read_is_there() {
        let mut headers = HeaderMap::new();
        assert_eq!(list(&headers, "if-match"), None);
        for line in [&b"\"1\""[..], b"\"\xff\""] {
            let value = actix_web::http::header::HeaderValue::from_bytes(line).unwrap();
            headers.append(actix_web::http::header::IF_MATCH, value);
        }
        assert_eq!(list(&headers, "if-match").as_deref(), Some("\"1\",\"\u{fffd}\""));
    }

    #[test]
    fn only_who_insists_gets_plain_json() {
        assert!(wants_plain_json(Some("application/json")));
        assert!(!wants_plain_json(Some("application/scim+json; charset=utf-8")));
        assert!(!wants_plain_json(Some("application/json;q=0.5, */*;q=0.1")));
        assert!(!wants_plain_json(None));
        for taken in ["application/json, application/scim+json;q=0", "*/*, application/scim+json; Q=0.000"] {
            assert!(wants_plain_json(Some(taken)), "{taken}");
        }
        for not in [
            "application/json;q=0",
            "application/json;q=0, */*",
            "application/json, */*",
            "application/json;q=0.001, */*",
        ] {
            assert!(!wants_plain_json(Some(not)), "{not}");
        }
    }
}
