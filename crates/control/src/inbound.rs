//! Inbound on, rotate, off. The token is in one answer and in no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use directory::{ledger, watch};
use registry::option::{self, Options};
use registry::tenant::Tenant;
use registry::{BearerToken, Db, TenantId, inbound_token};
use scim::path::AttributePath;
use scim::schema::{GROUP, Schema, USER};
use serde::{Deserialize, Serialize};

use crate::if_match::IfMatch;
use crate::operator::Writer;
use crate::{Control, Problem, Realms};

/// A fresh token: shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Revealed {
    /// The bearer token. No later call returns it.
    token: String,
    /// Its last four characters.
    hint: String,
    /// The SCIM base URL.
    base_url: String,
    /// The configuration's version afterwards, for the next `If-Match`.
    version: i64,
}

impl Revealed {
    /// Of a tenant as it was read before: between the commit and this answer nothing may fail, since the token is nowhere else.
    fn answer(token: &BearerToken, tenant: &Tenant, version: i64) -> HttpResponse {
        HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Self {
            token: token.reveal().to_owned(),
            hint: token.hint(),
            base_url: tenant.scim_base_url(),
            version,
        })
    }
}

/// Enable inbound SCIM: sets the realm up and mints a token.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/inbound/enable", tag = "inbound", params(("tenant" = String, Path)),
    responses((status = 200, body = Revealed), (status = 409)), security(("bearer" = [])))]
pub(crate) async fn enable(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let token = BearerToken::generate().map_err(|_| Problem::Internal)?;
    let (deps, minted, Writer { tenant, actor }) = (control.deps.clone(), token.clone(), writer);
    let done = control.run(async move {
        deps.realms.provision(&tenant).await?;
        let version = accept(&deps.db, tenant.id, &minted, &actor).await?;
        Ok((tenant, version))
    });
    let (tenant, version) = done.await?;
    Ok(Revealed::answer(&token, &tenant, version))
}

/// Has a tenant's realm, which is set up, take requests with a fresh token; says the configuration's version afterwards.
pub async fn accept(db: &Db, tenant: TenantId, token: &BearerToken, actor: &str) -> Result<i64, Problem> {
    let transaction = db.begin().await?;
    let outcome: Result<i64, Problem> = async {
        let version = inbound_token::enable_in(&transaction, tenant, token, actor).await?;
        // Who carries the realm role already is taken in, by the dispatcher (W8).
        watch::want_import(&transaction, tenant).await?;
        Ok(version)
    }
    .await;
    directory::finish(transaction, outcome).await
}

/// Rotate the token: the previous one is dead when this answers.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/inbound/rotate", tag = "inbound",
    params(("tenant" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Revealed), (status = 412)), security(("bearer" = [])))]
pub(crate) async fn rotate(
    writer: Writer,
    IfMatch(version): IfMatch,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let token = BearerToken::generate().map_err(|_| Problem::Internal)?;
    let (db, minted, Writer { tenant, actor }) = (control.deps.db.clone(), token.clone(), writer);
    let done = control.run(async move {
        let version = inbound_token::rotate(&db, tenant.id, &minted, version, &actor).await?;
        Ok((tenant, version))
    });
    let (tenant, version) = done.await?;
    Ok(Revealed::answer(&token, &tenant, version))
}

/// Disable inbound SCIM: 401 on every request from now on.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/inbound/disable", tag = "inbound", params(("tenant" = String, Path)),
    responses((status = 204)), security(("bearer" = [])))]
