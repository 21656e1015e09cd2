//! Rights as arguments: who an operator is, and the tenant the request may touch.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use registry::tenant::Tenant;

use crate::jwks::Claims;
use crate::{Control, Problem};

/// May see a tenant's sync.
pub(crate) struct Reader(pub Tenant);

/// May see what a tenant is: whoever may see its sync, and whoever makes tenants.
pub(crate) struct Viewer(pub Tenant);

/// May change a tenant's sync.
pub(crate) struct Writer {
    pub tenant: Tenant,
    pub actor: String,
}

/// May edit the people of a tenant's realm.
pub(crate) struct RealmWriter {
    pub tenant: Tenant,
    pub actor: String,
}

/// May make and remove tenants: Kevra's own deployment system.
pub(crate) struct TenantsAdmin {
    pub actor: String,
}

/// May list tenants: all of them, or the one of the token.
pub(crate) struct Lister {
    pub only: Option<String>,
}

/// A token that is good, whatever its rights.
pub(crate) struct Bearer(pub String);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { tenant(&request, &["sync:read"]).await.map(|(tenant, _)| Self(tenant)) })
    }
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (tenant, _) = tenant(&request, &["sync:read", "tenants:admin"]).await?;
            Ok(Self(tenant))
        })
    }
}

impl FromRequest for Writer {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (tenant, claims) = tenant(&request, &["sync:write"]).await?;
            Ok(Self { tenant, actor: claims.sub })
        })
    }
}

impl FromRequest for RealmWriter {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (tenant, claims) = tenant(&request, &["realm:write"]).await?;
            Ok(Self { tenant, actor: claims.sub })
        })
    }
}

impl FromRequest for TenantsAdmin {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let claims = claims(&request).await?;
            // Scope without reach is not enough: this right goes over all tenants.
            if claims.grants("tenants:admin") && claims.tenant == "*" {
                Ok(Self { actor: claims.sub })
            } else {
                Err(Problem::Forbidden("tenants:admin"))
            }
        })
    }
}

impl FromRequest for Bearer {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            claims(&request).await?;
            bearer(&request).map(|token| Self(token.to_owned()))
        })
    }
}

impl FromRequest for Lister {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let claims = claims(&request).await?;
            if !claims.grants("sync:read") && !claims.grants("tenants:admin") {
                return Err(Problem::Forbidden("sync:read"));
            }
            Ok(Self { only: (claims.tenant != "*").then_some(claims.tenant) })
        })
    }
}

/// The tenant in the path, if the token reaches it with one of some scopes; another's looks like none.
async fn tenant(request: &HttpRequest, scopes: &[&'static str]) -> Result<(Tenant, Claims), Problem> {
    let claims = claims(request).await?;
    let slug = request.match_info().get("tenant").unwrap_or_default().to_owned();
    if claims.tenant != "*" && claims.tenant != slug {
        return Err(Problem::NotFound("tenant"));
    }
    if !scopes.iter().any(|scope| claims.grants(scope)) {
        return Err(Problem::Forbidden(scopes.first().copied().unwrap_or_default()));
    }
    let control = control(request)?;
    let db = control.deps.db.clone();
    let found = control.deps.runtime.spawn(async move { registry::tenant::by_slug(&db, &slug).await });
    let tenant = found.await.map_err(|_| Problem::Internal)??;
    Ok((tenant, claims))
}

fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let headers: Vec<_> = request.headers().get_all("authorization").collect();
    let [header] = headers.as_slice() else { return Err(Problem::Unauthorized) };
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Problem::Unauthorized)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::Unauthorized);
    }
    Ok(token.trim())
}

async fn claims(request: &HttpRequest) -> Result<Claims, Problem> {
    let verifier = control(request)?.deps.verifier.clone();
    let token = bearer(request)?.to_owned();
    let verified = control(request)?.deps.runtime.spawn(async move { verifier.verify(&token).await });
    verified.await.map_err(|_| Problem::Internal)?
}

fn control(request: &HttpRequest) -> Result<&web::Data<Control>, Problem> {
    request.app_data::<web::Data<Control>>().ok_or(Problem::Internal)
}
