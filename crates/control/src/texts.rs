//! U+0000 in a text: PostgreSQL keeps none, so that it would look like an outage. It is refused before any handler sees it.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};

use crate::Problem;

/// Refuses a call with U+0000 in its path, its query or a text of its body.
pub(crate) async fn check<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let asked = request.uri().path_and_query().is_some_and(|asked| asked.as_str().contains("%00"));
    let refused = if asked {
        Some("U+0000 cannot be part of a path or of a parameter".to_owned())
    } else {
        match request.extract::<web::Bytes>().await {
            Ok(body) if holds_nul(&body) => Some("U+0000 cannot be part of a text in the body".to_owned()),
            Ok(body) => {
                // It was unpacked on the way here.
                request.headers_mut().remove(CONTENT_ENCODING);
                request.set_payload(body.into());
                None
            }
            Err(error) => Some(format!("the body is not what this endpoint takes: {error}")),
        }
    };
    match refused {
        Some(why) => Ok(request.into_response(Problem::Invalid(why).error_response()).map_into_right_body()),
        None => Ok(next.call(request).await?.map_into_left_body()),
    }
}

/// Whether a JSON text has it: only as an escape, since JSON takes no control characters as they are.
fn holds_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at + 1..];
        if escape.starts_with(b"u0000") {
            return true;
        }
        // An escaped backslash begins nothing.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_escape_itself_is_the_character() {
        for held in [r#"{"a":"\u0000"}"#, r#"["x\\\u0000"]"#, r#"{"\u0000":1}"#] {
            assert!(holds_nul(held.as_bytes()), "{held}");
        }
        for free in ["", "{}", r#"{"a":"\\u0000"}"#, r#"{"a":"\u0001 \n u0000"}"#, "\\"] {
            assert!(!holds_nul(free.as_bytes()), "{free}");
        }
    }
}