pub(crate) async fn disable(writer: Writer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let deps = control.deps.clone();
    let done = control.run(async move {
        inbound_token::disable(&deps.db, writer.tenant.id, &writer.actor).await?;
        deps.realms.try_stand_down(&writer.tenant).await;
        Ok(())
    });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Inbound settings; what is left out gets its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InboundOptions {
    /// Whose requests they are. Every dialect is taken whatever this says; `entra` lets `replace` make what is not there.
    #[schema(value_type = IdpProfile)]
    idp_profile: String,
    /// An unknown member id is an error, not skipped.
    strict_members: bool,
    /// What becomes of a realm user of the same name that SCIM does not manage.
    #[schema(value_type = ExistingUsers)]
    existing_users: String,
    /// The identity provider may rename users.
    allow_rename: bool,
    /// The realm takes userNames of any script and characters: its own rule is lifted. A stock realm takes Latin letters only.
    any_username: bool,
    /// Days until a token expires; none by default.
    token_days: Option<i64>,
    /// Requests per second; none means the default, never under 25.
    requests_per_second: Option<i64>,
    /// Schema extensions of the tenant's own; those there are stay where this is left out.
    extensions: Option<Vec<Extension>>,
    /// Further attributes to keep in the realm's profile, SCIM path to realm attribute; likewise.
    projection: Option<BTreeMap<String, String>>,
}

/// Identity providers whose dialects are known.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
pub(crate) enum IdpProfile {
    Auto,
    Okta,
    Entra,
    Generic,
}

/// Whether a realm user of the same name is taken over.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a column, for the document")]
pub(crate) enum ExistingUsers {
    Refuse,
    Adopt,
}

/// A schema extension of a tenant.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// `User` or `Group`.
    resource: String,
    /// The schema in the form of RFC 7643 §7: `id`, `name`, `attributes`.
    #[schema(value_type = Object)]
    schema: serde_json::Value,
}

/// Attribute names Keycloak keeps for itself, or we do.
const RESERVED: [&str; 6] = ["username", "email", "firstName", "lastName", "scimExternalId", "scimManaged"];

