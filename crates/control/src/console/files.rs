//! The console's files as the browser gets them: the page under a strict policy, hashed assets for ever, and the element
//! for any host page that names it. Without a bundle every path is a page that says how to build one.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, Encoding, EntityTag, Header, IfNoneMatch, REFERRER_POLICY, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::bundle::{File, HASHED, INDEX};
use crate::{Control, Problem};

const PLACEHOLDER: &str = include_str!("../../../../console/placeholder.html");
const PLACEHOLDER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Whatever lies under `/console/`: a file of the bundle, or the page, which finds its own way by the address.
pub(crate) async fn serve(request: HttpRequest, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let Some(bundle) = &control.config.console else { return Ok(placeholder()) };
    let path = request.path().strip_prefix("/console").unwrap_or_default().trim_start_matches('/');
    if let Some(file) = bundle.file(path).filter(|_| path != INDEX) {
        return Ok(answer(&request, path, file));
    }
    // Of an older build: the page under this name would be taken for a script.
    if path.starts_with(HASHED) {
        return Err(Problem::NotFound("file"));
    }
    let page = bundle.file(INDEX).ok_or(Problem::NotFound("file"))?;
    let mut response = hardened();
    response
        .insert_header((CONTENT_TYPE, page.content_type))
        .insert_header((CONTENT_SECURITY_POLICY, policy(&control.config.origins)))
        .insert_header((CACHE_CONTROL, "no-store"));
    Ok(encoded(&request, response, page))
}

/// Nothing but its own files and this API; framed only by the origins that may call the API from a page of theirs.
fn policy(origins: &[String]) -> String {
    let framed_by = if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
    )
}

fn answer(request: &HttpRequest, path: &str, file: &File) -> HttpResponse {
    let mut response = hardened();
    response.insert_header((CONTENT_TYPE, file.content_type));
    if path.starts_with(HASHED) {
        response.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
        return encoded(request, response, file);
    }
    // The element, the component and the manifest hold nothing secret: any host may load them, and asks each time, since
    // their names stay while their content changes.
    let tag = EntityTag::new_weak(file.tag.clone());
    response
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((ETAG, tag.to_string()))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    if known {
        return response.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    encoded(request, response, file)
}

fn hardened() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("x-content-type-options", "nosniff")).insert_header((REFERRER_POLICY, "no-referrer"));
    response
}

/// The body, compressed where the build did that and the browser takes it.
fn encoded(request: &HttpRequest, mut response: HttpResponseBuilder, file: &File) -> HttpResponse {
    let Some(gzip) = &file.gzip else { return response.body(file.content.clone()) };
    response.append_header((VARY, "accept-encoding"));
    let wanted = AcceptEncoding::parse(request).ok().filter(|_| request.headers().contains_key("accept-encoding"));
    let supported = [Encoding::gzip(), Encoding::identity()];
    if wanted.and_then(|accepted| accepted.negotiate(supported.iter())) == Some(Encoding::gzip()) {
        return response.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone());
    }
    response.body(file.content.clone())
}

fn placeholder() -> HttpResponse {
    hardened()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, PLACEHOLDER_POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(PLACEHOLDER)
}
