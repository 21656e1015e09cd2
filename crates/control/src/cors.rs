//! Other origins: a console that is served elsewhere may call this API from the browser, if its origin is on the list.
//! Tokens travel in a header, never in a cookie, so credentials are not asked for.

use actix_web::body::EitherBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, body::MessageBody, web};

use crate::Control;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const ASKED: &str = "authorization, content-type, if-match, if-none-match, traceparent";
const SHOWN: &str = "etag, retry-after";

/// Answers preflights of listed origins, and says on every answer to them that they may read it.
pub(crate) async fn allow<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let origin = request.headers().get(ORIGIN).cloned();
    let listed = request.app_data::<web::Data<Control>>().is_some_and(|control| {
        let text = origin.as_ref().and_then(|origin| origin.to_str().ok());
        text.is_some_and(|text| control.config.origins.iter().any(|allowed| allowed == text))
    });
    let origin = origin.filter(|_| listed);
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key("access-control-request-method")
        && origin.is_some();
    let mut response = if preflight {
        let (request, _) = request.into_parts();
        let mut answer = HttpResponse::NoContent();
        for (name, value) in [
            ("access-control-allow-methods", METHODS),
            ("access-control-allow-headers", ASKED),
            ("access-control-max-age", "600"),
        ] {
            answer.insert_header((name, value));
        }
        ServiceResponse::new(request, answer.finish()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    mark(response.headers_mut(), origin);
    Ok(response)
}

fn mark(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(HeaderName::from_static("access-control-allow-origin"), origin);
        headers.insert(HeaderName::from_static("access-control-expose-headers"), HeaderValue::from_static(SHOWN));
    }
}