/// The projection as it is stored, if there is any. Paths are of users, attributes new to the realm's profile.
fn projection(wanted: &BTreeMap<String, String>, extensions: Option<&str>) -> Result<Option<String>, Problem> {
    let fault = |reason: String| Problem::Field { field: "projection", reason };
    if wanted.len() > 20 {
        return Err(fault("20 attributes at most".to_owned()));
    }
    let own: Vec<Extension> = extensions.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let schemas = own.iter().filter(|extension| extension.resource == "User");
    let schemas: Vec<Arc<Schema>> =
        schemas.filter_map(|extension| Schema::extension(&extension.schema).ok().map(Arc::new)).collect();
    let user = USER.extended(schemas).map_err(|error| fault(error.detail))?;
    for (path, attribute) in wanted {
        if AttributePath::resolve(&user, path).is_none_or(|path| path.compared().is_none()) {
            return Err(fault(format!("{path} is no attribute of a user")));
        }
        let plain = attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !plain || attribute.is_empty() || attribute.len() > 60 || RESERVED.contains(&attribute.as_str()) {
            return Err(fault(format!("{path} cannot be kept under that name")));
        }
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(wanted).map(Some).map_err(|_| Problem::Internal)
}

/// Extensions as they are stored, if there are any; the first that cannot be used is the fault.
fn checked(extensions: &[Extension]) -> Result<Option<String>, Problem> {
    let fault = |reason: String| Problem::Field { field: "extensions", reason };
    for (name, standard) in [("User", &*USER), ("Group", &*GROUP)] {
        let mine = extensions.iter().filter(|extension| extension.resource == name);
        let schemas: Result<Vec<Arc<Schema>>, _> =
            mine.map(|extension| Schema::extension(&extension.schema).map(Arc::new)).collect();
        schemas.and_then(|schemas| standard.extended(schemas)).map_err(|error| fault(error.detail))?;
    }
    if extensions.iter().any(|extension| !["User", "Group"].contains(&extension.resource.as_str())) {
        return Err(fault("resource is User or Group".to_owned()));
    }
    if extensions.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(extensions).map(Some).map_err(|_| Problem::Internal)
}

impl Default for InboundOptions {
    fn default() -> Self {
        Self::plain(Options::default())
    }
}

impl InboundOptions {
    /// Without what is stored as text.
    fn plain(held: Options) -> Self {
        Self {
            idp_profile: held.idp_profile,
            strict_members: held.strict_members,
            existing_users: held.existing_users,
            allow_rename: held.allow_rename,
            any_username: held.any_username,
            token_days: held.token_days,
            requests_per_second: held.requests_per_second,
            extensions: None,
            projection: None,
        }
    }

    /// As they are stored.
    pub(crate) fn of(held: Options) -> Result<Self, Problem> {
        let read = |_| Problem::Internal;
        let extensions = held.extensions.as_deref().map(serde_json::from_str).transpose().map_err(read)?;
        let projection = held.projection.as_deref().map(serde_json::from_str).transpose().map_err(read)?;
        Ok(Self { extensions, projection, ..Self::plain(held) })
    }

    /// Whether storing these would change nothing.
    pub(crate) fn is_held(&self, held: &Self) -> bool {
        let mut wanted = self.clone();
        wanted.extensions = wanted.extensions.or_else(|| held.extensions.clone());
        wanted.projection = wanted.projection.or_else(|| held.projection.clone());
        wanted == *held
    }

    /// Stores them for a tenant, once they are found to be usable; of a version, only while it is the newest.
    pub(crate) async fn store(
        self,
        db: &Db,
        realms: &dyn Realms,
        tenant: &Tenant,
        version: Option<i64>,
        actor: &str,
    ) -> Result<(), Problem> {
        self.check()?;
        let extensions = self.extensions.as_deref().map(checked).transpose()?;
        let held = option::of(db, tenant.id).await?;
        let remapped = self.projection.is_some() || (held.projection.is_some() && extensions.is_some());
        let extensions = extensions.unwrap_or(held.extensions);
        let projection = match self.projection {
            Some(wanted) => projection(&wanted, extensions.as_deref())?,
            None => held.projection,
        };
        let options = Options {
            extensions,
            projection,
            idp_profile: self.idp_profile,
            strict_members: self.strict_members,
            existing_users: self.existing_users,
            allow_rename: self.allow_rename,
            any_username: self.any_username,
            token_days: self.token_days,
            requests_per_second: self.requests_per_second,
        };
        if version.is_some_and(|version| version != tenant.version) {
            return Err(Problem::Stale);
        }
        // Order: the realm's profile knows the attributes before the first of them can be written, and what the realm refuses
        // is not stored.
        let followed = watch::is_needed(db, tenant.id).await?;
        if followed && (options.projection.is_some() || options.any_username) {
            realms.prepare(tenant, &options).await?;
        }
        option::set(db, tenant.id, &options, version, actor).await?;
        if !followed {
            return Ok(());
        }
        // Asked for again after a failure, it is done again: whoever is there gets the attributes, both ways.
        if remapped {
            ledger::mark_managed(db.connection(), tenant.id, false).await?;
            watch::want_compare(db, tenant.id).await?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Problem> {
        let one_of = |field: &'static str, value: &str, values: &[&str]| {
            let reason = format!("one of {}", values.join(", "));
            if values.contains(&value) { Ok(()) } else { Err(Problem::Field { field, reason }) }
        };
        one_of("idp_profile", &self.idp_profile, &["auto", "okta", "entra", "generic"])?;
        one_of("existing_users", &self.existing_users, &["refuse", "adopt"])?;
        if self.token_days.is_some_and(|days| !(1..=3650).contains(&days)) {
            return Err(Problem::Field { field: "token_days", reason: "1 to 3650".to_owned() });
        }
        if self.requests_per_second.is_some_and(|rate| !(25..=10_000).contains(&rate)) {
            return Err(Problem::Field { field: "requests_per_second", reason: "25 to 10000".to_owned() });
        }
        Ok(())
    }
}

/// Replace a tenant's inbound settings.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/inbound/options", tag = "inbound",
    params(("tenant" = String, Path), ("If-Match" = Option<String>, Header)), request_body = InboundOptions,
    responses((status = 204), (status = 412)), security(("bearer" = [])))]
pub(crate) async fn options(
    writer: Writer,
    IfMatch(version): IfMatch,
    body: web::Json<InboundOptions>,
    control: web::Data<Control>,
) -> Result<HttpResponse, Problem> {
    let (deps, body) = (control.deps.clone(), body.into_inner());
    let done = control.run(async move {
        let Writer { tenant, actor } = writer;
        body.store(&deps.db, &*deps.realms, &tenant, version, &actor).await
    });
    done.await?;
    Ok(HttpResponse::NoContent().finish())
}
